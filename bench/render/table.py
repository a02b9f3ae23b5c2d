"""Aligned tables without lines: the least important columns go first when the width is short."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len, chop_cells
from rich.text import Text

from bench.render.console import GAP

__all__ = ["Column", "Line", "choose", "lay_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; ``keep`` 0 is never dropped, the highest number goes first.

    A column wraps its text at ``wraps_at`` or more where the width is short; 0: never.
    """

    name: str
    heading: str
    keep: int = 0
    align: Literal["left", "right"] = "right"
    wraps_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a text for each column, and perhaps one that takes the place of the last columns.

    ``tail`` begins where the column ``tail_at`` does and wraps to the width.
    """

    cells: Mapping[str, Text] = field(default_factory=dict)
    tail: Text | None = None
    tail_at: str = ""
    style: str = ""


def choose(columns: Sequence[Column], lines: Sequence[Line], width: int) -> list[Column]:
    """Return the columns that fit `width`; one without any content is left out."""
    filled = [
        column
        for column in columns
        if (column.keep == 0 and column.heading) or any(_text(line, column).plain for line in lines)
    ]
    while _least(filled, lines) > width:
        droppable = [column for column in filled if column.keep]
        if not droppable:
            break
        filled.remove(max(droppable, key=lambda column: column.keep))
    return filled


def lay_out(
    columns: Sequence[Column], lines: Sequence[Line], width: int, indent: int = 0
) -> list[Text]:
    """Return the heading and the lines as texts no wider than `width`."""
    room = max(20, width - indent)
    chosen = choose(columns, lines, room)
    widths = _widths(chosen, lines)
    for column in chosen:
        excess = _sum(widths.values()) - room
        if excess > 0 and column.wraps_at:
            widths[column.name] = max(12, widths[column.name] - excess)
    heading = Line(cells={c.name: Text(c.heading) for c in chosen}, style="heading")
    shown = lines if not any(column.heading for column in chosen) else [heading, *lines]
    return [
        Text(" " * indent) + text
        for line in shown
        for text in _physical(line, chosen, widths, room)
    ]


def _text(line: Line, column: Column) -> Text:
    return line.cells.get(column.name, Text())


def _covered(line: Line, columns: Sequence[Column]) -> set[str]:
    """Return the columns that the line's tail takes the place of."""
    names = [column.name for column in columns]
    if line.tail is None or line.tail_at not in names:
        return set()
    return set(names[names.index(line.tail_at) :])


def _widths(columns: Sequence[Column], lines: Sequence[Line]) -> dict[str, int]:
    return {
        column.name: max(
            [cell_len(column.heading)]
            + [
                _text(line, column).cell_len
                for line in lines
                if column.name not in _covered(line, columns)
            ]
        )
        for column in columns
    }


def _sum(widths: Iterable[int]) -> int:
    listed = list(widths)
    return sum(listed) + GAP * (len(listed) - 1)


def _least(columns: Sequence[Column], lines: Sequence[Line]) -> int:
    """Return the width needed with the flexible columns wrapped as far as they may."""
    widths = _widths(columns, lines)
    return _sum(min(widths[c.name], c.wraps_at or widths[c.name]) for c in columns)


def _physical(
    line: Line, columns: Sequence[Column], widths: Mapping[str, int], room: int
) -> list[Text]:
    """Return the one or more lines of the screen that a line takes."""
    covered = _covered(line, columns)
    kept = [column for column in columns if column.name not in covered]
    wrapped = {column.name: _wrap(_text(line, column), widths[column.name]) for column in kept}
    start = sum(widths[column.name] + GAP for column in kept)
    tail = _wrap(line.tail, max(20, room - start)) if covered and line.tail is not None else []
    height = max([1, len(tail), *map(len, wrapped.values())])
    texts = []
    for row in range(height):
        text = Text(style=line.style)
        for column in kept:
            parts = wrapped[column.name]
            cell = parts[row] if row < len(parts) else Text()
            text.append_text(_padded(cell, widths[column.name], column.align))
            text.append(" " * GAP)
        if row < len(tail):
            text.append_text(tail[row])
        text.rstrip()
        texts.append(text)
    return texts


def _wrap(text: Text, width: int) -> list[Text]:
    """Break a text at blanks, else after hyphens; the parts after the first are indented.

    Only a part that is wider than `width` by itself is cut anywhere.
    """
    if text.cell_len <= width:
        return [text]
    lines: list[str] = []
    for glue, part in _parts(text.plain, width):
        if not lines:
            lines.append(part)
        elif cell_len(lines[-1] + glue + part) <= width:
            lines[-1] += glue + part
        else:
            lines.append(f" {part}")
    return [Text(line, style=text.style) for line in lines]


def _parts(text: str, width: int) -> Iterator[tuple[str, str]]:
    """Yield where a text may be broken: what joins each part to the one before, and the part."""
    glue = ""
    for word in text.split(" "):
        # Names are broken after a hyphen only where a whole line does not hold them.
        pieces = re.findall(r"[^-]*-+|[^-]+", word) if cell_len(word) >= width else [word]
        for piece in pieces:
            for part in chop_cells(piece, max(1, width - 1)) or [piece]:
                yield glue, part
                glue = ""
        glue = " "


def _padded(text: Text, width: int, align: str) -> Text:
    blank = " " * max(0, width - text.cell_len)
    return Text(blank) + text if align == "right" else text + Text(blank)
