"""Augmentation: a random rotation, zoom and shift of each image, as one affine map.

Parameters are drawn with numpy, so they are a function of the generator alone; the images are moved
inside the TensorFlow graph. Equal in distribution to Keras' ``ImageDataGenerator`` with the same
ranges and ``fill_mode="nearest"`` on square images.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np
import numpy.typing as npt

from bench.images.exact import cosine, sine

if TYPE_CHECKING:
    from bench.spec import Shape

__all__ = [
    "GENTLE",
    "PUBLISHED",
    "AffineRanges",
    "Augmentation",
    "affine_matrices",
    "draw_affines",
    "move_images",
]


class Augmentation(Protocol):
    """A way to change training images at random, other ways in each epoch."""

    @property
    def n_parameters(self) -> int:
        """How many random numbers an image takes."""
        ...

    def draw(
        self, generator: "np.random.Generator", n: int, shape: "Shape"
    ) -> npt.NDArray[np.float32]:
        """Draw what is done to `n` images of `shape`: (n, n_parameters) float32."""
        ...

    def change(self, images: Any, parameters: Any) -> Any:
        """Do it in the TensorFlow graph; (n, height, width, channels) float32 in and out."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AffineRanges:
    """Ranges of the random affine map; each parameter is uniform and independent.

    Parameters
    ----------
    rotation_degrees : float
        The angle is drawn from ±this.
    zoom : float
        The scale of each axis is drawn from 1 ± this.
    shift : float
        The shift along each axis is drawn from ±this share of the image's side.
    """

    rotation_degrees: float
    zoom: float
    shift: float

    n_parameters: ClassVar[int] = 8

    def draw(
        self, generator: "np.random.Generator", n: int, shape: "Shape"
    ) -> npt.NDArray[np.float32]:
        """Draw affine maps; see `draw_affines`."""
        return draw_affines(generator, n, shape, self)

    def change(self, images: Any, parameters: Any) -> Any:
        """Move the images; see `move_images`."""
        return move_images(images, parameters)


PUBLISHED: Final = AffineRanges(rotation_degrees=10, zoom=0.3, shift=0.3)
GENTLE: Final = AffineRanges(rotation_degrees=10, zoom=0.1, shift=0.1)


def draw_affines(
    generator: "np.random.Generator", n: int, shape: "Shape", augmentation: AffineRanges
) -> npt.NDArray[np.float32]:
    """Draw the affine maps of `n` images of `shape`.

    Returns
    -------
    ndarray of shape (n, 8), float32
        Rows as `affine_matrices` returns them.
    """
    height, width, _ = shape
    angle = np.deg2rad(augmentation.rotation_degrees)
    return affine_matrices(
        shape,
        radians=generator.uniform(-angle, angle, n),
        shift_rows=generator.uniform(-augmentation.shift, augmentation.shift, n) * height,
        shift_columns=generator.uniform(-augmentation.shift, augmentation.shift, n) * width,
        zoom_rows=generator.uniform(1 - augmentation.zoom, 1 + augmentation.zoom, n),
        zoom_columns=generator.uniform(1 - augmentation.zoom, 1 + augmentation.zoom, n),
    )


def affine_matrices(
    shape: "Shape",
    *,
    radians: npt.NDArray[np.float64],
    shift_rows: npt.NDArray[np.float64],
    shift_columns: npt.NDArray[np.float64],
    zoom_rows: npt.NDArray[np.float64],
    zoom_columns: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Return rotation · shift · zoom about the image's centre, from output to input pixels.

    Parameters
    ----------
    shape : (height, width, channels)
        Of the images.
    radians, shift_rows, shift_columns, zoom_rows, zoom_columns : ndarray of shape (n,)
        Shifts are in pixels; a positive angle turns the digit clockwise; a zoom above 1 shrinks
        the digit, as Keras has it.

    Returns
    -------
    ndarray of shape (n, 8), float32
        Each row maps an output pixel (x, y) to the input pixel (a0 x + a1 y + a2,
        b0 x + b1 y + b2); the last two entries, of the projection, are 0.
    """
    height, width, _ = shape
    cos, sin = cosine(radians), sine(radians)
    row_row, row_column = cos * zoom_rows, -sin * zoom_columns
    column_row, column_column = sin * zoom_rows, cos * zoom_columns
    row_0, column_0 = (height - 1) / 2, (width - 1) / 2
    row_shift = cos * shift_rows - sin * shift_columns
    column_shift = sin * shift_rows + cos * shift_columns
    rows = np.zeros((len(radians), 8), dtype=np.float32)
    rows[:, 0], rows[:, 1] = column_column, column_row
    rows[:, 2] = column_0 + column_shift - column_column * column_0 - column_row * row_0
    rows[:, 3], rows[:, 4] = row_column, row_row
    rows[:, 5] = row_0 + row_shift - row_column * column_0 - row_row * row_0
    return rows


def move_images(images: Any, affines: Any) -> Any:
    """Apply one affine map to each image in the TensorFlow graph.

    Parameters
    ----------
    images : tensor of shape (n, height, width, channels), float32
    affines : tensor of shape (n, 8), float32
        As `draw_affines` returns them.

    Returns
    -------
    tensor of shape (n, height, width, channels), float32
        Linearly interpolated; beyond the border the nearest pixel is repeated.
    """
    import tensorflow as tf

    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=affines,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
