"""``bench show cost``: what each model costs to train, to keep and to predict with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from bench.board.rows import Board, Row
from bench.render.console import clean, plain
from bench.render.leaderboard import model_label
from bench.render.table import Column, Line, lay_out
from bench.store.fields import format_value, share
from bench.store.record import State

__all__ = ["COST_COLUMNS", "cost_lines", "cost_records"]

COST_COLUMNS: Final = (
    "test_dataset",
    "train_dataset",
    "model",
    "variant",
    "seeds",
    "accuracy",
    "float_agreement",
    "precision",
    "threads",
    "fit_seconds",
    "fit_cpu_seconds",
    "fit_images_per_second",
    "peak_memory_bytes",
    "parameters",
    "multiply_adds",
    "model_bytes",
    "file_bytes",
    "latency_ms_p50",
    "latency_ms_p95",
    "best_batch",
    "latency_ms_best_batch",
    "predict_images_per_second",
    "predict_us_per_image",
)
_MODEL: Final = Column(name="model", heading="model", align="left", wraps_at=24)
_TRAINED_ON: Final = Column(name="train_dataset", heading="trained on", align="left", wraps_at=12)
_TRAINING: Final = (
    Column(name="fit_seconds", heading="fit"),
    Column(name="fit_cpu_seconds", heading="CPU", keep=2),
    Column(name="fit_images_per_second", heading="images/s", keep=1),
    Column(name="peak_memory_bytes", heading="memory", keep=3),
    Column(name="parameters", heading="parameters", keep=5),
    Column(name="multiply_adds", heading="mult-adds", keep=4),
    Column(name="precision", heading="precision", keep=7),
    Column(name="threads", heading="threads", keep=6),
)
_PREDICTING: Final = (
    Column(name="latency_ms_p50", heading="ms, 1 image"),
    Column(name="latency_ms_p95", heading="p95", keep=7),
    Column(name="best_batch", heading="best batch", keep=4),
    Column(name="latency_ms_best_batch", heading="ms", keep=6),
    Column(name="predict_images_per_second", heading="images/s", keep=3),
    Column(name="model_bytes", heading="weights", keep=8),
    Column(name="file_bytes", heading="file", keep=2),
    Column(name="accuracy", heading="accuracy", keep=5),
    Column(name="float_agreement", heading="as float", keep=1),
)
_LEGEND: Final = (
    "fit: seconds of the training; CPU: of all its threads together; images/s: an epoch's images a "
    "second; memory: the most the trial used; mult-adds: multiply-adds for one image.",
    "ms, 1 image: median from an image to its probabilities, after warm-up, and p95 of it; best "
    "batch: of 1, 8, 64 and 512 images at once the one with the most images/s, and its ms.",
)
_LEGEND_FLOAT: Final = "as float: share of images that the 8-bit model reads as its float model."


def cost_records(boards: Sequence[Board], agreements: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return a record a row that succeeded: the columns of `COST_COLUMNS`."""
    return [_record(row, agreements) for board in boards for row in _costed(board)]


def cost_lines(
    boards: Sequence[Board], agreements: Mapping[str, float], width: int
) -> Iterator[Text]:
    """Yield two tables a board, of training and of predicting, and what the columns mean.

    Parameters
    ----------
    agreements : mapping
        By a row's first evaluation, the share of images read as by its float model.
    """
    for board in boards:
        rows = _costed(board)
        if not rows:
            continue
        yield plain(board.test_dataset, "heading")
        for columns, shown in ((_TRAINING, _trained(rows)), (_PREDICTING, rows)):
            lines = [Line(cells=_cells(_record(row, agreements), row, columns)) for row in shown]
            yield from lay_out((*_names(rows), *columns), lines, width, indent=1)
            yield Text()
    yield from map(Text, _LEGEND)
    if agreements:
        yield Text(_LEGEND_FLOAT)


def _costed(board: Board) -> list[Row]:
    return [row for row in board.rows if row.state is State.OK]


def _trained(rows: Sequence[Row]) -> list[Row]:
    """Return a row a training: an 8-bit row was trained as its float row was."""
    found: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda row: "int8" in row.variant):
        found.setdefault(row.trials, row)
    return list(found.values())


def _names(rows: Sequence[Row]) -> tuple[Column, ...]:
    is_single = len({row.train_dataset for row in rows}) == 1
    return (_MODEL,) if is_single else (_MODEL, _TRAINED_ON)


def _record(row: Row, agreements: Mapping[str, float]) -> dict[str, Any]:
    agreement = agreements.get(row.evaluations[0]) if row.evaluations else None
    known = {name: getattr(row, name) for name in COST_COLUMNS if name != "float_agreement"}
    record = known | {"float_agreement": agreement}
    return {name: record[name] for name in COST_COLUMNS}


def _cells(record: Mapping[str, Any], row: Row, columns: Sequence[Column]) -> dict[str, Text]:
    cells = {"model": plain(model_label(row)), "train_dataset": Text(clean(row.train_dataset))}
    for column in columns:
        value = record[column.name]
        if value is None:
            continue
        is_share = column.name in ("accuracy", "float_agreement")
        shown = share(value, 4) if is_share else format_value(column.name, value)
        cells[column.name] = Text(shown)
    return cells
