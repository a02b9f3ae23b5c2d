"""A file of predictions that another program made: read, checked, put in a split's order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.adapters.predictions_columns import (
    Columns,
    Line,
    as_number,
    columns_of,
    read_table,
)
from bench.errors import DataError
from bench.spec import ImageSet, Labels, Probabilities

__all__ = ["External", "read_predictions_file"]

_NAMED: Final = 3  # examples in a message
_SUM_TOLERANCE: Final = 0.01
_CHANCE: Final = 1.3  # times 1 / classes, as a board's floor


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Predictions in the order of a test split.

    Parameters
    ----------
    predicted : ndarray of shape (n,), int64
        Indices into the dataset's classes.
    probabilities : ndarray of shape (n, n_classes), float32, or None
        Rows that sum to 1, in the order of the classes; None where the file has none.
    placed_by : str
        What says which image each line is of, in words.
    """

    predicted: Labels
    probabilities: Probabilities | None
    placed_by: str


def read_predictions_file(
    path: Path,
    classes: Sequence[str],
    test: ImageSet,
    *,
    dataset: str,
    train_names: frozenset[str] = frozenset(),
    n_train: int | None = None,
) -> External:
    """Read a CSV file of predictions and put its lines in the order of a test split.

    Parameters
    ----------
    classes : sequence of str
        The dataset's classes.
    test : ImageSet
        The test split; with names, these must be the file's; else its numbers, or its order.
    dataset : str
        The dataset's name, for messages.
    train_names, n_train : frozenset of str, int or None
        Of its training split: a file of that is told as such.

    Raises
    ------
    DataError
        If a name is missing, double or unknown, a number is none, a class is foreign, or the file
        seems to be of another split; with the line.
    """
    header, lines = read_table(path)
    columns = columns_of(path, header, lines, classes)
    _check_count(path, len(lines), test, dataset, n_train)
    order, placed_by = _order(path, lines, columns, test, dataset, train_names)
    predicted, probabilities = _answers(path, lines, columns, classes)
    truth = None if columns.truth is None else _classes_of(path, lines, columns.truth, classes)
    # `order[i]` is the line of the i-th image.
    predicted = predicted[order]
    proven = _check_truth(path, truth, order, test, dataset)
    if columns.names is None and not proven:
        _check_order(path, predicted, test, len(classes))
    if proven and columns.names is None:
        placed_by = "the order of its lines, whose truths are the dataset's labels"
    rows = None if probabilities is None else probabilities[order]
    return External(predicted=predicted, probabilities=rows, placed_by=placed_by)


def _check_count(path: Path, n: int, test: ImageSet, dataset: str, n_train: int | None) -> None:
    if n == len(test):
        return
    of_train = f": it has as many lines as the training split has images ({n:,})"
    raise DataError(
        path.name,
        why=f"{n:,} predictions, the test split of {dataset} has {len(test):,} images"
        + (of_train if n == n_train else ""),
    )


def _order(
    path: Path,
    lines: Sequence[Line],
    columns: Columns,
    test: ImageSet,
    dataset: str,
    train_names: frozenset[str],
) -> tuple[npt.NDArray[np.intp], str]:
    """Return the place in the file of each image, and what says so."""
    if columns.names is None:
        return np.arange(len(lines)), "the order of its lines"
    told = [line.cells[columns.names].strip() for line in lines]
    _refuse_double(path, lines, told)
    places = {name: place for place, name in enumerate(told)}
    if test.names and not set(test.names).isdisjoint(places):
        wanted, by = list(test.names), "the names of the images"
    else:
        start = 1 if "0" not in places else 0
        wanted, by = [str(i + start) for i in range(len(test))], f"numbers from {start}"
        if test.names and set(wanted) != set(places):
            wanted, by = list(test.names), "the names of the images"
    known = set(wanted)
    unknown = [name for name in told if name not in known]
    missing = [name for name in wanted if name not in places]
    if unknown:
        of_train = sum(name in train_names for name in unknown)
        what = f"its training split has {of_train:,} of them" if of_train else f"as '{wanted[0]}'"
        raise DataError(
            f"{path.name}: {_listed(unknown)}",
            why=f"no image of the test split of {dataset} is called so; {what}",
        )
    if missing:
        raise DataError(f"{path.name}: nothing is predicted for {_listed(missing)}")
    return np.array([places[name] for name in wanted], dtype=np.intp), by


def _refuse_double(path: Path, lines: Sequence[Line], told: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for line, name in zip(lines, told, strict=True):
        if name in seen:
            raise DataError(
                f"{path.name}, lines {seen[name]} and {line.number}", why=f"both are of '{name}'"
            )
        seen[name] = line.number


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return f"{listed} and {more:,} more" if more > 0 else listed


def _answers(
    path: Path, lines: Sequence[Line], columns: Columns, classes: Sequence[str]
) -> tuple[Labels, Probabilities | None]:
    rows = None
    if columns.probabilities:
        rows = _rows(path, lines, columns.probabilities)
    if columns.predicted is not None:
        return _classes_of(path, lines, columns.predicted, classes), rows
    assert rows is not None  # there is one or the other
    return rows.argmax(axis=1), rows


def _classes_of(path: Path, lines: Sequence[Line], column: int, classes: Sequence[str]) -> Labels:
    """Return the class each line names: by its name, or ``3.0`` where one is called 3."""
    known = {name: i for i, name in enumerate(classes)}
    found = np.empty(len(lines), dtype=np.int64)
    for place, line in enumerate(lines):
        text = line.cells[column].strip()
        value = as_number(text) if text not in known else None
        if value is not None and value.is_integer():
            text = str(int(value))
        if text not in known:
            listed = ", ".join(classes[:12]) + (" …" if len(classes) > 12 else "")
            said = f"'{text}' is no class: they are {listed}" if text else "a class is missing"
            raise DataError(f"{path.name}, line {line.number}", why=said)
        found[place] = known[text]
    return found


def _rows(path: Path, lines: Sequence[Line], columns: Sequence[int]) -> Probabilities:
    """Return the probabilities, (n, n_classes) float32; rows sum to 1."""
    rows = np.empty((len(lines), len(columns)))
    for place, line in enumerate(lines):
        numbers = [as_number(line.cells[column]) for column in columns]
        where = f"{path.name}, line {line.number}"
        for column, number in zip(columns, numbers, strict=True):
            if number is None or not np.isfinite(number) or number < 0:
                said = line.cells[column].strip() or "nothing"
                raise DataError(where, why=f"{said} is no probability")
        rows[place] = numbers
        total = rows[place].sum()
        if abs(total - 1) > _SUM_TOLERANCE:
            raise DataError(
                where,
                why=f"its probabilities sum to {total:.3g}, not 1",
                fix="write probabilities, not scores; or only what is predicted",
            )
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float32)


def _check_truth(
    path: Path,
    truth: Labels | None,
    order: npt.NDArray[np.intp],
    test: ImageSet,
    dataset: str,
) -> bool:
    """Hold the truths of the file against the labels; return whether that proves its order."""
    if truth is None or test.labels is None:
        return False
    n_other = int((truth[order] != test.labels).sum())
    if n_other:
        raise DataError(
            path.name,
            why=f"its truths are not the labels of {n_other:,} of the {len(test):,} test images of"
            f" {dataset}: it is of another split, or in another order",
        )
    return True


def _check_order(path: Path, predicted: Labels, test: ImageSet, n_classes: int) -> None:
    """Refuse predictions no better than by chance where only their order says whose they are."""
    if test.labels is None or len(np.unique(predicted)) < 2:
        return
    accuracy = float((predicted == test.labels).mean())
    if accuracy <= _CHANCE / n_classes:
        raise DataError(
            f"{path.name}: are its lines in the order of the test images?",
            why=f"read so, {accuracy:.1%} are right, no more than by chance",
            fix="add a column 'name', or 'truth' with the labels",
        )
