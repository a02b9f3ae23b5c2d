"""Inline SVG of what views computed: shapes and numbers only, made before the page is sent.

Every function returns markup in which all text is escaped. Shapes carry classes, no styles: the
page's colours, light, dark and on paper, are the style sheet's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from bench.board.rows import Row
from bench.report.axis import Axis, front, stairs
from bench.store.formats import count, share

__all__ = ["Point", "Series", "axis_line", "bar", "curves", "grid", "histogram", "interval"]
__all__ += ["reliability", "scatter", "span"]

_SLOT: Final = 8.0  # pixels a place of the strip beside a rank
_SLOTS: Final = 9  # that fit it; longer boards are drawn to scale, without dots
_STRIP: Final = _SLOT * _SLOTS
_WIDTH: Final = 640
_HEIGHT: Final = 300
_LEFT: Final = 46
_BOTTOM: Final = 34
_LABEL: Final = 6.4  # a character's width, to keep labels apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A dot with its name; `x` and `y` in the units of the axes."""

    x: float
    y: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line through points; a dashed one is marked `is_second`."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_second: bool = False


def _percent(place: float) -> str:
    return f"{100 * place:.2f}%"


def grid(axis: Axis, name: str) -> Markup:
    """Return the hairlines of an axis as a symbol that each row's drawing uses."""
    lines = Markup("").join(
        Markup('<line class="g" x1="{0}" x2="{0}" y1="0" y2="100%"/>').format(
            _percent(axis.place(tick))
        )
        for tick in axis.ticks
    )
    return Markup('<symbol id="{}">{}</symbol>').format(name, lines)


def axis_line(axis: Axis) -> Markup:
    """Return the numbers over the column of intervals."""
    texts = Markup("").join(
        Markup('<text x="{}" y="11" text-anchor="middle">{}</text>').format(_percent(at), label)
        for at, label in axis.labels
    )
    return Markup('<svg class="ax" aria-hidden="true">{}</svg>').format(texts)


def interval(row: Row, axis: Axis, name: str) -> Markup:
    """Return a row's accuracy as a dot on the axis, its 95 % interval as a line through it."""
    if row.accuracy is None:
        return Markup("")
    words = share(row.accuracy)
    has_ends = row.accuracy_low is not None and row.accuracy_high is not None
    low, high = row.accuracy_low or 0.0, row.accuracy_high or 0.0
    if has_ends:
        words += f", interval {share(low)} to {share(high)}"
    if not axis.holds(row.accuracy):
        shape = Markup('<text class="off" x="3%" y="60%">◂ off the axis</text>')
    else:
        dot = Markup('<circle cx="{}" cy="50%" r="3.25"/>').format(
            _percent(axis.place(row.accuracy))
        )
        line = Markup('<line class="i" x1="{}" x2="{}" y1="50%" y2="50%"/>').format(
            _percent(axis.place(low)), _percent(axis.place(high))
        )
        shape = (line if has_ends else Markup("")) + dot
    return Markup(
        '<svg class="ci" role="img" aria-label="{}"><use href="#{}" width="100%" height="100%"/>'
        "{}</svg>"
    ).format(words, name, shape)


def span(low: int | None, high: int | None, n: int) -> Markup:
    """Return the places a row may hold as a bar on a strip of `n` places."""
    if low is None or high is None or n < 2:
        return Markup("")
    slot = min(_SLOT, _STRIP / n)
    dots = Markup("")
    if n <= _SLOTS:
        dots = Markup("").join(
            Markup('<circle class="d" cx="{:.1f}" cy="6" r="1.2"/>').format((place + 0.5) * slot)
            for place in range(n)
            if not low <= place + 1 <= high
        )
    wide = max(3.0, (high - low + 1) * slot - 1.6 * (slot == _SLOT))
    left = min((low - 1) * slot + 0.8 * (slot == _SLOT), _STRIP - wide)
    rounding = min(2.8, wide / 2)
    bar_of = Markup('<rect x="{:.1f}" width="{:.1f}" y="3.2" height="5.6" rx="{:.1f}"/>').format(
        left, wide, rounding
    )
    return Markup('<svg class="span" aria-hidden="true">{}{}</svg>').format(dots, bar_of)


def bar(value: float, most: float) -> Markup:
    """Return a bar from zero; its number stands beside it."""
    part = 0.0 if most <= 0 else min(1.0, value / most)
    return Markup(
        '<svg class="pb" aria-hidden="true"><rect class="f" width="{}" height="100%" rx="2"/></svg>'
    ).format(_percent(part))


def histogram(counts: Sequence[int]) -> Markup:
    """Return small bars from zero, one a class."""
    most, n = max([*counts, 1]), max(len(counts), 1)
    bars = Markup("").join(
        Markup('<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>').format(
            120 * i / n, 30 - 30 * each / most, max(120 / n - 1, 0.8), 30 * each / most
        )
        for i, each in enumerate(counts)
    )
    low, high = (min(counts), max(counts)) if counts else (0, 0)
    words = f"images a class: {count(low)} to {count(high)}"
    return Markup(
        '<svg class="hist" viewBox="0 0 120 30" role="img" aria-label="{}">{}</svg>'
    ).format(words, bars)


def _frame(x: Axis, y: Axis, x_name: str, x_labels: Sequence[tuple[float, str]]) -> Markup:
    wide, high = _WIDTH - _LEFT, _HEIGHT - _BOTTOM
    parts = []
    for at, label in y.labels:
        parts.append(
            Markup(
                '<line class="g" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="s" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(
                _LEFT,
                _WIDTH,
                (1 - at) * high,
                (1 - at) * high,
                _LEFT - 8,
                (1 - at) * high + 4,
                label,
            )
        )
    for at, label in x_labels:
        parts.append(
            Markup('<text class="s" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                _LEFT + at * wide, high + 16, label
            )
        )
    parts.append(
        Markup('<line class="bx" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _LEFT, _WIDTH, high, high
        )
    )
    parts.append(
        Markup('<text class="s" x="{}" y="{}" text-anchor="end">{}</text>').format(
            _WIDTH, _HEIGHT - 2, x_name
        )
    )
    return Markup("").join(parts)


def _at(x: Axis, y: Axis, point: tuple[float, float]) -> tuple[float, float]:
    return (
        _LEFT + x.place(point[0]) * (_WIDTH - _LEFT),
        (1 - y.place(point[1])) * (_HEIGHT - _BOTTOM),
    )


def _line(places: Sequence[tuple[float, float]], kind: str) -> Markup:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def _figure(words: str, inside: Markup) -> Markup:
    return Markup(
        '<svg class="fig" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, words, inside)


def scatter(points: Sequence[Point], x: Axis, y: Axis, *, x_name: str, words: str,
            x_labels: Sequence[tuple[float, str]]) -> Markup:  # fmt: skip
    """Return accuracy against cost: filled dots are those that none beats, joined by a line.

    A label is left out where it would lie on another; the front's are placed first.
    """
    best = front([(point.x, point.y) for point in points])
    line = stairs([_at(x, y, (points[i].x, points[i].y)) for i in best])
    shapes = [_frame(x, y, x_name, x_labels), _line(line, "a")]
    taken: list[tuple[float, float, float, float]] = []
    order = [*best, *(i for i in range(len(points)) if i not in best)]
    labels = []
    for i in order:
        point = points[i]
        at_x, at_y = _at(x, y, (point.x, point.y))
        kind = "p" if i in best else "o"
        shapes.append(
            Markup(
                '<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>'
            ).format(kind, at_x, at_y, f"{point.name}: {share(point.y)}")
        )
        taken.append((at_x - 5, at_x + 5, at_y - 5, at_y + 5))
    for i in order:
        label = _label(points[i], _at(x, y, (points[i].x, points[i].y)), taken, i in best)
        if label is not None:
            labels.append(label)
    return _figure(words, Markup("").join([*shapes, *labels]))


def _label(
    point: Point,
    at: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
    is_best: bool,
) -> Markup | None:
    """Return a name beside its dot where there is room: above left, right, below; else none."""
    text = point.name if len(point.name) <= 28 else point.name[:27] + "…"
    wide = _LABEL * len(text)
    places = [(-6 - wide, -9), (8, 4), (8, -9), (-8 - wide, 4), (-wide / 2, 18)]
    for dx, dy in places:
        left, base = at[0] + dx, at[1] + dy
        box = (left, left + wide, base - 11, base + 3)
        inside = (
            box[0] >= _LEFT and box[1] <= _WIDTH and box[2] >= -4 and box[3] <= _HEIGHT - _BOTTOM
        )
        if inside and not any(_cross(box, other) for other in taken):
            taken.append(box)
            return Markup('<text class="l {}" x="{:.1f}" y="{:.1f}">{}</text>').format(
                "ac" if is_best else "s", left, base, text
            )
    return None


def _cross(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]


def curves(series: Sequence[Series], x: Axis, y: Axis, *, x_name: str, words: str,
           x_labels: Sequence[tuple[float, str]]) -> Markup:  # fmt: skip
    """Return lines over an axis, each named at its right end."""
    shapes = [_frame(x, y, x_name, x_labels)]
    taken: list[tuple[float, float, float, float]] = []
    for each in series:
        places = [_at(x, y, point) for point in each.points]
        shapes.append(_line(places, "a2 dash" if each.is_second else "a"))
        if len(places) == 1:
            shapes.append(
                Markup('<circle class="p" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(*places[0])
            )
        label = _label(
            Point(x=0, y=0, name=each.name), places[-1], taken, is_best=not each.is_second
        )
        if label is not None:
            shapes.append(label)
    return _figure(words, Markup("").join(shapes))


def reliability(says: Sequence[float], is_right: Sequence[float], weights: Sequence[int]) -> Markup:
    """Return a reliability diagram: on the line a model is as sure as it should be."""
    side, most = 200.0, max([*weights, 1])
    dots = Markup("").join(
        Markup('<circle class="p" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(
            a * side, side - b * side, 2 + 5 * (n / most) ** 0.5
        )
        for a, b, n in zip(says, is_right, weights, strict=True)
    )
    words = "; ".join(
        f"says {share(a, 2)}, right {share(b, 2)}" for a, b in zip(says, is_right, strict=True)
    )
    return Markup(
        '<svg class="rel" viewBox="-8 -8 216 216" role="img" aria-label="{}">'
        '<rect class="bo" x="0" y="0" width="200" height="200"/>'
        '<line class="g" x1="0" y1="200" x2="200" y2="0"/>{}</svg>'
    ).format(words, dots)
