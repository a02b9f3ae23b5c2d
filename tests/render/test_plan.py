"""What a person is told before a run."""

from pathlib import Path
from typing import Any

import pytest

from bench.cli.plan_lines import is_long, machine_words, plan_as_dict, plan_lines, plan_table
from bench.planning.grid import Cell, CellState, Plan
from bench.planning.task import PluginRef, SplitRef, TrialTask
from bench.store.record import Identity, Machine


def task(model: str, budget: str = "full") -> TrialTask:
    """Return a task that is never run."""
    identity = Identity(
        model=model,
        options={},
        model_source="a",
        harness_source="b",
        train_hash="c",
        seed=42,
        precision="float32",
        requires={},
    )
    return TrialTask(
        trial_id=f"id-of-{model}",
        config_id="d",
        identity=identity,
        plugin=PluginRef(module="m"),
        model=model,
        budget=budget,
        options={},
        train_dataset="digits",
        classes=("0", "1"),
        image_shape=(28, 28, 1),
        seed=42,
        train=SplitRef(content_hash="c", folder="f", n=10, shape=(28, 28, 1)),
    )


def cell(model: str, state: CellState = CellState.TO_RUN, **facts: Any) -> Cell:
    """Return a cell of a dataset called digits."""
    todo = state in (CellState.TO_RUN, CellState.TO_EVALUATE)
    values: dict[str, Any] = {
        "train_dataset": "digits",
        "seed": 42,
        "task": task(model) if todo else None,
        "estimated_seconds": 80.0 if todo else None,
    }
    return Cell(model=model, state=state, **(values | facts))


def lines(plan: Plan, **facts: Any) -> list[str]:
    """Return the lines above a run."""
    return [text.plain for text in plan_lines(plan, 2, **facts)]


def test_the_summary_counts_multiplies_and_estimates() -> None:
    cells = [cell(model, seed=seed) for model in "ab" for seed in (1, 2)]
    plan = Plan(cells=tuple(cells), store=Path("s"), estimated_seconds=160.0)
    assert lines(plan) == [
        "2 models × 1 dataset × 2 seeds = 4 trials to run, 0 cached · about 2 min 10 s to "
        "3 min 20 s on 2 cores · Ctrl-C is safe: finished trials are kept"
    ]


def test_a_long_plan_says_what_the_quick_budget_takes() -> None:
    plan = Plan(cells=(cell("a"),), store=Path("s"), estimated_seconds=9_600.0)
    assert is_long(plan)
    assert lines(plan, quick_seconds=540.0) == [
        "1 trial to run, 0 cached · about 2 h 08 to 3 h 20 on 2 cores; --budget quick: about 7 min "
        "to 11 min · Ctrl-C is safe: finished trials are kept"
    ]


def test_a_short_plan_is_not_long() -> None:
    assert not is_long(Plan(cells=(cell("a"),), store=Path("s"), estimated_seconds=60.0))


def test_nothing_to_run_is_said() -> None:
    plan = Plan(cells=(cell("a", CellState.CACHED),), store=Path("s"))
    assert lines(plan) == ["nothing to run: 1 trial cached"]


def test_evaluations_of_stored_models_are_counted_apart() -> None:
    cells = (cell("a"), cell("b", CellState.TO_EVALUATE), cell("c", CellState.CACHED))
    plan = Plan(cells=cells, store=Path("s"))
    assert lines(plan)[0].startswith("1 trial to run, 1 trial to evaluate, 1 cached · ")


def test_what_is_left_out_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_PROG", "script/bench")
    cells = (
        cell("a"),
        cell("a", CellState.DATA_MISSING, train_dataset="usps", reason="usps is not here"),
        cell("b", CellState.DATA_MISSING, train_dataset="usps", reason="usps is not here"),
        cell("a", CellState.FAILED, train_dataset="mnist", reason="mnist.npz is cut off"),
        cell("a", CellState.IMPOSSIBLE, test_dataset="letters", reason="digits has no class A"),
        cell("b", CellState.IMPOSSIBLE, test_dataset="letters", reason="digits has no class A"),
    )
    plan = Plan(cells=cells, store=Path("s"), notes=("ids: a leading zero was put back",))
    assert lines(plan)[1:] == [
        "not on this machine: usps (how to get them: script/bench list datasets)",
        "cannot be read: mnist.npz is cut off",
        "impossible: digits → letters: digits has no class A (2 models)",
        "ids: a leading zero was put back",
    ]


def test_the_table_groups_seeds_and_missing_datasets() -> None:
    cells = (
        cell("a", seed=1),
        cell("a", seed=2),
        cell("b", changed=("option epochs", "training images")),
        cell("a", CellState.DATA_MISSING, train_dataset="usps", seed=None, reason="gone"),
        cell("b", CellState.DATA_MISSING, train_dataset="usps", seed=None, reason="gone"),
    )
    table = [text.plain.split() for text in plan_table(Plan(cells=cells, store=Path("s")), 150)]
    assert table[1] == ["to", "run", "a", "digits", "1,", "2", "2", "min", "40", "s"]
    assert " ".join(table[2]) == (
        "to run b digits 42 1 min 20 s changed since the last record: option epochs, training "
        "images"
    )
    assert " ".join(table[3]) == "data missing all 2 models usps"


def test_the_plan_as_data_names_each_trial() -> None:
    value = plan_as_dict(Plan(cells=(cell("a"),), store=Path("s"), estimated_seconds=1.0))
    assert value["cells"][0]["trial"] == "id-of-a"
    assert value["cells"][0]["state"] == "to run"


def test_a_machine_in_words() -> None:
    machine = Machine(
        cores=1, memory_bytes=24 * 10**9, processor="p", accelerator="", system="s", python="3"
    )
    assert machine_words(machine) == "1 core, 24 GB, no GPU"
