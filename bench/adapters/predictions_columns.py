"""What the columns of a file of predictions hold, told from its first line."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench.images.kinds import check_is_file

__all__ = ["Columns", "Line", "as_number", "columns_of", "read_table"]

_BYTES_MAX: Final = 1 << 30  # unpacked
_NAMES: Final = frozenset(
    [
        "name",
        "names",
        "image",
        "images",
        "file",
        "files",
        "filename",
        "file_name",
        "image_name",
        "path",
        "sample",
        "id",
        "image_id",
        "imageid",
        "index",
        "row",
    ]
)
_TRUTHS: Final = frozenset(
    [
        "truth",
        "true",
        "true_label",
        "label_true",
        "actual",
        "y_true",
        "expected",
        "target",
        "ground_truth",
    ]
)
_PREDICTED: Final = frozenset(
    [
        "predicted",
        "prediction",
        "predictions",
        "pred",
        "y_pred",
        "predicted_label",
        "predicted_class",
        "class",
    ]
)
_LABEL: Final = "label"
_PREFIXES: Final = ("", "p_", "p", "prob_", "proba_", "probability_", "class_", "score_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column holds what; `probabilities` are in the order of the classes, or empty."""

    names: int | None = None
    truth: int | None = None
    predicted: int | None = None
    probabilities: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its number, for messages, and its cells."""

    number: int
    cells: list[str]


def read_table(path: Path) -> tuple[list[str], list[Line]]:
    """Return the header, empty where there is none, and the lines below it.

    Raises
    ------
    DataError
        If it is no CSV file in UTF-8, plain or packed by gzip, of at most 1 GB.
    """
    check_is_file(path)
    try:
        lines = list(_lines(path))
    except (OSError, EOFError, ValueError, csv.Error, gzip.BadGzipFile) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path.name} cannot be read", why=said) from error
    if not lines:
        raise DataError(path.name, why="is empty")
    width = len(lines[0].cells)
    for line in lines:
        if len(line.cells) != width:
            raise DataError(
                f"{path.name}, line {line.number}",
                why=f"has {len(line.cells)} cells, the first line has {width}",
            )
    first = [cell.strip() for cell in lines[0].cells]
    return (first, lines[1:]) if _is_header(first) else ([], lines)


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first line names columns: not all of it are numbers, or they count 0, 1, 2 …."""
    counting = [str(i) for i in range(len(cells))]
    return any(as_number(cell) is None for cell in cells) or (len(cells) > 2 and cells == counting)


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.open(raw) if is_packed else raw as file:
            data = file.read(_BYTES_MAX + 1)
    if len(data) > _BYTES_MAX:
        raise ValueError("it is larger than 1 GB")
    text = data.decode("utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    yield from (Line(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells))


def as_number(text: str) -> float | None:
    """Return the number a cell holds; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def columns_of(
    path: Path, header: Sequence[str], lines: Sequence[Line], classes: Sequence[str]
) -> Columns:
    """Say which column holds what.

    Raises
    ------
    DataError
        If a column is unknown or double, or nothing is predicted.
    """
    if not header:
        return _without_header(path, len(lines[0].cells), len(classes))
    words = [cell.casefold().replace(" ", "_") for cell in header]
    probabilities = _probability_columns(header, classes)
    rest = [i for i in range(len(words)) if i not in probabilities.values()]
    found: dict[str, int] = {}
    for i in rest:
        kind = _kind(words[i], i)
        if not kind:
            known = "name, predicted, truth, or a class for its probability"
            raise DataError(
                f"{path.name}: column '{header[i]}'", why=f"is unknown: a column is {known}"
            )
        if kind in found:
            raise DataError(
                f"{path.name}: columns '{header[found[kind]]}' and '{header[i]}'",
                why="say the same thing",
            )
        found[kind] = i
    if _LABEL in found:  # alone it is what was predicted, as competitions have it
        found["truth" if "predicted" in found or probabilities else "predicted"] = found[_LABEL]
    missing = [name for name in classes if name not in probabilities]
    if probabilities and missing:
        raise DataError(
            path.name, why=f"has no column of probabilities for class {', '.join(missing[:5])}"
        )
    if "predicted" not in found and not probabilities:
        raise DataError(path.name, why="predicts nothing", fix="name a column 'predicted'")
    return Columns(
        names=found.get("name"),
        truth=found.get("truth"),
        predicted=found.get("predicted"),
        probabilities=tuple(probabilities[name] for name in classes) if probabilities else (),
    )


def _kind(word: str, place: int) -> str:
    if word in _NAMES or (not word and place == 0):  # pandas writes its index without a name
        return "name"
    if word in _TRUTHS:
        return "truth"
    return "predicted" if word in _PREDICTED else (_LABEL if word == _LABEL else "")


def _probability_columns(header: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    """Return the column of each class; in the spelling that most columns share."""
    best: dict[str, int] = {}
    for prefix in _PREFIXES:
        found = {name: header.index(prefix + name) for name in classes if prefix + name in header}
        if len(found) > len(best):
            best = found
    return best


def _without_header(path: Path, width: int, n_classes: int) -> Columns:
    if width == 1:
        return Columns(predicted=0)
    if width == n_classes:
        return Columns(probabilities=tuple(range(width)))
    raise DataError(
        f"{path.name}: what are its {width} columns?",
        fix="name them in a first line: name,predicted, or a class for its probability",
    )
