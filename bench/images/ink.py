"""From a photo to ink strength: the channel, the light of the page, the polarity, the noise.

*Ink strength* is the share of the paper's light that is missing at a pixel: about 0 on paper, 1 for
black ink on white paper.
"""

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.images.exact import blur, hann_window, luma, total

__all__ = [
    "CHANNELS",
    "Float",
    "Mask",
    "choose_channel",
    "grey_channels",
    "ink_strength",
    "median_around",
    "noise_level",
    "paper_light",
    "polarity_evidence",
    "reduce_by",
]

Float: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]

CHANNELS: Final = ("grey", "red", "green", "blue")
_MEASURE_SIDE: Final = 128
_PAPER_SIDE: Final = 160
# Below this the sensor's noise, not the ink, decides the ratio of ink to paper.
_LEAST_LIGHT: Final = 0.12


def grey_channels(photo: npt.NDArray[Any]) -> dict[str, Float]:
    """Return the grey pictures ink may stand out in: luma and, where they differ, R, G and B.

    Parameters
    ----------
    photo : ndarray of shape (height, width) or (height, width, 3), uint8

    Returns
    -------
    dict of str to ndarray of shape (height, width), float32 in [0, 1]
    """
    scaled = photo.astype(np.float32) * np.float32(1 / 255)
    if scaled.ndim == 2:
        return {"grey": scaled}
    grey = luma(scaled)
    if photo.shape[2] != 3 or int(np.ptp(photo, axis=2).max()) < 6:
        return {"grey": grey}
    colours = {name: np.ascontiguousarray(scaled[..., i]) for i, name in enumerate(CHANNELS[1:])}
    return {"grey": grey, **colours}


def choose_channel(channels: dict[str, Float]) -> str:
    """Return the channel in which ink stands out most from the paper's noise.

    Luma is kept unless another channel is clearly better: it has the least noise, and ink of an
    ordinary pen shows in all.
    """
    if len(channels) == 1:
        return "grey"
    gains = {name: _standing_out(grey) for name, grey in channels.items()}
    best = max(gains, key=lambda name: gains[name])
    return best if gains[best] > 1.25 * gains["grey"] else "grey"


def _standing_out(grey: Float) -> float:
    departure = _departure(grey)
    noise = max(noise_level(departure), 0.004)
    # Half a percent of the picture: less than the ink of a digit, more than specks.
    strongest = float(np.percentile(np.abs(departure), 99.5))
    return min(strongest, 0.5) / float(np.sqrt(noise))


def polarity_evidence(grey: Float) -> tuple[float, float]:
    """Return the evidence for dark ink on light paper, and for light ink on dark paper.

    Paper is the majority of every neighbourhood: what departs from a wide local median on one side
    only is ink. Squares weigh strokes above the slow departures of a shadow; pixels near the
    border, where the table and the page's edge are, weigh less.
    """
    departure = _departure(grey)
    rows, columns = (hann_window(n) for n in departure.shape)
    weight = np.sqrt(rows[:, None] * columns)
    threshold = 3 * noise_level(departure)
    dark = np.maximum(-departure - threshold, 0) ** 2 * weight
    light = np.maximum(departure - threshold, 0) ** 2 * weight
    return float(total(dark)), float(total(light))


def _departure(grey: Float) -> Float:
    """Return how far each pixel of a reduced picture is from the median around it."""
    from PIL import Image

    small = reduce_by(grey, max(1, round(max(grey.shape) / _MEASURE_SIDE)))
    # The median of so wide a window is smooth: half the resolution gives the same.
    coarse = reduce_by(small, 2)
    reach = max(5, round(0.45 * min(coarse.shape)) | 1)
    levels = np.clip(coarse * 255, 0, 255).astype(np.uint8)
    around = median_around(levels, reach)
    size = small.shape[1], small.shape[0]
    paper = np.asarray(Image.fromarray(around).resize(size, Image.Resampling.BILINEAR))
    return np.asarray(small - paper.astype(np.float32) / 255, dtype=np.float32)


def median_around(levels: npt.NDArray[np.uint8], reach: int) -> npt.NDArray[np.uint8]:
    """Return the median of the square of `reach` (odd) pixels around each, of those in the picture.

    The same as ``skimage.filters.rank.median``, whose import would take half of the time in which a
    photo is read; each level is counted in all squares at once, from sums over rows and columns.
    """
    height, width = levels.shape
    half = reach // 2
    top, bottom = _ends(height, half)
    left, right = _ends(width, half)
    pixels = (bottom - top)[:, None] * (right - left)
    found = np.zeros((height, width), np.uint8)
    is_open = np.ones((height, width), bool)
    sums = np.zeros((height + 1, width + 1), np.int64)
    for level in np.unique(levels):
        np.cumsum(np.cumsum(levels <= level, axis=0), axis=1, out=sums[1:, 1:])
        rows = sums[bottom] - sums[top]
        is_reached = is_open & (2 * (rows[:, right] - rows[:, left]) > pixels)
        found[is_reached] = level
        is_open &= ~is_reached
    return found


def _ends(side: int, half: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return where the stretch around each place begins, and where it has ended."""
    places = np.arange(side)
    return np.maximum(places - half, 0), np.minimum(places + half + 1, side)


def ink_strength(grey: Float, *, stroke_share: float = 0.2, flatten: bool = True) -> Float:
    """Return how much of the paper's light is missing at each pixel, for dark ink.

    Parameters
    ----------
    grey : ndarray of shape (height, width), float32 in [0, 1]
    stroke_share : float
        No stroke is wider than this share of the shorter side.
    flatten : bool
        Take the paper's light from around each pixel, not one for the whole picture.
    """
    if flatten:
        paper = paper_light(grey, stroke_share)
    else:
        paper = np.full_like(grey, np.percentile(grey, 90))
    return np.asarray(1 - grey / np.maximum(paper, _LEAST_LIGHT), dtype=np.float32)


def paper_light(grey: Float, stroke_share: float) -> Float:
    """Return the light of the paper under dark ink.

    A grey closing removes what is darker and narrower than a stroke can be, and follows everything
    wider: shadows, vignettes, the table beside the page.
    """
    from PIL import Image
    from scipy import ndimage

    step = max(1, round(max(grey.shape) / _PAPER_SIDE))
    small = reduce_by(grey, step)
    if step > 1:
        small = blur(small, 0.7)
    reach = max(3, round(stroke_share * min(small.shape)) | 1)
    padded = np.pad(small, reach, mode="edge")
    closed = ndimage.grey_closing(padded, size=(reach, reach))[reach:-reach, reach:-reach]
    light = blur(closed, reach / 6, mode="nearest")
    if light.shape == grey.shape:
        return light
    # The blocks of the last row and column may stick out of the picture.
    whole = Image.fromarray(light).resize(
        (light.shape[1] * step, light.shape[0] * step), Image.Resampling.BILINEAR
    )
    return np.asarray(whole)[: grey.shape[0], : grey.shape[1]]


def noise_level(strength: Float) -> float:
    """Return the standard deviation of the paper's pixels, robust against the ink itself."""
    middle = np.median(strength)
    return 1.4826 * float(np.median(np.abs(strength - middle)))


def reduce_by(grey: Float, step: int) -> Float:
    """Return the means of `step` by `step` blocks; the last row and column may be partial."""
    from PIL import Image

    return grey if step == 1 else np.asarray(Image.fromarray(grey).reduce(step))
