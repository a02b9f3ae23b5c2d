"""What models cost: to train, to keep and to predict with; an 8-bit model beside its float."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean
from typing import Final

import numpy as np
from msgspec.structs import replace as replace_fields
from rich.text import Text

from bench.board.boards import Boards
from bench.board.rows import Row
from bench.errors import BenchError, StoreError
from bench.render.console import plain
from bench.render.field_table import Table, shown
from bench.store.fields import TIMES
from bench.store.ids import evaluation_id
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW", "Cost"]

_TRAINING: Final = Table(
    columns=(
        shown("label", wraps_at=24),
        shown("train_dataset", wraps_at=12),
        shown("fit_seconds"),
        shown("fit_cpu_seconds", keep=2),
        shown("fit_images_per_second", keep=1),
        shown("peak_memory_bytes", keep=3),
        shown("parameters", keep=5),
        shown("multiply_adds", keep=4),
        shown("precision", keep=7),
        shown("threads", keep=6),
    )
)
_PREDICTING: Final = Table(
    columns=(
        shown("label", wraps_at=24),
        shown("train_dataset", wraps_at=12),
        shown("latency_ms_p50"),
        shown("latency_ms_p95", keep=7),
        shown("best_batch", keep=4),
        shown("latency_ms_best_batch", keep=6),
        shown("predict_images_per_second", keep=3),
        shown("model_bytes", keep=8, heading="weights"),
        shown("file_bytes", keep=2),
        shown("accuracy", keep=5),
        shown("float_agreement", keep=1),
    )
)
_LEGEND: Final = (
    "fit: seconds of the training; CPU: of all its threads together; images/s: an epoch's images a "
    "second; memory: the most the trial used; mult-adds: multiply-adds for one image.",
    "ms, 1 image: median from an image to its probabilities, after warm-up, and p95 of it; best "
    "batch: of 1, 8, 64 and 512 images at once the one with the most images/s, and its ms.",
)
_LEGEND_FLOAT: Final = "as float: share of images that the 8-bit model reads as its float model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A row that succeeded.

    ``float_agreement`` is the share of images that an 8-bit model reads as the float model it was
    made from, mean over the seeds; None of other rows, and where that was not tested on the same
    images.
    """

    row: Row
    float_agreement: float | None


def compute(boards: Boards, options: NoOptions) -> tuple[Cost, ...]:
    """Return the rows that have a cost, board by board.

    Raises
    ------
    BenchError
        If none fits.
    """
    if not boards.rows:
        raise BenchError("nothing to show", why="no trial that succeeded fits")
    return tuple(
        Cost(row=_of_one_machine(row), float_agreement=_float_agreement(boards.store, row))
        for row in boards.rows
    )


def _of_one_machine(row: Row) -> Row:
    """Return a row without times where its seeds were trained on several machines."""
    return replace_fields(row, **dict.fromkeys(TIMES)) if len(row.machines) > 1 else row


def _float_agreement(store: Store, row: Row) -> float | None:
    if not row.differs.quantize:
        return None
    shares = [_agreement(store, name) for name in row.evaluations]
    known = [each for each in shares if each is not None]
    return fmean(known) if known and len(known) == len(shares) else None


def _agreement(store: Store, name: str) -> float | None:
    folder = store.evaluations / name
    try:
        record = read_evaluation(folder)
        if "quantize" not in record.transform:
            return None
        rest = {key: value for key, value in record.transform.items() if key != "quantize"}
        plain = evaluation_id(record.trial_id, record.test_hash, rest)
        float_model = read_predictions(store.evaluation(record.trial_id, plain))
        int8_model = read_predictions(folder)
    except StoreError:  # not there, or damaged: bench results verify says so
        return None
    return float(np.mean(float_model.predicted == int8_model.predicted))


def draw(value: Sequence[Cost], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield two tables a board and machine, and what the columns mean: no times of two machines."""
    for name, group in groupby(value, key=lambda cost: cost.row.test_dataset):
        costs = list(group)
        by_machines: dict[tuple[str, ...], list[Cost]] = {}
        for cost in costs:
            by_machines.setdefault(cost.row.machines, []).append(cost)
        is_single = len({cost.row.train_dataset for cost in costs}) == 1
        for machines, alike in by_machines.items():
            place = f" · {_where(machines)}" if len(by_machines) > 1 or len(machines) > 1 else ""
            yield plain(name + place, "heading")
            for table, listed in ((_TRAINING, _trained(alike)), (_PREDICTING, alike)):
                # One training dataset is all the boards': it needs no column.
                used = replace(table, columns=table.columns[:1] + table.columns[2:])
                yield from (used if is_single else table).lay_out(listed, screen.width, digits=4)
                yield Text()
    yield from map(Text, _LEGEND)
    if any(cost.float_agreement is not None for cost in value):
        yield Text(_LEGEND_FLOAT)


def _where(machines: Sequence[str]) -> str:
    if len(machines) > 1:
        return f"seeds on {len(machines)} machines, whose times are not averaged"
    return machines[0] if machines else "machine not known"


def _trained(costs: Sequence[Cost]) -> list[Cost]:
    """Return a row a training: an 8-bit row was trained as its float row was."""
    found: dict[tuple[str, ...], Cost] = {}
    for cost in sorted(costs, key=lambda cost: cost.row.differs.quantize):
        found.setdefault(cost.row.trials, cost)
    return list(found.values())


VIEW = View(
    name="cost",
    summary="Show what models cost: seconds, memory, bytes, time for one image and for the best "
    "batch.",
    about="For example:\n  bench show cost -d mnist",
    takes=("dataset", "model"),
    compute=compute,
    columns=(
        "test_dataset",
        "train_dataset",
        "model",
        "variant",
        "seeds",
        "accuracy",
        "float_agreement",
        "precision",
        "threads",
        "machines",
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
    ),
    draw=draw,
)
