"""A small reliability table: how often a model is right when it is so sure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.text import Text

from bench.render.console import plain
from bench.render.table import Column, Line, lay_out
from bench.store.fields import count, points, share

if TYPE_CHECKING:
    from bench.studies.calibration import RowCalibration

__all__ = ["calibration_lines"]

_COLUMNS: Final = (
    Column(name="bin", heading="confidence", align="left"),
    Column(name="count", heading="images"),
    Column(name="says", heading="says"),
    Column(name="right", heading="is right"),
    Column(name="gap", heading="gap"),
)


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
            }
        )
        for i in np.flatnonzero(table.counts)
    ]
    yield from lay_out(_COLUMNS, lines, width, indent=1)
