"""Arithmetic that gives the same bytes on every processor: what becomes data is computed with it.

IEEE 754 fixes the result of a sum, a product, a quotient and a square root of two numbers, so
numpy's elementwise ones agree everywhere. Four things do not: a matrix product and the sum of a
whole array, whose order is the kernel's; a sine or an exponential, whose last digits are those of a
library made for the processor; and the order of equal elements after an unstable sort. The image
modules and the datasets have these from here, or not at all; a test reads their source.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "blur",
    "clipped",
    "cosine",
    "exponential",
    "hann_window",
    "length",
    "logarithm",
    "luma",
    "mean",
    "middle_of_mass",
    "normal",
    "rounded",
    "sine",
    "slope_of_line",
    "tangent",
    "total",
    "whole_product",
]

Floats = npt.NDArray[np.float64]

# ITU-R BT.601 luma; the weights of the source experiments' SVHN file.
_LUMA = np.array([0.2989, 0.5870, 0.1140], dtype=np.float32)
_FINE = 2.0**40


def total(values: npt.NDArray[Any], axis: int | tuple[int, ...] | None = None) -> Any:
    """Return the sum of values whose magnitudes sum to less than four million.

    They are counted in 2^-40ths, in whole numbers, whose sum is exact in any order.
    """
    return np.rint(values * np.float64(_FINE)).astype(np.int64).sum(axis=axis) / _FINE


def mean(values: npt.NDArray[Any], axis: int | tuple[int, ...] | None = None) -> Any:
    """Return the mean, summed as `total` does."""
    found = total(values, axis)
    return found * np.size(found) / values.size


def clipped(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[Any]:
    """Return values within limits, and no -0: whether a clip at 0 keeps it is the processor's."""
    return np.asarray(np.clip(values, low, high) + values.dtype.type(0))


def rounded(values: npt.ArrayLike) -> Floats:
    """Return values in float32's precision: libraries differ in digits far behind it."""
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def sine(radians: npt.ArrayLike) -> Floats:
    """Return the sine, rounded."""
    return rounded(np.sin(np.asarray(radians, dtype=np.float64)))


def cosine(radians: npt.ArrayLike) -> Floats:
    """Return the cosine, rounded."""
    return rounded(np.cos(np.asarray(radians, dtype=np.float64)))


def tangent(radians: npt.ArrayLike) -> Floats:
    """Return the tangent, rounded."""
    return rounded(np.tan(np.asarray(radians, dtype=np.float64)))


def exponential(values: npt.ArrayLike) -> Floats:
    """Return e to the power of each value, rounded."""
    return rounded(np.exp(np.asarray(values, dtype=np.float64)))


def logarithm(values: npt.ArrayLike) -> Floats:
    """Return the natural logarithm, rounded."""
    return rounded(np.log(np.asarray(values, dtype=np.float64)))


def normal(generator: "np.random.Generator", size: int | tuple[int, ...]) -> Floats:
    """Draw from the standard normal distribution, rounded: its tails come through a logarithm."""
    return rounded(generator.standard_normal(size))


def hann_window(n: int) -> Floats:
    """Return a Hann window of `n` elements, none of them 0."""
    return 0.5 - 0.5 * cosine(2 * np.pi * np.arange(1, n + 1) / (n + 1))


def length(down: Any, across: Any) -> Any:
    """Return the length of vectors; unlike `numpy.hypot`, a root that IEEE 754 fixes."""
    return np.sqrt(down * down + across * across)


def luma(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return 0.2989 R + 0.5870 G + 0.1140 B.

    Parameters
    ----------
    pixels : ndarray of shape (..., 3 or more), float32

    Returns
    -------
    ndarray of shape (...), float32
    """
    red, green, blue = (pixels[..., i] * _LUMA[i] for i in range(3))
    return np.asarray(red + green + blue, dtype=np.float32)


def middle_of_mass(picture: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the centre of mass as a row and a column; the picture's mass must not be 0."""
    by_row, by_column = total(picture, axis=1), total(picture, axis=0)
    mass = total(by_row)
    row = total(by_row * np.arange(len(by_row))) / mass
    column = total(by_column * np.arange(len(by_column))) / mass
    return float(row), float(column)


def slope_of_line(x: Floats, y: Floats) -> float:
    """Return the slope of the straight line with the least squares through some points."""
    away = x - mean(x)
    return float(total(away * (y - mean(y))) / total(away * away))


def blur(
    picture: npt.NDArray[np.float32], sigma: float, *, mode: str = "reflect"
) -> npt.NDArray[np.float32]:
    """Blur the first two axes with a Gaussian, as `scipy.ndimage.gaussian_filter` does.

    Its weights are rounded, so that the exponential of this processor is not in the picture.
    """
    from scipy import ndimage

    reach = int(4 * sigma + 0.5)
    places = np.arange(-reach, reach + 1, dtype=np.float64)
    weights = exponential(-0.5 / (sigma * sigma) * (places * places))
    weights /= total(weights)
    down = ndimage.correlate1d(picture, weights, axis=0, mode=mode)
    return np.asarray(ndimage.correlate1d(down, weights, axis=1, mode=mode), dtype=np.float32)


def whole_product(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> Floats:
    """Return the matrix product of whole numbers in float64.

    As long as it stays below 2^53 so does every sum on its way, all are exact, and the order in
    which a kernel takes them is nothing to the result.
    """
    return np.asarray(left.astype(np.float64) @ right.astype(np.float64))
