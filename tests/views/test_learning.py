import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.board.boards import Boards
from bench.board.leaderboard import leaderboards
from bench.errors import BenchError, OptionError
from bench.planning.grid import CellState
from bench.session import Request, execute, plan
from bench.store.layout import Store
from bench.views import NoOptions
from bench.views.learning_curve import VIEW, LearningCurve

Add = Callable[..., str]
Run = Callable[..., Any]


def learning_curves(store: Store) -> tuple[LearningCurve, ...]:
    return VIEW.compute(Boards(store=store), NoOptions())


def add_sizes(add: Add, store: Store, errors: dict[int, int], **facts: Any) -> None:
    for size, wrong in errors.items():
        add(
            store,
            "m",
            wrong,
            config=str(size),
            variant=f"train_images={size}",
            options={"train_images": size},
            n_train=size,
            **({"fit_seconds": size / 100} | facts),
        )


def test_the_law_that_made_the_points_is_found(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 200, 400: 100, 1600: 50})
    (curve,) = learning_curves(store)
    assert curve.law is not None
    assert curve.law.exponent == pytest.approx(0.5)
    assert curve.more == 16_000
    assert curve.expected is not None
    expected = curve.expected
    assert expected.accuracy == pytest.approx(1 - 0.125 * 10**-0.5)
    low, high = expected.accuracy_low, expected.accuracy_high
    assert low is not None
    assert high is not None
    assert low < expected.accuracy < high


def test_the_cost_grows_by_a_law_of_its_own(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 200, 400: 100})
    (curve,) = learning_curves(store)
    assert curve.cost is not None
    assert curve.cost.exponent == pytest.approx(1)
    assert curve.cost.seconds_at(curve.more) == pytest.approx(40)


def test_the_trial_on_all_images_is_a_point_too(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 200})
    add(store, "m", 20, n_train=1437)
    (curve,) = learning_curves(store)
    assert [point.train_images for point in curve.points] == [100, 1437]


def test_points_of_a_curve_do_not_compete_with_full_trainings(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 0})
    add(store, "m", 20, n_train=1437)
    (board,) = leaderboards(store)
    assert [(row.variant, row.rank) for row in board.rows] == [("", "1"), ("train_images=100", "")]


def test_points_compete_where_nothing_else_is_there(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 200, 400: 10})
    (board,) = leaderboards(store)
    assert [row.rank for row in board.rows] == ["1", "2"]


def test_one_size_makes_no_curve(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 20})
    with pytest.raises(BenchError, match="--train-sizes"):
        learning_curves(store)


def test_perfect_models_have_a_curve(store: Store, add: Add, run_bench: Run) -> None:
    add_sizes(add, store, {100: 0, 400: 0})
    ended = run_bench("show", "learning-curve", "--store", store.root)
    assert ended.code == 0
    assert "1.000" in ended.out


def test_points_without_a_time_have_no_cost(store: Store, add: Add) -> None:
    add_sizes(add, store, {100: 40, 400: 20}, fit_seconds=None)
    (curve,) = learning_curves(store)
    assert curve.cost is None


def test_json_marks_what_is_expected_and_not_measured(
    store: Store, add: Add, run_bench: Run
) -> None:
    add_sizes(add, store, {100: 200, 400: 100})
    out = run_bench("show", "learning-curve", "--json", "--store", store.root).out
    assert [(r["train_images"], r["is_expected"]) for r in json.loads(out)] == [
        (100, False),
        (400, False),
        (4000, True),
    ]


def planned(tmp_path: Path, **more: Any) -> list[tuple[str, CellState]]:
    asked = Request(
        models=("baseline-majority",), datasets=("digits-uci",), store=tmp_path / "s", **more
    )
    return [(cell.variant.words, cell.state) for cell in plan(asked).cells]


def test_a_trial_is_planned_for_each_size(tmp_path: Path) -> None:
    assert planned(tmp_path, train_sizes=(50, 200)) == [
        ("train_images=50", CellState.TO_RUN),
        ("train_images=200", CellState.TO_RUN),
    ]


def test_sizes_that_take_every_image_are_one_ordinary_trial(tmp_path: Path) -> None:
    assert planned(tmp_path, train_sizes=(5_000, 9_000)) == [("", CellState.TO_RUN)]


def test_a_size_and_the_option_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="say the same thing twice"):
        planned(tmp_path, train_sizes=(50,), settings=("baseline-majority.train_images=9",))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0", id="none"),
        pytest.param("-5", id="negative"),
        pytest.param("10,many", id="a word"),
        pytest.param("10,,20", id="a gap"),
    ],
)
def test_a_size_that_is_no_number_is_refused(run_bench: Run, text: str) -> None:
    ended = run_bench("run", "-m", "svm-ovo", "-d", "digits-uci", f"--train-sizes={text}")
    assert ended.code == 2
    assert ended.err.startswith(f"bench: --train-sizes {text}: write whole numbers from 1")


def test_sizes_are_trained_and_shown(tmp_path: Path) -> None:
    request = Request(
        models=("baseline-majority",),
        datasets=("digits-uci",),
        train_sizes=(20, 80),
        store=tmp_path / "s",
        isolate=False,
    )
    assert execute(request, lambda event: None).exit_code == 0
    (curve,) = learning_curves(Store(tmp_path / "s"))
    assert [point.train_images for point in curve.points] == [20, 80]


def test_what_is_expected_is_marked_on_every_screen_with_both_laws(
    store: Store, add: Add, run_bench: Run
) -> None:
    add_sizes(add, store, {100: 160, 200: 80, 400: 40})
    for columns in (60, 120):
        out = run_bench("show", "learning-curve", "--store", store.root, columns=columns).out
        assert "  expected" in out
    assert "error ~ n^−1.00, time ~ n^1.00" in out
    assert "of the expected: power law, errors redrawn" in " ".join(out.split())
