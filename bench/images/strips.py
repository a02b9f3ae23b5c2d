"""One photo of several digits: a strip, a column or several lines, cut into digits in order."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from bench.images.findings import Fault, fault
from bench.images.ink import Mask
from bench.images.inks import Inks, Photo
from bench.images.looks import Window, look_along, look_at_box, look_closer
from bench.images.normalise import mnist_frame
from bench.images.page import Box, Page, page_of, union_box
from bench.images.preprocess import Preprocessed, preprocess
from bench.images.preprocess_options import PreprocessOptions
from bench.images.segment import cut_out

__all__ = ["WHOLE_SIDE", "Strip", "find_boxes", "segment_strip"]

WHOLE_SIDE: Final = 1000
_WIDEST: Final = 1.45
# Two touching digits are at least so wide, in heights of one.
_MAY_BE_TWO: Final = 0.7
# A mark less surely one digit may be several, if it is wide or not; the pieces must be surer by so
# much. A piece that is a digit with the lowest share is none.
_SURE: Final = 0.93
_HARDLY_SURE: Final = 0.5
_SURER: Final = 0.15
_IS_WIDE: Final = 1.2
_DOUBTFUL: Final = 0.3
# A piece is looked at on paper so much larger, so light.
_ROOM: Final = 1.55
_PAPER: Final = 235

Share = tuple[float, float, float, float]


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


def segment_strip(
    photo: Photo, options: PreprocessOptions | None = None, *, inks: Inks | None = None
) -> Strip:
    """Return the digits of a photo of several digits.

    Parameters
    ----------
    photo : ndarray of shape (height, width) or (height, width, 3), uint8
    options : PreprocessOptions
        As for `bench.images.preprocess.preprocess`; in modes other than ``auto`` and
        ``classic`` the digits are still found as in ``classic``, then cut out of the photo and
        treated in that mode.
    inks : Inks
        Of the photo, where it is looked at for something else as well.
    """
    options = options or PreprocessOptions()
    best = page_of(inks or Inks(photo=photo, options=options), WHOLE_SIDE)
    if best is None:
        return Strip(lines=(), faults=(fault("blank"),))
    if options.preprocess == "auto":
        digits = _as_the_network_sees(best, photo, options)
    else:
        masks = [mask for group in best.groups for mask in _split_touching(best, group)]
        digits = [_picture(best, mask, photo, options) for mask in masks]
    if not digits:
        return Strip(lines=(), faults=(fault("no-digit"),))
    lines = _in_lines([_in_pixels(digit.box, photo) for digit in digits])
    faults = []
    if options.length and len(digits) != options.length:
        faults.append(
            fault("wrong-count", f"{len(digits)} digits were found, not the length given")
        )
    if best.ink.polarity_certainty < 0.75:
        faults.append(fault("polarity-uncertain"))
    if best.ink.n_lines > 2:
        faults.append(fault("ruled-paper"))
    return Strip(
        lines=tuple(tuple(digits[i] for i in line) for line in lines), faults=tuple(faults)
    )


def _in_pixels(share: Share | None, photo: Photo) -> Box:
    height, width = photo.shape[:2]
    top, left, bottom, right = share or (0.0, 0.0, 1.0, 1.0)
    return round(top * height), round(left * width), round(bottom * height), round(right * width)


def _as_the_network_sees(
    page: Page, photo: Photo, options: PreprocessOptions
) -> list[Preprocessed]:
    """Return the pieces of a page that the network takes for digits, cut as it finds surest."""
    found: list[Preprocessed] = []
    for group in page.groups:
        found += _surest_way(page, group, photo, options)
    sure = [digit for digit in found if digit.is_digit >= _DOUBTFUL]
    if len(sure) <= len(found) / 2 or (options.length and len(found) < options.length):
        along = _all_along(photo, options)
        if len(along) > len(sure):
            found = along
        elif len(sure) <= len(found) / 2:
            found = sure  # the paper's pattern, and perhaps a digit on it
    if options.length and len(found) > options.length:
        surest = sorted(found, key=lambda digit: -digit.is_digit)[: options.length]
        found = [digit for digit in found if any(digit is each for each in surest)]
    return found


def _all_along(photo: Photo, options: PreprocessOptions) -> list[Preprocessed]:
    height, width = photo.shape[:2]
    return [
        Preprocessed(image=look.image, box=look.share_of((height, width)), is_digit=look.is_digit)
        for look in look_along(photo, options)
    ]


def _surest_way(
    page: Page, group: frozenset[int], photo: Photo, options: PreprocessOptions
) -> list[Preprocessed]:
    """Return a group whole where it is surely one digit, else cut so that all pieces look so."""
    _, left, _, right = union_box(page.marks, group)
    n = _likely_count(page, group)
    ways = [_cut_into(page, group, 1)]
    wide, sure = (right - left) / _usual_height(page), 1.0
    if n > 1 or wide > _MAY_BE_TWO:
        sure = _alone(page, ways[0][0], options)
        if sure < (_SURE if n > 1 or wide > _IS_WIDE else _HARDLY_SURE):
            ways += [_cut_into(page, group, k) for k in sorted({2, 3, n, n + 1} - {1})]
    best, least = ways[0], sure
    for way in ways[1:]:
        sure = min(_alone(page, mask, options) for mask in way)
        if sure > least + _SURER:
            best, least = way, sure
    return [_picture(page, mask, photo, options) for mask in best]


def _alone(page: Page, mask: Mask, options: PreprocessOptions) -> float:
    """Return how likely a piece of ink is a digit, drawn on blank paper of its own."""
    top, left, bottom, right = _box_of(mask)
    side = round(_ROOM * max(bottom - top, right - left)) + 2
    y, x = (side - (bottom - top)) // 2, (side - (right - left)) // 2
    ink = cut_out(page.alpha, mask)[top:bottom, left:right]
    paper = np.full((side, side), _PAPER, dtype=np.uint8)
    paper[y : y + bottom - top, x : x + right - left] = np.rint(_PAPER * (1 - 0.85 * ink))
    look = look_closer(paper, Window(top=0, left=0, side=side), options)
    return 0.0 if look is None else look.is_digit


def find_boxes(inks: Inks, side_px: int) -> list[tuple[float, float, float, float]]:
    """Return where there may be digits, in shares of the photo's sides, seen at a small size."""
    page = page_of(inks, side_px)
    if page is None:
        return []
    height, width = page.alpha.shape
    boxes = [union_box(page.marks, group) for group in page.groups]
    return [(t / height, x / width, b / height, y / width) for t, x, b, y in boxes]


def _split_touching(page: Page, group: frozenset[int]) -> list[Mask]:
    """Cut a mark that is wider than a digit at its thinnest columns."""
    return _cut_into(page, group, _likely_count(page, group))


def _usual_height(page: Page) -> float:
    boxes = np.array([union_box(page.marks, other) for other in page.groups])
    return float(np.median(boxes[:, 2] - boxes[:, 0]))


def _likely_count(page: Page, group: frozenset[int]) -> int:
    """Return how many digits a mark is by its width."""
    boxes = np.array([union_box(page.marks, other) for other in page.groups])
    usual = _usual_height(page)
    widths = boxes[:, 3] - boxes[:, 1]
    digit_width = float(np.clip(np.median(widths), 0.45 * usual, 0.9 * usual))
    _, left, _, right = union_box(page.marks, group)
    width = right - left
    if len(page.groups) < 2 or width < _WIDEST * max(usual, digit_width):
        return 1
    return max(2, round(width / (1.15 * digit_width)))


def _cut_into(page: Page, group: frozenset[int], n: int) -> list[Mask]:
    mask, usual = page.marks.mask_of(set(group)), _usual_height(page)
    _, left, _, right = union_box(page.marks, group)
    width = right - left
    if n == 1 or width < 2 * n:
        return [mask]
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


def _picture(page: Page, mask: Mask, photo: Photo, options: PreprocessOptions) -> Preprocessed:
    top, left, bottom, right = _box_of(mask)
    height, width = mask.shape
    share = (top / height, left / width, bottom / height, right / width)
    if options.preprocess not in ("auto", "classic"):
        margin = 0.2 * max(bottom - top, right - left)
        rows, columns = photo.shape[0] / height, photo.shape[1] / width
        part = photo[
            max(0, int((top - margin) * rows)) : int((bottom + margin) * rows) + 1,
            max(0, int((left - margin) * columns)) : int((right + margin) * columns) + 1,
        ]
        return Preprocessed(image=preprocess(part, options).image, box=share)
    image = mnist_frame(cut_out(page.alpha, mask), options)
    look = look_at_box(photo, share, options) if options.preprocess == "auto" else None
    if look is None:
        return Preprocessed(image=image, box=share, is_digit=float(options.preprocess != "auto"))
    return Preprocessed(image=look.image, box=share, looks=(image,), is_digit=look.is_digit)
