"""From a digit's mask to the picture MNIST would have made of it."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.images.exact import blur, mean, middle_of_mass
from bench.images.ink import Float, Mask
from bench.images.preprocess_options import PreprocessOptions

__all__ = ["mnist_frame", "stroke_width"]

# The digit is drawn this much finer than the picture, then averaged.
_FINE: Final = 4
# MNIST's strokes are hardly ever wider, in its 20-pixel box.
_WIDEST_STROKE: Final = 4.2


def stroke_width(mask: Mask) -> float:
    """Return the typical width of the strokes of `mask` in pixels, 0 if it is empty."""
    from scipy import ndimage

    if not mask.any():
        return 0.0
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))
    ridge = (distance == ndimage.maximum_filter(distance, 3)) & (distance > 0)
    return float(2 * np.median(distance[ridge]) - 0.5)


def mnist_frame(alpha: Float, options: PreprocessOptions) -> npt.NDArray[np.uint8]:
    """Return the digit, light on dark, in its box in the middle of the picture.

    Parameters
    ----------
    alpha : ndarray of shape (height, width), float32 in [0, 1]
        The digit alone; 0.5 is the edge of a stroke.
    options : PreprocessOptions
        Its sides, its strokes' width, and what lies in the middle.

    Returns
    -------
    ndarray of shape (options.side_px, options.side_px), uint8
    """
    side_px = options.side_px
    inked = alpha >= 0.5
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return np.zeros((side_px, side_px), dtype=np.uint8)
    cut = np.pad(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 2)
    return _place(_draw(cut, options.box_px, options.stroke_px), side_px, options.centre)


def _draw(cut: Float, box_px: int, stroke_px: float) -> Float:
    """Return the digit at its fine size, its strokes widened.

    Strokes grow outwards, so the digit is drawn smaller by as much. They grow before a reduction,
    which a thin stroke would not survive, and after an enlargement, which rounds them.
    """
    from PIL import Image

    longer = max(cut.shape) - 4
    growth = 0.0
    if stroke_px > 0:
        stroke = stroke_width(cut >= 0.5)
        for _ in range(2):
            scale = (box_px * _FINE - 2 * growth) / longer
            growth = _growth(stroke * scale / _FINE, stroke_px) * _FINE
    scale = max((box_px * _FINE - 2 * growth) / longer, _FINE / longer)
    if scale < 1:
        grown = _soft_edges(cut, growth / scale)
        return np.asarray(
            Image.fromarray(grown).resize(_scaled(grown, scale), Image.Resampling.BOX)
        )
    large = np.asarray(Image.fromarray(cut).resize(_scaled(cut, scale), Image.Resampling.BICUBIC))
    if scale > 2:
        large = blur(large, scale / 4)
    return _soft_edges(large, growth)


def _scaled(picture: Float, scale: float) -> tuple[int, int]:
    height, width = picture.shape
    return max(1, round(width * scale)), max(1, round(height * scale))


def _growth(stroke: float, target: float) -> float:
    """Return by how many pixels each side of a stroke is moved outwards."""
    return (target - stroke) / 2 if stroke < target else min(0.0, (_WIDEST_STROKE - stroke) / 2)


def _soft_edges(large: Float, growth: float) -> Float:
    from scipy import ndimage

    padded = np.pad(large, 2 + int(np.ceil(max(growth, 0))))
    mask = padded >= 0.5
    outside = ndimage.distance_transform_edt(~mask)
    inside = ndimage.distance_transform_edt(mask)
    return np.asarray(np.clip(0.5 + inside - outside + growth, 0, 1), dtype=np.float32)


def _place(fine: Float, side_px: int, centre: str) -> npt.NDArray[np.uint8]:
    middle = side_px * _FINE // 2
    y, x = _middle_of(fine, centre)
    top, left = middle - round(y), middle - round(x)
    frame = np.zeros((side_px * _FINE, side_px * _FINE), dtype=np.float32)
    to_rows, from_rows = _overlap(top, fine.shape[0], len(frame))
    to_columns, from_columns = _overlap(left, fine.shape[1], len(frame))
    frame[to_rows, to_columns] = fine[from_rows, from_columns]
    small = mean(frame.reshape(side_px, _FINE, side_px, _FINE), axis=(1, 3))
    return np.asarray(np.round(small * 255), dtype=np.uint8)


def _middle_of(fine: Float, centre: str) -> tuple[float, float]:
    if centre == "box" or not (fine >= 0.5).any():
        return fine.shape[0] / 2, fine.shape[1] / 2
    y, x = middle_of_mass(fine)
    return y + 0.5, x + 0.5


def _overlap(first: int, length: int, size: int) -> tuple[Any, Any]:
    """Return the slices of a frame of `size`, and of what is put there, where both have pixels."""
    start, stop = max(first, 0), min(first + length, size)
    return slice(start, max(stop, start)), slice(start - first, max(stop, start) - first)
