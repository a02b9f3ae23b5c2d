"""Corruptions of test images at five strengths, to measure what a model survives.

Where MNIST-C (Mu and Gilmer 2019, "MNIST-C: a robustness benchmark for computer vision") has the
same corruption its parameters are used: ``rotate``, ``translate``, ``scale``, ``shear``,
``shot_noise``, ``impulse_noise``, ``brightness``, and ``contrast`` and ``inverse`` of its code. The
others are ours. Lengths are in pixels of a 28-pixel image and grow with the image. Randomness (a
direction, a place, noise) comes from the number of the image alone, so every model meets the same
pictures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import OptionError
from bench.images.exact import blur, clipped, cosine, mean, sine

__all__ = ["CORRUPTIONS", "Corruption", "choose_corruptions", "corrupt"]

Image: TypeAlias = npt.NDArray[np.float32]
_SEED = 20_190_605
_BASE_SIDE = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """One corruption: what it does in words, and a value for each strength from 1.

    ``apply`` takes an image (height, width, channels), float32 in [0, 1], the strength's value, the
    image's own random generator and its side over 28; it may leave [0, 1].
    """

    name: str
    summary: str
    values: tuple[float, ...]
    apply: Callable[[Image, float, np.random.Generator, float], Image]

    @property
    def strengths(self) -> range:
        """The strengths there are, from 1."""
        return range(1, len(self.values) + 1)


def choose_corruptions(names: str) -> tuple[Corruption, ...]:
    """Return the corruptions of ``all`` or of a list such as ``rotate,scale``.

    Raises
    ------
    OptionError
        If one does not exist; the message lists them.
    """
    asked = list(CORRUPTIONS) if names == "all" else [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in CORRUPTIONS:
            raise OptionError(
                f"no corruption is called '{name}'", why=f"there are {', '.join(CORRUPTIONS)}"
            )
    return tuple(CORRUPTIONS[name] for name in dict.fromkeys(asked))


def corrupt(images: Image, name: str, strength: int, *, first_image: int = 0) -> Image:
    """Return corrupted copies of images.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels)
        float32 in [0, 1].
    strength : int
        From 1.
    first_image : int
        The number of ``images[0]`` in its test split.

    Returns
    -------
    ndarray of shape (n, height, width, channels)
        float32 in [0, 1].

    Raises
    ------
    OptionError
        If there is no such corruption or strength.
    """
    (corruption,) = choose_corruptions(name)
    if strength not in corruption.strengths:
        raise OptionError(
            f"{name} has no strength {strength}", why=f"it has 1 to {len(corruption.values)}"
        )
    value = corruption.values[strength - 1]
    size = min(images.shape[1:3]) / _BASE_SIDE
    result = np.empty(images.shape, np.float32)
    for index, image in enumerate(images):
        random = np.random.default_rng((_SEED, first_image + index))
        result[index] = corruption.apply(image, value, random, size)
    return clipped(result, 0.0, 1.0)


def _affine(image: Image, matrix: npt.NDArray[np.float64], shift: npt.NDArray[np.float64]) -> Image:
    """Sample an image at ``matrix · (place - centre) + centre + shift``, zeros outside."""
    from scipy.ndimage import affine_transform

    centre = (np.array(image.shape[:2]) - 1) / 2
    offset = centre - (matrix[:, 0] * centre[0] + matrix[:, 1] * centre[1]) + shift
    channels = [
        affine_transform(image[..., channel], matrix, offset, order=1, mode="constant")
        for channel in range(image.shape[2])
    ]
    warped: Image = np.stack(channels, axis=-1).astype(np.float32)
    return warped


def _sign(random: "np.random.Generator") -> int:
    return int(random.choice((-1, 1)))


def _rotate(image: Image, angle: float, random: "np.random.Generator", size: float) -> Image:
    turn = angle * _sign(random)
    cos, sin = cosine(turn), sine(turn)
    return _affine(image, np.array([[cos, -sin], [sin, cos]]), np.zeros(2))


def _translate(image: Image, pixels: float, random: "np.random.Generator", size: float) -> Image:
    shift = pixels * size * np.array([_sign(random), _sign(random)])
    return _affine(image, np.eye(2), shift)


def _scale(image: Image, factor: float, random: "np.random.Generator", size: float) -> Image:
    return _affine(image, np.eye(2) / factor, np.zeros(2))


def _shear(image: Image, angle: float, random: "np.random.Generator", size: float) -> Image:
    # scikit-image's shear by an angle, as MNIST-C calls it.
    turn = angle * _sign(random)
    return _affine(image, np.array([[cosine(turn), 0.0], [-sine(turn), 1.0]]), np.zeros(2))


def _blur(image: Image, sigma: float, random: "np.random.Generator", size: float) -> Image:
    return blur(image, sigma * size)


def _shot_noise(image: Image, photons: float, random: "np.random.Generator", size: float) -> Image:
    noisy: Image = (random.poisson(image * photons) / photons).astype(np.float32)
    return noisy


def _impulse_noise(image: Image, share: float, random: "np.random.Generator", size: float) -> Image:
    draw = random.random(image.shape, dtype=np.float32)
    noisy: Image = np.where(draw < share / 2, 0.0, np.where(draw < share, 1.0, image))
    return noisy.astype(np.float32)


def _brightness(image: Image, more: float, random: "np.random.Generator", size: float) -> Image:
    lighter: Image = image + np.float32(more)
    return lighter


def _contrast(image: Image, factor: float, random: "np.random.Generator", size: float) -> Image:
    middle = mean(image, axis=(0, 1)).astype(np.float32)
    flat: Image = (image - middle) * np.float32(factor) + middle
    return flat


def _inverse(image: Image, _: float, random: "np.random.Generator", size: float) -> Image:
    return 1 - image


def _occlude(image: Image, side: float, random: "np.random.Generator", size: float) -> Image:
    """Hide a square, anywhere that its centre lies in the inner half, in the background's tone."""
    height, width, _ = image.shape
    half = side * size / 2
    row, column = random.uniform(0.25, 0.75, 2) * (height, width)
    rows = slice(max(0, round(row - half)), max(0, round(row + half)))
    columns = slice(max(0, round(column - half)), max(0, round(column + half)))
    hidden = image.copy()
    hidden[rows, columns] = np.median(image, axis=(0, 1))
    return hidden


def _thicken(image: Image, pixels: float, random: "np.random.Generator", size: float) -> Image:
    return _morph(image, pixels * size, grows=True)


def _thin(image: Image, pixels: float, random: "np.random.Generator", size: float) -> Image:
    return _morph(image, pixels * size, grows=False)


def _morph(image: Image, pixels: float, *, grows: bool) -> Image:
    """Grow or shrink what is light by `pixels` on each side, worked out at four times the size.

    The structuring element is an octagon: crosses and squares of one pixel in turn.
    """
    large = image.repeat(4, axis=0).repeat(4, axis=1)
    for step in range(max(1, round(4 * pixels))):
        large = _step(large, is_square=step % 2 == 1, grows=grows)
    height, width, channels = image.shape
    small: Image = mean(large.reshape(height, 4, width, 4, channels), axis=(1, 3))
    return small.astype(np.float32)


def _step(image: Image, *, is_square: bool, grows: bool) -> Image:
    """Take the greatest (or the least) of each pixel and its 4 or 8 neighbours."""
    better = np.maximum if grows else np.minimum
    rows = image.copy()
    better(rows[1:], image[:-1], out=rows[1:])
    better(rows[:-1], image[1:], out=rows[:-1])
    across = rows if is_square else image
    result = rows.copy()
    better(result[:, 1:], across[:, :-1], out=result[:, 1:])
    better(result[:, :-1], across[:, 1:], out=result[:, :-1])
    return result


def _table(*corruptions: Corruption) -> Mapping[str, Corruption]:
    return MappingProxyType({corruption.name: corruption for corruption in corruptions})


def _made(
    name: str,
    summary: str,
    values: tuple[float, ...],
    apply: Callable[[Image, float, np.random.Generator, float], Image],
) -> Corruption:
    return Corruption(name=name, summary=summary, values=values, apply=apply)


_RADIANS = (0.2, 0.4, 0.6, 0.8, 1.0)
CORRUPTIONS = _table(
    _made("rotate", "turned by .2 to 1 radian, either way", _RADIANS, _rotate),
    _made("translate", "shifted by 1 to 5 pixels in both directions", (1, 2, 3, 4, 5), _translate),
    _made("scale", "shrunk to .9 to .5 of its size", (0.9, 0.8, 0.7, 0.6, 0.5), _scale),
    _made("shear", "slanted by .2 to 1 radian, either way", _RADIANS, _shear),
    _made("gaussian_blur", "blurred, sigma .5 to 2 pixels", (0.5, 0.75, 1, 1.5, 2), _blur),
    _made("shot_noise", "photon noise, 60 to 3 photons", (60, 25, 12, 5, 3), _shot_noise),
    _made(
        "impulse_noise",
        "3 to 27 % of the pixels black or white",
        (0.03, 0.06, 0.09, 0.17, 0.27),
        _impulse_noise,
    ),
    _made("brightness", "lighter by .1 to .5", (0.1, 0.2, 0.3, 0.4, 0.5), _brightness),
    _made("contrast", "contrast cut to .4 to .05", (0.4, 0.3, 0.2, 0.1, 0.05), _contrast),
    _made("inverse", "dark and light exchanged", (1,), _inverse),
    _made("occlusion", "a square of 4 to 12 pixels hidden", (4, 6, 8, 10, 12), _occlude),
    _made("thick", "strokes .5 to 2.5 pixels wider a side", (0.5, 1, 1.5, 2, 2.5), _thicken),
    _made("thin", "strokes .25 to 1.25 pixels narrower a side", (0.25, 0.5, 0.75, 1, 1.25), _thin),
)
