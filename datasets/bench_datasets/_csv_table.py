"""A table of digits as comma-separated text: one image a row, plain, gzipped or in Kaggle's zip."""

import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench_datasets._plain_rows import parse_plain_rows

__all__ = ["read_digit_table"]

SIDE = 28
N_PIXELS = SIDE * SIDE
_BYTES_MAX = 4 << 30
_LINE_MAX = 1 << 16
_ROWS_AT_ONCE = 4096
_PIXEL_COLUMNS = tuple(f"pixel{i}" for i in range(N_PIXELS))
_SEPARATORS = {";": "semicolons", "\t": "tabs"}

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


def read_digit_table(path: Path) -> tuple[Pixels, Labels | None]:
    """Read all rows.

    Returns
    -------
    pixels : ndarray of shape (n, 28, 28, 1), uint8
    labels : ndarray of shape (n,), int64, or None
        None where the table has no label column (Kaggle's ``test.csv``).

    Raises
    ------
    DataError
        If the file is another competition's, an HTML page, empty, truncated, or has a wrong column
        count, anything but whole numbers from 0 to 255, or a label that is no digit.
    """
    name = path.name
    try:
        content = _content(path)
        head = _first_line(content, name)
        names, has_header = _columns(head, name)
        rows = _plain_rows(content, len(names), has_header)
        if rows is None:
            rows = _parse(content, names, has_header, name)
    except (OSError, EOFError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise DataError(f"{name} cannot be read", why=_one_line(error)) from error
    pixels = rows[:, -N_PIXELS:].reshape(-1, SIDE, SIDE, 1)
    if names[0] != "label":
        if not has_header:
            _check_unlabelled(rows, name)
        return pixels, None
    no_digit = rows[:, 0] > 9
    if no_digit.any():
        row = int(no_digit.argmax())
        raise DataError(
            _at(name, content, has_header, lambda i, _: i == row),
            why=f"label {rows[row, 0]} is not a digit from 0 to 9",
        )
    return pixels, rows[:, 0].astype(np.int64)


def _check_unlabelled(rows: Pixels, name: str) -> None:
    """Refuse what may as well be a label and 783 pixels; a corner that is always 0 is paper."""
    if 0 < int(rows[:, 0].max()) <= 9 < int(rows.max()):
        raise DataError(
            f"{name} has {N_PIXELS} columns, no header, and only 0 to 9 in the first",
            why=f"that may be {N_PIXELS} pixels, or a label and a pixel too few",
            fix="add the header label,pixel0,… or, without labels, pixel0,…"
            f" up to pixel{N_PIXELS - 1}",
        )


def _at(
    name: str,
    content: Path | bytes,
    has_header: bool,
    is_it: Callable[[int, list[str]], bool],
) -> str:
    """Name the file and the first line whose row number (from 0) and fields are the wanted."""
    for row, (line, text) in enumerate(_rows_of_text(content, has_header)):
        if is_it(row, [field.strip(' "') for field in text.split(",")]):
            return f"{name}, line {line}"
    return name


def _rows_of_text(content: Path | bytes, has_header: bool) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that hold a row: none of the empty ones."""
    binary = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
    with io.TextIOWrapper(binary, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\n")
            if text and (number > 1 or not has_header):
                yield number, text


def _content(path: Path) -> Path | bytes:
    """Return the path of plain text (parsed from the disk), or unpacked text."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        with gzip.open(path, "rb") as unpacked:
            return _read_limited(unpacked, path.name)
    if magic == b"PK\x03\x04":
        return _unzip(path)
    return path


def _unzip(path: Path) -> bytes:
    """Unpack ``train.csv``, or the only table of an archive."""
    with zipfile.ZipFile(path) as archive:
        tables = [info for info in archive.infolist() if info.filename.lower().endswith(".csv")]
        chosen = [info for info in tables if Path(info.filename).name == "train.csv"] or tables
        if len(chosen) != 1:
            held = ", ".join(info.filename for info in archive.infolist()[:5]) or "nothing"
            raise DataError(f"{path.name} holds no train.csv", why=f"it holds {held}")
        if chosen[0].file_size > _BYTES_MAX:
            raise _too_large(path.name)
        with archive.open(chosen[0]) as unpacked:
            return _read_limited(unpacked, path.name)


def _read_limited(unpacked: IO[bytes] | gzip.GzipFile, name: str) -> bytes:
    """Read all; what a small file unpacks to is not trusted, nor the size it declares."""
    pieces, size = [], 0
    while piece := unpacked.read(1 << 24):
        size += len(piece)
        if size > _BYTES_MAX:
            raise _too_large(name)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(name: str) -> DataError:
    return DataError(f"{name} is refused", why=f"it unpacks to more than {_BYTES_MAX >> 30} GiB")


def _first_line(content: Path | bytes, name: str) -> str:
    if isinstance(content, bytes):
        start = content[:_LINE_MAX]
    else:
        with content.open("rb") as file:
            start = file.read(_LINE_MAX)
    text = start.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise DataError(f"{name} is empty")
    if text.lstrip().startswith("<"):
        raise DataError(
            f"{name} is a web page, not a table",
            why="the download was probably answered by a log-in page",
            fix="log in on the site, then download it again",
        )
    if "\0" in text:
        raise DataError(f"{name} is not text", why="it holds zero bytes")
    return text.splitlines()[0]


def _columns(head: str, name: str) -> tuple[tuple[str, ...], bool]:
    """Return the columns' names and whether the first line holds them."""
    fields = [field.strip().strip('"') for field in head.split(",")]
    if _is_number(fields[0]) and len(fields) > 1:
        if len(fields) not in (N_PIXELS, N_PIXELS + 1):
            raise _wrong_count(name, len(fields))
        labelled = len(fields) == N_PIXELS + 1
        return (("label", *_PIXEL_COLUMNS) if labelled else _PIXEL_COLUMNS), False
    pixels = tuple(field for field in fields if re.fullmatch(r"pixel\d+|\d+x\d+", field))
    if not pixels:
        raise _foreign(name, head)
    if len(pixels) != N_PIXELS:
        raise DataError(
            f"{name} has {len(pixels):,} pixel columns", why=f"a table of digits has {N_PIXELS}"
        )
    labelled = fields[0] == "label"
    if len(fields) != N_PIXELS + labelled:
        other = next(field for field in fields[labelled:] if field not in pixels)
        raise DataError(
            f"{name} has the column '{other[:40]}'",
            why=f"a table of digits has label and {N_PIXELS} pixels",
        )
    return (("label", *_PIXEL_COLUMNS) if labelled else _PIXEL_COLUMNS), True


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d*)?", text) is not None


def _wrong_count(name: str, count: int) -> DataError:
    return DataError(
        f"{name} has {count:,} columns",
        why=f"a table of digits has {N_PIXELS} pixels, with or without a label before them",
    )


def _foreign(name: str, head: str) -> DataError:
    for separator, word in _SEPARATORS.items():
        if head.count(separator) >= N_PIXELS - 1:
            return DataError(f"{name} is separated by {word}", fix="save it with commas")
    columns = head.split(",")
    listed = ",".join(columns[:3]) + (", …" if len(columns) > 3 else "")
    return DataError(
        f"{name} has no columns pixel0 … pixel{N_PIXELS - 1}",
        why=f"its header is '{listed[:80]}'. Is this another competition's file?",
    )


def _plain_rows(content: Path | bytes, n_columns: int, has_header: bool) -> Pixels | None:
    if isinstance(content, bytes):
        text = np.frombuffer(content, dtype=np.uint8)
    else:
        text = np.memmap(content, dtype=np.uint8, mode="r")
    if has_header:
        ends = np.flatnonzero(text[:_LINE_MAX] == ord("\n"))
        if not len(ends):
            return None
        text = text[ends[0] + 1 :]
    return parse_plain_rows(text, n_columns)


def _parse(content: Path | bytes, names: tuple[str, ...], has_header: bool, name: str) -> Pixels:
    import pyarrow as pa
    from pyarrow import csv

    try:
        source = str(content) if isinstance(content, Path) else pa.BufferReader(content)
        table = csv.read_csv(
            source,
            read_options=csv.ReadOptions(column_names=list(names), skip_rows=int(has_header)),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.uint8()), null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        raise _explained(str(error), content, has_header, name) from error
    if not table.num_rows:
        raise DataError(f"{name} has a header but no rows")
    empty = next((i for i, column in enumerate(names) if table[column].null_count), None)
    if empty is not None:
        where = _at(name, content, has_header, lambda _, fields: not fields[empty])
        raise DataError(where, why=f"the field in column {names[empty]} is empty")
    # Block by block: the columns of one block stay in the processor's cache while they are turned.
    blocks = (batch.columns for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE))
    return np.concatenate([np.stack([_view(column) for column in block]).T for block in blocks])


def _explained(message: str, content: Path | bytes, has_header: bool, name: str) -> DataError:
    """Turn the parser's message into ours, which names the line."""
    count = re.search(r"Expected (\d+) columns, got (\d+)", message)
    if count:
        expected = int(count[1])
        return DataError(
            _at(name, content, has_header, lambda _, fields: len(fields) != expected),
            why=f"a row has {count[2]} columns where the others have {count[1]}; is it complete?",
        )
    value = re.search(r"In CSV column #(\d+): .*invalid value '(.*?)'", message, re.DOTALL)
    if value:
        column, text = int(value[1]), value[2].strip()
        return DataError(
            _at(name, content, has_header, lambda _, fields: fields[column : column + 1] == [text]),
            why=f"'{text[:30]}' in column {column + 1} is not a whole number from 0 to 255",
        )
    return DataError(f"{name} cannot be read", why=_one_line(message))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _view(column: Any) -> Pixels:
    """Return a pyarrow array of uint8 without a copy; its own ``to_numpy`` imports pandas."""
    values = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    return values[column.offset : column.offset + len(column)]
