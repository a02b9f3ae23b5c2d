"""Augmentation for handwriting in photos: how other people's digits differ from MNIST's.

Each image is rotated, slanted, scaled, shifted, bent (elastic), made thicker or thinner, lighter,
and put on noisy paper. As in `bench.images.augment`, every random number is drawn with numpy, so
that it is a function of the generator alone, and the images are changed in the TensorFlow graph.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from bench.images.exact import cosine, exponential, logarithm, normal, sine

if TYPE_CHECKING:
    from bench.spec import Shape

__all__ = ["HANDWRITING", "N_PARAMETERS", "HandwritingRanges", "change_images", "draw_changes"]

_GRID: Final = 5
_N_BENDS: Final = _GRID * _GRID * 2
# affine (6), bends, thickness, gain, gamma, noise, paper tint, two seeds of the noise.
N_PARAMETERS: Final = 6 + _N_BENDS + 7


@dataclass(frozen=True, slots=True, kw_only=True)
class HandwritingRanges:
    """How far each change goes; lengths are shares of the image's side.

    Parameters
    ----------
    rotation_degrees, slant : float
        Angle and shear are drawn from ±this, normally distributed within.
    scale : (float, float)
        The size of the digit along each axis.
    aspect : float
        Logarithm of the ratio of the two axes, ±this.
    shift : float
        Along each axis, ±this.
    bend : float
        Standard deviation of the elastic displacement.
    thickness : (float, float)
        Below 0 towards an erosion by one pixel, above 0 towards a dilation by one pixel.
    gain, gamma : (float, float)
        Contrast of the ink, and the power its grey levels are raised to.
    noise : float
        Largest standard deviation of the paper's grain; half of the images have none.
    tint : float
        Largest ink strength of the paper itself; half of the images have none.
    """

    rotation_degrees: float = 14.0
    slant: float = 0.45
    scale: tuple[float, float] = (0.80, 1.12)
    aspect: float = 0.30
    shift: float = 0.08
    bend: float = 0.03
    thickness: tuple[float, float] = (-0.5, 0.8)
    gain: tuple[float, float] = (0.6, 1.0)
    gamma: tuple[float, float] = (0.6, 1.6)
    noise: float = 0.10
    tint: float = 0.10

    n_parameters: ClassVar[int] = N_PARAMETERS

    def draw(
        self, generator: "np.random.Generator", n: int, shape: "Shape"
    ) -> npt.NDArray[np.float32]:
        """Draw the changes; see `draw_changes`."""
        return draw_changes(generator, n, shape, self)

    def change(self, images: Any, parameters: Any) -> Any:
        """Apply the changes; see `change_images`."""
        return change_images(images, parameters)


HANDWRITING: Final = HandwritingRanges()


def draw_changes(
    generator: "np.random.Generator",
    n: int,
    shape: "Shape",
    ranges: HandwritingRanges = HANDWRITING,
) -> npt.NDArray[np.float32]:
    """Draw what is done to each of `n` images of `shape`.

    Returns
    -------
    ndarray of shape (n, N_PARAMETERS), float32
    """
    side = max(shape[0], shape[1])

    def around_zero(limit: float) -> npt.NDArray[np.float64]:
        return np.clip(normal(generator, n) * (limit / 2), -limit, limit)

    def between(limits: tuple[float, float]) -> npt.NDArray[np.float64]:
        return generator.uniform(*limits, n)

    angle = np.deg2rad(around_zero(ranges.rotation_degrees))
    slant, aspect = around_zero(ranges.slant), around_zero(ranges.aspect)
    scale = between(ranges.scale)
    x_scale, y_scale = scale * exponential(aspect / 2), scale * exponential(-aspect / 2)
    cos, sin = cosine(angle), sine(angle)
    rows = np.empty((n, N_PARAMETERS), dtype=np.float32)
    # Output to input: undo the scale, then the slant, then the rotation.
    rows[:, 0], rows[:, 1] = cos / x_scale, (cos * slant - sin) / y_scale
    rows[:, 3], rows[:, 4] = sin / x_scale, (sin * slant + cos) / y_scale
    rows[:, 2] = generator.uniform(-ranges.shift, ranges.shift, n) * side
    rows[:, 5] = generator.uniform(-ranges.shift, ranges.shift, n) * side
    bends = normal(generator, (n, _N_BENDS)) * generator.uniform(0, 1.5, (n, 1))
    rows[:, 6 : 6 + _N_BENDS] = bends * ranges.bend * side
    rest = rows[:, 6 + _N_BENDS :]
    rest[:, 0], rest[:, 1] = between(ranges.thickness), between(ranges.gain)
    low, high = logarithm(ranges.gamma)
    rest[:, 2] = exponential(between((float(low), float(high))))
    rest[:, 3] = np.maximum(generator.uniform(-1, 1, n), 0) * ranges.noise
    rest[:, 4] = np.maximum(generator.uniform(-1, 1, n), 0) * ranges.tint
    # Whole numbers up to 2^24 are exact in float32.
    rest[:, 5:] = generator.integers(0, 2**24, (n, 2))
    return rows


def change_images(images: Any, changes: Any) -> Any:
    """Apply the changes to each image in the TensorFlow graph.

    Parameters
    ----------
    images : tensor of shape (n, height, width, channels), float32
        Ink is light on dark, as in MNIST.
    changes : tensor of shape (n, N_PARAMETERS), float32
        As `draw_changes` returns them.

    Returns
    -------
    tensor of shape (n, height, width, channels), float32 in [0, 1]
    """
    import tensorflow as tf

    bends = tf.reshape(changes[:, 6 : 6 + _N_BENDS], (-1, _GRID, _GRID, 2))
    moved = _sample(images, *_sources(images, changes[:, :6], bends))
    rest = tf.reshape(changes[:, 6 + _N_BENDS :], (-1, 7, 1, 1, 1))
    thickness, gain, gamma, noise, tint = (rest[:, i] for i in range(5))
    thick = tf.nn.max_pool2d(moved, 3, 1, "SAME")
    thin = -tf.nn.max_pool2d(-moved, 2, 1, "SAME")
    moved += tf.maximum(thickness, 0) * (thick - moved) + tf.maximum(-thickness, 0) * (thin - moved)
    inked = gain * tf.pow(tf.clip_by_value(moved, 1e-6, 1), gamma)
    seed = tf.cast(rest[0, 5:7, 0, 0, 0], tf.int32)
    grain = tf.random.stateless_normal(tf.shape(images), seed)
    return tf.clip_by_value(inked + tint * (1 - inked) + noise * grain, 0, 1)


def _sources(images: Any, affines: Any, bends: Any) -> tuple[Any, Any]:
    """Return the columns and rows, (n, height, width), each output pixel is taken from."""
    import tensorflow as tf

    height, width = tf.shape(images)[1], tf.shape(images)[2]
    flow = tf.image.resize(bends, (height, width), "bicubic")
    middle_x = tf.cast(width - 1, tf.float32) / 2
    middle_y = tf.cast(height - 1, tf.float32) / 2
    x = tf.cast(tf.range(width), tf.float32)[None, None, :] - middle_x
    y = tf.cast(tf.range(height), tf.float32)[None, :, None] - middle_y
    a = affines[:, :, None, None]
    columns = a[:, 0] * x + a[:, 1] * y + a[:, 2] + flow[..., 0] + middle_x
    rows = a[:, 3] * x + a[:, 4] * y + a[:, 5] + flow[..., 1] + middle_y
    return columns, rows


def _sample(images: Any, columns: Any, rows: Any) -> Any:
    """Interpolate linearly at the given places; beyond the border there is paper (0)."""
    import tensorflow as tf

    padded = tf.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = tf.shape(padded)[1], tf.shape(padded)[2]
    x = tf.clip_by_value(columns + 1, 0, tf.cast(width, tf.float32) - 1.001)
    y = tf.clip_by_value(rows + 1, 0, tf.cast(height, tf.float32) - 1.001)
    left, top = tf.floor(x), tf.floor(y)
    across, down = (x - left)[..., None], (y - top)[..., None]
    first = tf.cast(top, tf.int32) * width + tf.cast(left, tf.int32)
    flat = tf.reshape(padded, (tf.shape(images)[0], height * width, -1))

    def at(offset: Any) -> Any:
        return tf.gather(flat, first + offset, batch_dims=1)

    above = at(0) * (1 - across) + at(1) * across
    below = at(width) * (1 - across) + at(width + 1) * across
    return above * (1 - down) + below * down
