"""What the views of one store hold: rows found by name, reports, matrices, people, histories."""

import csv
import math
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.board.leaderboard import Row
from bench.errors import BenchError, StoreError
from bench.scoring.abstention import Abstention, abstention_curve
from bench.scoring.confusion import confusion_matrix
from bench.scoring.report import (
    ClassificationReport,
    Confusion,
    classification_report,
    worst_confusions,
)
from bench.spec import Epoch
from bench.store.inside import read_file
from bench.store.layout import HISTORY, Store
from bench.store.read import (
    read_evaluation,
    read_predictions,
    read_trial,
)

__all__ = [
    "RowReport",
    "abstaining",
    "read_history",
    "row_report",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReport:
    """A row's classification report and confusions, pooled over its seeds, and its histories.

    ``matrix`` is (n_classes, n_classes), int64: row = truth, column = prediction.
    """

    row: Row
    classes: tuple[str, ...]
    matrix: npt.NDArray[np.int64]
    report: ClassificationReport
    confusions: tuple[Confusion, ...]
    histories: tuple[tuple[Epoch, ...], ...]


def abstaining(store: Store, row: Row, threshold: float) -> Abstention | str:
    """Return what is answered at `threshold`, over all seeds; or why that cannot be said.

    Parameters
    ----------
    threshold : float
        Answers less confident than this, a probability, are withheld.
    """
    if not row.labelled or not row.evaluations:
        return "the images have no labels"
    if read_trial(store.trial(row.trials[0])).probabilities != "calibrated":
        return "the model gives scores that only rank the classes, not probabilities"
    confidences, rights = [], []
    left_out = np.array(row.left_out, dtype=np.intp)
    for name in row.evaluations:
        predictions = read_predictions(store.evaluations / name).without(left_out)
        index = np.arange(len(predictions.predicted))
        confidences.append(predictions.probabilities[index, predictions.predicted])
        rights.append(predictions.predicted == predictions.labels)
    found = abstention_curve(
        np.concatenate(confidences), np.concatenate(rights), thresholds=(threshold,)
    )
    return found[0]


def row_report(store: Store, row: Row) -> RowReport:
    """Return the report of a row.

    Raises
    ------
    BenchError
        If its images have no labels.
    StoreError
        If its predictions cannot be read.
    """
    if not row.labelled or not row.evaluations:
        raise BenchError(f"{row.model} on {row.test_dataset}", why="the images have no labels")
    folders = [store.evaluations / name for name in row.evaluations]
    classes = read_evaluation(folders[0]).classes
    matrices = []
    for folder in folders:
        predictions = read_predictions(folder).without(np.array(row.left_out, dtype=np.intp))
        if predictions.labels is None:
            raise BenchError(f"{folder.name}", why="the images have no labels")
        matrices.append(confusion_matrix(predictions.labels, predictions.predicted, len(classes)))
    matrix = np.sum(matrices, axis=0)
    return RowReport(
        row=row,
        classes=classes,
        matrix=matrix,
        report=classification_report(matrix, classes),
        confusions=tuple(worst_confusions(matrix, classes)),
        histories=tuple(read_history(store.trial(trial)) for trial in row.trials),
    )


def read_history(folder: Path) -> tuple[Epoch, ...]:
    """Return the epochs of a trial's folder; none where it kept no history.

    A line that cannot be read (cut off by a crash) is left out.
    """
    try:
        text = read_file(folder / HISTORY).decode("utf-8", "replace")
        lines = list(csv.DictReader(StringIO(text, newline="")))
    except (OSError, StoreError, csv.Error):
        return ()
    return tuple(epoch for epoch in map(_epoch, lines) if epoch is not None)


def _epoch(line: dict[str, str | None]) -> Epoch | None:
    values = {name: _number(line.get(name)) for name in Epoch.__dataclass_fields__}
    number, seconds = values.pop("epoch"), values.pop("seconds")
    epochs = values.pop("epochs")
    if number is None:
        return None
    return Epoch(epoch=int(number), epochs=int(epochs or number), seconds=seconds or 0.0, **values)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
