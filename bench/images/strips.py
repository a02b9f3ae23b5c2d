"""One photo of several digits: a strip, a column or several lines, cut into digits in order."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.images.components import Marks, label_marks
from bench.images.exact import length, total
from bench.images.findings import Fault, fault
from bench.images.ink import Float, Mask
from bench.images.looks import look_at_box
from bench.images.normalise import mnist_frame
from bench.images.preprocess import Photo, Preprocessed, preprocess, scale_photo
from bench.images.preprocess_options import PreprocessOptions
from bench.images.segment import Ink, cut_out, read_ink, stroke_mask

__all__ = ["Strip", "segment_strip"]

_WORK_SIDE: Final = 1000
_MOST_MARKS: Final = 150
# Heights of digits by one hand on one page, as shares of the usual one.
_SHORTEST: Final = 0.45
_TALLEST: Final = 2.2
_WIDEST: Final = 1.45

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The digits of a photo, line by line from the top, each line from the left.

    A digit's ``box`` is in shares of the photo's sides. ``faults`` are those of the whole photo.
    """

    lines: tuple[tuple[Preprocessed, ...], ...]
    faults: tuple[Fault, ...] = ()

    @property
    def digits(self) -> tuple[Preprocessed, ...]:
        """All digits in reading order."""
        return tuple(digit for line in self.lines for digit in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    ink: Ink
    alpha: Float
    marks: Marks
    groups: tuple[frozenset[int], ...]
    score: float


def segment_strip(photo: Photo, options: PreprocessOptions | None = None) -> Strip:
    """Return the digits of a photo of several digits.

    Parameters
    ----------
    photo : ndarray of shape (height, width) or (height, width, 3), uint8
    options : PreprocessOptions
        As for `bench.images.preprocess.preprocess`; in modes other than ``auto`` the digits are
        still found as in ``auto``, then cut out of the photo and treated in that mode.
    """
    options = options or PreprocessOptions()
    longer = max(photo.shape[:2])
    page = photo if longer <= _WORK_SIDE else scale_photo(photo, _WORK_SIDE)
    readings = [found for ink in read_ink(page, options) if (found := _read(ink)) is not None]
    if not readings:
        return Strip(lines=(), faults=(fault("blank"),))
    best = max(readings, key=lambda reading: reading.score)
    pieces = [piece for group in best.groups for piece in _split_touching(best, group)]
    lines = _in_lines([_box_of(mask) for mask in pieces])
    shown = tuple(tuple(_picture(best, pieces[i], photo, options) for i in line) for line in lines)
    faults = []
    if best.ink.polarity_certainty < 0.75:
        faults.append(fault("polarity-uncertain"))
    if best.ink.n_lines > 2:
        faults.append(fault("ruled-paper"))
    return Strip(lines=shown, faults=tuple(faults))


def _read(ink: Ink) -> _Page | None:
    """Find the level at which the page has the most ink in marks of one size, then its strokes."""
    lowest = max(4 * ink.noise, 0.03)
    highest = max(0.6 * float(np.percentile(ink.strength[::2, ::2], 99.9)), lowest * 1.01)
    best: tuple[float, Marks, npt.NDArray[np.intp]] | None = None
    threshold = lowest
    while threshold < highest:
        marks = label_marks(ink.strength > threshold, ink.strength, keep=_MOST_MARKS)
        mains, score = _of_one_size(marks)
        if len(mains) and (best is None or score > best[0]):
            best = score, marks, mains
        threshold *= 1.7
    if best is None:
        return None
    score, marks, mains = best
    level, stroke = float(np.median(marks.level[mains])), float(np.median(marks.stroke[mains]))
    alpha = stroke_mask(ink, level, stroke)
    marks = label_marks(alpha >= 0.5, ink.strength, keep=_MOST_MARKS)
    mains, _ = _of_one_size(marks)
    if not len(mains):
        return None
    return _Page(ink=ink, alpha=alpha, marks=marks, groups=_groups(marks, mains), score=score)


def _heights(marks: Marks) -> npt.NDArray[np.float64]:
    return (marks.boxes[:, 2] - marks.boxes[:, 0]).astype(np.float64)


def _of_one_size(marks: Marks) -> tuple[npt.NDArray[np.intp], float]:
    """Return the marks that may be whole digits of one hand, and how much ink they are."""
    heights, extent = _heights(marks), marks.extent
    side = min(marks.labels.shape)
    may_be = (marks.contact <= marks.stroke) & (extent > 0.02 * side) & (heights < 0.95 * side)
    may_be &= marks.stroke < 0.6 * extent
    if not may_be.any():
        return np.zeros(0, dtype=np.intp), 0.0
    weight = np.sqrt(marks.area) * marks.level**2 * may_be
    order = np.argsort(heights, kind="stable")
    usual = heights[order][np.searchsorted(np.cumsum(weight[order]), total(weight) / 2)]
    dark = marks.level > 0.4 * float(np.median(marks.level[may_be & (heights > 0.6 * usual)]))
    chosen = may_be & dark & (heights > _SHORTEST * usual) & (heights < _TALLEST * usual)
    return np.flatnonzero(chosen), float(total(weight[chosen]))


def _groups(marks: Marks, mains: npt.NDArray[np.intp]) -> tuple[frozenset[int], ...]:
    """Put the parts of each digit together: specks go, near fragments and bars join."""
    usual = float(np.median(_heights(marks)[mains]))
    level = float(np.median(marks.level[mains]))
    members = [{int(i)} for i in mains]
    for i in range(len(marks)):
        is_part = marks.level[i] > 0.35 * level and marks.extent[i] > 0.12 * usual
        if i in mains or not is_part or marks.contact[i] > 0:
            continue
        gaps = [_gap(marks.boxes[i], marks.boxes[j]) for j in mains]
        nearest = int(np.argmin(gaps))
        if gaps[nearest] <= 0.22 * usual and marks.extent[i] < usual:
            members[nearest].add(i)
    return tuple(frozenset(group) for group in _join_stacked(marks, members, usual))


def _join_stacked(marks: Marks, members: list[set[int]], usual: float) -> list[set[int]]:
    """Join main parts that lie over one another within the height of one digit."""
    joined: list[set[int]] = []
    for group in members:
        for other in joined:
            a, b = _union_box(marks, group), _union_box(marks, other)
            shared = min(a[3], b[3]) - max(a[1], b[1])
            narrower = min(a[3] - a[1], b[3] - b[1])
            height = max(a[2], b[2]) - min(a[0], b[0])
            touches = shared > 0.3 * narrower and _gap(np.array(a), np.array(b)) <= 0.15 * usual
            if (touches and height < 1.7 * usual) or (
                shared > 0.5 * narrower and height < 1.35 * usual
            ):
                other |= group
                break
        else:
            joined.append(set(group))
    return joined


def _gap(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> float:
    down = max(int(a[0] - b[2]), int(b[0] - a[2]), 0)
    across = max(int(a[1] - b[3]), int(b[1] - a[3]), 0)
    return float(length(down, across))


def _union_box(marks: Marks, group: set[int] | frozenset[int]) -> Box:
    boxes = marks.boxes[sorted(group)]
    (top, left), (bottom, right) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)


def _split_touching(page: _Page, group: frozenset[int]) -> list[Mask]:
    """Cut a mark that is wider than a digit at its thinnest columns."""
    mask = page.marks.mask_of(set(group))
    boxes = np.array([_union_box(page.marks, other) for other in page.groups])
    usual = float(np.median(boxes[:, 2] - boxes[:, 0]))
    widths = boxes[:, 3] - boxes[:, 1]
    digit_width = float(np.clip(np.median(widths), 0.45 * usual, 0.9 * usual))
    _, left, _, right = _union_box(page.marks, group)
    width = right - left
    if len(page.groups) < 2 or width < _WIDEST * max(usual, digit_width):
        return [mask]
    n = max(2, round(width / (1.15 * digit_width)))
    cuts = [left]
    by_column = mask.sum(axis=0)
    for k in range(1, n):
        expected, reach = left + k * width / n, 0.3 * width / n
        window = np.arange(int(expected - reach), int(expected + reach) + 1)
        away = np.abs(window - expected) / reach
        cuts.append(int(window[np.argmin(by_column[window] + 0.1 * usual * away)]))
    cuts.append(right)
    pieces = []
    for first, last in pairwise(cuts):
        piece = np.zeros_like(mask)
        piece[:, first:last] = mask[:, first:last]
        if piece.any():
            pieces.append(piece)
    return pieces


def _box_of(mask: Mask) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _in_lines(boxes: list[Box]) -> list[list[int]]:
    """Return the places of `boxes`, line by line; a line may climb or fall slowly."""
    order = sorted(range(len(boxes)), key=lambda i: boxes[i][1])
    lines: list[list[int]] = []
    for i in order:
        fits = [(_shared_height(boxes[i], boxes[line[-1]]), line) for line in lines]
        share, line = max(fits, key=lambda fit: fit[0], default=(0.0, []))
        if share > 0.4:
            line.append(i)
        else:
            lines.append([i])
    return sorted(lines, key=lambda line: float(np.mean([sum(boxes[i][::2]) for i in line])))


def _shared_height(a: Box, b: Box) -> float:
    shared = min(a[2], b[2]) - max(a[0], b[0])
    return shared / min(a[2] - a[0], b[2] - b[0])


def _picture(page: _Page, mask: Mask, photo: Photo, options: PreprocessOptions) -> Preprocessed:
    top, left, bottom, right = _box_of(mask)
    height, width = mask.shape
    share = (top / height, left / width, bottom / height, right / width)
    if options.preprocess not in ("auto", "reader"):
        margin = 0.2 * max(bottom - top, right - left)
        rows, columns = photo.shape[0] / height, photo.shape[1] / width
        part = photo[
            max(0, int((top - margin) * rows)) : int((bottom + margin) * rows) + 1,
            max(0, int((left - margin) * columns)) : int((right + margin) * columns) + 1,
        ]
        return Preprocessed(image=preprocess(part, options).image, box=share)
    image = mnist_frame(
        cut_out(page.alpha, mask),
        side_px=options.side_px,
        box_px=options.box_px,
        stroke_px=options.stroke_px,
        centre=options.centre,
    )
    look = look_at_box(photo, share, options) if options.preprocess == "reader" else None
    if look is None:
        return Preprocessed(image=image, box=share)
    return Preprocessed(image=look.image, box=share, looks=(image,))
