"""Fixtures for every test: real data, and folders that keep a test away from the user's own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings

from bench.cli import main
from bench.render import notices
from bench.store.layout import Store
from bench.store.record import Duplicate, EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import (
    publish_evaluation,
    publish_trial,
    split_hash,
    write_predictions,
    write_split,
)

# No test of a claim may depend on how busy the machine is.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")

_NAMED = os.environ.get("BENCH_DATA_DIR", "")
_REAL_DATA = Path(_NAMED) if _NAMED else Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def _folders_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give all tests one data cache of their own, and no data folder but the one they name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.delenv("BENCH_DATA_DIR", raising=False)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data files; tests that use it are marked ``realdata``."""
    if not (_REAL_DATA / "mnist" / "mnist.npz").is_file():
        pytest.skip(f"no real data in {_REAL_DATA}: set BENCH_DATA_DIR")
    return _REAL_DATA


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_bench(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ended]:
    """Return ``run_bench(*arguments, columns=80, prog="bench")``, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_STORE", raising=False)

    def run(*arguments: str | Path, columns: int = 80, prog: str = "bench") -> Ended:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("BENCH_PROG", prog)
        monkeypatch.setattr(notices, "_TOLD", set())  # each command is a process of its own
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def check_apart() -> Callable[..., Ended]:
    """Return ``check_apart(*arguments)``: ``bench check`` in a process of its own.

    A check forks, and this process has run many other tests.
    """

    def check(*arguments: str | Path) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "check", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"COLUMNS": "200", "BENCH_PROG": "bench"},
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return check


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of made-up predictions: ties, a leak, failures, people, odd names."""
    store = Store(tmp_path_factory.mktemp("sample") / "store")
    _trial(store, "alpha", seed=1, wrong=2, away=5, people=1)
    _trial(store, "alpha", seed=2, wrong=3, away=6, people=2)
    _trial(store, "beta", seed=1, wrong=4, away=9, people=3, variant="epochs=3")
    _trial(store, "constant", seed=1, wrong=90, away=50, people=20, predicted=7)
    _trial(store, "leaky", seed=1, wrong=0, leaked=12)
    _trial(store, "hasty", seed=1, wrong=8, variant="quick", budget="quick")
    _trial(store, "[red]odd\x1b[2J", seed=1, wrong=30)
    _failure(store, "broken", State.FAILED, "ResourceExhaustedError: out of memory in conv2d_3")
    _failure(store, "slow", State.TIMEOUT, "ran past 90 s")
    return store.root


_CLASSES = tuple("0123456789")


def _identity(model: str, seed: int, options: dict[str, bool | int | float | str]) -> Identity:
    return Identity(
        model=model,
        options=options,
        model_source="a1b2c3",
        harness_source="d4e5f6",
        train_hash="0f1e2d",
        seed=seed,
        precision="float32",
        requires={"numpy": "2.4"},
    )


def _record(model: str, seed: int, state: State, **facts: Any) -> TrialRecord:
    digest = sha256(f"{model} {seed} {facts.get('variant', '')}".encode()).hexdigest()
    values: dict[str, Any] = {
        "trial_id": digest[:16],
        "attempt": digest[16:24],
        "config_id": sha256(model.encode()).hexdigest()[:16],
        "identity": _identity(model, seed, {"epochs": 3}),
        "model": model,
        "summary": f"the model {model}",
        "train_dataset": "home",
        "classes": _CLASSES,
        "image_shape": (28, 28, 1),
        "state": state,
        "started_at": f"2026-11-21T08:0{seed}:00+00:00",
        "seed": seed,
    }
    return TrialRecord(**(values | facts))


def _trial(
    store: Store,
    model: str,
    *,
    seed: int,
    wrong: int,
    away: int = 0,
    people: int = 0,
    predicted: int | None = None,
    leaked: int = 0,
    **facts: Any,
) -> None:
    record = _record(
        model,
        seed,
        State.OK,
        train_accuracy=1.0,
        parameters=887_530,
        trainable_parameters=887_338,
        multiply_adds=12_075_328,
        model_bytes=3_550_120,
        file_bytes=3_600_000,
        fit_seconds=18.24,
        fit_cpu_seconds=30.0,
        total_seconds=21.0,
        peak_memory_bytes=473_000_000,
        n_train=1_437,
        epochs=3,
        **facts,
    )
    folder = store.new_work_folder()
    lines = ["epoch,epochs,loss,accuracy,val_loss,val_accuracy,test_loss,test_accuracy,seconds"]
    lines += [f"{e},3,{2.0 / e},{0.5 + e / 8},{2.2 / e},{0.45 + e / 8},,,0.5" for e in (1, 2, 3)]
    (folder / "history.csv").write_text("\n".join(lines) + "\n")
    (folder / "log.txt").write_text("epoch 1\nepoch 2\nepoch 3\n")
    publish_trial(store, folder, record)
    _evaluation(store, record, "home", 100, wrong, predicted=predicted, leaked=leaked)
    if away:
        _evaluation(store, record, "away", 60, away, predicted=predicted)
    if people:
        _evaluation(store, record, "people", 24, people, predicted=predicted, persons=3)


def _evaluation(
    store: Store,
    record: TrialRecord,
    test: str,
    n: int,
    wrong: int,
    *,
    predicted: int | None,
    leaked: int = 0,
    persons: int = 0,
) -> None:
    labels = np.arange(n, dtype=np.int64) % 10
    read = labels.copy()
    read[:wrong] = (labels[:wrong] + record.seed) % 10
    if predicted is not None:
        read[:] = predicted
    probabilities = np.full((n, 10), 0.02, np.float32)
    probabilities[np.arange(n), read] = 0.82
    names = tuple(f"{i}.png" for i in range(n))
    groups = tuple(f"writer-{'abc'[i * persons // n]}" for i in range(n)) if persons else None
    key = split_hash(labels, names, groups, n)
    write_split(store, key, names, groups)
    folder = store.new_work_folder()
    digest = write_predictions(
        folder,
        labels=labels,
        predicted=read,
        probabilities=probabilities,
        duplicates=np.where(np.arange(n) < leaked, Duplicate.EXACT, 0).astype(np.int8),
    )
    truths = {}
    for index, person in enumerate(sorted(set(groups or ()))):
        truths[person] = "".join(map(str, labels[index * 8 : index * 8 + 8]))
    evaluation = EvaluationRecord(
        evaluation_id=sha256(test.encode()).hexdigest()[:12],
        trial_id=record.trial_id,
        attempt=record.attempt,
        test_dataset=test,
        test_hash=key,
        split_hash=key,
        evaluation_only=bool(persons),
        classes=_CLASSES,
        n_test=n,
        leaked=leaked,
        predict_us_per_image=61.2,
        latency_ms_p50=0.62,
        latency_ms_p95=0.8,
        best_batch=64,
        latency_ms_best_batch=3.2,
        predict_images_per_second=20_000.0,
        truths=truths,
        predictions_sha256=digest,
    )
    publish_evaluation(store, folder, evaluation)


def _failure(store: Store, model: str, state: State, reason: str) -> None:
    folder = store.new_work_folder()
    (folder / "log.txt").write_text(f"Traceback (most recent call last):\n  …\n{reason}\n")
    publish_trial(store, folder, _record(model, 1, state, reason=reason))
