"""Tables as they lie in a folder: text of any delimiter, or a workbook; as rows of cells."""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.errors import DataError
from bench.images.kinds import HEAD_BYTES, Kind, kind_of

__all__ = ["Sheet", "clean_digits", "read_sheets"]

_MOST_BYTES: Final = 50_000_000
_MOST_UNPACKED: Final = 400_000_000
_MOST_ROWS: Final = 1_000_000
_MOST_COLUMNS: Final = 60
_DELIMITERS: Final = ",;\t|=:"
_DIGITS: Final = re.compile("[0-9/][0-9 /-]*")
_DECIMALS: Final = re.compile(r"(?<=[0-9])(\.0*|,00?)$")  # 1,000 is a thousand


_OTHER_BOOKS: Final = (".xls", ".ods", ".numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table: where it lies, and its lines with their numbers."""

    path: Path
    name: str
    lines: tuple[tuple[int, tuple[str, ...]], ...]


def read_sheets(root: Path, path: Path) -> list[Sheet]:
    """Return the tables of a file: one, or one a sheet of a workbook; none without any row.

    Raises
    ------
    DataError
        If it is not a table, too large for one of labels, or cannot be read.
    """
    raw = _read_bytes(root / path, path.as_posix())
    kind = kind_of(raw[:HEAD_BYTES])
    if kind in (Kind.LFS, Kind.PAGE):
        is_page = kind is Kind.PAGE
        what = "a saved web page, not a table" if is_page else f"{kind}, not the table"
        fix = "download it again with the site's download button; you may have to log in"
        raise DataError(
            path.as_posix(), why=f"it is {what}", fix=fix if is_page else "run git lfs pull"
        )
    if kind is Kind.OLD_EXCEL or path.suffix.lower() in _OTHER_BOOKS:
        raise DataError(
            path.as_posix(),
            why=f"it is {Kind.OLD_EXCEL} of a kind that is not read",
            fix="save the sheet as .xlsx or CSV",
        )
    if kind is Kind.ZIP:
        return _workbook(raw, path)
    lines = _text_lines(raw, path)
    return [Sheet(path=path, name=path.as_posix(), lines=tuple(lines))] if lines else []


def _read_bytes(file: Path, name: str) -> bytes:
    if not file.is_file():  # a pipe would never end
        raise DataError(name, why="it is no ordinary file", fix="take it away")
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise DataError(name, why=error.strerror or "it cannot be read") from None
    if len(raw) > _MOST_BYTES:
        why = f"a table of labels has no more than {_MOST_BYTES // 10**6} MB"
        raise DataError(name, why=why, fix="take it out of the folder, or use --labels")
    return raw


def _text_lines(raw: bytes, path: Path) -> list[tuple[int, tuple[str, ...]]]:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    text = text.replace("\0", "")
    first, _, rest = text.partition("\n")
    delimiter = _delimiter(text)
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:  # as Excel writes it
        delimiter, text = first.strip()[-1], "\n" + rest
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(path.as_posix(), why=f"it is not a table ({error})") from None
    return _kept(rows, path)


def _delimiter(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()[:30]]
    head = [line for line in lines if line and not line.startswith("#")]
    if not head:
        return ","
    common = {each: min(line.count(each) for line in head) for each in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda each: common[each])
    if common[best]:
        return best
    first = max(_DELIMITERS, key=head[0].count)
    return first if first in head[0] else " "


def _kept(rows: list[tuple[int, Any]], path: Path) -> list[tuple[int, tuple[str, ...]]]:
    kept = [
        (number, tuple("" if cell is None else str(cell).strip() for cell in row))
        for number, row in rows
    ]
    kept = [(n, row) for n, row in kept if any(row) and not row[0].startswith("#")]
    if len(kept) > _MOST_ROWS:
        raise DataError(path.as_posix(), why=f"it has more than {_MOST_ROWS:,} rows")
    return kept if not kept or max(len(row) for _, row in kept) <= _MOST_COLUMNS else []


def _workbook(raw: bytes, path: Path) -> list[Sheet]:
    try:
        unpacked = sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(raw)).infolist())
        sheets = [] if unpacked > _MOST_UNPACKED else _cells_of(raw)
    except Exception as error:  # noqa: BLE001 - a damaged archive raises nearly anything
        raise DataError(
            path.as_posix(),
            why=f"the workbook cannot be read ({type(error).__name__})",
            fix="save it as CSV",
        ) from None
    if unpacked > _MOST_UNPACKED:
        why = f"it unpacks to {unpacked // 10**6:,} MB, as no table of labels does"
        raise DataError(path.as_posix(), why=why, fix="save it as CSV")
    found = [(title, _kept(rows, path)) for title, rows in sheets]
    found = [(title, lines) for title, lines in found if lines]
    return [
        Sheet(
            path=path,
            name=path.as_posix() + (f" (sheet {title})" if len(found) > 1 else ""),
            lines=tuple(lines),
        )
        for title, lines in found
    ]


def _cells_of(raw: bytes) -> list[tuple[str, list[tuple[int, Any]]]]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    return [(sheet.title, list(_rows(sheet))) for sheet in book.worksheets]


def _rows(sheet: Any) -> Any:
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _MOST_ROWS + 1:
            return
        yield number, row[:1000]


def clean_digits(text: str) -> str:
    """Return a truth without what spreadsheets add (``.0``, ``,0``, a quote); empty if none."""
    bare = _DECIMALS.sub("", text.strip().lstrip("'").strip())
    if not _DIGITS.fullmatch(bare) or not any(map(str.isdigit, bare)):  # nor is -1 a digit
        return ""
    return bare.replace(" ", "").replace("-", "")
