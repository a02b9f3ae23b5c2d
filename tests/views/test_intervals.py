import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.board.leaderboard import leaderboards
from bench.store.layout import Store
from bench.views.report.intervals import row_intervals

Add = Callable[..., str]
Run = Callable[..., Any]


def intervals(store: Store) -> list[Any]:
    (board,) = leaderboards(store)
    return row_intervals(store, board.rows[0])


def test_one_seed_has_one_interval_a_figure(store: Store, add: Add) -> None:
    add(store, "m", 20)
    accuracy, macro = intervals(store)
    assert (accuracy.metric, accuracy.interval.method) == ("accuracy", "Wilson")
    assert accuracy.scope == macro.scope == "other images"
    assert macro.interval.method.startswith("bootstrap")
    assert macro.interval.low < macro.value < macro.interval.high


def test_seeds_and_images_are_shown_apart(store: Store, add: Add) -> None:
    for seed, wrong in ((1, 20), (2, 40), (3, 30)):
        add(store, "m", wrong, seed=seed)
    both, seeds, images, macro = intervals(store)
    assert [each.scope for each in (seeds, images)] == [
        "other seeds, these images",
        "these classifiers, other images",
    ]
    assert both.interval.low < images.interval.low < images.interval.high < both.interval.high
    assert "seeds and images" in macro.interval.method


def test_few_writers_are_told_from_many(store: Store, add: Add) -> None:
    add(store, "m", range(0, 400, 21), groups=tuple("abc"[i % 3] for i in range(400)))
    assert intervals(store)[0].scope == "same writers"
    assert intervals(store)[0].interval.note == "these images only"


def test_five_writers_speak_of_other_writers(store: Store, add: Add) -> None:
    add(store, "m", range(0, 400, 21), groups=tuple("abcdefg"[i % 7] for i in range(400)))
    accuracy, macro = intervals(store)
    assert accuracy.scope == "other writers"
    assert "writers" in accuracy.interval.method
    assert macro.scope == "same writers"


def test_the_report_shows_each_method(store: Store, add: Add, run_bench: Run) -> None:
    for seed, wrong in ((1, 20), (2, 40)):
        add(store, "m", wrong, seed=seed)
    out = run_bench("show", "report", "m", "--store", store.root, columns=120).out
    for method in ("t over seeds and images", "Wilson, effective n", "images by bootstrap"):
        assert method in " ".join(out.split())


@pytest.mark.parametrize("seeds", [pytest.param(1, id="one"), pytest.param(3, id="three")])
def test_json_says_the_method_of_every_interval(
    store: Store, add: Add, run_bench: Run, seeds: int
) -> None:
    for seed in range(seeds):
        add(store, "m", 20 + seed, seed=seed)
    (row,) = json.loads(run_bench("show", "--json", "--store", store.root).out)
    assert row["interval_method"]
    asked = ("show", "metrics", "--json", "--store", store.root)
    (row,) = json.loads(run_bench(*asked).out)
    given = [name.removesuffix("_low") for name in row if name.endswith("_low")]
    assert "macro_f1" in given
    for name in given:
        assert (row[f"{name}_low"] is None) == (not row[f"{name}_interval_method"])
    assert row["accuracy_interval_method"]
