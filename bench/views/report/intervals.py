"""The intervals of one row: the two kinds of chance kept apart, and macro F1."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.text import Text

from bench.board.rows import Row
from bench.board.sides import read_side
from bench.render.table import Column, Line, lay_out
from bench.scoring.confusion import macro_f1
from bench.scoring.crossed import crossed
from bench.scoring.intervals import MIN_WRITERS, THESE_IMAGES_ONLY, seed_intervals
from bench.scoring.seeded import metric_interval
from bench.spec import Interval
from bench.store.formats import share
from bench.store.layout import Store
from bench.store.read import read_split

__all__ = ["RowInterval", "interval_as_dict", "interval_lines", "row_intervals"]

_COLUMNS: Final = (
    Column(name="metric", heading="figure", align="left"),
    Column(name="value", heading="mean"),
    Column(name="range", heading="95 % interval", align="left"),
    Column(name="scope", heading="with", align="left"),
    Column(name="method", heading="method", align="left", wraps_at=12),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowInterval:
    """A figure, its interval, and in words where it would lie so."""

    metric: str
    value: float
    interval: Interval
    scope: str


def row_intervals(store: Store, row: Row) -> list[RowInterval]:
    """Return the intervals of accuracy and of macro F1; none without labels.

    Over several seeds the accuracy has three: other seeds on other images, and each kind of
    chance by itself.

    Raises
    ------
    StoreError
        If its predictions cannot be read.
    """
    if not row.labelled or not row.evaluations:
        return []
    side = read_side(store, row, scored_only=True)
    n_classes = len(side.classes)
    writers = read_split(store, row.split_hash).groups
    by_writer = writers is not None and len(set(writers)) >= MIN_WRITERS
    # Of a few writers' images nothing follows for other people's.
    images = "other images" if writers is None else "same writers"
    has_seeds = len(side.predicted) > 1
    scope = f"other seeds, {images}" if has_seeds else images
    found = [
        RowInterval(
            metric="accuracy",
            value=float(side.correct.mean()),
            interval=Interval(
                low=row.accuracy_low or 0.0,
                high=1.0 if row.accuracy_high is None else row.accuracy_high,
                method=row.interval_method,
                note=row.interval_note,
            ),
            scope="other writers" if by_writer else scope,
        )
    ]
    if has_seeds:
        parts = seed_intervals(crossed(side.correct))
        for interval, words in (
            (parts.seeds, "other seeds, these images"),
            (parts.images, f"these classifiers, {images}"),
        ):
            if interval is not None:
                found.append(replace(found[0], interval=interval, scope=words))
    value, interval = metric_interval(side.labels, side.predicted, n_classes, macro_f1)
    found.append(RowInterval(metric="macro F1", value=value, interval=interval, scope=scope))
    return found


def interval_as_dict(found: RowInterval) -> dict[str, Any]:
    """Return a figure and its interval as plain data."""
    interval = found.interval
    return {"metric": found.metric, "value": found.value, "scope": found.scope} | {
        name: getattr(interval, name) for name in ("low", "high", "method", "note")
    }


def interval_lines(found: Sequence[RowInterval], width: int) -> Iterator[Text]:
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
