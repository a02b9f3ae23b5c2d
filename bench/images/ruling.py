"""Ruled and squared paper: straight lines from edge to edge, found and taken out.

A printed line crosses the whole frame and is about as dark everywhere; a stroke of a digit is not.
So a line counts only if it is seen in nearly every part of its way, first and last included. Dotted
lines count: each part is judged by its mean.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.images.exact import mean, slope_of_line, tangent
from bench.images.ink import Float, reduce_by

__all__ = ["Ruling", "find_lines", "remove_lines"]

_PARTS: Final = 8
_SLOPES: Final = tangent(np.deg2rad(np.arange(-12, 12.5, 1.0)))
_LEAST_Z: Final = 4.5
_LEAST_LEVEL: Final = 0.015
_MOST_LINES: Final = 40
_SEARCH_SIDE: Final = 256
_BLOCK: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One line: its row at the middle of each eighth of the width, and its slope, in pixels.

    ``is_vertical`` says that rows and columns are exchanged.
    """

    centres: npt.NDArray[np.float64]
    slope: float
    is_vertical: bool


def find_lines(strength: Float) -> list[Ruling]:
    """Return the printed lines of ruled or squared paper; none where there is only one.

    Parameters
    ----------
    strength : ndarray of shape (height, width), float32
        Ink strength, as `bench.images.ink.ink_strength` returns it.
    """
    step = max(1, round(max(strength.shape) / _SEARCH_SIDE))
    small = reduce_by(strength, step)
    level = _find_family(small, step, is_vertical=False)
    upright = _find_family(np.ascontiguousarray(small.T), step, is_vertical=True)
    # A lone line may be a stroke of a digit that fills the picture; paper has several alongside.
    return [
        *(level if len(level) > 1 or len(upright) > 2 else []),
        *(upright if len(upright) > 1 or len(level) > 2 else []),
    ]


def _find_family(small: Float, step: int, *, is_vertical: bool) -> list[Ruling]:
    from scipy import ndimage

    height, width = small.shape
    half = max(2, round(max(small.shape) * 0.012))
    if height < 8 * half or width < 2 * _PARTS * _BLOCK:
        return []
    profiles = _part_profiles(small, half)
    noise = 1.4826 * float(np.median(np.abs(profiles - np.median(profiles)))) + 1e-4
    # A line may be bent by so much: each part finds it within two pixels of the straight one.
    tolerant = ndimage.maximum_filter1d(profiles, 5, axis=2)
    ordered = np.sort(tolerant, axis=1)
    ends = np.minimum(tolerant[:, 0], tolerant[:, -1])
    # The second weakest part, since the digit may hide one.
    weakest, usual = np.minimum(ordered[:, 1], ends), np.median(tolerant, axis=1)
    is_even = (ordered[:, 1] > 0.4 * usual) & (ends > 0.3 * usual)
    quality = np.where((weakest > _LEAST_Z * noise) & is_even, usual, 0)
    lines: list[Ruling] = []
    while len(lines) < _MOST_LINES:
        k, row = np.unravel_index(int(np.argmax(quality)), quality.shape)
        if quality[k, row] < _LEAST_LEVEL:
            break
        centres = _centres(profiles[k], int(row), float(_SLOPES[k]), width)
        # A block's middle lies half a block off its first pixel.
        centres = centres * step + (step - 1) / 2
        middles = (np.arange(_PARTS) + 0.5) * width * step / _PARTS
        slope = slope_of_line(middles, centres)
        lines.append(Ruling(centres=centres, slope=slope, is_vertical=is_vertical))
        quality[:, max(0, row - 3 * half) : row + 3 * half + 1] = 0
    return lines


def _part_profiles(small: Float, half: int) -> npt.NDArray[np.float32]:
    """Return the mean ridge along each slope, (slopes, parts, height).

    Rows are those where the line crosses the middle column of the picture.
    """
    from scipy import ndimage

    height, width = small.shape
    narrow = ndimage.uniform_filter1d(small, max(1, half // 2) | 1, axis=0)
    sides = np.minimum(np.roll(narrow, half, axis=0), np.roll(narrow, -half, axis=0))
    ridge = narrow - sides
    # Very dark ink must not stand for a whole part.
    limit = max(0.03, 6 * 1.4826 * float(np.median(np.abs(ridge))))
    ridge = np.clip(ridge, -limit, limit)
    # Neighbouring columns are shifted alike: they are averaged first.
    n_blocks = width // _BLOCK
    blocks = ridge[:, : n_blocks * _BLOCK].reshape(height, n_blocks, _BLOCK)
    ridge = mean(blocks, axis=2).T
    reach = int(np.ceil(_SLOPES.max() * width / 2)) + 1
    padded = np.ascontiguousarray(np.pad(ridge, ((0, 0), (reach, reach)), mode="reflect"))
    middles = (np.arange(n_blocks) + 0.5) * _BLOCK - width / 2
    edges = np.linspace(0, n_blocks, _PARTS + 1).astype(int)
    profiles = np.empty((len(_SLOPES), _PARTS, height), dtype=np.float32)
    moved = np.empty((n_blocks, height), dtype=np.float32)
    for i, slope in enumerate(_SLOPES):
        starts = np.round(slope * middles).astype(int) + reach
        for block, start in enumerate(starts):
            moved[block] = padded[block, start : start + height]
        profiles[i] = np.add.reduceat(moved, edges[:-1], axis=0) / np.diff(edges)[:, None]
    return profiles


def _centres(
    profile: npt.NDArray[np.float32], row: int, slope: float, width: int
) -> npt.NDArray[np.float64]:
    low, high = max(0, row - 2), min(profile.shape[1], row + 3)
    best = low + np.argmax(profile[:, low:high], axis=1)
    middles = (np.arange(_PARTS) + 0.5) * width / _PARTS
    return np.asarray(best + slope * (middles - width / 2), dtype=np.float64)


def remove_lines(strength: Float, lines: list[Ruling]) -> Float:
    """Return the ink strength with the lines bridged from both sides.

    A stroke that crosses a line has ink on both sides of it, so it stays; ink much darker than the
    line stays as well.
    """
    cleaned = strength.copy()
    half = max(2, round(max(strength.shape) * 0.006))
    for line in lines:
        if line.is_vertical:
            _bridge(cleaned.T, strength.T, line, half)
        else:
            _bridge(cleaned, strength, line, half)
    return cleaned


def _bridge(target: Float, source: Float, line: Ruling, half: int) -> None:
    height, width = target.shape
    columns = np.arange(width)
    rows = np.round(_rows_of(line, width)).astype(int)

    def read(picture: Float, offset: int) -> npt.NDArray[Any]:
        return np.asarray(picture[np.clip(rows + offset, 0, height - 1), columns])

    # The line may lie a pixel beside its centre, and be no wider than that.
    on_line = np.max([read(source, offset) for offset in (-1, 0, 1)], axis=0)
    usual = float(np.percentile(on_line, 35))
    above = (read(target, -half - 1) + read(target, -half - 2)) / 2
    below = (read(target, half + 1) + read(target, half + 2)) / 2
    bridge = np.minimum(above, below)
    for offset in range(-half, half + 1):
        inside = (rows + offset >= 0) & (rows + offset < height)
        at = rows[inside] + offset, columns[inside]
        here = target[at]
        is_darker = here > 1.8 * usual + 0.05
        target[at] = np.where(is_darker, here, np.minimum(here, bridge[inside]))


def _rows_of(line: Ruling, width: int) -> npt.NDArray[np.float64]:
    columns = np.arange(width)
    middles = (np.arange(_PARTS) + 0.5) * width / _PARTS
    rows = np.interp(columns, middles, line.centres)
    # np.interp is flat beyond the outer middles; the line is not.
    beyond = np.minimum(columns - middles[0], 0) + np.maximum(columns - middles[-1], 0)
    return np.asarray(rows + line.slope * beyond, dtype=np.float64)
