"""Large arrays put in order within their own memory, a part at a time."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["COPIED_MAX", "contiguous", "permute_rows"]

COPIED_MAX: Final = 64 << 20  # bytes; below, a second array is no matter
_PARTS: Final = 16
_LEAST_PARTS: Final = 4
_RUNS_MAX: Final = 600_000

Pixels = npt.NDArray[Any]


def permute_rows(rows: Pixels, wanted: Sequence[int]) -> None:
    """Put row ``wanted[i]`` in place ``i``, for all rows."""
    is_there = bytearray(len(wanted))
    for start in range(len(wanted)):
        if is_there[start]:
            continue
        kept, at = rows[start].copy(), start
        while wanted[at] != start:
            rows[at] = rows[wanted[at]]
            is_there[at] = 1
            at = wanted[at]
        rows[at] = kept
        is_there[at] = 1


def contiguous(stack: Pixels) -> Pixels:
    """Return an array of shape (n, height, width, channels), one image after the other.

    A large one that lies densely in its memory is put in order there, and takes an eighth more
    meanwhile; the given view then shows other values.
    """
    axes = sorted(range(4), key=lambda axis: (stack.shape[axis] == 1, -stack.strides[axis]))
    dense = stack.transpose(axes)
    is_own = stack.flags.writeable and dense.flags.c_contiguous
    if stack.flags.c_contiguous or stack.nbytes <= COPIED_MAX or not is_own:
        return np.ascontiguousarray(stack)
    memory = dense.reshape(-1)
    place = axes.index(0)
    if place and all(stack.shape[axis] == 1 for axis in axes[place + 1 :]):
        _transpose(memory, len(stack))
        axes.insert(0, axes.pop(place))
    if axes[0] != 0:
        return np.ascontiguousarray(stack)
    images = memory.reshape([stack.shape[axis] for axis in axes])
    ordered = memory.reshape(stack.shape)
    step = -(-len(stack) // _PARTS)
    for start in range(0, len(stack) if axes != sorted(axes) else 0, step):
        part = images[start : start + step].transpose(np.argsort(axes, kind="stable")).copy()
        ordered[start : start + step] = part
    return ordered


def _transpose(memory: Pixels, n: int) -> None:
    """Turn (size, n) into (n, size): by runs of columns, and then each run by itself."""
    size = len(memory) // n
    parts = min(_PARTS, max(_LEAST_PARTS, _RUNS_MAX // size), n)
    width = n // parts
    whole = parts * width
    rest = memory.reshape(size, n)[:, whole:].T.copy()
    for row in range(1, size):
        memory[row * whole : (row + 1) * whole] = memory[row * n : row * n + whole]
    runs = memory[: size * whole].reshape(size * parts, width)
    permute_rows(runs, [row * parts + part for part in range(parts) for row in range(size)])
    for block in memory[: size * whole].reshape(parts, size * width):
        block.reshape(width, size)[:] = block.reshape(size, width).T.copy()
    memory[size * whole :] = rest.reshape(-1)
