"""A board of several machines or versions says so once, and no times are compared across them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.store.layout import Store
from bench.store.read import read_trial, trial_folders
from bench.store.record import Machine
from bench.store.write import write_record


def machine(cores: int) -> Machine:
    return Machine(
        cores=cores,
        memory_bytes=16_000_000_000,
        processor="Example 9000",
        accelerator="",
        system="Linux x86_64",
        python="3.11.7",
    )


@pytest.fixture
def store(sample_store: Path, tmp_path: Path) -> Path:
    """The sample: alpha's seeds on two machines, beta on the second, the rest on the first."""
    place = tmp_path / "store"
    shutil.copytree(sample_store, place, ignore=shutil.ignore_patterns(".index"))
    for name in trial_folders(Store(place)):
        record = read_trial(place / "trials" / name)
        is_second = record.model == "beta" or (record.model == "alpha" and record.seed == 2)
        changed = msgspec.structs.replace(
            record,
            machine=machine(64 if is_second else 8),
            versions={"keras": "3.15.1" if is_second else "3.14.0", "numpy": "2.4.6"},
            record_sha256="",
        )
        write_record(place / "trials" / name, changed)
    return place


def test_a_board_says_once_that_there_are_several(
    run_bench: Callable[..., Any], store: Path
) -> None:
    said = run_bench("show", "-d", "home", "--store", store, columns=200).out
    assert said.count("trained on 2 machines: compare no times between them") == 1
    assert said.count("trained with keras 3.14 and 3.15") == 1
    assert "numpy 2.4" not in said


def test_costs_are_listed_for_each_machine_by_itself(
    run_bench: Callable[..., Any], store: Path
) -> None:
    said = run_bench("show", "cost", "-d", "home", "--store", store, columns=200).out
    first, second, third = (
        said.index("home · Example 9000, 8 cores, 16 GB"),
        said.index("home · Example 9000, 64 cores, 16 GB"),
        said.index("home · seeds on 2 machines, whose times are not averaged"),
    )
    assert len({first, second, third}) == 3
    listed = json.loads(run_bench("show", "cost", "-d", "home", "--json", "--store", store).out)
    costs = {row["model"]: row for row in listed}
    assert costs["alpha"]["fit_seconds"] is None
    assert len(costs["alpha"]["machines"]) == 2
    assert costs["beta"]["fit_seconds"] == 18.24
    assert costs["beta"]["machines"] == ["Example 9000, 64 cores, 16 GB"]


def test_costs_of_one_machine_are_listed_as_ever(
    run_bench: Callable[..., Any], sample_store: Path
) -> None:
    said = run_bench("show", "cost", "-d", "home", "--store", sample_store, columns=200).out
    assert "machine" not in said
