"""How far a folder's pictures are from those a model was trained on, in words and numbers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.images.exact import length, middle_of_mass
from bench.images.normalise import stroke_width
from bench.images.shape import to_grey
from bench.spec import Images, as_float

__all__ = ["Measure", "audit", "measure_images"]

_INK: Final = 0.5
_MOST_MEASURED: Final = 500
# name: unit, what to say where the folder is above, where it is below, least difference that counts
_MEASURES: Final[dict[str, tuple[str, str, str, float]]] = {
    "light_border": (
        "share of images",
        "dark ink on light paper, where training images are light on dark: use preprocess=auto",
        "light ink on dark paper, where training images are dark on light",
        0.2,
    ),
    "extent": (
        "share of the side",
        "the digits are larger than in training",
        "the digits are smaller than in training: use preprocess=auto, or crop them",
        0.12,
    ),
    "offset": (
        "share of the side",
        "the digits are further from the middle than in training: use preprocess=auto",
        "the digits are nearer to the middle than in training",
        0.05,
    ),
    "stroke": (
        "share of the side",
        "the strokes are thicker than in training",
        "the strokes are thinner than in training: use a thicker pen, or raise stroke_px",
        0.03,
    ),
    "sharpness": (
        "share of the contrast",
        "the edges are sharper than in training",
        "the pictures are more blurred than in training",
        0.12,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One property of a folder beside the same of the training images; both are medians.

    ``verdict`` is empty where they are alike.
    """

    name: str
    unit: str
    value: float
    reference: float
    verdict: str


def audit(images: Images, reference_images: Images) -> tuple[Measure, ...]:
    """Compare pictures with training images: polarity, scale, offset, stroke width, blur.

    Parameters
    ----------
    images, reference_images : ndarray of shape (n, height, width, channels)
        uint8, or float32 in [0, 1]; sides may differ. At most 500 of each are measured, evenly.
    """
    own, other = measure_images(images), measure_images(reference_images)
    found = []
    for name, (unit, above, below, least) in _MEASURES.items():
        value, reference = own[name], other[name]
        verdict = ""
        if value - reference > least:
            verdict = above
        elif reference - value > least:
            verdict = below
        found.append(
            Measure(name=name, unit=unit, value=value, reference=reference, verdict=verdict)
        )
    return tuple(found)


def measure_images(images: Images) -> dict[str, float]:
    """Return the median of each measure over the images; the polarity is a share of them."""
    places = np.unique(
        np.linspace(0, len(images) - 1, min(len(images), _MOST_MEASURED)).astype(int)
    )
    rows = (
        [_measure(as_float(np.asarray(images[i : i + 1]))) for i in places] if len(images) else []
    )
    if not rows:
        return dict.fromkeys(_MEASURES, 0.0)
    table = np.array(rows)
    medians = np.median(table, axis=0)
    medians[0] = table[:, 0].mean()
    return dict(zip(_MEASURES, map(float, medians), strict=True))


def _measure(image: npt.NDArray[np.float32]) -> tuple[float, ...]:
    grey = (image if image.shape[3] == 1 else to_grey(image))[0, ..., 0]
    side = max(grey.shape)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    low, high = float(grey.min()), float(grey.max())
    is_light = float(np.median(border)) > (low + high) / 2
    ink = (high - grey if is_light else grey - low) / max(high - low, 1e-6)
    mask = ink > _INK
    if high - low < 0.05 or not mask.any():
        return float(is_light), 0.0, 0.0, 0.0, 0.0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    down, across = middle_of_mass(ink)
    offset = length(down - (grey.shape[0] - 1) / 2, across - (grey.shape[1] - 1) / 2)
    # The steepest step between neighbours: near 1 for a sharp edge, small for a blurred one.
    steps = np.abs(np.diff(ink, axis=1)).ravel()
    sharpness = float(np.percentile(steps[steps > 0.02], 95)) if (steps > 0.02).any() else 0.0
    return (
        float(is_light),
        extent / side,
        float(offset) / side,
        stroke_width(mask) / side,
        sharpness,
    )
