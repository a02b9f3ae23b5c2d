"""Accuracy and cost against the number of training images, with a power law fitted to each."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

import numpy as np
from rich.text import Text

from bench.board.boards import Boards
from bench.board.rows import Row
from bench.errors import BenchError
from bench.render.console import clean, plain
from bench.render.field_table import record_of
from bench.render.table import Column, Line, lay_out
from bench.scoring.learning import PowerLaw, fit_power_law
from bench.store.formats import about, count, duration, share
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.variant import label_of
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW", "CostLaw", "LearningCurve", "LearningPoint"]

_TIMES = 10
_MARKS: Final = "•○△□◇×+*"
_HEIGHT: Final = 10
_WIDTH: Final = 56
_COLUMNS: Final = (
    Column(name="model", heading="model", align="left", wraps_at=20),
    Column(name="size", heading="images"),
    Column(name="accuracy", heading="accuracy", align="left"),
    Column(name="fit", heading="fit"),
    Column(name="laws", heading="", align="left", keep=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPoint:
    """One training size: mean accuracy over seeds with its interval, and the training's cost."""

    train_images: int
    accuracy: float
    accuracy_low: float | None
    accuracy_high: float | None
    seeds: int | None
    fit_seconds: float | None
    interval_method: str = ""
    is_expected: bool = False
    """A fitted law says it; nothing was trained on so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLaw:
    """fit seconds = scale · size^exponent, by least squares in logarithms."""

    scale: float
    exponent: float

    def seconds_at(self, size: float) -> float:
        """Return the seconds the law expects at a training size."""
        return float(self.scale * size**self.exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """A model's points, smallest first; ``law`` is None where none can be fitted, for `reason`."""

    dataset: str
    model: str
    variant: str
    n_test: int
    points: tuple[LearningPoint, ...]
    law: PowerLaw | None
    cost: CostLaw | None
    reason: str = ""

    @property
    def label(self) -> str:
        """The model's name, with what its variant says besides the size in brackets."""
        return label_of(self.model, self.variant)

    @property
    def more(self) -> int:
        """Ten times the largest size."""
        return _TIMES * self.points[-1].train_images

    @property
    def expected(self) -> LearningPoint | None:
        """What the law expects at ten times the largest size; None without a law."""
        if self.law is None:
            return None
        interval = self.law.interval_at(self.more)
        return LearningPoint(
            train_images=self.more,
            accuracy=self.law.accuracy_at(self.more),
            accuracy_low=interval.low,
            accuracy_high=interval.high,
            interval_method=interval.method,
            seeds=None,
            fit_seconds=self.cost.seconds_at(self.more) if self.cost else None,
            is_expected=True,
        )


def compute(boards: Boards, options: NoOptions) -> tuple[LearningCurve, ...]:
    """Return the curve of each model that was trained on at least two sizes of a dataset.

    Raises
    ------
    BenchError
        If there is none.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in boards.rows:
        if row.labelled and row.train_dataset == row.test_dataset and not row.leaked:
            groups[row.test_dataset, row.model, row.differs.of_any_size().words].append(row)
    curves = [curve for key, rows in groups.items() if (curve := _curve(boards.store, key, rows))]
    if not curves:
        raise BenchError(
            "no model was trained on several sizes",
            fix="make them: bench run -m NAME -d NAME --train-sizes 100,1000,10000",
        )
    return tuple(
        sorted(curves, key=lambda curve: (curve.dataset, -curve.points[-1].accuracy, curve.model))
    )


def _curve(store: Store, key: tuple[str, str, str], rows: list[Row]) -> LearningCurve | None:
    """Return the curve over the rows tested on the same images, None of fewer than two sizes."""
    (split, _), *_ = Counter(row.split_hash for row in rows).most_common(1)
    by_size: dict[int, Row] = {}
    for row in rows:
        if row.split_hash == split:
            by_size.setdefault(read_trial(store.trial(row.trials[0])).n_train, row)
    if len(by_size) < 2:
        return None
    points = tuple(_point(size, by_size[size]) for size in sorted(by_size))
    n_test = rows[0].n_test or 0
    law, reason = None, ""
    try:
        law = fit_power_law(
            [point.train_images for point in points], [point.accuracy for point in points], n_test
        )
        reason = law.note
    except BenchError as error:
        reason = str(error)
    return LearningCurve(
        dataset=key[0],
        model=key[1],
        variant=key[2],
        n_test=n_test,
        points=points,
        law=law,
        cost=_cost_law(points),
        reason=reason,
    )


def _point(size: int, row: Row) -> LearningPoint:
    return LearningPoint(
        train_images=size,
        accuracy=row.accuracy or 0.0,
        accuracy_low=row.accuracy_low,
        accuracy_high=row.accuracy_high,
        seeds=row.seeds,
        fit_seconds=row.fit_seconds,
        interval_method=row.interval_method,
    )


def _cost_law(points: Sequence[LearningPoint]) -> CostLaw | None:
    known = [(p.train_images, p.fit_seconds) for p in points if p.fit_seconds]
    if len(known) < 2:
        return None
    sizes, seconds = np.log(np.array(known, dtype=np.float64)).T
    exponent, intercept = np.polyfit(sizes, seconds, 1)
    return CostLaw(scale=float(np.exp(intercept)), exponent=float(exponent))


def rows_of(value: Sequence[LearningCurve]) -> Iterator[dict[str, Any]]:
    """Yield a row for each point, and one for what ten times the data would bring."""
    for curve in value:
        law, cost = curve.law, curve.cost
        of_curve = record_of(curve, columns=VIEW.columns) | {
            "law_scale": law.scale if law else None,
            "law_exponent": law.exponent if law else None,
            "law_floor": law.floor if law else None,
            "cost_scale": cost.scale if cost else None,
            "cost_exponent": cost.exponent if cost else None,
            "note": curve.reason,
        }
        expected = curve.expected
        for point in (*curve.points, *([expected] if expected else [])):
            yield of_curve | asdict(point)


def draw(value: Sequence[LearningCurve], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield for each dataset a table, a plot, and what the laws rest on."""
    for dataset, group in groupby(value, key=lambda curve: curve.dataset):
        listed = list(group)
        yield plain(f"{dataset} · accuracy against the number of training images", "heading")
        lines = [line for curve in listed for line in _lines(curve)]
        yield from lay_out(_COLUMNS, lines, screen.width, indent=1)
        yield Text()
        yield from _plot(listed[: len(_MARKS)], screen.width)
        yield from _legend(listed, screen.width)
        yield Text()


def _legend(curves: Sequence[LearningCurve], width: int) -> Iterator[Text]:
    by_reason: dict[str, list[str]] = {}
    for curve in curves:
        if curve.reason:
            by_reason.setdefault(curve.reason, []).append(curve.label)
    for reason, labels in by_reason.items():
        yield plain(f"{', '.join(labels)}: {reason}")
    methods = dict.fromkeys(
        p.interval_method for curve in curves for p in curve.points if p.interval_method
    )
    expected = next((curve.expected.interval_method for curve in curves if curve.expected), "")
    words = "; ".join([*methods, *([f"of the expected: {expected}"] if expected else [])])
    sentences = f"[ ] is the 95 % interval ({words})."
    if expected:
        sentences = (
            "Expected is no measurement: error = floor + scale · n^−exponent and time by a power "
            "of n, fitted to the rows above, at ten times the images; true only as far as these "
            f"laws are. {sentences}"
        )
    for line in wrap(clean(sentences), max(20, width)):
        yield Text(line)


def _lines(curve: LearningCurve) -> Iterator[Line]:
    for number, point in enumerate(curve.points):
        known = point.accuracy_low is not None and point.accuracy_high is not None
        limits = (
            f" [{share(point.accuracy_low or 0)}, {share(point.accuracy_high or 0)}]"
            if known
            else ""
        )
        yield Line(
            cells={
                "model": plain(curve.label) if number == 0 else Text(),
                "size": Text(count(point.train_images)),
                "accuracy": Text(share(point.accuracy) + limits),
                "fit": Text("" if point.fit_seconds is None else duration(point.fit_seconds)),
            }
        )
    expected = curve.expected
    if expected is not None:
        low, high = share(expected.accuracy_low or 0), share(expected.accuracy_high or 0)
        seconds = "" if expected.fit_seconds is None else f"about {about(expected.fit_seconds)}"
        yield Line(
            cells={
                "size": Text(count(curve.more)),
                "accuracy": Text(f"{share(expected.accuracy)} [{low}, {high}]"),
                "fit": Text(seconds),
                "model": Text("  expected"),
                "laws": Text(_laws(curve)),
            },
        )


def _laws(curve: LearningCurve) -> str:
    """Return how error and time go with the images, as powers of their number."""
    parts = [] if curve.law is None else [f"error ~ n^−{curve.law.exponent:.2f}"]
    if curve.cost is not None:
        parts.append(f"time ~ n^{curve.cost.exponent:.2f}".replace("-", "−"))
    return ", ".join(parts)


def _plot(curves: Sequence[LearningCurve], width: int) -> Iterator[Text]:
    """Yield error, on a logarithmic scale, against training size, also logarithmic."""
    yield Text(
        "error (log) by training images (log): "
        + " · ".join(f"{mark} {c.label}" for mark, c in zip(_MARKS, curves, strict=False)),
        style="heading",
    )
    errors = [max(1 - p.accuracy, 0.5 / max(c.n_test, 1)) for c in curves for p in c.points]
    sizes = [p.train_images for c in curves for p in c.points]
    low, high = math.log(min(errors)), math.log(max(errors))
    left, right = math.log(min(sizes)), math.log(max(sizes))
    columns = max(20, min(_WIDTH, width - 12))
    grid = [[" "] * columns for _ in range(_HEIGHT)]
    for mark, curve in zip(_MARKS, curves, strict=False):
        for point in curve.points:
            error = max(1 - point.accuracy, 0.5 / max(curve.n_test, 1))
            x = round((math.log(point.train_images) - left) / ((right - left) or 1) * (columns - 1))
            y = round((high - math.log(error)) / ((high - low) or 1) * (_HEIGHT - 1))
            grid[y][x] = mark if grid[y][x] in (" ", mark) else "◉"
    for y, line in enumerate(grid):
        label = share(math.exp(high if y == 0 else low)) if y in (0, _HEIGHT - 1) else ""
        yield Text(f"{label:>6} │ {''.join(line).rstrip()}")
    yield Text(" " * 7 + "└" + "─" * (columns + 1))
    last = count(max(sizes))
    first = count(min(sizes))
    yield Text(" " * 9 + first + last.rjust(columns - len(first)))


VIEW = View(
    name="learning-curve",
    summary="Show accuracy and cost against the number of training images, and what more would "
    "bring.",
    about="""What it reads is computed by bench run --train-sizes 100,1000,10000.

For example:
  bench show learning-curve -d mnist -m 'cnn-*'""",
    takes=("dataset", "model"),
    compute=compute,
    columns=(
        "dataset",
        "model",
        "variant",
        "train_images",
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "interval_method",
        "seeds",
        "fit_seconds",
        "is_expected",
        "law_scale",
        "law_exponent",
        "law_floor",
        "cost_scale",
        "cost_exponent",
        "note",
    ),
    rows=rows_of,
    draw=draw,
)
