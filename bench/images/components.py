"""Which marks on a page are the digit: connected components, measured, scored, put together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.images.exact import exponential
from bench.images.ink import Float, Mask

__all__ = ["Marks", "gather_fragments", "label_marks", "score_marks"]

# Extents of a component are shares of the picture's shorter side or of the digit's longer side.
_LEAST_EXTENT = 0.03
_LEAST_FRAGMENT = 0.05
_NEAR_INSIDE = 0.30
# Parts of a digit lie over one another, neighbours beside it.
_NEAR_ABOVE = 0.20
_NEAR_BESIDE = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The connected components of a mask; the other arrays have one element a component.

    Parameters
    ----------
    labels : ndarray of shape (height, width), int32
        0 where there is no ink, else 1 + the component's place in the arrays.
    boxes : ndarray of shape (n, 4), int64
        Top, left, bottom, right; bottom and right are exclusive.
    area, level, stroke, contact : ndarray of shape (n,), float64
        Pixels; typical ink strength; widest stroke in pixels; pixels on the picture's border.
    """

    labels: npt.NDArray[np.int32]
    boxes: npt.NDArray[np.int64]
    area: npt.NDArray[np.float64]
    level: npt.NDArray[np.float64]
    stroke: npt.NDArray[np.float64]
    contact: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.area)

    @property
    def extent(self) -> npt.NDArray[np.float64]:
        """The longer side of each box."""
        heights, widths = self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1]
        return np.asarray(np.maximum(heights, widths), dtype=np.float64)

    def mask_of(self, members: set[int]) -> Mask:
        """Return where the given components are."""
        is_member = np.zeros(len(self) + 1, dtype=np.bool_)
        is_member[[i + 1 for i in members]] = True
        return np.asarray(is_member[self.labels], dtype=np.bool_)


def label_marks(mask: Mask, strength: Float, *, keep: int = 40, least_area: int = 3) -> Marks:
    """Return the `keep` components of `mask` with the most ink, 8-connected."""
    from scipy import ndimage

    labels, n = ndimage.label(mask, structure=np.ones((3, 3)))
    inked = np.flatnonzero(labels)
    owners = labels.ravel()[inked]
    area = np.bincount(owners, minlength=n + 1)
    total = np.bincount(owners, weights=strength.ravel()[inked], minlength=n + 1)
    total[area < least_area] = 0
    order = np.argsort(-total, kind="stable")[:keep]
    order = order[total[order] > 0]
    renamed = np.zeros(n + 1, dtype=np.int32)
    renamed[order] = np.arange(1, len(order) + 1)
    kept = np.zeros(mask.shape, dtype=np.int32)
    kept.ravel()[inked] = renamed[owners]
    return _measure(kept, strength, len(order))


def _measure(labels: npt.NDArray[np.int32], strength: Float, n: int) -> Marks:
    from scipy import ndimage

    windows = ndimage.find_objects(labels, max_label=n)
    boxes = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in windows]
    area, level, stroke = np.zeros(n), np.zeros(n), np.zeros(n)
    for i, window in enumerate(windows):
        own = labels[window] == i + 1
        area[i] = np.count_nonzero(own)
        level[i] = np.percentile(strength[window][own], 75)
        depth = ndimage.distance_transform_cdt(np.pad(own, 1), "taxicab").max()
        stroke[i] = 2 * int(depth) - 1
    edge = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(edge, minlength=n + 1)[1 : n + 1].astype(np.float64)
    return Marks(
        labels=labels,
        boxes=np.array(boxes, dtype=np.int64).reshape(n, 4),
        area=area,
        level=level,
        stroke=stroke,
        contact=contact,
    )


def score_marks(marks: Marks) -> npt.NDArray[np.float64]:
    """Return how much each component looks like the main part of a digit.

    Much dark ink, large, near the middle, made of strokes rather than a blot, and not lying along
    the picture's border as a table or the page's edge does.
    """
    height, width = marks.labels.shape
    side, extent = min(height, width), marks.extent
    down = (marks.boxes[:, 0] + marks.boxes[:, 2]) / (2 * height) - 0.5
    across = (marks.boxes[:, 1] + marks.boxes[:, 3]) / (2 * width) - 0.5
    near_centre = exponential(-3 * (down**2 + across**2))
    beyond_a_stroke = np.maximum(marks.contact - marks.stroke, 0) / extent
    inside = exponential(-4 * beyond_a_stroke - (marks.contact > 0))
    drawn = exponential(-6 * np.maximum(marks.stroke / extent - 0.45, 0))
    ink = np.sqrt(marks.area) * marks.level
    size = np.sqrt(extent / side) * np.minimum(1, extent / (_LEAST_EXTENT * side))
    return np.asarray(ink * near_centre * inside * drawn * size)


def gather_fragments(marks: Marks, main: int) -> set[int]:
    """Return the components that belong to the same digit as component `main`.

    A loop that is not closed, a bar beside its stem, a stroke that faded: about as dark and as
    thick, and nearer than a neighbouring digit would be.
    """
    members = {main}
    for _ in range(3):
        more = _near_members(marks, main, members)
        if not more:
            break
        members |= more
    return members


def _near_members(marks: Marks, main: int, members: set[int]) -> set[int]:
    from scipy import ndimage

    boxes = marks.boxes[sorted(members)]
    top, left = boxes[:, :2].min(axis=0)
    bottom, right = boxes[:, 2:].max(axis=0)
    size = max(bottom - top, right - left)
    candidates = [
        i for i in range(len(marks)) if i not in members and _is_alike(marks, i, main, size)
    ]
    if not candidates:
        return set()
    reach = int(np.ceil(_NEAR_INSIDE * size)) + 1
    rows = slice(max(0, top - reach), bottom + reach)
    columns = slice(max(0, left - reach), right + reach)
    around = marks.labels[rows, columns]
    own = np.isin(around, np.array(sorted(members)) + 1)
    distance = ndimage.distance_transform_edt(~own)
    found = set()
    for i in candidates:
        there = distance[around == i + 1]
        box, margin = marks.boxes[i], 0.06 * size
        inside = bool(
            (box[:2] >= (top - margin, left - margin)).all()
            and (box[2:] <= (bottom + margin, right + margin)).all()
        )
        shared = min(right, box[3]) - max(left, box[1])
        is_stacked = shared > 0.5 * min(right - left, box[3] - box[1])
        limit = _NEAR_INSIDE if inside else _NEAR_ABOVE if is_stacked else _NEAR_BESIDE
        if there.size and there.min() <= limit * size:
            found.add(i)
    return found


def _is_alike(marks: Marks, i: int, main: int, size: int) -> bool:
    if marks.contact[i] > 0 and marks.contact[main] == 0:
        return False
    return bool(
        marks.level[i] >= 0.25 * marks.level[main]
        and marks.extent[i] >= _LEAST_FRAGMENT * size
        and marks.stroke[i] <= 2 * marks.stroke[main] + 2
    )
