"""Axes, fronts and drawings: pure functions of numbers."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bench.report import drawing
from bench.report.axis import front, log_axis, round_axis, stairs
from bench.report.drawing import Point

SHARES = st.floats(0, 1, allow_nan=False)


@given(st.lists(SHARES, min_size=1, max_size=40))
def test_a_round_axis_holds_every_value_between_its_ends(values: list[float]) -> None:
    axis = round_axis(values)
    assert all(axis.holds(value) for value in values)
    assert 0 <= axis.low < axis.high <= 1
    assert 2 <= len(axis.ticks) <= 11
    assert (axis.ticks[0], axis.ticks[-1]) == (axis.low, axis.high)


@given(SHARES, SHARES)
def test_places_keep_the_order_of_values(a: float, b: float) -> None:
    axis = round_axis([a, b])
    assert (axis.place(a) <= axis.place(b)) == (a <= b) or abs(a - b) < 1e-9
    assert 0 <= axis.place(a) <= 1


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20))
def test_a_log_axis_holds_every_value(values: list[float]) -> None:
    axis = log_axis(values)
    assert all(axis.low <= value * 1.000001 and value * 0.999999 <= axis.high for value in values)
    assert all(0 <= axis.place(value) <= 1 for value in values)


@given(st.lists(st.tuples(st.floats(0.001, 1e6), SHARES), min_size=1, max_size=30))
def test_nothing_off_the_front_is_as_good_for_less(points: list[tuple[float, float]]) -> None:
    best = front(points)
    for i, (cost, accuracy) in enumerate(points):
        beaten = any(c <= cost and a >= accuracy for j, (c, a) in enumerate(points) if j != i)
        if i not in best:
            assert beaten
    costs = [points[i][0] for i in best]
    assert costs == sorted(costs)
    assert len(stairs([points[i] for i in best])) == 2 * len(best) - 1


@given(st.integers(1, 60), st.integers(0, 59), st.integers(0, 59))
def test_the_strip_of_a_rank_stays_inside_its_box(n: int, a: int, b: int) -> None:
    low, high = sorted((a % n + 1, b % n + 1))
    drawn = str(drawing.span(low, high, n))
    for x, width in re.findall(r'<rect x="([-\d.]+)" width="([-\d.]+)"', drawn):
        assert float(x) >= 0
        assert float(x) + float(width) <= 72.1


def test_names_in_drawings_are_text() -> None:
    evil = '"><script>alert(1)</script>'
    dots = [Point(x=1.0, y=0.5, name=evil), Point(x=9.0, y=0.9, name="b")]
    x, y = log_axis([1.0, 9.0]), round_axis([0.5, 0.9])
    drawn = drawing.scatter(dots, x, y, x_name=evil, words=evil, x_labels=[(0.5, evil)])
    assert isinstance(drawn, Markup)
    assert "<script" not in drawn
