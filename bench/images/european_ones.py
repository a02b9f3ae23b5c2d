"""European ones: MNIST's are bare sticks, so a 1 with a flag and a foot is read as 7 or 2.

A flag, and sometimes a foot, is drawn to pictures of the digit 1, as a person in most of Europe
writes it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.images.exact import cosine, length, middle_of_mass, sine, total

__all__ = ["with_flags"]


def with_flags(images: npt.NDArray[Any], generator: "np.random.Generator") -> npt.NDArray[np.uint8]:
    """Return pictures of the digit 1 with a flag at the head and, for a third, a foot.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, channels), uint8
        The digit 1, light on dark.
    generator : numpy.random.Generator
        Draws angle, length and width of each flag.

    Returns
    -------
    ndarray of shape (n, height, width, channels), uint8
        Centred by their mass again.
    """
    changed = [_with_flag(image, generator) for image in images]
    return np.stack(changed) if changed else images.astype(np.uint8)


def _with_flag(image: npt.NDArray[Any], generator: "np.random.Generator") -> npt.NDArray[np.uint8]:
    angle = np.deg2rad(generator.uniform(25, 62))
    reach, foot = generator.uniform(0.28, 0.62), generator.uniform(0.15, 0.4)
    has_foot, width_factor = generator.random() < 1 / 3, generator.uniform(0.7, 1.1)
    ink = image[..., 0].astype(np.float32) / 255
    rows = np.flatnonzero(ink.max(axis=1) > 0.4)
    if len(rows) < 4:
        return image.astype(np.uint8)
    tall = len(rows)

    def middle_of(part: npt.NDArray[np.intp]) -> tuple[float, float]:
        return float(part.mean()), middle_of_mass(ink[part])[1]

    # Half of the usual width of a row of the stem, where a digit 1 is a single stroke.
    radius = max(0.9, float(np.median(total(ink[rows], axis=1))) / 2) * width_factor
    head, base = middle_of(rows[:2]), middle_of(rows[-2:])
    long = reach * tall
    tip = head[0] + long * float(cosine(angle)), head[1] - long * float(sine(angle))
    drawn = np.maximum(ink, _stroke(ink.shape, head, tip, min(radius, 2.2)))
    if has_foot:
        left, right = (base[0], base[1] - foot * tall), (base[0], base[1] + foot * tall)
        drawn = np.maximum(drawn, _stroke(ink.shape, left, right, min(radius, 2.2)))
    centred = np.round(_centred(drawn) * 255).astype(np.uint8)
    return np.repeat(centred[..., None], image.shape[2], axis=2)


def _stroke(
    shape: tuple[int, ...], start: tuple[float, float], stop: tuple[float, float], radius: float
) -> npt.NDArray[np.float32]:
    """Return a straight stroke with round ends and soft edges."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    along = stop[0] - start[0], stop[1] - start[1]
    squared = along[0] * along[0] + along[1] * along[1]
    share = np.clip(((y - start[0]) * along[0] + (x - start[1]) * along[1]) / squared, 0, 1)
    distance = length(y - start[0] - share * along[0], x - start[1] - share * along[1])
    return np.asarray(np.clip(radius + 0.5 - distance, 0, 1), dtype=np.float32)


def _centred(ink: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    down, across = middle_of_mass(ink)
    moved = np.zeros_like(ink)
    rows, columns = round((ink.shape[0] - 1) / 2 - down), round((ink.shape[1] - 1) / 2 - across)
    height, width = ink.shape
    moved[max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)] = ink[
        max(-rows, 0) : height - max(rows, 0), max(-columns, 0) : width - max(columns, 0)
    ]
    return moved
