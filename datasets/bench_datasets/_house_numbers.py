"""House numbers drawn with the fonts that matplotlib ships, cropped to one digit as SVHN is."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

__all__ = ["generate"]

_SIDE = 32
_CANVAS = 96  # drawn at three times the size, then reduced: smooth edges
_FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBolIta.ttf",
)

Greys = npt.NDArray[np.float32]


def generate(n: int, rng: np.random.Generator) -> tuple[Greys, npt.NDArray[np.int64]]:
    """Draw house numbers, cropped to one digit as SVHN is, its neighbours looking in.

    Returns
    -------
    images : ndarray of shape (n, 32, 32), float32, 0 to 255 in whole steps
    labels : ndarray of shape (n,), int64
        The digit in the middle; the classes are as even as `n` allows.
    """
    fonts = _fonts()
    labels = rng.permutation(np.arange(n) % 10).astype(np.int64)
    images = np.stack([_one(int(label), fonts, rng) for label in labels])
    return images, labels


def _fonts() -> "list[FreeTypeFont]":
    """Return the fonts, at several sizes, from the files that matplotlib ships."""
    from PIL import ImageFont

    package = find_spec("matplotlib")  # finds the folder, imports nothing
    folders = list(package.submodule_search_locations or ()) if package else []
    for folder in folders:
        files = [Path(folder) / "mpl-data" / "fonts" / "ttf" / name for name in _FONTS]
        if all(file.is_file() for file in files):
            # The basic layout engine is in every build of Pillow and gives one result everywhere.
            basic = ImageFont.Layout.BASIC
            return [
                ImageFont.truetype(str(file), size, layout_engine=basic)
                for file in files
                for size in (66, 76, 86)
            ]
    raise DataError("synthetic-house-numbers", why="the fonts that matplotlib ships are missing")


def _one(label: int, fonts: "list[FreeTypeFont]", rng: np.random.Generator) -> Greys:
    from bench.images.exact import clipped, mean, normal
    from bench.images.shape import resize

    mask = _number_mask(label, fonts[rng.integers(len(fonts))], rng)
    wall = _gradient(rng, centre=rng.uniform(60, 140), strength=rng.uniform(0, 40))
    contrast = rng.uniform(55, 130)  # mostly light digits on darker walls
    brightness = float(mean(wall))
    if not 10 <= brightness + contrast <= 245:
        contrast = -contrast
    ink = brightness + contrast + _gradient(rng, centre=0.0, strength=rng.uniform(0, 25))
    canvas = wall + mask * (ink - wall)
    small = resize(canvas[np.newaxis, :, :, np.newaxis].astype(np.float32), _SIDE, _SIDE)[0, ..., 0]
    if rng.random() < 0.5:  # out of focus, as half of the photos are
        less = int(rng.integers(11, 22))
        soft = resize(small[np.newaxis, :, :, np.newaxis], less, less)
        small = resize(soft, _SIDE, _SIDE)[0, ..., 0]
    grain = rng.uniform(2, 10)
    noisy = small + normal(rng, small.shape) * grain
    return np.asarray(clipped(np.rint(noisy), 0, 255), dtype=np.float32)


def _number_mask(label: int, font: "FreeTypeFont", rng: np.random.Generator) -> npt.NDArray[Any]:
    """Draw the digit and, mostly, neighbours; slant and turn it. Ink is 1."""
    from PIL import Image, ImageDraw

    from bench.images.exact import cosine, sine

    image = Image.new("L", (_CANVAS, _CANVAS))
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = font.getbbox(str(label))
    x = (_CANVAS - (right - left)) / 2 - left + rng.uniform(-7, 7)
    y = (_CANVAS - (bottom - top)) / 2 - top + rng.uniform(-7, 7)
    draw.text((x, y), str(label), fill=255, font=font)
    gap = rng.uniform(0, 8)
    if rng.random() < 0.6:
        before = str(rng.integers(10))
        draw.text((x - font.getlength(before) - gap, y), before, fill=255, font=font)
    if rng.random() < 0.6:
        draw.text((x + (right - left) + gap + 2, y), str(rng.integers(10)), fill=255, font=font)
    turn, shear, squeeze = (
        np.deg2rad(rng.uniform(-9, 9)),
        rng.uniform(-0.12, 0.12),
        rng.uniform(0.9, 1.15),
    )
    cos, sin, middle = float(cosine(turn)), float(sine(turn)), _CANVAS / 2
    a, b = squeeze * cos, squeeze * (shear * cos - sin)
    d, e = sin, shear * sin + cos
    matrix = (a, b, middle - a * middle - b * middle, d, e, middle - d * middle - e * middle)
    turned = image.transform(
        image.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR
    )
    return np.asarray(turned, dtype=np.float32) / np.float32(255)


def _gradient(rng: np.random.Generator, *, centre: float, strength: float) -> npt.NDArray[Any]:
    """Return light that falls off in some direction, (canvas, canvas), mean `centre`."""
    from bench.images.exact import cosine, sine

    across, down = np.meshgrid(np.linspace(-1, 1, _CANVAS), np.linspace(-1, 1, _CANVAS))
    angle = rng.uniform(0, 2 * np.pi)
    light: npt.NDArray[Any] = centre + strength * (across * cosine(angle) + down * sine(angle))
    return light
