"""What the views of one store hold: rows found by name, reports, matrices, people, histories."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.board.leaderboard import Board, Row
from bench.errors import BenchError, StoreError
from bench.images.sample_names import ids_of
from bench.scoring.abstention import Abstention, abstention_curve
from bench.scoring.confusion import confusion_matrix
from bench.scoring.report import (
    NOT_READ,
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
    read_split,
    read_trial,
)
from bench.store.record import State

__all__ = [
    "PersonReading",
    "RowReport",
    "abstaining",
    "find_row",
    "people_of",
    "read_history",
    "row_report",
]

_CANDIDATES_NAMED = 8


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonReading:
    """One person's digits, or a photo's of a whole ID, as a model read them.

    ``truth`` and ``read`` are of equal length. Each holds the name of a class for each image. An
    unknown digit of the truth is ``?``; where no digit could be made of the photo, what was read is
    ``–``. ``writer`` is empty where not known.
    """

    person: str
    writer: str = ""
    truth: Sequence[str]
    read: Sequence[str]
    whole_id: str = ""

    @property
    def right(self) -> int:
        """How many digits were read right."""
        return sum(a == b for a, b in zip(self.truth, self.read, strict=True))

    @property
    def is_right(self) -> bool:
        """Whether the whole ID was read right."""
        return "".join(self.read) == (self.whole_id or "".join(self.truth))


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


def find_row(boards: Sequence[Board], model: str, pairing: str = "", variant: str = "") -> Row:
    """Return the one row that fits.

    Parameters
    ----------
    boards : sequence of Board
    model : str
        A model's name, alone or as a leaderboard shows it, "mlp (quick)", or the beginning of a
        trial's id.
    pairing : str
        ``TRAIN:TEST``, or one name for a dataset's own test split; ``:TEST`` and ``TRAIN:`` leave
        one side open.
    variant : str
        What the row's variant contains.

    Raises
    ------
    BenchError
        If none fits, with the close names, or several do, with how to name each.
    """
    rows = [row for board in boards for row in board.rows if row.state is State.OK]
    named = [row for row in rows if model in (row.model, row.label)]
    named = named or [r for r in rows if any(trial.startswith(model) for trial in r.trials)]
    if not named:
        raise _unknown_model(rows, model)
    fitting = [row for row in named if _pairs(row, pairing) and variant in row.variant]
    if not fitting:
        listed = _listed(_pairing(row) for row in named)
        raise BenchError(f"no results of {model} on '{pairing or variant}'", why=f"it has {listed}")
    if len(fitting) > 1 and not variant:
        fitting = [row for row in fitting if not row.variant] or fitting
    if len(fitting) > 1:
        raise _ambiguous(model, fitting)
    return fitting[0]


def _pairs(row: Row, pairing: str) -> bool:
    train, colon, test = pairing.partition(":")
    if not colon:
        test = train
    return train in ("", row.train_dataset) and test in ("", row.test_dataset)


def _pairing(row: Row) -> str:
    return f"{row.train_dataset}:{row.test_dataset}"


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - _CANDIDATES_NAMED
    return ", ".join(unique[:_CANDIDATES_NAMED]) + (f" and {more} more" if more > 0 else "")


def _unknown_model(rows: Sequence[Row], model: str) -> BenchError:
    from difflib import get_close_matches

    names = sorted({row.model for row in rows})
    close = get_close_matches(model, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {_listed(names)}"
    return BenchError(f"no results of a model '{model}'", why=hint if names else "none are stored")


def _ambiguous(model: str, rows: Sequence[Row]) -> BenchError:
    pairings = list(dict.fromkeys(map(_pairing, rows)))
    if len(pairings) > 1:
        return BenchError(
            f"{model} has several rows",
            why=f"name one of {_listed(pairings)}",
            fix=f"for example: bench show report {model} {pairings[0]}",
        )
    return BenchError(
        f"{model} has several variants on {pairings[0]}",
        why=f"name one of {_listed(repr(row.label) for row in rows)}",
    )


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


def people_of(store: Store, row: Row) -> list[PersonReading]:
    """Return how each person's digits were read by the row's first seed, in order of names.

    A photo of a whole ID stands for itself, whoever wrote it. Empty where there is neither.
    """
    if not row.evaluations:
        return []
    folder = store.evaluations / row.evaluations[0]
    record, predictions = read_evaluation(folder), read_predictions(folder)
    split = read_split(store, record.split_hash)
    ids = ids_of(split.names, split.groups)
    if ids is None or len(ids) != len(predictions.predicted):
        return []
    # The last: what was not read stands at -1.
    classes, truths = np.array([*record.classes, NOT_READ]), record.truths
    readings = []
    for person in sorted({*ids} - {""}):
        chosen = np.flatnonzero(np.array(ids) == person)
        read = tuple(classes[predictions.predicted[chosen]].tolist())
        truth = ("?",) * len(read)
        if predictions.labels is not None:
            truth = tuple(classes[predictions.labels[chosen]].tolist())
        whole = truths.get(person, "")
        writer = split.groups[chosen[0]] if split.groups else ""
        readings.append(
            PersonReading(person=person, writer=writer, truth=truth, read=read, whole_id=whole)
        )
    return readings
