import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.errors import BenchError
from bench.images.corruptions import CORRUPTIONS
from bench.store.layout import Store
from bench.studies.robustness import robustness_rows

Add = Callable[..., str]
Run = Callable[..., Any]


def corrupt(
    add: Add, store: Store, model: str, wrong: dict[int, int], name: str, **facts: Any
) -> None:
    for strength, count in wrong.items():
        transform = {"corruption": name, "strength": strength}
        add(store, model, count, evaluation={"transform": transform}, **facts)


STRENGTHS = {1: 40, 2: 80, 3: 120, 4: 160, 5: 200}


def test_a_curve_gives_the_accuracy_at_each_strength(store: Store, add: Add) -> None:
    add(store, "m", 0)
    corrupt(add, store, "m", STRENGTHS, "translate")
    (row,) = robustness_rows(store)
    assert row.curves == {"translate": pytest.approx((0.9, 0.8, 0.7, 0.6, 0.5))}
    assert row.clean_accuracy == 1
    assert row.mean_accuracy == pytest.approx(0.7)


def test_relative_accuracy_is_the_share_of_clean(store: Store, add: Add) -> None:
    add(store, "m", 200)
    corrupt(add, store, "m", dict.fromkeys(range(1, 6), 300), "translate")
    (row,) = robustness_rows(store)
    assert row.relative_accuracy == pytest.approx(0.5)


def test_accuracies_are_means_over_the_seeds(store: Store, add: Add) -> None:
    for seed, wrong in ((1, 0), (2, 40)):
        add(store, "m", wrong, seed=seed)
        corrupt(add, store, "m", dict.fromkeys(range(1, 6), 2 * wrong), "translate", seed=seed)
    (row,) = robustness_rows(store)
    assert row.seeds == 2
    assert row.clean_accuracy == pytest.approx(0.95)
    assert row.mean_accuracy == pytest.approx(0.9)


def test_a_corruption_without_all_its_strengths_is_left_out(store: Store, add: Add) -> None:
    add(store, "m")
    corrupt(add, store, "m", STRENGTHS, "translate")
    corrupt(add, store, "m", {1: 0}, "rotate")
    (row,) = robustness_rows(store)
    assert tuple(row.curves) == ("translate",)


def test_inversion_has_one_strength(store: Store, add: Add) -> None:
    assert list(CORRUPTIONS["inverse"].strengths) == [1]
    add(store, "m")
    corrupt(add, store, "m", {1: 360}, "inverse")
    (row,) = robustness_rows(store)
    assert row.curves["inverse"] == pytest.approx((0.1,))


def test_the_most_robust_model_comes_first(store: Store, add: Add) -> None:
    for model, wrong in (("weak", 300), ("strong", 20)):
        add(store, model)
        corrupt(add, store, model, dict.fromkeys(range(1, 6), wrong), "translate")
    assert [row.model for row in robustness_rows(store)] == ["strong", "weak"]


def test_a_model_that_reads_nothing_right_divides_by_no_zero(store: Store, add: Add) -> None:
    add(store, "m", 400)
    corrupt(add, store, "m", dict.fromkeys(range(1, 6), 400), "translate")
    (row,) = robustness_rows(store)
    assert row.relative_accuracy == 0


def test_a_store_without_corruptions_says_how_to_make_them(store: Store, add: Add) -> None:
    add(store, "m")
    with pytest.raises(BenchError, match="--corruptions all"):
        robustness_rows(store)


def test_the_view_names_the_corruption_and_its_mean(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 0)
    corrupt(add, store, "m", STRENGTHS, "translate")
    out = run_bench("show", "robustness", "--store", store.root).out
    assert "translate" in out
    assert "shifted by 1 to 5 pixels" in out
    records = json.loads(run_bench("show", "robustness", "--json", "--store", store.root).out)
    assert [record["strength"] for record in records] == [1, 2, 3, 4, 5]
    assert {record["mean_corruption_accuracy"] for record in records} == {0.7}
