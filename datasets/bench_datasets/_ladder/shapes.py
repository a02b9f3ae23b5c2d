"""From an array as stored to (n, height, width, channels): which axis counts what."""

import re
from dataclasses import dataclass
from math import isqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError, OptionError
from bench_datasets._ladder.in_place import contiguous
from bench_datasets._ladder.raw import Raw

__all__ = ["Wish", "as_stack"]

_COLOURS: Final = (3, 4)
_SIDE_MIN: Final = 4

Pixels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person said of the layout; empty: tell it."""

    shape: str = ""
    samples: str = ""
    order: str = ""

    @property
    def sides(self) -> tuple[int, ...] | None:
        """Height, width and perhaps channels, from ``HEIGHTxWIDTH[xCHANNELS]``."""
        if not self.shape:
            return None
        found = re.fullmatch(r"\s*(\d+)\s*[x×,]\s*(\d+)(?:\s*[x×,]\s*([134]))?\s*", self.shape)
        if not found:
            raise OptionError(
                f"shape={self.shape}", why="the shape of an image is HEIGHTxWIDTH, such as 28x28"
            )
        return tuple(int(part) for part in found.groups() if part)


def as_stack(raw: Raw, n_labels: int | None, wish: Wish) -> tuple[Pixels, str]:
    """Return (n, height, width, channels) and what was taken for what; the array's memory is used.

    Parameters
    ----------
    n_labels : int or None
        How many labels there are; None where there are none.

    Raises
    ------
    DataError
        If no reading fits the shape, or two do.
    """
    values = raw.values
    if values.ndim == 0 or not values.size:
        raise DataError(raw.name, why=f"shape {values.shape} holds no image", fix="save it again")
    axis = _sample_axis(raw, n_labels, wish)
    stored = _shown(values.shape, axis)
    moved = values[np.newaxis] if axis is None else np.moveaxis(values, axis, 0)
    stack, how = _images(raw, moved, wish, is_last=axis not in (None, 0))
    if wish.order == "columns":
        stack = stack.transpose(0, 2, 1, 3)
        how += ", stored column by column"
    # Other types are converted anyhow, image by image into a new array: one copy is enough.
    is_kept = stack.dtype.itemsize == 1 or stack.dtype == np.float32
    return (contiguous(stack) if is_kept else stack), f"{stored}{how}"


def _shown(shape: tuple[int, ...], axis: int | None) -> str:
    parts = ["n" if i == axis else str(size) for i, size in enumerate(shape)]
    return f"({', '.join(parts)})"


def _sample_axis(raw: Raw, n_labels: int | None, wish: Wish) -> int | None:
    shape = raw.values.shape
    last = len(shape) - 1
    if wish.samples:
        return 0 if wish.samples == "first" else last
    if raw.rows_first:
        return 0
    if n_labels is not None:
        fitting = [i for i in (0, last) if shape[i] == n_labels]
        if not fitting:
            count = shape[0] if not raw.is_matlab else max(shape[0], shape[last])
            raise DataError(
                raw.name,
                why=f"it holds {count:,} images but {n_labels:,} labels (its shape is {shape})",
                fix="save as many labels as images",
            )
        if len(set(fitting)) == 1:
            return fitting[0]
        if len(shape) == 4 or (len(shape) == 3 and shape[1] != shape[0]):
            readings = {i: _sides(shape, i) for i in (0, last)}
            square = [
                i for i, sides in readings.items() if sides is not None and sides[0] == sides[1]
            ]
            if len(square) == 1:
                return square[0]
        raise _which_axis(raw)
    if len(shape) == 1:
        return None
    if len(shape) == 2:
        return _axis_of_two(raw, shape)
    fits = [
        i for i in (0, last) if (sides := _sides(shape, i)) is not None and sides[0] == sides[1]
    ]
    if len(fits) == 1:
        return fits[0]
    if len(fits) == 2:
        raise _which_axis(raw)
    return 0


def _axis_of_two(raw: Raw, shape: tuple[int, ...]) -> int | None:
    square = [i for i in (0, 1) if isqrt(shape[1 - i]) ** 2 == shape[1 - i] and shape[1 - i] >= 16]
    if shape[0] == shape[1] and isqrt(shape[0]) ** 2 != shape[0]:
        return None  # one picture
    if len(square) == 1:
        return square[0]
    if not square:
        return None if min(shape) >= _SIDE_MIN else 0
    raise _which_axis(raw)


def _which_axis(raw: Raw) -> DataError:
    return DataError(
        raw.name,
        why=f"of its shape {raw.values.shape} the first or the last axis may count the images;"
        " which is it?",
        fix="--set {name}.samples=first or --set {name}.samples=last",
    )


def _sides(shape: tuple[int, ...], axis: int) -> tuple[int, int] | None:
    left = [size for i, size in enumerate(shape) if i != axis and size != 1]
    if len(left) == 3:
        at = next((i for i in (2, 0) if left[i] in _COLOURS), None)
        if at is None:
            return None
        left.pop(at)
    if len(left) != 2:
        return None
    return left[0], left[1]


def _images(raw: Raw, moved: Pixels, wish: Wish, *, is_last: bool) -> tuple[Pixels, str]:
    n = len(moved)
    left = tuple(size for size in moved.shape[1:] if size != 1)
    sides = wish.sides
    if len(left) <= 1:
        return _flat(raw, moved.reshape(n, -1), sides)
    squeezed = moved.reshape(n, *left)
    if len(left) == 2:
        height, width = left
        if sides is not None and sides[:2] != left:
            raise DataError(
                raw.name, why=f"its images are {height}×{width}, not {sides[0]}×{sides[1]}",
                fix="leave shape out",
            )  # fmt: skip
        _check_sides(raw, height, width)
        return squeezed[..., np.newaxis], f": {height}×{width}"
    if len(left) == 3:
        at = [i for i in (0, 2) if left[i] in _COLOURS]
        if len(at) == 2:
            raise DataError(
                raw.name,
                why=f"of images of shape {left} the first or the last axis may be the colours",
                fix="save them as (n, height, width, channels)",
            )
        if at:
            stack = np.moveaxis(squeezed, 1, 3) if at[0] == 0 else squeezed
            _check_sides(raw, stack.shape[1], stack.shape[2])
            return stack, f": {stack.shape[1]}×{stack.shape[2]}, {stack.shape[3]} channels"
    raise DataError(
        raw.name,
        why=f"images of shape {left} are neither (height, width) nor (height, width, channels)",
        fix="reshape them to (n, height, width)",
    )


def _check_one_more(raw: Raw, count: int) -> None:
    """Say of rows of 785 values what they are: images with their labels."""
    side = isqrt(count - 1)
    if side * side == count - 1 and side >= 8:
        raise DataError(
            raw.name,
            why=f"{count:,} values a row are {side}×{side} pixels and one more, the label?",
            fix="save the labels as an array of their own, or the table as CSV",
        )


def _check_sides(raw: Raw, height: int, width: int) -> None:
    if raw.values.ndim == 2:
        _check_one_more(raw, raw.values.shape[1])
    if min(height, width) < _SIDE_MIN or max(height, width) > 8 * min(height, width):
        raise DataError(
            raw.name,
            why=f"images of {height}×{width} pixels show no digit (its shape is"
            f" {raw.values.shape})",
            fix="reshape them to (n, height, width)",
        )


def _flat(raw: Raw, flat: Pixels, sides: tuple[int, ...] | None) -> tuple[Pixels, str]:
    n, count = flat.shape
    if sides is not None:
        if int(np.prod(sides)) != count:
            raise DataError(
                raw.name,
                why=f"{count:,} values an image are not {'×'.join(map(str, sides))}",
                fix="leave shape out, or name another",
            )
        stack = flat.reshape(n, *sides) if len(sides) == 3 else flat.reshape(n, *sides, 1)
        return stack, f": {sides[0]}×{sides[1]}"
    side = isqrt(count)
    if side * side == count and side >= _SIDE_MIN:
        return flat.reshape(n, side, side, 1), f": {side}×{side}"
    _check_one_more(raw, count)
    third = isqrt(count // 3)
    if count % 3 == 0 and third * third * 3 == count:
        raise DataError(
            raw.name,
            why=f"{count:,} values an image are {third}×{third} in three colours,"
            " one colour after the other or the three of a pixel together?",
            fix="save them as (n, height, width, 3)",
        )
    raise DataError(
        raw.name,
        why=f"{count:,} values an image are no square",
        fix="which shape? --set {name}.shape=HEIGHTxWIDTH",
    )
