"""``bench show learning-curve``: a table and a plot of accuracy against training size."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from bench.render.console import clean, plain
from bench.render.table import Column, Line, lay_out
from bench.store.fields import about, count, duration, share

if TYPE_CHECKING:
    from bench.studies.learning import LearningCurve

__all__ = ["LEARNING_COLUMNS", "learning_lines", "learning_records"]

LEARNING_COLUMNS: Final = (
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
)
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


def learning_records(curves: "Sequence[LearningCurve]") -> list[dict[str, Any]]:
    """Return a record for each point, and one for what ten times the data would bring."""
    return [record for curve in curves for record in _records(curve)]


def _records(curve: "LearningCurve") -> Iterator[dict[str, Any]]:
    law: dict[str, Any] = {
        "dataset": curve.dataset,
        "model": curve.model,
        "variant": curve.variant,
        "law_scale": curve.law.scale if curve.law else None,
        "law_exponent": curve.law.exponent if curve.law else None,
        "law_floor": curve.law.floor if curve.law else None,
        "cost_scale": curve.cost.scale if curve.cost else None,
        "cost_exponent": curve.cost.exponent if curve.cost else None,
        "note": curve.reason,
    }
    for point in curve.points:
        yield law | {
            "train_images": point.size,
            "accuracy": point.accuracy,
            "accuracy_low": point.low,
            "accuracy_high": point.high,
            "interval_method": point.method,
            "seeds": point.seeds,
            "fit_seconds": point.fit_seconds,
            "is_expected": False,
        }
    if curve.expected is not None:
        accuracy, interval = curve.expected
        yield law | {
            "train_images": curve.more,
            "accuracy": accuracy,
            "accuracy_low": interval.low,
            "accuracy_high": interval.high,
            "interval_method": interval.method,
            "seeds": None,
            "fit_seconds": curve.cost.seconds_at(curve.more) if curve.cost else None,
            "is_expected": True,
        }


def learning_lines(curves: "Sequence[LearningCurve]", width: int) -> Iterator[Text]:
    """Yield for each dataset a table, a plot, and what the laws rest on."""
    for dataset, group in groupby(curves, key=lambda curve: curve.dataset):
        listed = list(group)
        yield plain(f"{dataset} · accuracy against the number of training images", "heading")
        lines = [line for curve in listed for line in _lines(curve)]
        yield from lay_out(_COLUMNS, lines, width, indent=1)
        yield Text()
        yield from _plot(listed[: len(_MARKS)], width)
        yield from _legend(listed, width)
        yield Text()


def _legend(curves: "Sequence[LearningCurve]", width: int) -> Iterator[Text]:
    by_reason: dict[str, list[str]] = {}
    for curve in curves:
        if curve.reason:
            by_reason.setdefault(curve.reason, []).append(_label(curve))
    for reason, labels in by_reason.items():
        yield plain(f"{', '.join(labels)}: {reason}")
    methods = dict.fromkeys(p.method for curve in curves for p in curve.points if p.method)
    expected = next((curve.expected[1].method for curve in curves if curve.expected), "")
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


def _label(curve: "LearningCurve") -> str:
    return f"{curve.model} ({curve.variant})" if curve.variant else curve.model


def _lines(curve: "LearningCurve") -> Iterator[Line]:
    for number, point in enumerate(curve.points):
        known = point.low is not None and point.high is not None
        limits = f" [{share(point.low or 0)}, {share(point.high or 0)}]" if known else ""
        yield Line(
            cells={
                "model": plain(_label(curve)) if number == 0 else Text(),
                "size": Text(count(point.size)),
                "accuracy": Text(share(point.accuracy) + limits),
                "fit": Text("" if point.fit_seconds is None else duration(point.fit_seconds)),
            }
        )
    if curve.expected is not None and curve.law is not None:
        accuracy, interval = curve.expected
        seconds = "" if curve.cost is None else f"about {about(curve.cost.seconds_at(curve.more))}"
        yield Line(
            cells={
                "size": Text(count(curve.more)),
                "accuracy": Text(
                    f"{share(accuracy)} [{share(interval.low)}, {share(interval.high)}]"
                ),
                "fit": Text(seconds),
                "model": Text("  expected"),
                "laws": Text(_laws(curve)),
            },
        )


def _laws(curve: "LearningCurve") -> str:
    """Return how error and time go with the images, as powers of their number."""
    parts = [] if curve.law is None else [f"error ~ n^−{curve.law.exponent:.2f}"]
    if curve.cost is not None:
        parts.append(f"time ~ n^{curve.cost.exponent:.2f}".replace("-", "−"))
    return ", ".join(parts)


def _plot(curves: "Sequence[LearningCurve]", width: int) -> Iterator[Text]:
    """Yield error, on a logarithmic scale, against training size, also logarithmic."""
    yield Text(
        "error (log) by training images (log): "
        + " · ".join(f"{mark} {_label(c)}" for mark, c in zip(_MARKS, curves, strict=False)),
        style="heading",
    )
    errors = [max(1 - p.accuracy, 0.5 / max(c.n_test, 1)) for c in curves for p in c.points]
    sizes = [p.size for c in curves for p in c.points]
    low, high = math.log(min(errors)), math.log(max(errors))
    left, right = math.log(min(sizes)), math.log(max(sizes))
    columns = max(20, min(_WIDTH, width - 12))
    grid = [[" "] * columns for _ in range(_HEIGHT)]
    for mark, curve in zip(_MARKS, curves, strict=False):
        for point in curve.points:
            error = max(1 - point.accuracy, 0.5 / max(curve.n_test, 1))
            x = round((math.log(point.size) - left) / ((right - left) or 1) * (columns - 1))
            y = round((high - math.log(error)) / ((high - low) or 1) * (_HEIGHT - 1))
            grid[y][x] = mark if grid[y][x] in (" ", mark) else "◉"
    for y, line in enumerate(grid):
        label = share(math.exp(high if y == 0 else low)) if y in (0, _HEIGHT - 1) else ""
        yield Text(f"{label:>6} │ {''.join(line).rstrip()}")
    yield Text(" " * 7 + "└" + "─" * (columns + 1))
    last = count(max(sizes))
    first = count(min(sizes))
    yield Text(" " * 9 + first + last.rjust(columns - len(first)))
