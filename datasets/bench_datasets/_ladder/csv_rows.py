"""The rows of a table as numbers: read in blocks, parsed in threads, never held as text.

Whole numbers from 0 to 255 stay bytes, in whatever notation; anything else makes the table float32.
"""

import os
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench_datasets._ladder.csv_text import Form, fields_of, is_number
from bench_datasets._ladder.limits import BYTES_MAX, LINE_MAX, check_size
from bench_datasets._ladder.plain_rows import parse_plain_rows

__all__ = ["Rows", "read_rows"]

_BLOCK_BYTES: Final = 1 << 19
_FLOAT_MAX: Final = 1e30
_BOM: Final = b"\xef\xbb\xbf"

Numbers = npt.NDArray[Any]


@dataclass(slots=True, kw_only=True)
class Rows:
    """All rows: (n, n_columns) numbers, and the columns that are text (0 among the numbers)."""

    numbers: Numbers
    texts: dict[int, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    text: bytes
    first_line: int


def read_rows(stream: IO[bytes], form: Form, text_columns: frozenset[int], file: str) -> Rows:
    """Parse every row of a table that is written as `form` says.

    Raises
    ------
    DataError
        On a row of another length, an empty field, or what is no finite number, with its line.
    """
    sink = _Sink(form.n_columns, file)
    texts: dict[int, list[str]] = {column: [] for column in text_columns}
    waiting: deque[tuple[_Block, Future[Any]]] = deque()
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:

        def take() -> None:
            block, future = waiting.popleft()
            parsed = future.result()
            if parsed is None:
                raise _explained(block, form, text_columns, file)
            numbers, words = parsed
            sink.add(numbers)
            for column, values in words.items():
                texts[column] += values

        try:
            for block in _blocks(stream, form.skip, file):
                waiting.append((block, pool.submit(_parse, block.text, form, text_columns)))
                if len(waiting) > 8:
                    take()
            while waiting:
                take()
        finally:
            pool.shutdown(cancel_futures=True)
    if not sink.n_rows:
        raise DataError(f"{file} has a header but no rows")
    return Rows(numbers=sink.finish(), texts=texts)


class _Sink:
    """State: rows added so far, in one array that grows in place."""

    def __init__(self, n_columns: int, file: str) -> None:
        self._file = file
        self._rows: Numbers = np.empty((0, n_columns), dtype=np.uint8)
        self.n_rows = 0

    def add(self, rows: Numbers) -> None:
        if rows.dtype != np.uint8 and self._rows.dtype == np.uint8:
            self._rows = self._rows[: self.n_rows].astype(np.float32)
        needed = self.n_rows + len(rows)
        if needed > len(self._rows):
            check_size(self._file, needed * self._rows.shape[1] * self._rows.itemsize)
            # Grown in place: the system gives room only as it is written to.
            self._rows.resize(
                (max(needed, len(self._rows) * 5 // 4), self._rows.shape[1]), refcheck=False
            )
        self._rows[self.n_rows : needed] = rows
        self.n_rows = needed

    def finish(self) -> Numbers:
        self._rows.resize((self.n_rows, self._rows.shape[1]), refcheck=False)
        return self._rows


def _blocks(stream: IO[bytes], skip: int, file: str) -> Iterator[_Block]:
    """Yield whole lines, about half a MiB of them, without the header."""
    left, line, total, is_first = b"", 1, 0, True
    to_skip = skip
    while True:
        piece = stream.read(_BLOCK_BYTES)
        total += len(piece)
        if total > 16 * BYTES_MAX:
            check_size(file, total)
        if is_first:
            piece, is_first = piece.removeprefix(_BOM), False
        text = left + piece
        if b"\r" in text and b"\n" not in text:
            text = text.replace(b"\r", b"\n")
        end = len(text) if not piece else text.rfind(b"\n") + 1
        if piece and not end:
            if len(text) > LINE_MAX:
                raise DataError(
                    f"{file} has a line of more than {LINE_MAX >> 20} MiB",
                    why="a row of an image is never that long",
                    fix="is it a table with one image a row?",
                )
            left = text
            continue
        block, left = text[:end], text[end:]
        while to_skip and block:
            head, _, block = block.partition(b"\n")
            to_skip -= bool(head.strip())
            line += 1
        if block.strip():
            yield _Block(text=block, first_line=line)
        line += block.count(b"\n")
        if not piece:
            return


def _parse(
    text: bytes, form: Form, text_columns: frozenset[int]
) -> tuple[Numbers, dict[int, list[str]]] | None:
    if not text_columns:
        if form.separator == "," and not form.is_quoted:
            plain = parse_plain_rows(np.frombuffer(text, dtype=np.uint8), form.n_columns)
            if plain is not None:
                return plain, {}
        text = _cleaned(text, form)
        plain = parse_plain_rows(np.frombuffer(text, dtype=np.uint8), form.n_columns)
        if plain is not None:
            return plain, {}
        return _parse_any(text, ",", form.n_columns, text_columns)
    return _parse_any(text, form.separator, form.n_columns, text_columns)


def _cleaned(text: bytes, form: Form) -> bytes:
    """Return rows of numbers with commas between and nothing else around them."""
    text = text.replace(b'"', b"").replace(b"'", b"").replace(b"\r", b"")
    if form.separator == " ":
        text = re.sub(rb"[ \t]+", b",", re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", text))
    else:
        if form.decimal_comma:
            text = text.replace(b",", b".")
        text = text.replace(form.separator.encode(), b",").replace(b" ", b"").replace(b"\t", b"")
    return re.sub(rb"\n{2,}", b"\n", text).lstrip(b"\n")


def _parse_any(
    text: bytes, separator: str, n_columns: int, text_columns: frozenset[int]
) -> tuple[Numbers, dict[int, list[str]]] | None:
    """Parse numbers in any notation; None where a row is not as it should be."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(n_columns)]
    types = {
        name: pa.string() if i in text_columns else pa.float64() for i, name in enumerate(names)
    }
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(
                column_names=names, use_threads=False, block_size=len(text) + 1
            ),
            parse_options=csv.ParseOptions(delimiter=separator),
            convert_options=csv.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    words: dict[int, list[str]] = {}
    numbers = np.zeros((table.num_rows, n_columns), dtype=np.float64)
    for i, name in enumerate(names):
        column = table[name]
        if column.null_count:
            return None
        if i in text_columns:
            words[i] = [str(value).strip() for value in column.to_pylist()]
        else:
            at = 0
            for chunk in column.chunks:
                values = np.frombuffer(chunk.buffers()[1], dtype=np.float64)
                numbers[at : at + len(chunk), i] = values[chunk.offset : chunk.offset + len(chunk)]
                at += len(chunk)
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > _FLOAT_MAX:
        return None
    if numbers.min(initial=0) >= 0 and numbers.max(initial=0) <= 255:
        whole = numbers.astype(np.uint8)
        if np.array_equal(whole, numbers):
            return whole, words
    return numbers.astype(np.float32), words


def _explained(block: _Block, form: Form, text_columns: frozenset[int], file: str) -> DataError:
    """Find the first row of a block that cannot be read, and say why."""
    lines = block.text.decode("utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, start=block.first_line):
        if not line.strip():
            continue
        fields = fields_of(line.rstrip("\r"), form.separator)
        where = f"{file}, line {number}"
        if len(fields) != form.n_columns:
            return DataError(
                where,
                why=f"a row has {len(fields):,} columns where the others have"
                f" {form.n_columns:,}; is it complete?",
                fix="remove the row, or save the table again",
            )
        for column, text in enumerate(fields):
            if column in text_columns:
                continue
            problem = _problem(text)
            if problem:
                at = form.names[column] if form.names else str(column + 1)
                if problem == "empty":
                    why = f"the field in column {at} is empty"
                else:
                    why = f"'{text[:30]}' in column {column + 1} {problem}"
                return DataError(where, why=why, fix="remove the row, or save the table again")
    return DataError(f"{file} cannot be read as a table", fix="save it as CSV with commas")


def _problem(text: str) -> str:
    if not text:
        return "empty"
    if not is_number(text):
        return "is not a number"
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return "is not a number"
    return "" if np.isfinite(value) and abs(value) <= _FLOAT_MAX else "is no value of a pixel"
