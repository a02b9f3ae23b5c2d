"""A small reliability table: how often a model is right when it is so sure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.text import Text

from bench.render.console import plain
from bench.render.table import Column, Line, lay_out
from bench.store.fields import count, points, share

if TYPE_CHECKING:
    from bench.board.calibration import RowCalibration
    from bench.scoring.calibration import Reliability

__all__ = ["calibration_lines"]

_COLUMNS: Final = (
    Column(name="bin", heading="confidence", align="left"),
    Column(name="count", heading="images"),
    Column(name="says", heading="says"),
    Column(name="right", heading="is right"),
    Column(name="gap", heading="gap"),
    Column(name="diagram", heading="0 ○ says ● is right 1", align="left", keep=1),
)
_DIAGRAM: Final = 21  # places from 0 to 1
_ABOUT: Final = 0.02


def calibration_lines(found: "RowCalibration | str", width: int) -> Iterator[Text]:
    """Yield expected calibration error, Brier score and the bins that hold images."""
    if isinstance(found, str):
        yield plain(f"calibration: none, {found}")
        return
    table = found.reliability
    errors = f"expected error {share(table.ece)}, Brier score {share(found.brier)} (0 to 2)"
    yield Text(f"calibration: {errors}", style="heading")
    lines = [
        Line(
            cells={
                "bin": Text(f"{share(table.edges[i], 2)} to {share(table.edges[i + 1], 2)}"),
                "count": Text(count(table.counts[i])),
                "says": Text(share(table.confidence[i])),
                "right": Text(share(table.accuracy[i])),
                "gap": Text(points(table.accuracy[i] - table.confidence[i])),
                "diagram": Text(_diagram(table.confidence[i], table.accuracy[i])),
            }
        )
        for i in np.flatnonzero(table.counts)
    ]
    yield from lay_out(_COLUMNS, lines, width, indent=1)
    yield Text(_in_words(table))


def _diagram(says: float, is_right: float) -> str:
    """Return a line from 0 to 1 with both marked; ◉ where they are one."""
    line = ["·"] * _DIAGRAM
    a, b = (round(float(value) * (_DIAGRAM - 1)) for value in (says, is_right))
    line[a], line[b] = "○", "●"
    if a == b:
        line[a] = "◉"
    return "".join(line)


def _in_words(table: "Reliability") -> str:
    weights = table.counts / table.counts.sum()
    known = table.counts > 0
    says, is_right = (
        float((weights * np.where(known, values, 0.0)).sum())
        for values in (table.confidence, table.accuracy)
    )
    gap = is_right - says
    verdict = "about as sure as it should be"
    if abs(gap) >= _ABOUT:
        verdict = "less sure than it could be" if gap > 0 else "more sure than it should be"
    return f"On average it says {share(says)} and is right {share(is_right)}: {verdict}."
