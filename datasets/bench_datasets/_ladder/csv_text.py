"""The first lines of a table as text: its separator, its header, what stands in its columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from bench.errors import DataError
from bench_datasets._ladder.columns import Columns, by_names
from bench_datasets._ladder.limits import LINE_MAX

__all__ = ["Form", "fields_of", "form_of", "is_number"]

_WORDS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks", "|": "bars"}
_NUMBER: Final = re.compile(
    r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|[-+]?(nan|inf(inity)?)", re.I | re.A
)
_CLASSES_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a table is written: separator, lines before the rows, decimal comma."""

    separator: str
    n_columns: int
    skip: int
    names: tuple[str, ...]
    decimal_comma: bool = False
    is_quoted: bool = False

    @property
    def words(self) -> str:
        """The separator, where it is not the usual one."""
        shown = "" if self.separator == "," else f"separated by {_WORDS[self.separator]}"
        return f"{shown}, decimal commas" if self.decimal_comma else shown


def is_number(text: str) -> bool:
    """Whether a field is a number, in any notation that is read."""
    return _NUMBER.fullmatch(text) is not None


def fields_of(line: str, separator: str) -> list[str]:
    """Return the fields of a line, without blanks and quotes around them."""
    parts = line.split() if separator == " " else line.split(separator)
    return [part.strip().strip("\"'").strip() for part in parts]


def form_of(start: bytes, file: str) -> Form:
    """Tell how a table is written from its first bytes.

    Raises
    ------
    DataError
        If it is empty, has one column, two header lines or a line that never ends.
    """
    text = start.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    if len(start) >= LINE_MAX and "\n" not in text:
        raise DataError(
            f"{file} has a line of more than {LINE_MAX >> 20} MiB",
            why="a row of an image is never that long",
            fix="is it a table with one image a row?",
        )
    lines = [line for line in text.split("\n")[:12] if line.strip()]
    if not lines:
        raise DataError(f"{file} is empty")
    head = lines[0].lstrip("# ") if lines[0].startswith("#") else lines[0]
    separator = _separator(head)
    first = fields_of(head, separator)
    comma = separator in ";\t" and any("," in each for each in fields_of(lines[-1], separator))
    is_header = lines[0].startswith("#") or _is_header(first)
    if is_header and len(lines) > 1:
        _check_second_line(fields_of(lines[1], separator), first, file)
    return Form(
        separator=separator,
        n_columns=len(first),
        skip=int(is_header),
        names=tuple(first) if is_header else (),
        decimal_comma=comma,
        is_quoted='"' in text,
    )


def _separator(line: str) -> str:
    counts = {each: len(fields_of(line, each)) for each in (",", ";", "\t", "|", " ")}
    best = max(counts, key=lambda each: counts[each])
    # "1, 2, 3" has as many blanks as commas.
    return next(each for each in counts if counts[each] == counts[best])


def _is_header(first: Sequence[str]) -> bool:
    texts = sum(not is_number(each) for each in first)
    if texts > 1:
        return True
    numbers = [each for each in first if is_number(each)]
    if len(numbers) < 2:
        return texts > 0
    try:
        values = [int(each) for each in numbers]
    except ValueError:
        return False
    # pandas writes 0,1,2,… above a table that had no names; "label,0,1,2,…" is the same.
    counts = values == list(range(values[0], values[0] + len(values))) and values[0] in (0, 1)
    return counts or (texts == 1 and len(first) == 2)


def _check_second_line(second: Sequence[str], first: Sequence[str], file: str) -> None:
    words = [each for each in second if each and not is_number(each)]
    if len(words) > max(1, len(second) // 2) and len(second) == len(first) > 3:
        raise DataError(
            f"{file} has two header lines",
            why=f"its second line is '{','.join(second[:3])[:60]}…'",
            fix="remove one of them",
        )


def named_columns(form: Form, file: str, wanted: str) -> Columns | None:
    """Return what the header says; None where there is none, or it only counts the columns."""
    if not form.names:
        return None
    named = [name for name in form.names if name]
    if all(name.isdigit() for name in named):  # pandas counts the columns where nobody named them
        return None
    return by_names(form.names, file, wanted)


def places_for(n_columns: int) -> list[tuple[int, int]]:
    """Return what columns without names may be, (pixels, others), the likeliest first.

    One other column is a label, two an index and a label, more a one-hot label.
    """
    found = []
    for side in range(isqrt(n_columns), 3, -1):
        others = n_columns - side * side
        if others > min(_CLASSES_MAX, side * side // 2):
            break
        found.append((side * side, others))
    return sorted(
        found, key=lambda pair: (pair[1] > 2, pair[1] not in (10, 11, 26, 36, 47, 62), pair[1])
    )
