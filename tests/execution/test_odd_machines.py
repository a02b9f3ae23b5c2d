"""Machines with odd settings: thread counts that are none, a clock that jumps, another's cache."""

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from bench.execution.engine import thread_variables, threads_of_trial
from bench.planning import probe, processor
from bench.plugins.discovery import load_plugins
from bench.store.record import State

_OPENMP = "OMP_NUM_THREADS"
_MODELS = tuple(load_plugins().models.values())


@pytest.mark.parametrize("asked", ["0", "-1", "", "many", "1e3", "²"])
def test_a_thread_number_that_is_none_is_as_good_as_not_set(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_THREADS_ASKED", raising=False)
    monkeypatch.delenv(_OPENMP, raising=False)
    usual = threads_of_trial(1)
    monkeypatch.setenv(_OPENMP, asked)

    assert threads_of_trial(1) == usual >= 1
    assert thread_variables(usual)[_OPENMP] == str(usual)


@pytest.mark.parametrize("asked", ["0", "0,1", "GPU-1234", "", "-1"])
def test_cards_asked_for_without_cuda_are_none(
    asked: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processor, "_GPU_FILES", tmp_path / "no driver")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)

    assert processor.visible_gpus() == ()


def test_a_clock_that_jumps_spoils_no_duration(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now, jumps = time.time, itertools.cycle([0.0, 7_200.0, -7_200.0, 86_400.0])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    began = time.perf_counter()

    tasks = [tiny.task("debug-sleep", seed=seed) for seed in (1, 2)]
    counts = tiny.run(*tasks, isolate=False)

    most = time.perf_counter() - began
    assert counts == {State.OK: 2}
    assert all(0 <= record.fit_seconds <= most for record in tiny.records().values())


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Speeds that the probe finds, in turn; what is left was not asked for."""
    speeds = [2 * probe._REFERENCE, 3 * probe._REFERENCE]
    monkeypatch.setattr(probe, "_images_per_second", lambda _: speeds.pop(0))
    return speeds


@pytest.mark.parametrize("other", ["another processor", "AMD EPYC AVX2 ", ""])
def test_the_speed_of_another_processor_is_not_taken(
    other: str, measured: list[float], tmp_path: Path
) -> None:
    assert probe.machine_speed(_MODELS, "AMD EPYC AVX2", tmp_path) == 2
    assert probe.machine_speed(_MODELS, "AMD EPYC AVX2", tmp_path) == 2
    assert probe.machine_speed(_MODELS, other, tmp_path) == 3
    assert not measured


@pytest.mark.parametrize("content", [b"", b"{", b"-1", b"0", b"1e999", b'"fast"', b"null"])
def test_a_kept_speed_that_is_none_is_measured_again(
    content: bytes, measured: list[float], tmp_path: Path
) -> None:
    probe.machine_speed(_MODELS, "AMD EPYC AVX2", tmp_path)
    (kept,) = tmp_path.glob("speed-*.json")
    kept.write_bytes(content)

    assert probe.machine_speed(_MODELS, "AMD EPYC AVX2", tmp_path) == 3
    assert json.loads(kept.read_bytes()) == 3
    assert not measured
