"""A page's ink as marks, put together to what may be its digits."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.images.components import Marks, label_marks
from bench.images.exact import length, total
from bench.images.ink import Float
from bench.images.inks import Inks
from bench.images.segment import Ink, stroke_mask

__all__ = ["Box", "Page", "page_of", "union_box"]
_MOST_MARKS: Final = 150
# Heights of digits by one hand on one page, as shares of the usual one.
_SHORTEST: Final = 0.45
_TALLEST: Final = 2.2
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One reading of a photo's ink: its marks, and which of them are together one digit."""

    ink: Ink
    alpha: Float
    marks: Marks
    groups: tuple[frozenset[int], ...]
    score: float


def page_of(inks: Inks, side_px: int) -> Page | None:
    """Return the likelier reading of a page at most so large; None without any digit."""
    page = inks.at(min(side_px, inks.longer))
    readings = [found for ink in page if (found := _read(ink)) is not None]
    return max(readings, key=lambda reading: reading.score, default=None)


def _read(ink: Ink) -> Page | None:
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
    return Page(ink=ink, alpha=alpha, marks=marks, groups=_groups(marks, mains), score=score)


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
            a, b = union_box(marks, group), union_box(marks, other)
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


def union_box(marks: Marks, group: set[int] | frozenset[int]) -> Box:
    """Return top, left, bottom, right of marks taken together, in pixels."""
    boxes = marks.boxes[sorted(group)]
    (top, left), (bottom, right) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)
