"""Tables that say what photos show: which column is the file, the person, the truth."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import DataError

if TYPE_CHECKING:
    from bench_datasets._folder.scan import Listing

__all__ = ["Row", "Table", "choose_table", "clean_digits", "read_table"]

_PREFERRED: Final = ("labels", "ids", "strips", "dataset")
_MOST_BYTES: Final = 50_000_000
_HEADERS: Final = {
    "file": ("file", "filename", "file_name", "image", "img", "path", "picture", "photo", "name"),
    "person": ("person", "writer", "folder", "student", "author", "who", "user"),
    "truth": (
        "label", "digit", "digits", "class", "target", "truth", "id", "ids", "student_id",
        "number", "value", "y", "text",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; an empty text stands for a column that is not there."""

    line: int
    file: str
    person: str
    truth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of truths by file, or by person where there is no column of files."""

    path: Path
    rows: tuple[Row, ...]
    has_files: bool


def choose_table(listing: "Listing") -> Path | None:
    """Return the table in the folder itself: by its name, or the only one."""
    top = [path for path in listing.tables if len(path.parts) == 1]
    for stem in _PREFERRED:
        for path in top:
            if path.stem.casefold() == stem:
                return path
    return top[0] if len(top) == 1 else None


def read_table(path: Path, listing: "Listing") -> Table | None:
    """Return the table with its columns recognised, None if it tells nothing about the photos.

    Raises
    ------
    DataError
        If it cannot be read as text.
    """
    lines = _read_lines(listing.root / path)
    if not lines:
        return None
    header = [cell.strip().casefold().replace(" ", "_") for cell in lines[0]]
    known = {word for words in _HEADERS.values() for word in words}
    has_header = any(cell in known for cell in header)
    body = list(enumerate(lines, start=1))[int(has_header) :]
    columns = _columns_by_header(header) if has_header else {}
    columns = _columns_by_content([row for _, row in body], listing, columns)
    if "truth" not in columns or not columns.keys() & {"file", "person"}:
        return None

    def cell(row: Sequence[str], kind: str) -> str:
        place = columns.get(kind)
        return row[place].strip() if place is not None and place < len(row) else ""

    rows = tuple(
        Row(line=n, file=cell(row, "file"), person=cell(row, "person"), truth=cell(row, "truth"))
        for n, row in body
        if any(row)
    )
    return Table(path=path, rows=rows, has_files="file" in columns)


def _read_lines(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(path.name, why="a table of labels is not that large")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(path.name, why=error.strerror or "it cannot be read") from None
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    try:
        return [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(path.name, why=f"it is not a table ({error})") from None


def _columns_by_header(header: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for kind, words in _HEADERS.items():
        for word in words:
            if word in header and header.index(word) not in columns.values():
                columns[kind] = header.index(word)
                break
    return columns


def _columns_by_content(
    rows: Sequence[Sequence[str]], listing: "Listing", known: dict[str, int]
) -> dict[str, int]:
    """Check the columns found by header, and find the others by what they hold."""
    if not rows:
        return known
    files = {name for path in listing.images for name in _names_of(path)}
    persons = {part for path in listing.images for part in path.parts[:-1]}
    width = max(map(len, rows))

    def share(place: int, names: set[str]) -> float:
        cells = [row[place].strip() for row in rows if place < len(row)]
        named = [cell.replace("\\", "/").casefold() in names for cell in cells]
        return sum(named) / max(len(named), 1)

    folded = {"file": files, "person": {person.casefold() for person in persons}}
    columns = dict(known)
    # A header may say "name" where persons are meant.
    if "file" in columns and "person" not in columns:
        place = columns["file"]
        if share(place, files) == 0 and share(place, folded["person"]) > 0:
            columns["person"] = columns.pop("file")
    for kind, names in folded.items():
        free = [place for place in range(width) if place not in columns.values()]
        best = max(free, key=lambda place: share(place, names), default=None)
        if kind not in columns and best is not None and share(best, names) > 0.5:
            columns[kind] = best
    if "truth" not in columns:
        free = [place for place in range(width) if place not in columns.values()]
        digits = [p for p in free if all(len(r) > p and clean_digits(r[p]) for r in rows)]
        if len(digits) == 1 or (digits and len(free) == 1):
            columns["truth"] = digits[0]
    return columns


def _names_of(path: Path) -> tuple[str, ...]:
    """Return what a table may call a file: its path, its name, with and without the ending."""
    posix = path.as_posix().casefold()
    bare = posix.removesuffix(path.suffix.casefold())
    return posix, path.name.casefold(), bare, path.stem.casefold()


def clean_digits(text: str) -> str:
    """Return a truth without what spreadsheets add (``.0``, a quote); empty if it is none."""
    bare = text.strip().lstrip("'").replace(" ", "").replace("-", "")
    bare = bare.removesuffix(".0")
    is_digits = bare.replace("/", "").isascii() and bare.replace("/", "").isdigit()
    return bare if is_digits else ""
