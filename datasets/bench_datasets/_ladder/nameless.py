"""A table without names: where its label is, told from all of its rows."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench_datasets._ladder.columns import Columns
from bench_datasets._ladder.csv_rows import Rows
from bench_datasets._ladder.csv_text import Form, places_for

__all__ = ["entropy_bits", "guess_columns", "guess_in_rows", "is_class_like"]

_CLASS_MAX: Final = 100
_SURE_BITS, _FAINT_BITS = 1.0, 0.3

Column = npt.NDArray[Any]


def is_class_like(values: Column) -> bool:
    """Whether a column may be a label: few distinct whole numbers from 0 on, or words."""
    if values.dtype.kind in "US":
        return len(np.unique(values)) <= max(10, len(values) // 2)
    if not len(values) or values.min() < 0 or values.max() > _CLASS_MAX:
        return False
    if not np.array_equal(values, np.rint(values)):
        return False
    return len(np.unique(values)) <= max(10, len(values) // 2)


def entropy_bits(values: Column) -> float:
    """Return how much a column tells apart; 0 where it is always the same."""
    _, counts = np.unique(values, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def is_running(values: Column) -> bool:
    """Whether a column counts the rows, from 0 or 1."""
    if values.dtype.kind in "US" or len(values) < 3:
        return False
    counts = np.arange(len(values))
    return any(np.array_equal(values, counts + base) for base in (0, 1))


def guess_in_rows(columns: Columns, rows: Rows) -> Columns:
    """Check of named columns what their names cannot say: that one-hot columns are one-hot."""
    if len(columns.label) > 1 and not _is_one_hot(rows.numbers[:, list(columns.label)]):
        raise DataError(
            f"columns {columns.names[columns.label[0]]} … are neither pixels nor one-hot labels",
            why="in some row they are not one 1 and else 0",
            fix="which column is the label? --set {name}.labels=COLUMN",
        )
    return columns


def guess_columns(rows: Rows, form: Form, file: str, wanted: str) -> Columns:
    """Tell label, index and pixels of a table whose columns have no names.

    Raises
    ------
    DataError
        If the count of columns fits no image, or two places for the label fit as well.
    """
    n_columns = form.n_columns
    names = tuple(f"{i + 1}" for i in range(n_columns))
    base = Columns(names=names, pixels=(), has_header=bool(form.names))
    everything = range(n_columns)
    for n_pixels, others in places_for(n_columns):
        found = _fitted(rows, base, n_pixels, others, file, wanted)
        if found is not None:
            shown = f"{n_pixels:,} pixel columns, {found.words}"
            chosen = set(found.label) | {found.index}
            pixels = tuple(i for i in everything if i not in chosen)
            return replace(found, pixels=pixels, words=shown)
    raise DataError(
        f"{file} has {n_columns:,} columns",
        why="a table of digits has 784 pixels (or another square), with or without a label",
        fix="name the columns in a header: label,pixel0,pixel1,…",
    )


def _column(rows: Rows, place: int) -> Column:
    return np.array(rows.texts[place]) if place in rows.texts else rows.numbers[:, place]


def _fitted(
    rows: Rows, base: Columns, n_pixels: int, others: int, file: str, wanted: str
) -> Columns | None:
    last = n_pixels + others - 1
    if others == 0:
        _check_unlabelled(rows, file, n_pixels, wanted)
        return replace(base, words="no label")
    index = 0 if others >= 2 and is_running(_column(rows, 0)) else None
    if others == 1 or (others == 2 and index is not None):
        places = (int(index is not None), last)
        return _single(rows, replace(base, index=index), places, file, wanted)
    n_hot = others - (index is not None)
    for hot in (range(last - n_hot + 1, last + 1), range(others - n_hot, others)):
        if all(p not in rows.texts for p in hot) and _is_one_hot(rows.numbers[:, list(hot)]):
            where = "last" if hot[-1] == last else "first"
            return replace(
                base, label=tuple(hot), one_hot=tuple(map(str, range(n_hot))), index=index,
                words=f"one-hot labels in the {where} {n_hot} columns",
            )  # fmt: skip
    return None


def _single(
    rows: Rows, base: Columns, places: tuple[int, int], file: str, wanted: str
) -> Columns | None:
    first, last = (_column(rows, place) for place in places)
    note = ", the first column left out: it counts the rows" if base.index is not None else ""
    if wanted in ("first", "last"):
        place = places[wanted == "last"]
        return replace(base, label=(place,), words=f"label in the {wanted} column{note}")
    if wanted == "none":
        return replace(base, index=places[0], words="no label")
    if base.index is None and is_running(first) and (len(first) > 10 or not is_class_like(first)):
        return replace(
            base, index=places[0], words="no label, the first column left out: it counts the rows"
        )
    bits = [
        entropy_bits(each) if is_class_like(each) or each.dtype.kind in "US" else -1.0
        for each in (first, last)
    ]
    are_words = [each.dtype.kind in "US" for each in (first, last)]
    if are_words[0] != are_words[1]:
        chosen = int(are_words[1])
    elif (bits[0] > _FAINT_BITS * 2 and bits[1] <= _FAINT_BITS / 2) or bits[
        0
    ] > _SURE_BITS > _FAINT_BITS > bits[1]:
        chosen = 0
    elif (bits[1] > _FAINT_BITS * 2 and bits[0] <= _FAINT_BITS / 2) or bits[
        1
    ] > _SURE_BITS > _FAINT_BITS > bits[0]:
        chosen = 1
    elif max(bits) <= 0 and first.max() != last.max():  # one class alone; the other is paper
        chosen = int(first.max() < last.max())
    else:
        raise DataError(
            f"{file} has no header, and neither its first nor its last column is the label"
            " for sure",
            why="both hold few whole numbers, or one alone. Which one is it?",
            fix="--set {name}.labels=first or --set {name}.labels=last",
        )
    where = ("first", "last")[chosen] if base.index is None or chosen else "second"
    return replace(base, label=(places[chosen],), words=f"label in the {where} column{note}")


def _check_unlabelled(rows: Rows, file: str, n_pixels: int, wanted: str) -> None:
    """Refuse what may be a label and a pixel too few; a corner that is always 0 is paper."""
    if wanted == "none":
        return
    numbers = rows.numbers
    for place, word in ((0, "first"), (-1, "last")):
        column = numbers[:, place]
        is_whole = np.array_equal(column, np.rint(column))
        if is_whole and 0 < column.max() <= 9 < numbers.max() and column.min() >= 0:
            raise DataError(
                f"{file} has {n_pixels} columns, no header, and only 0 to 9 in the {word}",
                why=f"that may be {n_pixels} pixels, or a label and a pixel too few",
                fix="add the header label,pixel0,… or, without labels, pixel0,…"
                f" up to pixel{n_pixels - 1}, or say --set {{name}}.labels=none",
            )


def _is_one_hot(values: Column) -> bool:
    is_binary = bool(((values == 0) | (values == 1)).all())
    return is_binary and bool((values.sum(axis=1) == 1).all())
