"""Do a row's probabilities mean what they say: a small reliability table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich.text import Text

from bench.board.rows import Row
from bench.render.console import plain
from bench.render.table import Column, Line, lay_out
from bench.scoring.calibration import Reliability, confidence_of, image_brier, reliability
from bench.scoring.predictions import predictions
from bench.store.formats import count, points, share
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions, read_trial

__all__ = ["RowCalibration", "calibration_as_dict", "calibration_lines", "row_calibration"]

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowCalibration:
    """The reliability and the Brier score of a row, the images of its seeds counted together."""

    reliability: Reliability
    brier: float


def row_calibration(store: Store, row: Row) -> RowCalibration | str:
    """Return a row's calibration, or why it has none.

    Raises
    ------
    StoreError
        If its predictions cannot be read.
    """
    if not row.labelled or not row.evaluations:
        return "the images have no labels"
    if read_trial(store.trial(row.trials[0])).probabilities != "calibrated":
        return "the model gives scores that only rank the classes, not probabilities"
    confidences, rights, briers = [], [], []
    for name in row.evaluations:
        left_out = np.array(row.left_out, dtype=np.intp)
        stored = read_predictions(store.evaluations / name).without(left_out)
        if stored.labels is None:
            return "the images have no labels"
        classes = read_evaluation(store.evaluations / name).classes
        checked = predictions(stored.labels, stored.predicted, stored.probabilities, classes)
        if checked.probabilities is None:
            return checked.no_probabilities
        confidences.append(confidence_of(checked.probabilities, checked.predicted))
        rights.append(checked.correct)
        briers.append(image_brier(checked.probabilities, checked.labels))
    return RowCalibration(
        reliability=reliability(np.concatenate(confidences), np.concatenate(rights)),
        brier=float(np.concatenate(briers).mean()),
    )


def calibration_as_dict(found: RowCalibration | str) -> dict[str, Any]:
    """Return the reliability as plain data, a bin that holds no image left out; or why none."""
    if isinstance(found, str):
        return {"reason": found}
    table = found.reliability
    return {
        "expected_calibration_error": table.ece,
        "brier": found.brier,
        "bins": [
            {
                "low": float(table.edges[i]),
                "high": float(table.edges[i + 1]),
                "count": int(table.counts[i]),
                "confidence": float(table.confidence[i]),
                "accuracy": float(table.accuracy[i]),
            }
            for i in np.flatnonzero(table.counts)
        ],
    }


def calibration_lines(found: RowCalibration | str, width: int) -> Iterator[Text]:
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


def _in_words(table: Reliability) -> str:
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
