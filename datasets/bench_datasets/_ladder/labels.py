"""From labels as stored to classes: columns, one-hot, QMNIST's eight, words, 10 for 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench_datasets._digits import DIGITS
from bench_datasets._folder.class_names import fit_names
from bench_datasets._ladder.raw import Raw, as_text

__all__ = ["Named", "Numbers", "as_classes", "flattened"]

_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_CLASSES_MAX: Final = 1000
_QMNIST_COLUMNS: Final = 8

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A split's labels before they are numbered: one text or number an image."""

    values: Numbers
    groups: tuple[str, ...] | None = None
    words: str = ""
    classes: tuple[str, ...] = ()


def flattened(raw: Raw) -> Named:
    """Return one label an image from a column, a row, one-hot rows or QMNIST's columns.

    Raises
    ------
    DataError
        If it is none of these, or its numbers are not whole.
    """
    values = raw.values
    shape = values.shape
    if values.ndim == 2 and 1 in shape:
        values = values.reshape(-1)
    if values.dtype.kind in "US":
        if values.ndim != 1:
            raise DataError(raw.name, why=f"its labels of shape {shape} are no list of words")
        texts = as_text(values)
        if all(text.isdecimal() for text in texts):
            return Named(values=np.array([int(text) for text in texts]), classes=raw.classes)
        return Named(values=np.array(texts), classes=raw.classes)
    if values.dtype.kind not in "uifb":
        raise DataError(
            raw.name,
            why=f"its labels are {values.dtype}, not whole numbers",
            fix="save them as numbers",
        )
    if values.ndim == 2:
        return _of_columns(raw, values)
    if values.ndim != 1:
        raise DataError(
            raw.name,
            why=f"shape {shape} is neither (n,) nor (n, 10)",
            fix="save one label an image",
        )
    return Named(values=_whole(values, raw), classes=raw.classes)


def _whole(values: Numbers, raw: Raw) -> Numbers:
    if values.dtype.kind == "f":
        is_whole = np.isfinite(values) & (values == np.rint(values))
        if not is_whole.all():
            row = int((~is_whole).argmax())
            raise DataError(
                raw.row(row),
                why=f"its labels are {values.dtype}, not whole numbers: label {values[row]:g}",
                fix="save them as whole numbers",
            )
    return values.astype(np.int64)


def _of_columns(raw: Raw, values: Numbers) -> Named:
    n, width = values.shape
    for table, words in ((values, "one-hot"), (values.T, "one-hot, one row a class")):
        is_binary = ((table == 0) | (table == 1)).all()
        if is_binary and (table.sum(axis=1) == 1).all() and table.shape[1] > 1:
            if table.shape[1] == table.shape[0] and not np.array_equal(table, table.T):
                continue
            return Named(values=table.argmax(axis=1), words=f"{words} labels", classes=raw.classes)
    if width == _QMNIST_COLUMNS and _is_qmnist(values):
        writers = tuple(f"{series}-{writer}" for series, writer in values[:, 1:3].tolist())
        return Named(
            values=values[:, 0].astype(np.int64), groups=writers,
            words="QMNIST's eight label columns: digit first, writer third",
        )  # fmt: skip
    if width > 100 or n < width:
        raise DataError(raw.name, why=f"shape {values.shape} is not one label an image")
    raise DataError(
        raw.name,
        why="its rows are not one-hot: one 1, all others 0"
        if width != _QMNIST_COLUMNS
        else "its 8 columns are not QMNIST's (digit first), nor one-hot",
        fix="save one label an image",
    )


def _is_qmnist(values: Numbers) -> bool:
    digits = values[:, 0]
    in_range = bool(((digits >= 0) & (digits <= 9)).all())
    return in_range and bool((values[:, 4] == 48 + digits).all() or (values[:, 6:] == 0).all())


def as_classes(
    splits: Mapping[str, tuple[Raw, Named]],
    *,
    expected: Sequence[str] = (),
    ten: str = "",
    first: int = 0,
    is_matlab: bool = False,
) -> tuple[tuple[str, ...], dict[str, npt.NDArray[np.int64]], list[str]]:
    """Return class names, each split's class numbers, and what a person should know.

    Parameters
    ----------
    expected : sequence of str
        The classes the dataset is known to have, by number from `first` on; empty: those found.
    ten : str
        What label 10 means where there is no 0: ``zero`` or ``ten``; empty: MATLAB's 0, else asked.

    Raises
    ------
    DataError
        If a label is no class, or there are more classes than anybody would train on.
    """
    notes: list[str] = []
    numbers = {split: named.values for split, (_, named) in splits.items()}
    if any(values.dtype.kind in "US" for values in numbers.values()):
        spelled = _spelled(numbers) if tuple(expected) in ((), DIGITS) else {}
        if not spelled:
            return _of_words(splits, expected)
        numbers = spelled
        notes.append("words for digits")
    stacked = np.concatenate([np.unique(values) for values in numbers.values()])
    found = np.unique(stacked)
    is_one_to_ten = len(found) > 0 and found.min() >= 1 and found.max() == 10
    if is_one_to_ten and len(expected) <= 10:
        zero = _ten_is_zero(splits, found, ten, is_matlab)
        if zero:
            numbers = {split: values % 10 for split, values in numbers.items()}
            notes.append("label 10 means 0")
            found = np.unique(found % 10)
        elif not expected:
            return _listed(found, numbers, notes)
    stated = next((named.classes for _, named in splits.values() if named.classes), ())
    names = tuple(expected) or _usual(stated)
    if not names:
        if found.min(initial=0) >= 0 and found.max(initial=0) <= 9:
            return DIGITS, {s: v.astype(np.int64) for s, v in numbers.items()}, notes
        _check_count(splits, numbers, found)
        return _listed(found, numbers, notes)
    shifted = {split: values - first for split, values in numbers.items()}
    for split, values in shifted.items():
        outside = (values < 0) | (values >= len(names))
        if outside.any():
            row = int(outside.argmax())
            raw = splits[split][0]
            kind = (
                "not a digit from 0 to 9"
                if names == DIGITS
                else f"outside the {len(names)} classes"
            )
            raise DataError(
                raw.row(row),
                why=f"label {numbers[split][row]} is {kind}",
                fix="correct or remove it; tables with other classes: -d NAME=FILE",
            )
    return names, {s: v.astype(np.int64) for s, v in shifted.items()}, notes


def _usual(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return digits for their English words."""
    if tuple(name.casefold() for name in names) == _WORDS:
        return DIGITS
    return names


def _ten_is_zero(
    splits: Mapping[str, tuple[Raw, Named]], found: Numbers, ten: str, is_matlab: bool
) -> bool:
    if ten:
        return ten == "zero"
    if is_matlab:
        return True
    raw = next(iter(splits.values()))[0]
    raise DataError(
        raw.name,
        why=f"label 10 is there and 0 is not (labels {found.min()} to 10): does 10 mean the"
        " digit 0,"
        " or is it a class of its own?",
        fix="--set {name}.ten=zero or --set {name}.ten=ten",
    )


def _listed(
    found: Numbers, numbers: Mapping[str, Numbers], notes: list[str]
) -> tuple[tuple[str, ...], dict[str, npt.NDArray[np.int64]], list[str]]:
    names = tuple(str(int(value)) for value in found)
    notes.append(f"{len(names)} classes, labels {names[0]} to {names[-1]}")
    placed = {s: np.searchsorted(found, v).astype(np.int64) for s, v in numbers.items()}
    return names, placed, notes


def _check_count(
    splits: Mapping[str, tuple[Raw, Named]], numbers: Mapping[str, Numbers], found: Numbers
) -> None:
    raw = next(iter(splits.values()))[0]
    n = sum(map(len, numbers.values()))
    if found.min() < 0:
        row = int((next(iter(numbers.values())) < 0).argmax())
        raise DataError(
            raw.row(row), why=f"label {found.min()} is below 0", fix="remove what has no label"
        )
    if len(found) > _CLASSES_MAX or (len(found) > 20 and len(found) > n / 2):
        raise DataError(
            raw.name,
            why=f"{len(found):,} different labels in {n:,} images: that is a number of the"
            " image, no class",
            fix="which are the labels? --set {name}.labels=NAME",
        )


def _spelled(texts: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return the numbers that words, numerals and ``digit_3`` stand for, if all are such."""
    named = {split: as_text(values) for split, values in texts.items()}
    fit = fit_names({text for each in named.values() for text in each}, {})
    known = fit.classes if fit is not None else {}
    if not all(known.get(text, "").isdecimal() for each in named.values() for text in each):
        return {}
    return {s: np.array([int(known[t]) for t in each], np.int64) for s, each in named.items()}


def _of_words(
    splits: Mapping[str, tuple[Raw, Named]], expected: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, npt.NDArray[np.int64]], list[str]]:
    texts = {split: as_text(named.values) for split, (_, named) in splits.items()}
    found = sorted({text for each in texts.values() for text in each})
    raw = next(iter(splits.values()))[0]
    names = tuple(expected) or tuple(found)
    missing = [text for text in found if text not in names]
    if missing:
        raise DataError(
            raw.name,
            why=f"label '{missing[0][:30]}' is none of its classes ({', '.join(names[:12])})",
            fix="correct it",
        )
    n = sum(map(len, texts.values()))
    if len(found) > 100 or (len(found) > 20 and len(found) > n / 2) or max(map(len, found)) > 60:
        raise DataError(
            raw.name,
            why=f"{len(found):,} different labels in {n:,} images, such as"
            f" '{found[0][:40]}': no classes",
            fix="which are the labels? --set {name}.labels=NAME",
        )
    place = {name: i for i, name in enumerate(names)}
    numbered = {s: np.array([place[t] for t in each], np.int64) for s, each in texts.items()}
    return names, numbered, [f"{len(names)} classes named in words"]
