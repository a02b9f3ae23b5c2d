"""Images of one shape made into images of another: grey, colour, smaller, larger.

Resizing is antialiased and separable: along each axis every output pixel is a weighted mean of
input pixels under a triangle whose half-width is the scale where the image shrinks and one input
pixel where it grows: the method of Pillow's ``BILINEAR`` filter.
"""

import functools

import numpy as np
import numpy.typing as npt

from bench.spec import Shape

__all__ = ["adapt", "describe_adaptation", "resize", "resize_weights", "to_grey"]

Float32s = npt.NDArray[np.float32]

# ITU-R BT.601 luma; the weights of the source experiments' SVHN file.
_LUMA = np.array([0.2989, 0.5870, 0.1140], dtype=np.float32)
_ROWS_AT_ONCE = 1024


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
    return np.asarray(images[..., :3] @ _LUMA, dtype=np.float32)[..., np.newaxis]


def resize(images: Float32s, height: int, width: int) -> Float32s:
    """Resize with antialiasing.

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
    down = resize_weights(old_height, height)
    across = resize_weights(old_width, width)
    for start in range(0, n, _ROWS_AT_ONCE):
        block = np.ascontiguousarray(images[start : start + _ROWS_AT_ONCE], dtype=np.float32)
        rows = down @ block.reshape(len(block), old_height, old_width * channels)
        rows = rows.reshape(-1, old_width, channels)
        wide = rows[..., 0] @ across.T if channels == 1 else across @ rows
        resized[start : start + _ROWS_AT_ONCE] = wide.reshape(-1, height, width, channels)
    # The weights of a pixel sum to 1 only up to rounding.
    return np.clip(resized, images.min(), images.max(), out=resized) if n else resized


@functools.cache
def resize_weights(old: int, new: int) -> Float32s:
    """Return the (new, old) matrix that resizes one axis; each row sums to 1.

    Pixel centres lie at (i + 0.5); the outermost weights are renormalised, so that edges neither
    darken nor repeat.
    """
    if old < 1 or new < 1:
        raise ValueError(f"a side of {old} pixels cannot become one of {new}")
    scale = old / new
    support = max(scale, 1.0)
    centres = (np.arange(new)[:, np.newaxis] + 0.5) * scale
    distance = np.abs(np.arange(old)[np.newaxis, :] + 0.5 - centres) / support
    weights = np.clip(1.0 - distance, 0.0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    fixed = weights.astype(np.float32)
    fixed.setflags(write=False)  # shared through the cache
    return fixed


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
