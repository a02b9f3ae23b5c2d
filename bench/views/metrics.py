"""Every metric of every row, those of plugins too, with its interval."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from bench.board.boards import Boards
from bench.board.rows import Board, Row
from bench.render.console import plain
from bench.render.table import Column, Line, choose, lay_out
from bench.store.fields import INTERVAL_PARTS
from bench.store.formats import MISSING, share
from bench.store.record import State
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW"]

_HEADINGS = {"brier": "Brier", "ece": "ECE", "id_accuracy": "IDs", "top2_accuracy": "top 2"}


def compute(boards: Boards, options: NoOptions) -> tuple[Board, ...]:
    """Return the boards asked for: their rows hold every metric."""
    return tuple(boards.all)


def columns_of(value: Sequence[Board]) -> list[str]:
    """Return what names a row, and the metrics there are, each with its interval."""
    columns = list(VIEW.columns)
    for name in _names(value):
        columns += [name, *(f"{name}_{part}" for part in INTERVAL_PARTS), f"{name}_not_scored"]
    return columns


def rows_of(value: Sequence[Board]) -> Iterator[dict[str, Any]]:
    """Yield a record for each row; over several seeds only accuracy has its interval here."""
    names = _names(value)
    for row in _rows(value):
        record: dict[str, Any] = {key: getattr(row, key) for key in VIEW.columns}
        for name in names:
            interval = row.intervals.get(name, (None, None, ""))
            record[name] = row.metrics.get(name)
            record |= {
                f"{name}_{part}": x for part, x in zip(INTERVAL_PARTS, interval, strict=True)
            }
            record[f"{name}_not_scored"] = row.not_scored.get(name, "")
        yield record


def draw(value: Sequence[Board], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield a table for each board, then why a metric has no value."""
    for board in value:
        rows = _rows([board])
        names = _names([board])
        if not rows:
            continue
        yield plain(f"{board.test_dataset} · every metric, mean over seeds", "heading")
        columns = [
            Column(name="model", heading="model", align="left", wraps_at=20),
            *(
                Column(name=name, heading=_heading(name), keep=1 + i)
                for i, name in enumerate(names)
            ),
        ]
        lines = [_line(row, names) for row in rows]
        yield from lay_out(columns, lines, screen.width, indent=1)
        shown = {column.name for column in choose(columns, lines, screen.width - 1)}
        hidden = ", ".join(name for name in names if name not in shown)
        if hidden:
            yield plain(f"no room for {hidden}: --csv", "warn")
        yield from _reasons(rows)
        yield Text("Intervals, and how each was made: --json.")
        yield Text()


def _heading(name: str) -> str:
    usual = name.removesuffix("_accuracy").replace("_f1", " F1").replace("_", " ")
    return _HEADINGS.get(name, usual)


def _reasons(rows: Sequence[Row]) -> Iterator[Text]:
    """Yield one line for each reason: which metrics have no value for it, and for how many rows."""
    metrics: dict[str, dict[str, None]] = defaultdict(dict)
    models: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for name, why in row.not_scored.items():
            metrics[why][name] = None
            models[why][row.label] = None
    for why, names in metrics.items():
        count = len(models[why])
        whom = next(iter(models[why])) if count == 1 else f"{count} rows"
        yield plain(f" {', '.join(names)} not scored for {whom}: {why}")


def _rows(boards: Sequence[Board]) -> list[Row]:
    return [row for b in boards for row in b.rows if row.state is State.OK and row.labelled]


def _names(boards: Sequence[Board]) -> list[str]:
    return list(dict.fromkeys(name for row in _rows(boards) for name in row.metrics))


def _line(row: Row, names: Sequence[str]) -> Line:
    cells = {"model": plain(row.label)}
    for name in names:
        value = row.metrics.get(name)
        cells[name] = Text(MISSING if value is None else _figure(value))
    return Line(cells=cells)


def _figure(value: float) -> str:
    return share(value) if 0 <= value <= 1 else f"{value:.4g}"


VIEW = View(
    name="metrics",
    summary="Show every metric of every row, those of plugins too.",
    about="For example:\n  bench show metrics -d digits-uci --csv",
    takes=("dataset", "model", "exclude_duplicates"),
    compute=compute,
    columns=("test_dataset", "train_dataset", "model", "variant", "seeds", "n_test", "trials"),
    columns_of=columns_of,
    rows=rows_of,
    draw=draw,
)
