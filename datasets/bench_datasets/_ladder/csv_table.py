"""A table of images as text: one image a row; its label first, last, named, one-hot or absent."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench_datasets._examples import Example
from bench_datasets._ladder.columns import LABEL_NAMES, Columns
from bench_datasets._ladder.csv_rows import Rows, read_rows
from bench_datasets._ladder.csv_text import Form, fields_of, form_of, is_number, named_columns
from bench_datasets._ladder.limits import LINE_MAX
from bench_datasets._ladder.nameless import guess_columns, guess_in_rows
from bench_datasets._ladder.raw import Raw, Submission
from bench_datasets._ladder.sources import Source, line_at, reading

__all__ = ["EXAMPLES", "read_csv", "read_submission"]

_ROWS_AT_ONCE: Final = 4096
_START_BYTES: Final = 1 << 16


def read_csv(source: Source, wanted: str = "") -> list[Raw]:
    """Return a table's images, and its labels, writers and splits where it has them.

    Parameters
    ----------
    wanted : str
        Where the label is, as a person said: a column's name, ``first``, ``last`` or ``none``.
    """
    with reading(source.name, "a table"):
        start = _start(source)
        form = form_of(start, source.name)
        is_narrow = form.n_columns <= 2 and len(start.split(b"\n", 3)) > 2
        if is_narrow and not wanted:
            return [_column_of_labels(source, form, _text_columns(start, form, None))]
        columns = named_columns(form, source.name, wanted)
        texts = _text_columns(start, form, columns)
        with source.open() as stream:
            rows = read_rows(stream, form, texts, source.name)
    if columns is None:
        columns = guess_columns(rows, form, source.name, wanted)
    else:
        columns = guess_in_rows(columns, rows)
    return _raws(source, form, columns, rows)


def _column_of_labels(source: Source, form: Form, texts: frozenset[int]) -> Raw:
    """Return the only column, or one of two: the other names the image."""
    with source.open() as stream:
        rows = read_rows(stream, form, texts, source.name)
    place = form.n_columns - 1
    named = [i for i, name in enumerate(form.names) if name.casefold() in LABEL_NAMES]
    if named:
        place = named[-1]

    def column(number: int) -> npt.NDArray[Any]:
        texts = rows.texts.get(number)
        return np.array(texts) if texts else rows.numbers[:, number].copy()

    return Raw(
        file=source.name, values=column(place), rows_first=True, role="labels",
        keys=column(1 - place) if form.n_columns == 2 else None,
        words=f"{source.name}: one label a line", row_name=_row_namer(source, form),
    )  # fmt: skip


def read_submission(source: Source) -> Submission | None:
    """Return the layout of a competition's sample submission; None where it is not two columns."""
    with source.open() as stream:
        text = stream.read(_START_BYTES).decode("utf-8-sig", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        head = fields_of(lines[0], ",") if lines else []
        if len(head) != 2 or all(map(is_number, head)):
            return None
        rest = stream.read(1 << 26).decode("utf-8", errors="replace")
    whole = [line for line in (text + rest).splitlines() if line.strip()][1:]
    return Submission(
        columns=(head[0], head[1]), ids=tuple(fields_of(line, ",")[0] for line in whole)
    )


def _start(source: Source) -> bytes:
    start = b""
    with source.open() as stream:
        while len(start) < LINE_MAX and start.count(b"\n") < 12:
            piece = stream.read(_START_BYTES)
            if not piece:
                break
            start += piece
    if start.count(b"\n") > 1 and not start.endswith(b"\n") and len(start) >= _START_BYTES:
        start = start[: start.rfind(b"\n") + 1]  # not half a line
    return start


def _text_columns(start: bytes, form: Form, columns: Columns | None) -> frozenset[int]:
    """Return the columns of words: a label, a split, a writer; never a pixel's."""
    lines = start.decode("utf-8-sig", errors="replace").splitlines()
    rows = [fields_of(line, form.separator) for line in lines if line.strip()][form.skip :][:50]
    rows = [row for row in rows if len(row) == form.n_columns]
    if columns is None:
        allowed = {0, 1, form.n_columns - 1}
    else:
        allowed = set(range(form.n_columns)) - set(columns.pixels)
    return frozenset(
        i
        for i in allowed
        if 0 <= i < form.n_columns and any(row[i] and not is_number(row[i]) for row in rows)
    )


def _raws(source: Source, form: Form, columns: Columns, rows: Rows) -> list[Raw]:
    row_name = _row_namer(source, form)
    common: dict[str, Any] = {"file": source.name, "rows_first": True, "row_name": row_name}

    def column(place: int) -> npt.NDArray[Any]:
        return np.array(rows.texts[place]) if place in rows.texts else rows.numbers[:, place].copy()

    found: list[Raw] = []
    if len(columns.label) == 1:
        found.append(Raw(role="labels", values=column(columns.label[0]), **common))
    elif columns.label:
        hot = np.stack([column(place) for place in columns.label], axis=1)
        found.append(Raw(role="labels", values=hot, classes=columns.one_hot, **common))
    for role, place in (
        ("groups", columns.group),
        ("splits", columns.split),
        ("ids", columns.index),
    ):
        if place is not None:
            found.append(Raw(role=role, values=column(place), **common))
    words = ", ".join(filter(None, (columns.words, form.words)))
    pixels = _compact(rows.numbers, columns.pixels)
    if columns.side is not None:
        pixels = pixels.reshape(-1, *columns.side)
    images = Raw(role="images", values=pixels, words=f"{source.name}: {words}", **common)
    return [images, *found]


def _compact(table: npt.NDArray[Any], places: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return these columns, in this order, moved together within the table's own memory."""
    n, width = len(table), len(places)
    flat = table.reshape(-1)[: n * width].reshape(n, width)
    order: Any = np.array(places)
    if np.array_equal(order, np.arange(order[0], order[0] + width)):
        order = slice(int(order[0]), int(order[0]) + width)
    for start in range(0, n, _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, n)
        flat[start:stop] = table[start:stop, order].copy()
    return flat


def _row_namer(source: Source, form: Form) -> Any:
    def name(row: int) -> str:
        number = line_at(source, lambda i, _: i == row, form.skip)
        return f"{source.name}, line {number}" if number else source.name

    return name


def _write(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any], style: str) -> Path:
    """Write an example."""
    path = folder / "digits.csv"
    rows = images.reshape(len(images), -1)
    names = [f"pixel{i}" for i in range(rows.shape[1])]
    with path.open("w", encoding="utf-8") as file:
        if style == "kaggle":
            file.write(",".join(["label", *names]) + "\n")
            file.writelines(
                ",".join(map(str, [label, *row])) + "\n"
                for label, row in zip(labels.tolist(), rows.tolist(), strict=True)
            )
        elif style == "last":
            file.writelines(
                ";".join([*(f"{value / 255:.3f}" for value in row), str(label)]) + "\n"
                for label, row in zip(labels.tolist(), rows.tolist(), strict=True)
            )
        else:
            file.write(",".join(["id", *sorted(names), "class"]) + "\n")
            order = sorted(range(len(names)), key=lambda i: names[i])
            file.writelines(
                ",".join(map(str, [n, *(row[i] for i in order), label])) + "\n"
                for n, (label, row) in enumerate(zip(labels.tolist(), rows.tolist(), strict=True))
            )
    return path


EXAMPLES: Final = (
    Example(
        title="A table as Kaggle gives it",
        looks="label,pixel0,pixel1,…,pixel783\n5,0,0,…,0",
        write=lambda folder, images, labels: _write(folder, images, labels, "kaggle"),
    ),
    Example(
        title="A table without a header, floats, the label last, semicolons",
        looks="0.000;0.000;…;0.976;7",
        write=lambda folder, images, labels: _write(folder, images, labels, "last"),
    ),
    Example(
        title="Columns in another order, with a running number",
        looks="id,pixel0,pixel1,pixel10,pixel100,…,class\n0,0,0,0,12,…,3",
        write=lambda folder, images, labels: _write(folder, images, labels, "sorted"),
    ),
)
"""Tables that people have."""
