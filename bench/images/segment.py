"""From a photo to the mask of its digit."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.images.components import Marks, gather_fragments, label_marks, score_marks
from bench.images.exact import blur
from bench.images.ink import (
    Float,
    Mask,
    choose_channel,
    grey_channels,
    ink_strength,
    noise_level,
    polarity_evidence,
)
from bench.images.preprocess_options import PreprocessOptions
from bench.images.ruling import find_lines, remove_lines

__all__ = ["Digit", "Ink", "find_digit", "read_ink", "stroke_mask"]

# Pictures this small are drawn, not photographed: no grain to smooth, no lines to look for.
_DRAWN_SIDE: Final = 160
_LEAST_LEVEL: Final = 0.03
_SURE_POLARITY: Final = 0.75
# Ink covers a fifth of the page at most where a digit fills it; what covers more is the page.
_MOST_INK: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """The ink of a photo, whatever digits it holds.

    Parameters
    ----------
    grey, strength : ndarray of shape (height, width), float32
        The channel read, in [0, 1]; the ink strength with lines removed and grain smoothed.
    raw_strength : ndarray of shape (height, width), float32
        The ink strength before lines were removed.
    channel, polarity : str
        What was read: a channel's name; ``dark`` or ``light`` ink.
    polarity_certainty : float
        From 0.5, a guess, to 1.
    noise : float
        Standard deviation of the paper's ink strength.
    n_lines : int
        Printed lines taken out.
    """

    grey: Float
    strength: Float
    raw_strength: Float
    channel: str
    polarity: str
    polarity_certainty: float
    noise: float
    n_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """One digit found in a photo.

    Parameters
    ----------
    ink : Ink
        The ink it was found in.
    alpha : ndarray of shape (height, width), float32 in [0, 1]
        The digit alone; 0.5 is the edge of a stroke.
    box : (int, int, int, int)
        Top, left, bottom, right; bottom and right are exclusive.
    level, score : float
        Its typical ink strength; how much it looks like a digit.
    marks : Marks or None
        All marks of the photo.
    members : set of int
        Which of them are the digit.
    """

    ink: Ink
    alpha: Float
    box: tuple[int, int, int, int]
    level: float
    score: float
    marks: Marks
    members: set[int]


def read_ink(photo: npt.NDArray[Any], options: PreprocessOptions) -> list[Ink]:
    """Return the ink of a photo: one reading, or both polarities where the evidence is weak.

    Parameters
    ----------
    photo : ndarray of shape (height, width) or (height, width, 3), uint8
    """
    channels = grey_channels(photo)
    name = options.channel
    if name == "auto":
        name = choose_channel(channels)
    grey = channels.get(name, channels["grey"])
    if options.polarity != "auto":
        return [_ink(grey, name, options.polarity, 1.0, options)]
    dark, light = polarity_evidence(grey)
    share = dark / (dark + light) if dark + light > 0 else 0.5
    likely = "dark" if share >= 0.5 else "light"
    certainty = max(share, 1 - share)
    readings = [_ink(grey, name, likely, certainty, options)]
    if certainty < _SURE_POLARITY:
        other = "light" if likely == "dark" else "dark"
        readings.append(_ink(grey, name, other, 1 - certainty, options))
    return readings


def _ink(
    grey: Float, channel: str, polarity: str, certainty: float, options: PreprocessOptions
) -> Ink:
    dark = grey if polarity == "dark" else 1 - grey
    raw = ink_strength(dark, flatten=options.flatten)
    strength, n_lines = raw, 0
    if max(grey.shape) > _DRAWN_SIDE:
        lines = find_lines(raw) if options.remove_lines else []
        n_lines = len(lines)
        cleaned = remove_lines(raw, lines) if lines else raw
        strength = blur(cleaned, max(grey.shape) / 512)
    return Ink(
        grey=grey,
        strength=strength,
        raw_strength=raw,
        channel=channel,
        polarity=polarity,
        polarity_certainty=certainty,
        noise=noise_level(strength),
        n_lines=n_lines,
    )


def find_digit(ink: Ink, *, take_all: bool = False) -> Digit | None:
    """Return the marks that look most like one digit, None on a blank page.

    The page is cut at several levels, since what is connected at a low level (a digit and the
    shadow it lies in) comes apart at a higher one; the best mark of all levels is the digit's main
    part.
    """
    best = _best_mark(ink)
    if best is None:
        return None
    score, main_mask, level, stroke = best
    alpha = stroke_mask(ink, level, stroke)
    marks = label_marks(alpha >= 0.5, ink.strength)
    overlap = np.bincount(marks.labels[main_mask], minlength=len(marks) + 1)[1:]
    if not overlap.size or not overlap.max():
        return None
    main = int(np.argmax(overlap))
    members = set(range(len(marks))) if take_all else gather_fragments(marks, main)
    boxes = marks.boxes[sorted(members)]
    (top, left), (bottom, right) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    digit = Digit(
        ink=ink,
        alpha=alpha,
        box=(int(top), int(left), int(bottom), int(right)),
        level=float(marks.level[main]),
        score=score,
        marks=marks,
        members=members,
    )
    own = cut_out(alpha, marks.mask_of(members))
    return replace(digit, alpha=own) if float((own >= 0.5).mean()) < _MOST_INK else None


def _best_mark(ink: Ink) -> tuple[float, Mask, float, float] | None:
    """Return score, mask, typical strength and stroke of the best mark over all levels."""
    lowest = max(4 * ink.noise, _LEAST_LEVEL)
    highest = max(0.6 * float(np.percentile(ink.strength[::2, ::2], 99.9)), lowest * 1.01)
    best: tuple[float, Marks, int] | None = None
    threshold = lowest
    while threshold < highest:
        marks = label_marks(ink.strength > threshold, ink.strength, keep=12)
        if len(marks):
            scores = score_marks(marks)
            i = int(np.argmax(scores))
            if best is None or scores[i] > best[0]:
                best = float(scores[i]), marks, i
        threshold *= 1.7
    if best is None:
        return None
    score, marks, i = best
    own = marks.labels == i + 1
    return score, own, float(np.percentile(ink.strength[own], 80)), float(marks.stroke[i])


def stroke_mask(ink: Ink, level: float, stroke: float) -> Float:
    """Return the strokes of about `level`: each edge lies at half of the strength next to it.

    So the dark part of a stroke does not swallow the faint one, and the blur around a dark one does
    not make it thick.
    """
    from scipy import ndimage

    least = max(4 * ink.noise, 0.22 * level, 0.02)
    reach = int(2 * np.ceil(max(stroke, 3) / 2) + 3)
    peak = ndimage.maximum_filter(ink.strength, size=reach)
    alpha = np.clip(ink.strength / np.maximum(peak, 1e-3), 0, 1)
    is_ink = (peak > least) & (ink.strength > 0.6 * least)
    return np.asarray(np.where(is_ink, alpha, 0), dtype=np.float32)


def cut_out(alpha: Float, own: Mask) -> Float:
    """Return `alpha` on the digit and its soft edges; 0 elsewhere, below 0.5 beside it."""
    from scipy import ndimage

    near = ndimage.binary_dilation(own, iterations=2)
    clean = np.where(own, np.maximum(alpha, 0.5), np.minimum(alpha, 0.49))
    return np.asarray(np.where(near, clean, 0), dtype=np.float32)
