"""Charts of a report: which values of a view are drawn against which, and with what words."""

from collections.abc import Sequence

from markupsafe import Markup

from bench.render.console import clean
from bench.report import drawing
from bench.report.axis import Axis, log_axis, round_axis
from bench.report.content import BoardPart
from bench.report.drawing import Point, Series
from bench.spec import Epoch
from bench.store.fields import FIELDS, format_value
from bench.store.formats import share
from bench.views.learning_curve import LearningCurve
from bench.views.report.calibration import RowCalibration

__all__ = ["cost_points", "costs", "epochs_curve", "reliability_of", "sizes_curve"]


def cost_points(part: BoardPart, name: str) -> list[Point]:
    """Return the rows that have a cost of this name and stand on the board's axis."""
    return [
        Point(x=float(value), y=row.accuracy, name=clean(row.label))
        for row in part.rows
        if (value := getattr(row, name)) and row.accuracy is not None
        if part.axis.holds(row.accuracy)
    ]


def costs(part: BoardPart, name: str) -> Markup:
    """Return accuracy against a cost; nothing of fewer than two rows that have one."""
    dots = cost_points(part, name)
    if len(dots) < 2:
        return Markup("")
    x, y = log_axis([dot.x for dot in dots]), round_axis(dot.y for dot in dots)
    field = FIELDS[name]
    labels = [(x.place(tick), format_value(name, tick)) for tick in x.ticks]
    words = "; ".join(f"{dot.name}: {share(dot.y)}, {format_value(name, dot.x)}" for dot in dots)
    title = f"{field.summary}{f', {field.unit}' if field.unit else ''} →"
    return drawing.scatter(dots, x, y, x_name=title, words=words, x_labels=labels)


def epochs_curve(epochs: Sequence[Epoch]) -> Markup:
    """Return a training's accuracies, epoch by epoch."""
    series = [
        Series(
            name=words,
            points=tuple(
                (epoch.epoch, value)
                for epoch in epochs
                if (value := getattr(epoch, name)) is not None
            ),
            is_second=name != "accuracy",
        )
        for name, words in (
            ("accuracy", "training images"),
            ("val_accuracy", "held back"),
            ("test_accuracy", "test"),
        )
    ]
    series = [each for each in series if each.points]
    if not series or len(epochs) < 2:
        return Markup("")
    values = [value for each in series for _, value in each.points]
    last = epochs[-1].epoch
    x = Axis(low=1, high=max(last, 2), ticks=())
    y = round_axis(values)
    marks = sorted({1, last, max(1, round(last / 2))})
    labels = [(x.place(mark), str(mark)) for mark in marks]
    words = f"accuracy over {last} epochs, at the end {share(values[-1])}"
    return drawing.curves(series, x, y, x_name="epoch →", words=words, x_labels=labels)


def sizes_curve(found: Sequence[LearningCurve]) -> Markup:
    """Return accuracy against the number of training images, a line a model."""
    series = [
        Series(
            name=clean(curve.label),
            points=tuple((point.train_images, point.accuracy) for point in curve.points),
            is_second=bool(place),
        )
        for place, curve in enumerate(found)
    ]
    x = log_axis([at for each in series for at, _ in each.points])
    y = round_axis(value for each in series for _, value in each.points)
    labels = [(x.place(tick), f"{tick:,.0f}") for tick in x.ticks]
    words = "; ".join(f"{each.name}: {share(each.points[-1][1])}" for each in series)
    return drawing.curves(series, x, y, x_name="training images →", words=words, x_labels=labels)


def reliability_of(found: RowCalibration) -> Markup:
    """Return its reliability diagram."""
    table = found.reliability
    known = [i for i in range(len(table.counts)) if table.counts[i]]
    return drawing.reliability(
        [float(table.confidence[i]) for i in known],
        [float(table.accuracy[i]) for i in known],
        [int(table.counts[i]) for i in known],
    )
