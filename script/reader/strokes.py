"""Strokes without a width: how far each point of a small field is from a digit's skeleton.

From such a field a stroke of any width is drawn, turned, bent and scaled. Digits are those of
MNIST's training images; what is no digit is drawn from Matplotlib's fonts and at random.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["FIELD_SIDE", "SPAN", "STEPS_PER_PIXEL", "Strokes", "digit_strokes", "other_strokes"]

FIELD_SIDE: Final = 64
SPAN: Final = 44.0  # the longer side of the skeleton in the field
STEPS_PER_PIXEL: Final = 8
_LETTERS: Final = "ACDEFGHJKLMNPQRTUVWXYabdefhkmnprtuvwxyΓΔΘΛΞΠΣΦΨΩ#&%@?!+=*"
_FONTS: Final = (
    "DejaVuSans",
    "DejaVuSerif",
    "DejaVuSansMono",
    "DejaVuSans-Oblique",
    "cmr10",
    "cmmi10",
)
_CANVAS: Final = 150
_N_SCRIBBLES: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """Distance fields.

    Parameters
    ----------
    fields : ndarray of shape (n, FIELD_SIDE, FIELD_SIDE), uint8
        Distance from the skeleton in eighths of a field pixel, at most 255 of them.
    extents : ndarray of shape (n, 2), float32
        Width and height of the skeleton as shares of its longer side.
    labels : ndarray of shape (n,), uint8
        0 to 9, or 10 for what is no digit.
    """

    fields: npt.NDArray[np.uint8]
    extents: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]


def digit_strokes(mnist: Path, n: int) -> Strokes:
    """Return the first `n` training images of ``mnist.npz`` as strokes."""
    from PIL import Image

    with np.load(mnist) as archive:
        images, labels = archive["x_train"][:n], archive["y_train"][:n]
    masks = (
        np.asarray(Image.fromarray(np.pad(image, 4)).resize((108, 108), Image.Resampling.BICUBIC))
        > 110
        for image in images
    )
    return _strokes_of([_field(mask) for mask in masks], labels)


def other_strokes(seed: int) -> Strokes:
    """Return letters and signs that look like no digit, and scribbles."""
    rng = np.random.default_rng(seed)
    masks = [*_letters(), *(_scribble(rng, i % 4) for i in range(_N_SCRIBBLES))]
    fields = [_field(mask) for mask in masks if mask.sum() >= 50]
    return _strokes_of(fields, np.full(len(fields), 10))


def _strokes_of(fields: list[tuple[Any, tuple[float, float]]], labels: npt.NDArray[Any]) -> Strokes:
    return Strokes(
        fields=np.array([field for field, _ in fields], dtype=np.uint8),
        extents=np.array([extent for _, extent in fields], dtype=np.float32),
        labels=labels.astype(np.uint8),
    )


def _field(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.uint8], tuple[float, float]]:
    from scipy import ndimage
    from skimage.morphology import skeletonize

    thin = skeletonize(mask)
    if thin.sum() < 3:
        thin = mask
    rows, columns = np.flatnonzero(thin.any(axis=1)), np.flatnonzero(thin.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    scale = SPAN / max(height, width)
    away = ndimage.distance_transform_edt(~thin)
    steps = (np.arange(FIELD_SIDE) + 0.5 - FIELD_SIDE / 2) / scale
    y, x = steps + (rows[0] + rows[-1]) / 2, steps + (columns[0] + columns[-1]) / 2
    inside_y, inside_x = np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)
    sampled = ndimage.map_coordinates(away, np.meshgrid(inside_y, inside_x, indexing="ij"), order=1)
    beyond = np.hypot((y - inside_y)[:, None], (x - inside_x)[None, :])
    distance = np.hypot(sampled, beyond) * scale * STEPS_PER_PIXEL
    longer = max(height, width)
    return np.clip(np.rint(distance), 0, 255).astype(np.uint8), (width / longer, height / longer)


def _letters() -> list[npt.NDArray[np.bool_]]:
    import matplotlib as mpl
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    masks = []
    for name in _FONTS:
        font = ImageFont.truetype(str(folder / f"{name}.ttf"), 90)
        for letter in _LETTERS:
            picture = Image.new("L", (_CANVAS, _CANVAS))
            ImageDraw.Draw(picture).text((30, 15), letter, fill=255, font=font)
            masks.append(np.asarray(picture) > 128)
    return masks


def _scribble(rng: np.random.Generator, kind: int) -> npt.NDArray[np.bool_]:
    """Draw a smooth curve (0, 1), a polygon (2) or a few straight lines (3)."""
    from PIL import Image, ImageDraw
    from scipy.interpolate import BSpline, CubicSpline

    picture = Image.new("L", (_CANVAS, _CANVAS))
    pen = ImageDraw.Draw(picture)
    if kind < 2:
        points = rng.uniform(20, 130, (int(rng.integers(4, 9)), 2))
        along = np.linspace(0, len(points) - 1, 300)
        if kind == 0:
            knots = np.concatenate(
                [[0] * 3, np.linspace(0, len(points) - 1, len(points) - 2), [len(points) - 1] * 3]
            )
            curve = BSpline(knots, points, 3)(along)
        else:
            curve = CubicSpline(np.arange(len(points)), points)(along)
        pen.line([tuple(point) for point in curve], fill=255, width=4)
    elif kind == 2:
        n = int(rng.integers(3, 7))
        angles, reach = np.sort(rng.uniform(0, 2 * np.pi, n)), rng.uniform(30, 55, n)
        corners = np.stack([75 + reach * np.cos(angles), 75 + reach * np.sin(angles)], axis=1)
        pen.polygon([tuple(corner) for corner in corners], outline=255, width=4)
    else:
        for _ in range(int(rng.integers(2, 6))):
            pen.line(
                [tuple(rng.uniform(20, 130, 2)), tuple(rng.uniform(20, 130, 2))], fill=255, width=4
            )
    return np.asarray(picture) > 128
