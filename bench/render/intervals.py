"""A row's intervals, each with what it speaks of and how it was made."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from bench.render.table import Column, Line, lay_out
from bench.scoring.intervals import THESE_IMAGES_ONLY
from bench.store.fields import share

if TYPE_CHECKING:
    from bench.board.intervals import RowInterval

__all__ = ["interval_lines"]

_COLUMNS: Final = (
    Column(name="metric", heading="figure", align="left"),
    Column(name="value", heading="mean"),
    Column(name="range", heading="95 % interval", align="left"),
    Column(name="scope", heading="with", align="left"),
    Column(name="method", heading="method", align="left", wraps_at=12),
)


def interval_lines(found: "Sequence[RowInterval]", width: int) -> Iterator[Text]:
    """Yield a small table; nothing where there is no interval."""
    if not found:
        return
    lines = []
    for number, each in enumerate(found):
        is_first = number == 0 or found[number - 1].metric != each.metric
        note = "" if each.interval.note == THESE_IMAGES_ONLY else each.interval.note
        method = each.interval.method + (f"; {note}" if note else "")
        cells = {
            "range": Text(f"[{share(each.interval.low)}, {share(each.interval.high)}]"),
            "scope": Text(each.scope),
            "method": Text(method),
        }
        if is_first:
            cells |= {"metric": Text(each.metric), "value": Text(share(each.value))}
        lines.append(Line(cells=cells))
    yield from lay_out(_COLUMNS, lines, width, indent=1)
