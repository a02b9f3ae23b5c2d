"""What the pixel values mean: their range, told from all values, and put right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, OptionError
from bench_datasets._ladder.raw import Raw

__all__ = ["Scale", "as_images", "range_of", "scale_named"]

_ROWS_AT_ONCE: Final = 2048
_ROUNDING: Final = 1.0001
_TOPS: Final = (1.0, 15.0, 16.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_VALUE_MAX: Final = 1e30
_MIXED: Final = 0.01

Pixels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """All values of one array: the least, the largest, whether all are whole; each image's own."""

    low: float
    high: float
    is_whole: bool
    lows: npt.NDArray[np.float64]
    highs: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What stands for black and for white in the file."""

    low: float
    high: float
    is_whole: bool = False

    @property
    def words(self) -> str:
        """The scale in words."""
        if self.is_whole and (self.low, self.high) == (0, 1):
            return "0 and 1"
        kind = "whole numbers" if self.is_whole else "floats"
        low = f"{self.low:g}".replace("-", "−")
        return f"{kind} {low} to {self.high:g}"


def range_of(raw: Raw) -> Range:
    """Look at every value of an array.

    Raises
    ------
    DataError
        If one is NaN, infinite or larger than any pixel.
    """
    values = raw.values
    n = len(values)
    lows, highs = np.empty(n), np.empty(n)
    is_float = values.dtype.kind == "f"
    is_whole = not is_float
    check_whole = is_float
    for start in range(0, n, _ROWS_AT_ONCE):
        block = values[start : start + _ROWS_AT_ONCE].reshape(min(_ROWS_AT_ONCE, n - start), -1)
        lows[start : start + len(block)] = block.min(axis=1)
        highs[start : start + len(block)] = block.max(axis=1)
        if check_whole:
            with np.errstate(invalid="ignore"):
                check_whole = bool((block == np.rint(block)).all())
    if is_float:
        is_whole = check_whole
        bad = ~(np.isfinite(lows) & np.isfinite(highs))
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                raw.row(row),
                why=f"image {row} has NaN or infinite pixels",
                fix="take it out or repair it",
            )
        huge = np.maximum(np.abs(lows), np.abs(highs)) > _VALUE_MAX
        if huge.any():
            row = int(huge.argmax())
            raise DataError(
                raw.row(row),
                why=f"a pixel of {max(abs(lows[row]), abs(highs[row])):.3g} is none",
                fix="take the image out or repair it",
            )
    return Range(
        low=float(lows.min()), high=float(highs.max()), is_whole=is_whole, lows=lows, highs=highs
    )


def scale_named(text: str) -> tuple[float, float]:
    """Return the two ends of a range that a person named, such as ``0..16``.

    Raises
    ------
    OptionError
        If it is not of that form.
    """
    number = r"([-−+]?\d*\.?\d+(?:e[-+]?\d+)?)"
    found = re.fullmatch(rf"\s*{number}\s*(?:\.\.|to|:|,)\s*{number}\s*", text, re.IGNORECASE)
    low, high = (float(part.replace("−", "-")) for part in found.groups()) if found else (0.0, 0.0)
    if not found or not low < high:
        raise OptionError(
            f"values={text}", why="a range of pixel values is LOW..HIGH, such as 0..16"
        )
    return low, high


def scale_of(ranges: Mapping[str, tuple[Raw, Range]], asked: str) -> Scale:
    """Return the one scale of a dataset's arrays.

    Parameters
    ----------
    ranges : mapping of str to (Raw, Range)
        By split, in words.
    asked : str
        The range a person named; empty: tell it.

    Raises
    ------
    DataError
        If no usual range fits, two do, or the arrays and the images do not agree.
    """
    is_whole = all(each.is_whole for _, each in ranges.values())
    if asked:
        low, high = scale_named(asked)
        for raw, each in ranges.values():
            slack = (high - low) * (_ROUNDING - 1)
            if each.low < low - slack or each.high > high + slack:
                raise DataError(
                    raw.name,
                    why=f"its pixels reach from {each.low:g} to {each.high:g}, outside {asked}",
                    fix="name a range that holds them all",
                )
        return Scale(low=low, high=high, is_whole=is_whole)
    told = {split: _told(raw, each) for split, (raw, each) in ranges.items()}
    sure = {scale for scale in told.values() if scale is not None}
    if len(sure) > 1:
        listed = ", ".join(f"{s} {each.low:g} to {each.high:g}" for s, (_, each) in ranges.items())
        file = next(iter(ranges.values()))[0].file
        raise DataError(f"{file}: its splits differ in range", why=listed, fix="scale them alike")
    if not sure and all(each.low == each.high == 0 for _, each in ranges.values()):
        return Scale(low=0, high=255, is_whole=is_whole)  # blank pages: that is said elsewhere
    if not sure:
        raw, each = max(ranges.values(), key=lambda pair: pair[1].high)
        raise _in_doubt(raw, each)
    low, high = sure.pop()
    for raw, each in ranges.values():
        if each.high > high * _ROUNDING or each.low < low - (_ROUNDING - 1):
            raise _in_doubt(raw, each)
        _check_mix(raw, each, low, high)
    return Scale(low=low, high=high, is_whole=is_whole and (high > 1 or low == 0))


def _told(raw: Raw, each: Range) -> tuple[float, float] | None:
    """Return the usual range that values fill; None where they are too few or too faint to tell."""
    if each.low < 0:
        is_within = each.low >= -_ROUNDING and each.high <= _ROUNDING
        if is_within and (each.low < -0.9 or each.high > 0.9):
            return -1.0, 1.0
        raise _in_doubt(raw, each)
    if each.high > 65535 * _ROUNDING:
        raise _in_doubt(raw, each)
    if each.high == 0:
        return None
    if each.high <= _ROUNDING:
        return (0.0, 1.0) if each.high > 0.5 else None
    if each.is_whole and each.high in (15.0, 16.0):
        return 0.0, each.high
    if 15 < each.high <= 16 * _ROUNDING:
        return 0.0, 16.0
    top = next(top for top in _TOPS if top > 16 and each.high <= top * _ROUNDING)
    return (0.0, top) if each.high > top / 2 else None


def _in_doubt(raw: Raw, each: Range) -> DataError:
    """Ask which values are black and white, or name the one image that is out of any range."""
    below = max((top for top in _TOPS if top < each.high / _ROUNDING), default=0.0)
    for out, value in ((each.lows < 0, each.lows), (each.highs > below * _ROUNDING, each.highs)):
        if 0 < out.sum() < len(out) / 2 and (below >= 255 or each.low < 0):
            row = int(out.argmax())
            return _outlier(raw, row, float(value[row]), each.highs[~out].max())
    reach = f"its pixels reach from {each.low:g} to {each.high:g}"
    if each.low < 0 or each.high > 65535:
        standard = " (standardised?)" if -4 < each.low < 0 and each.high < 10 else ""
        return DataError(
            raw.name,
            why=f"{reach}{standard}, neither 0 to 1 nor 0 to 255 nor another usual range",
            fix="which values are black and white? --set"
            f" {{name}}.values={each.low:g}..{each.high:g}",
        )
    near = next(top for top in _TOPS if each.high <= top * _ROUNDING)
    return DataError(
        raw.name,
        why=f"{reach}, which fills neither 0 to 1 nor 0 to 255 nor another usual range:"
        " which value is full ink?",
        fix=f"--set {{name}}.values=0..{each.high:g} or --set {{name}}.values=0..{near:g}",
    )


def _outlier(raw: Raw, row: int, value: float, others: float) -> DataError:
    where = raw.row(row)
    image = "" if where.endswith(f"image {row}") else f" of image {row}"
    return DataError(
        where,
        why=f"a pixel{image} is {value:g}, and in most other images none is above {others:g}",
        fix="take it out or repair it, or say --set {name}.values=LOW..HIGH",
    )


def _check_mix(raw: Raw, each: Range, low: float, high: float) -> None:
    """Name images on another scale than the rest, or with one value too large."""
    n = len(each.highs)
    if low < 0:
        other = int((each.lows >= 0).sum())
        if other and other > _MIXED * n and (each.lows < -0.9).any():
            raise _mixed(raw, other, n, "0 to 1", "−1 to 1", int((each.lows >= 0).argmax()))
        return
    below = max((top for top in _TOPS if top < high and top != 15), default=0.0)
    if high <= 16 or not below:
        return
    full = each.highs > below * _ROUNDING
    faint = ~full & (each.highs > 0)
    if not faint.any():
        return
    n_full = int(full.sum())
    if high > 255 and n_full < n / 2:
        row = int(full.argmax())
        raise _outlier(raw, row, float(each.highs[row]), each.highs[~full].max())
    share = faint.sum() / n
    tops = each.highs[faint]
    if share > _MIXED and (tops.max() <= _ROUNDING or np.median(tops) <= below):
        shown = "0 to 1" if np.median(tops) <= _ROUNDING else f"0 to {np.median(tops):g}"
        raise _mixed(raw, int(faint.sum()), n, shown, f"0 to {high:g}", int(faint.argmax()))


def _mixed(raw: Raw, count: int, n: int, theirs: str, others: str, row: int) -> DataError:
    return DataError(
        raw.name,
        why=f"a mix of scales: {count:,} of {n:,} images reach {theirs}, the others {others}"
        f" (image {row} is the first)",
        fix="scale them alike, or say --set"
        f" {{name}}.values={others.replace(' to ', '..').replace('−', '-')}",
    )


def as_images(pixels: Pixels, scale: Scale, *, invert: bool) -> Pixels:
    """Return pixels as the harness takes them: bytes as uint8, others as float32 in [0, 1].

    The array's own memory is used where its type allows.
    """
    is_bytes = pixels.dtype.kind in "uib" and scale.low == 0 and scale.high in (1.0, 255.0)
    if is_bytes:
        whole: npt.NDArray[np.uint8] = pixels.astype(np.uint8, copy=False)
        own = whole if whole.flags.writeable else None
        if scale.high == 1.0:
            whole = np.multiply(whole, np.uint8(255), out=own)
        return np.invert(whole, out=own) if invert else whole
    source = pixels
    if pixels.dtype != np.float32 or not pixels.flags.writeable:
        pixels = np.empty(source.shape, dtype=np.float32)
    low, width = scale.low, scale.high - scale.low
    for start in range(0, len(pixels), _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, len(pixels)))
        block: Pixels = source[rows].astype(np.float32, copy=False)
        if low == -1.0 and width == 2.0:
            block = (block + 1) / 2
        elif low or width != 1.0:
            block = (block - np.float32(low) if low else block) * np.float32(1 / width)
        # 255 × (1/255) in float32 may end one rounding step above 1.
        block = np.clip(block, 0, 1)
        pixels[rows] = 1 - block if invert else block
    return pixels
