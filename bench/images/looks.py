"""Where the ink of the digit is: a small network that learned it on synthetic pages.

A *look* is a square part of the photo, reduced to the network's side, and the digit that the
network saw in it. The first look takes in the whole photo; each further one is zoomed on what the
one before it found. The network runs in whole numbers (LiteRT, int8, without a delegate), so that
what becomes data has the same bytes on every processor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.images.inks import Photo
from bench.images.normalise import mnist_frame
from bench.images.preprocess_options import PreprocessOptions
from bench.images.reader import Shares, network

__all__ = ["Look", "Window", "look_along", "look_at_box", "look_closer", "overlap", "read_looks"]

N_LOOKS: Final = 2
# A zoomed window is this much larger than the digit.
_MARGIN: Final = 1.55
# A pixel is the digit's from the lower share on, where it hangs together with one above the higher.
_LIKELY: Final = 0.5
_POSSIBLE: Final = 0.15
# Marks apart from the main one belong to it within this share of its size.
_REACH: Final = 0.25
_SPECK: Final = 0.04
# Two boxes with this intersection over union are of the same digit.
_SAME: Final = 0.5
# Sides of the windows that are moved over a page, as shares of its shorter side.
_WINDOWS: Final = (0.95, 0.65, 0.42)
_SEEN_ALONG: Final = 0.8

Share = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A square part of a photo in its pixels; it may stick out."""

    top: int
    left: int
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the network saw in one window.

    Parameters
    ----------
    window : Window
        The part of the photo.
    seen : ndarray of shape (side, side, 3), uint8
        The picture that the network was given.
    ink : ndarray of shape (side, side), float32 in [0, 1]
        The digit's strokes, 0.5 at their edges.
    box : (int, int, int, int)
        Top, left, bottom, right of the digit in ``ink``.
    is_digit : float
        How likely the marks are a digit at all.
    image : ndarray of shape (side_px, side_px), uint8
        The digit as MNIST would have drawn it.
    """

    window: Window
    seen: Photo
    ink: Shares
    box: tuple[int, int, int, int]
    is_digit: float
    image: Photo

    def share_of(self, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
        """Return top, left, bottom, right of the digit as shares of a photo of that shape."""
        scale = self.window.side / len(self.ink)
        height, width = shape
        top, bottom = (
            min(max(self.window.top + edge * scale, 0), height) for edge in self.box[::2]
        )
        left, right = (
            min(max(self.window.left + edge * scale, 0), width) for edge in self.box[1::2]
        )
        return top / height, left / width, bottom / height, right / width


def read_looks(photo: Photo, options: PreprocessOptions) -> tuple[Look, ...]:
    """Return what the network sees of one photo of one digit, zooming in; empty on a blank page.

    Parameters
    ----------
    photo : ndarray of shape (height, width) or (height, width, 3), uint8
    options : PreprocessOptions
        Those of the frame: its sides, the stroke, the centre.
    """
    height, width = photo.shape[:2]
    longer = max(height, width)
    window = _square(height / 2, width / 2, longer / 2)
    looks: list[Look] = []
    for _ in range(N_LOOKS):
        look = look_closer(photo, window, options)
        if look is None:
            break
        looks.append(look)
        window = _zoomed(look, longer, is_first=len(looks) == 1)
    return tuple(looks)


def look_at_box(
    photo: Photo, share: tuple[float, float, float, float], options: PreprocessOptions
) -> Look | None:
    """Look at one digit of several, its box in shares of the photo; None if it sees another."""
    height, width = photo.shape[:2]
    top, bottom = share[0] * height, share[2] * height
    left, right = share[1] * width, share[3] * width
    reach = _MARGIN / 2 * max(bottom - top, right - left) + 1
    look = look_closer(photo, _square((top + bottom) / 2, (left + right) / 2, reach), options)
    if look is None:
        return None
    seen = look.share_of((height, width))
    return look if overlap(seen, share) >= _SAME else None


def look_along(photo: Photo, options: PreprocessOptions) -> tuple[Look, ...]:
    """Return the digits of a page that the network sees through windows moved over all of it.

    At several sizes of the window, of which the one counts at which the digits are largest
    together: of a window too large they are missed, of one too small parts are taken for digits.
    """
    height, width = photo.shape[:2]
    best: tuple[float, tuple[Look, ...]] = 0.0, ()
    for share in _WINDOWS:
        side = max(16, round(share * min(height, width)))
        seen = _apart(list(_through(photo, side, options)), (height, width))
        size = sum(_area(look.share_of((height, width))) for look in seen)
        if size > best[0]:
            best = size, seen
    return best[1]


def _through(photo: Photo, side: int, options: PreprocessOptions) -> Iterator[Look]:
    """Yield what is seen in the middle of windows of one size."""
    height, width = photo.shape[:2]
    step = max(4, side // 3)
    rows = max(2, -(-height // step))
    columns = max(2, -(-width // step))
    for row in range(rows):
        for column in range(columns):
            middle = height * (row + 0.5) / rows, width * (column + 0.5) / columns
            look = look_closer(photo, _square(*middle, side / 2), options)
            if look is not None and look.is_digit >= _SEEN_ALONG and _is_central(look):
                yield look


def _is_central(look: Look) -> bool:
    side = len(look.ink)
    top, left, bottom, right = look.box
    size = max(bottom - top, right - left) / side
    off = max(abs(top + bottom - side), abs(left + right - side)) / (2 * side)
    is_whole = min(top, left) > 0 and max(bottom, right) < side
    return is_whole and 0.35 <= size <= 0.85 and off <= 0.25


def _apart(looks: list[Look], shape: tuple[int, int]) -> tuple[Look, ...]:
    """Return the surest look at each place."""
    kept: list[Look] = []
    for look in sorted(looks, key=lambda each: -each.is_digit):
        own = look.share_of(shape)
        if all(_within(own, other.share_of(shape)) < _SAME for other in kept):
            kept.append(look)
    return tuple(kept)


def _within(a: Share, b: Share) -> float:
    """Return how much of the smaller of two boxes lies in the other."""
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min(_area(a), _area(b))
    return max(height, 0.0) * max(width, 0.0) / max(smaller, 1e-9)


def _area(box: Share) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Return intersection over union of two boxes."""
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(height, 0.0) * max(width, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return shared / max(areas - shared, 1e-9)


def look_closer(photo: Photo, window: Window, options: PreprocessOptions) -> Look | None:
    """Look at one part of a photo; None where the network sees no ink of a digit."""
    reader = network()
    seen = _cut(photo, window, reader.side)
    shares, is_digit = reader(seen)
    found = _digit_of(shares)
    if found is None:
        return None
    own, box = found
    ink = _strokes(shares, own)
    image = mnist_frame(ink, options)
    return Look(window=window, seen=seen, ink=ink, box=box, is_digit=is_digit, image=image)


def _square(y: float, x: float, reach: float) -> Window:
    top, left = int(np.floor(y - reach)), int(np.floor(x - reach))
    side = max(int(np.ceil(y + reach)) - top, int(np.ceil(x + reach)) - left, 1)
    return Window(top=top, left=left, side=side)


def _zoomed(look: Look, longer: int, *, is_first: bool) -> Window:
    """Return the window around the digit, wider where its ink touches the edge of the look."""
    side = len(look.ink)
    top, left, bottom, right = look.box
    scale = look.window.side / side
    reach = _MARGIN / 2 * max(bottom - top, right - left) * scale + 1
    if not is_first and (min(top, left) == 0 or max(bottom, right) == side):
        reach = min(1.25 * reach, 1.15 / 2 * look.window.side)
    reach = max(min(reach, 1.1 / 2 * longer), 6.0)
    y, x = (top + bottom) / 2 * scale, (left + right) / 2 * scale
    return _square(look.window.top + y, look.window.left + x, reach)


def _cut(photo: Photo, window: Window, side: int) -> Photo:
    """Return the window as the network takes it; beyond the photo lies its border's colour."""
    from PIL import Image

    height, width = photo.shape[:2]
    bottom, right = window.top + window.side, window.left + window.side
    part = photo[max(window.top, 0) : min(bottom, height), max(window.left, 0) : min(right, width)]
    if part.ndim == 2:
        part = np.repeat(part[..., np.newaxis], 3, axis=2)
    for axis, (before, after) in enumerate(
        [
            (max(-window.top, 0), max(bottom - height, 0)),
            (max(-window.left, 0), max(right - width, 0)),
        ]
    ):
        part = _padded(part, axis, before, after)
    picture = Image.fromarray(np.ascontiguousarray(part))
    if window.side >= 2 * side:
        how = Image.Resampling.BOX
    else:
        how = Image.Resampling.HAMMING if window.side > side else Image.Resampling.BICUBIC
    return np.asarray(picture.resize((side, side), how))


def _padded(part: Photo, axis: int, before: int, after: int) -> Photo:
    thick = max(1, min(part.shape[axis] // 30, 6))
    for width, places, is_before in (
        (before, slice(None, thick), True),
        (after, slice(-thick, None), False),
    ):
        if width:
            border = part[places] if axis == 0 else part[:, places]
            colour = np.median(border.reshape(-1, 3), axis=0).astype(np.uint8)
            shape = [width if i == axis else n for i, n in enumerate(part.shape)]
            pad = np.broadcast_to(colour, shape)
            part = np.concatenate([pad, part] if is_before else [part, pad], axis=axis)
    return part


def _digit_of(
    shares: Shares,
) -> tuple[npt.NDArray[np.bool_], tuple[int, int, int, int]] | None:
    """Return the marks of the main digit and their box.

    The largest mark is the main one, one that is cut by the edge counting half; strong marks near
    to it belong to it.
    """
    from scipy import ndimage

    strongest = float(shares.max())
    if strongest < _POSSIBLE:
        return None
    high = min(_LIKELY, 0.6 * strongest)
    labels, n = ndimage.label(shares > min(_POSSIBLE, high / 2), np.ones((3, 3)))
    places, index = ndimage.find_objects(labels), np.arange(1, n + 1)
    boxes = np.array([(y.start, x.start, y.stop, x.stop) for y, x in places])
    # Whole numbers: the order of a sum of floats is the library's.
    weight = ndimage.sum_labels(np.rint(shares * 255).astype(np.int64), labels, index)
    peak = ndimage.maximum(shares, labels, index)
    is_cut = (boxes[:, :2].min(axis=1) == 0) | (boxes[:, 2:].max(axis=1) == len(shares))
    main = int(np.argmax(np.where(is_cut, 0.5, 1.0) * weight))
    own = boxes[main]
    gap = np.maximum(boxes[:, :2] - own[2:], own[:2] - boxes[:, 2:]).max(axis=1)
    is_part = (peak >= high) & (weight >= _SPECK * weight[main])
    is_part &= ~is_cut | (weight >= 0.7 * weight[main])
    is_part &= gap < _REACH * max(own[2] - own[0], own[3] - own[1])
    is_part[main] = True
    mask = np.isin(labels, index[is_part])
    (top, left), (bottom, right) = boxes[is_part, :2].min(axis=0), boxes[is_part, 2:].max(axis=0)
    return mask, (int(top), int(left), int(bottom), int(right))


def _strokes(shares: Shares, own: npt.NDArray[np.bool_]) -> Shares:
    """Return each stroke relative to its strongest part nearby, so that a faint part stays."""
    from scipy import ndimage

    nearby = np.maximum(ndimage.maximum_filter(np.where(own, shares, 0), 7), np.float32(0.3))
    return np.where(ndimage.binary_dilation(own), np.minimum(shares / nearby, 1), 0).astype(
        np.float32
    )
