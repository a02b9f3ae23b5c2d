"""Manners towards GPUs, with cards that are only said to be there."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.adapters import keras_runtime
from bench.execution import machine, recording, worker
from bench.execution.isolation import RunningTrial
from bench.execution.job import Job
from bench.execution.local import Isolated
from bench.planning import processor
from bench.planning.identity import resolve_precision
from bench.planning.processor import visible_gpus
from bench.spec import ModelSpec

TWO_CARDS = ("NVIDIA H200", "NVIDIA T4")


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return ``cards(*names)``, which writes a driver's files for cards of these names."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(processor, "_GPU_FILES", tmp_path / "gpus")

    def write(*names: str) -> None:
        for number, name in enumerate(names):
            folder = tmp_path / "gpus" / f"0000:0{number}:00.0"
            folder.mkdir(parents=True)
            uuid = f"GPU-{number}abc-1234"
            (folder / "information").write_text(
                f"Model: \t\t {name}\nIRQ: 1\nGPU UUID: \t {uuid}\n"
            )

    return write


@pytest.mark.parametrize(
    ("asked", "devices"),
    [
        pytest.param(None, ["0", "1"], id="all"),
        pytest.param("1", ["1"], id="one"),
        pytest.param("1, 0", ["1", "0"], id="both-in-another-order"),
        pytest.param("GPU-1abc", ["GPU-1abc"], id="by-uuid"),
        pytest.param("GPU-", [], id="uuid-of-more-than-one"),
        pytest.param("", [], id="none"),
        pytest.param("-1", [], id="none-by-minus-one"),
        pytest.param("0,-1,1", ["0"], id="up-to-the-first-that-is-none"),
        pytest.param("7", [], id="no-such-card"),
        pytest.param("²", [], id="no-number"),
    ],
)
def test_cards_are_those_that_cuda_would_show(
    cards: Any, monkeypatch: pytest.MonkeyPatch, asked: str | None, devices: list[str]
) -> None:
    cards(*TWO_CARDS)
    if asked is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)
    assert [gpu.device for gpu in visible_gpus()] == devices


def test_a_card_that_is_asked_for_without_cuda_is_not_there(
    cards: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus() == ()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param((), "", id="none"),
        pytest.param(("NVIDIA T4",), "NVIDIA T4", id="one"),
        pytest.param(("NVIDIA T4",) * 2, "2 × NVIDIA T4", id="two-alike"),
        pytest.param(TWO_CARDS, "NVIDIA H200, NVIDIA T4", id="two-kinds"),
    ],
)
def test_a_machine_names_its_cards(cards: Any, names: tuple[str, ...], words: str) -> None:
    cards(*names)
    assert machine._accelerator() == words


def test_a_hidden_card_does_not_decide_the_precision(
    cards: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards(*TWO_CARDS)
    monkeypatch.setattr("bench.planning.identity.has_bfloat16", lambda: False)
    build: Any = None
    both: Any = ("float32", "bfloat16")
    spec = ModelSpec(name="own", summary="", build=build, precisions=both, bfloat16_holds=True)
    before = resolve_precision("auto", spec)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert (before, resolve_precision("auto", spec)) == ("bfloat16", "float32")


def _backend(tiny: Any, gpus: tuple[str, ...], busy: str) -> Isolated:
    """Return one that runs a network on a card; it is only asked what it would start."""
    job = Job(task=tiny.task(seed=3, heavy=True), work="", gpu=busy)
    nothing: Any = None
    return Isolated(slots=4, gpus=gpus, running={"3": RunningTrial(job=job, channel=nothing)})


def test_a_card_has_one_trial_at_a_time_and_others_go_on(tiny: Any) -> None:
    network, forest = tiny.task(seed=1, heavy=True), tiny.task(seed=2)
    backend = _backend(tiny, ("0",), "0")

    assert backend.choose([network, forest]) == 1
    assert backend.choose([network]) is None
    backend.running.clear()
    assert backend.choose([network]) == 0


def test_two_cards_have_a_trial_each(tiny: Any) -> None:
    backend = _backend(tiny, ("0", "1"), "0")
    assert backend.free_gpus() == ["1"]
    assert backend.choose([tiny.task(heavy=True)]) == 0


def test_without_a_card_networks_run_side_by_side(tiny: Any) -> None:
    assert _backend(tiny, (), "").choose([tiny.task(heavy=True)]) == 0


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """TensorFlow with two cards, the second of which has started already."""
    grown: list[str] = []

    def grow(gpu: Any, is_on: bool) -> None:
        if gpu.name.endswith("1"):
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        assert is_on
        grown.append(gpu.name)

    config = SimpleNamespace(
        list_physical_devices=lambda kind: [SimpleNamespace(name=f"{kind}:{i}") for i in (0, 1)],
        experimental=SimpleNamespace(
            set_memory_growth=grow, get_device_details=lambda gpu: {"device_name": "NVIDIA H200"}
        ),
        threading=SimpleNamespace(
            get_intra_op_parallelism_threads=lambda: 1, get_inter_op_parallelism_threads=lambda: 1
        ),
    )
    fake = SimpleNamespace(config=config, grown=grown)
    monkeypatch.setitem(sys.modules, "tensorflow", fake)
    return fake


def test_memory_of_a_card_is_taken_as_it_is_needed(engine: SimpleNamespace) -> None:
    keras_runtime.use_threads(1)
    assert engine.grown == ["GPU:0"]


def test_the_record_names_the_card_that_was_trained_on(engine: SimpleNamespace) -> None:
    assert keras_runtime.device_name() == "NVIDIA H200"
    engine.config.list_physical_devices = lambda kind: []
    assert keras_runtime.device_name() == "cpu"


def test_a_trial_sees_its_own_card_alone(tiny: Any, cards: Any) -> None:
    cards(*TWO_CARDS)
    seen = tiny.folder / "seen.txt"
    plugin = tiny.plugin(
        fit=f"import os, pathlib; pathlib.Path({str(seen)!r}).open('a').write("
        "os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    tasks = [tiny.task("own", plugin=plugin, seed=seed, heavy=True) for seed in (1, 2)]
    assert tiny.run(*tasks, jobs=2) == {"ok": 2}
    assert sorted(seen.read_text()) == ["0", "1"]
    assert {record.device for record in tiny.records().values()} == {"cpu"}


def test_a_card_that_the_engine_cannot_use_is_said(
    tiny: Any, cards: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards("NVIDIA T4")
    monkeypatch.setattr(recording, "machine_facts", machine.machine_facts.__wrapped__)
    for name in ("limit_threads", "seed_everything"):
        monkeypatch.setattr(worker, name, lambda *_, **__: None)
    monkeypatch.setattr(recording, "device_used", lambda *, heavy: "cpu")
    tiny.run(tiny.task(heavy=True), isolate=False)
    (record,) = tiny.records().values()
    assert record.machine.accelerator == "NVIDIA T4"
    assert record.notes == ("its GPU was not used: TensorFlow found no CUDA for it",)
