import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.board.boards import Boards
from bench.errors import BenchError
from bench.store.layout import Store
from bench.views import history

Add = Callable[..., str]
Run = Callable[..., Any]


def timeline(store: Store, model: str, dataset: str) -> tuple[history.Entry, ...]:
    options = history.Options(model=model, dataset=dataset)
    return history.VIEW.compute(Boards(store=store), options)


def at(day: int) -> str:
    return f"2026-01-{day:02d}"


def test_a_change_beyond_luck_is_marked_and_what_changed_is_named(store: Store, add: Add) -> None:
    add(store, "m", 10, config="a", started_at=at(1), options={"epochs": 3})
    add(store, "m", 11, config="b", started_at=at(2), options={"epochs": 3})
    add(store, "m", 120, config="c", started_at=at(3), options={"epochs": 1})
    entries = timeline(store, "m", "digits")
    assert [entry.change.is_real for entry in entries] == [False, False, True]
    assert entries[2].changed == ("epochs 3 → 1",)


def test_a_slow_drift_adds_up_until_it_is_seen(store: Store, add: Add) -> None:
    for day, wrong in enumerate((0, 4, 8, 12, 16, 20), start=1):
        add(store, "m", wrong, config=str(day), started_at=at(day))
    assert any(entry.change.is_real for entry in timeline(store, "m", "digits"))


def test_another_test_split_starts_anew(store: Store, add: Add) -> None:
    add(store, "m", 10, config="a", started_at=at(1))
    add(store, "m", 200, config="b", started_at=at(2), evaluation={"test_hash": "new"})
    entries = timeline(store, "m", "digits")
    assert entries[1].change.comparison is None
    assert entries[1].change.reason == "another test split: not comparable"


def test_one_entry_is_compared_with_nothing(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 10)
    ended = run_bench("show", "history", "m", "digits", "--json", "--store", store.root)
    (entry,) = json.loads(ended.out)
    assert (entry["difference"], entry["is_real"]) == (None, False)


def test_a_model_without_results_is_an_error(store: Store, add: Add) -> None:
    add(store, "m")
    with pytest.raises(BenchError, match="no results of 'other': the store holds m"):
        timeline(store, "other", "digits")


def test_unlike_numbers_of_seeds_are_compared(store: Store, add: Add) -> None:
    rng = np.random.default_rng(1)
    for seed in (1, 2, 3):
        wrong = rng.choice(400, 20, replace=False)
        add(store, "m", wrong, config="a", seed=seed, started_at=at(1))
    add(store, "m", rng.choice(400, 22, replace=False), config="b", seed=1, started_at=at(2))
    entries = timeline(store, "m", "digits")
    assert [entry.seeds for entry in entries] == [3, 1]
    assert not entries[1].change.is_real


def test_corrupted_images_are_no_part_of_a_result(store: Store, add: Add) -> None:
    add(store, "m", 10)
    add(store, "m", 300, evaluation={"transform": {"corruption": "rotate", "strength": 3}})
    (entry,) = timeline(store, "m", "digits")
    assert entry.accuracy == pytest.approx(0.975)
    assert entry.seeds == 1


def test_versions_and_code_are_recorded(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 10)
    out = run_bench("show", "history", "m", "digits", "--json", "--store", store.root).out
    (record,) = json.loads(out)
    assert record.keys() >= {"versions", "model_code", "harness_code"}
