"""Axes: where a figure lies on a line, and the round numbers written beside it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bench.board.rows import Board, Row
from bench.store.formats import share
from bench.store.record import State

__all__ = ["Axis", "axis_of", "front", "log_axis", "round_axis", "stairs"]

_STEPS_MOST: Final = 8
_EDGE: Final = 0.03  # of the width, left free on each side so that no dot is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A line from `low` to `high` with `ticks` at round numbers; in logarithms where `is_log`."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value lies on the line."""
        return self.low - 1e-9 <= value <= self.high + 1e-9

    def place(self, value: float) -> float:
        """Return where a value lies, 0 at the left edge of the drawing, 1 at the right one."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        return _EDGE + (1 - 2 * _EDGE) * ((at - low) / (high - low))

    @property
    def labels(self) -> list[tuple[float, str]]:
        """Where numbers are written, and which: of many ticks every other one."""
        decimals = 1
        while decimals < 6 and any(abs(round(tick, decimals) - tick) > 1e-9 for tick in self.ticks):
            decimals += 1
        every = 1 + (len(self.ticks) - 1) // 4
        return [(self.place(t), share(t, decimals)) for t in self.ticks[::every]]


def round_axis(values: Iterable[float], *, least: float = 0.0, most: float = 1.0) -> Axis:
    """Return an axis over all values, its ends on ticks, within `least` and `most`.

    It has at most eight steps of 1, 2 or 5 times a power of ten.
    """
    listed = list(values)
    low, high = (min(listed), max(listed)) if listed else (least, most)
    span = max(high - low, 1e-3)
    raw = span / _STEPS_MOST
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= raw * 0.999)
    first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    first, last = max(first, math.ceil(least / step)), min(last, math.floor(most / step + 1e-6))
    if last <= first:
        first, last = (first - 1, last) if first * step - step >= least else (first, first + 1)
    ticks = tuple(round(n * step, 10) for n in range(first, last + 1))
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks)


def log_axis(values: Sequence[float]) -> Axis:
    """Return a logarithmic axis over positive values, with a tick at each power of ten."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    ticks = tuple(10.0**n for n in range(low, high + 1))
    while len(ticks) > _STEPS_MOST:
        ticks = ticks[::2]
    return Axis(low=10.0**low, high=10.0**high, ticks=ticks, is_log=True)


def axis_of(board: Board) -> Axis:
    """Return the axis of a board's accuracies: it spans the intervals of its rows.

    Rows no better than chance are left out of it where others are better: one axis for both would
    press all differences into its end.
    """
    rows = [row for row in board.rows if row.state is State.OK and row.accuracy is not None]
    better = [row for row in rows if not row.is_floor(len(board.classes))] or rows
    return round_axis(end for row in better for end in _ends(row))


def _ends(row: Row) -> tuple[float, ...]:
    return tuple(
        each for each in (row.accuracy_low, row.accuracy, row.accuracy_high) if each is not None
    )


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of the points that none beats: less cost and at least as much accuracy.

    Parameters
    ----------
    points : sequence of (cost, accuracy)
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    best, found = -math.inf, []
    for i in order:
        if points[i][1] > best:
            best = points[i][1]
            found.append(i)
    return found


def stairs(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of a line that runs level and then upright from point to point."""
    corners = list(points[:1])
    for (_, y), (next_x, next_y) in pairwise(points):
        corners += [(next_x, y), (next_x, next_y)]
    return corners
