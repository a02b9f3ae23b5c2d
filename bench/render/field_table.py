"""Tables of fields: the heading, the alignment and the form of a column are the registry's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from bench.render.console import plain
from bench.render.table import Column, Line, lay_out
from bench.store.fields import FIELDS, Field, format_value

__all__ = ["Table", "fields_table", "record_of", "shown"]


def shown(name: str, *, keep: int = 0, wraps_at: int = 0, heading: str | None = None) -> Column:
    """Return the column of a field; `heading` only where the table says it in another way."""
    field = FIELDS[name]
    return Column(
        name=name,
        heading=field.heading if heading is None else heading,
        keep=keep,
        align="left" if field.type.endswith("text") else "right",
        wraps_at=wraps_at,
    )


def record_of(item: Any, *, columns: Sequence[str]) -> dict[str, Any]:
    """Return the named attributes of an item, of its row those that it has not itself."""
    of_row = getattr(item, "row", None)
    return {name: getattr(item if hasattr(item, name) else of_row, name, None) for name in columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose columns are fields, each made by `shown`."""

    columns: tuple[Column, ...]

    def cells(self, item: Any, *, digits: int | None = None) -> dict[str, Text]:
        """Return what an item shows; nothing where it has no value.

        Parameters
        ----------
        digits : int or None
            Of shares; None: the field's own.
        """
        values = record_of(item, columns=[column.name for column in self.columns])
        return {
            name: plain(format_value(name, value, digits=digits))
            for name, value in values.items()
            if value is not None and value != ""
        }

    def lay_out(self, items: Iterable[Any], width: int, *, digits: int | None = None) -> list[Text]:
        """Return the heading and a line an item, indented by a blank."""
        lines = [Line(cells=self.cells(item, digits=digits)) for item in items]
        return lay_out(self.columns, lines, width, indent=1)


def fields_table(
    names: tuple[str, ...] = tuple(FIELDS), fields: Mapping[str, Field] = FIELDS
) -> str:
    """Return a registry as a Markdown table: the reference page is made of it."""
    lines = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{field.name}` | {field.type} | {field.unit} | {field.summary} |"
        for field in map(fields.__getitem__, names)
    ]
    return "\n".join(lines) + "\n"
