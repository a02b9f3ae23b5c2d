"""Images of one shape made into images of another: grey, colour, smaller, larger.

Resizing is antialiased and separable: along each axis every output pixel is a weighted mean of
input pixels under a triangle whose half-width is the scale where the image shrinks and one input
pixel where it grows: the method of Pillow's ``BILINEAR`` filter.
"""

import functools

import numpy as np
import numpy.typing as npt

from bench.images.exact import luma, total
from bench.spec import Shape

__all__ = ["adapt", "describe_adaptation", "resize", "resize_taps", "to_grey"]

Float32s = npt.NDArray[np.float32]

Taps = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

# So many images, twice over in float64, stay in the processor's cache.
_AT_ONCE = 128


def adapt(images: Float32s, shape: Shape) -> Float32s:
    """Return `images` in another shape.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        float32 in [0, 1]; 1 channel (grey), 3 (colour) or 4 (colour and opacity, which is ignored).
    shape : tuple
        The height, width and channels (1 or 3) wanted.

    Returns
    -------
    ndarray of shape (n, *shape), float32 in [0, 1]
        `images` itself where nothing differs.

    Raises
    ------
    ValueError
        If no rule leads from the channels of `images` to those wanted.
    """
    height, width, channels = shape
    if images.shape[1:] == tuple(shape):
        return images
    # Fewer channels before the resize, more after it: less to compute.
    if channels == 1 and images.shape[3] != 1:
        images = to_grey(images)
    elif channels == 3 and images.shape[3] == 4:
        images = images[..., :3]
    images = resize(images, height, width)
    if channels == 3 and images.shape[3] == 1:
        images = np.repeat(images, 3, axis=3)
    if images.shape[3] != channels:
        raise ValueError(f"images of {images.shape[3]} channels cannot be given {channels}")
    return images


def to_grey(images: Float32s) -> Float32s:
    """Return 0.2989 R + 0.5870 G + 0.1140 B, with one channel.

    The weights sum to 0.9999; white stays that, as in the published file.
    """
    if images.shape[3] not in (3, 4):
        raise ValueError(f"images of {images.shape[3]} channels are not colour images")
    return luma(images)[..., np.newaxis]


def resize(images: Float32s, height: int, width: int) -> Float32s:
    """Resize with antialiasing.

    A weighted mean is summed in float64, one tap after the other, so that the last digit is the
    same on every processor, as it is not in a matrix product.

    Parameters
    ----------
    images : ndarray of shape (n, any_height, any_width, channels)
        float32.

    Returns
    -------
    ndarray of shape (n, height, width, channels), float32
        Within the range of `images`.
    """
    n, old_height, old_width, channels = images.shape
    if (old_height, old_width) == (height, width):
        return images
    resized = np.empty((n, height, width, channels), dtype=np.float32)
    down, across = resize_taps(old_height, height), resize_taps(old_width, width)
    for start in range(0, n, _AT_ONCE):
        block = images[start : start + _AT_ONCE].astype(np.float64)
        resized[start : start + _AT_ONCE] = _along(_along(block, 1, down), 2, across)
    # The weights of a pixel sum to 1 only up to rounding.
    return np.clip(resized, images.min(), images.max(), out=resized) if n else resized


def _along(block: npt.NDArray[np.float64], axis: int, taps: Taps) -> npt.NDArray[np.float64]:
    """Return `block` resized along one axis."""
    places, weights = taps
    shape = [1] * block.ndim
    shape[axis] = len(places)
    total = block.take(places[:, 0], axis=axis) * weights[:, 0].reshape(shape)
    for tap in range(1, places.shape[1]):
        part = block.take(places[:, tap], axis=axis)
        part *= weights[:, tap].reshape(shape)
        total += part
    return total


@functools.cache
def resize_taps(old: int, new: int) -> Taps:
    """Return the pixels that each pixel of a resized axis is made of, and how much of each.

    Pixel centres lie at (i + 0.5); the outermost weights are renormalised, so that edges neither
    darken nor repeat.

    Returns
    -------
    places : ndarray of shape (new, n_taps), int64
        In the axis of `old` pixels; neighbours, in order.
    weights : ndarray of shape (new, n_taps), float64
        Each row sums to 1.
    """
    if old < 1 or new < 1:
        raise ValueError(f"a side of {old} pixels cannot become one of {new}")
    scale = old / new
    support = max(scale, 1.0)
    centres = (np.arange(new)[:, np.newaxis] + 0.5) * scale
    distance = np.abs(np.arange(old)[np.newaxis, :] + 0.5 - centres) / support
    all_weights = np.clip(1.0 - distance, 0.0, None)
    is_used = all_weights > 0
    n_taps = int(is_used.sum(axis=1).max())
    first = np.minimum(is_used.argmax(axis=1), old - n_taps)
    places = first[:, np.newaxis] + np.arange(n_taps)
    weights = np.take_along_axis(all_weights, places, axis=1)
    weights /= total(weights, axis=1)[:, np.newaxis]
    places.setflags(write=False)  # shared through the cache
    weights.setflags(write=False)
    return places, weights


def describe_adaptation(source: Shape, target: Shape) -> str:
    """Say in words what `adapt` does; empty if nothing.

    >>> describe_adaptation((32, 32, 1), (28, 28, 1))
    '32×32 grey reduced to 28×28'
    """
    if source == target:
        return ""
    old_height, old_width, old_channels = source
    height, width, channels = target
    kind = "grey" if old_channels == 1 else "colour"
    steps = []
    if (old_height, old_width) != (height, width):
        grows = height >= old_height and width >= old_width
        shrinks = height <= old_height and width <= old_width
        verb = "enlarged" if grows else "reduced" if shrinks else "resized"
        steps.append(f"{verb} to {height}×{width}")
    if channels == 1 and old_channels != 1:
        steps.append("made grey")
    elif channels == 3 and old_channels == 1:
        steps.append("repeated in three channels")
    elif channels != old_channels:
        steps.append("without its opacity")
    return f"{old_height}×{old_width} {kind} {' and '.join(steps)}"
