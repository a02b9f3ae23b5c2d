"""Tables as CSV and JSON: stable names, full precision, nothing formatted."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

__all__ = ["as_csv", "as_json"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_json(value: Any) -> str:
    """Return `value` as indented JSON, ready to print."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as CSV with a header; lists are joined by blanks, None is empty.

    Text that a spreadsheet would run as a formula gets a quote in front.
    """
    import csv

    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else str(value)
    return value
