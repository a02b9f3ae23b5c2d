from collections.abc import Callable
from typing import Any

import pytest

from bench.store.record import State


@pytest.fixture(autouse=True)
def _spawns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_START_METHOD", "spawn")


def test_trials_are_isolated_where_processes_are_spawned(
    tiny: Any, gone: Callable[[float], bool]
) -> None:
    counts = tiny.run(
        tiny.task(),
        tiny.task("debug-segfault"),
        tiny.task("debug-fork", timeout_seconds=8.0),
        tiny.task("debug-print"),
        jobs=2,
    )
    states = {record.model: record.state for record in tiny.records().values()}
    assert states == {
        "debug-good": State.OK,
        "debug-segfault": State.CRASHED,
        "debug-fork": State.TIMEOUT,
        "debug-print": State.OK,
    }
    assert sum(counts.values()) == 4
    assert gone(0.5)
