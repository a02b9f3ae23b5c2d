import gc
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
import pytest

from bench.execution.client import run_tasks
from bench.execution.events import Event
from bench.execution.local import local_backend
from bench.loading.cache import write_split
from bench.loading.refs import SplitRef
from bench.options import resolve_options
from bench.planning.task import EvaluationTask, Limits, PluginRef, TrialTask
from bench.plugins.discovery import load_model
from bench.plugins.sources import hash_of_sources, read_sources
from bench.spec import ImageSet
from bench.store.ids import config_id, trial_id
from bench.store.layout import Store
from bench.store.read import each_trial, read_trial
from bench.store.record import Identity, TrialRecord

CLASSES = ("0", "1", "2")
_PLUGIN = """
import numpy as np
from bench import ModelSpec, hookimpl

class Own:
    def fit(self, train, context):
        self.n = len(train)
        {fit}
    def predict_proba(self, images):
        return {predict}

@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="own", summary="", build=lambda context: Own()))
"""

_OWN_MODEL = """
import numpy as np
from bench import ModelSpec, hookimpl

class Own:
    def fit(self, train, context):
        {fit}
    def predict_proba(self, images):
        return np.full((len(images), 10), 0.1)

@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="own", summary="", build=lambda context: Own() {more}))
"""


def _tiny_set(n: int, seed: int, side: int = 6) -> ImageSet:
    generator = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % len(CLASSES)
    pixels = generator.integers(0, 60, (n, side, side, 1), dtype=np.uint8)
    for index, label in enumerate(labels):
        pixels[index, 2 * label : 2 * label + 2] += 180
    return ImageSet(pixels=pixels, labels=labels)


@dataclass
class Bench:
    """A tiny dataset in a cache, a store, and what was emitted."""

    folder: Path
    train: SplitRef
    test: SplitRef
    store: Store
    events: list[Event] = field(default_factory=list)

    def split(self, n: int = 12, seed: int = 5, side: int = 6) -> SplitRef:
        return write_split(_tiny_set(n, seed, side), CLASSES, self.folder / "cache")

    def task(self, model: str = "debug-good", *, seed: int = 1, **changes: Any) -> TrialTask:
        options = changes.pop("options", {})
        plugin = changes.pop("plugin", PluginRef(module="bench.testing.debug"))
        spec = load_model(plugin.module, plugin.file, model)
        options = resolve_options(model, spec.options, options) | changes.pop("harness", {})
        identity = Identity(
            model=model,
            options=options,
            model_source=hash_of_sources(read_sources(module=plugin.module, file=plugin.file)),
            harness_source="h",
            train_hash=self.train.content_hash,
            seed=seed,
            precision="float32",
            requires={},
        )
        own = EvaluationTask(
            evaluation_id="e" * 16,
            test_dataset="tiny",
            split=self.test,
            class_columns=(0, 1, 2),
            own=True,
        )
        known = {
            "trial_id": trial_id(identity),
            "config_id": config_id(identity),
            "identity": identity,
            "plugin": plugin,
            "model": model,
            "options": options,
            "train_dataset": "tiny",
            "classes": CLASSES,
            "image_shape": (6, 6, 1),
            "seed": seed,
            "train": self.train,
            "evaluations": (own,),
        }
        return TrialTask(**{**known, **changes})

    def plugin(self, fit: str, predict: str = "np.full((len(images), 3), 1 / 3)") -> PluginRef:
        """Write a plugin file with a model named ``own``, given the body of two methods."""
        number = len(list(self.folder.glob("plugin*.py")))
        path = self.folder / f"plugin{number}.py"
        path.write_text(_PLUGIN.format(fit=fit, predict=predict))
        return PluginRef(file=str(path))

    def run(self, *tasks: TrialTask, **settings: Any) -> dict[str, int]:
        settings.setdefault("emit", self.events.append)
        limits = Limits(**settings.pop("limits", {}))
        emit = settings.pop("emit")
        backend = settings.pop("backend", None) or local_backend(tasks, **settings)
        outcome = run_tasks(tasks, store=self.store, backend=backend, limits=limits, emit=emit)
        return dict(outcome.counts)

    def records(self) -> dict[str, TrialRecord]:
        """Every stored trial, by model and seed."""
        found = [read_trial(folder) for folder in sorted(self.store.trials.iterdir())]
        return {f"{record.model} {record.seed}": record for record in found}

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class Processes:
    """State: what this test has started, by nobody's hands but its own."""

    folder: Path
    started: "list[subprocess.Popen[Any]]" = field(default_factory=list)
    seconds_max: float = 120.0

    def start(self, *command: str, **settings: Any) -> "subprocess.Popen[Any]":
        environment = {**os.environ, "COLUMNS": "200", **settings.pop("env", {})}
        process = subprocess.Popen(
            [sys.executable, *command],
            env={name: value for name, value in environment.items() if name != "BENCH_STORE"},
            cwd=self.folder,
            start_new_session=True,
            text=True,
            **settings,
        )
        self.started.append(process)
        return process

    def scheduler(self, *options: str, port: int = 0) -> str:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        command = ("-m", "distributed.cli.dask_scheduler", "--port", str(port))
        places = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
        self.start(*command, *places, *options, stderr=subprocess.DEVNULL)
        self.wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        return str(json.loads(file.read_text())["address"])

    def worker(self, address: str, *options: str, code: str = "") -> "subprocess.Popen[Any]":
        main = "import sys; {code}; from distributed.cli.dask_worker import main; main()"
        places = ("--local-directory", str(self.folder / "workers"), "--no-dashboard")
        command = ("-c", main.format(code=code or "pass"), address, "--nthreads", "1", *places)
        return self.start(*command, *options, stderr=subprocess.DEVNULL)

    def bench(self, *arguments: str | Path, **settings: Any) -> "subprocess.Popen[Any]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return self.start("-m", "bench", *map(str, arguments), **pipes, **settings)

    def run(self, address: str, *more: str | Path) -> tuple[int, str, str]:
        """Run ``bench run`` on the cluster to its end."""
        process = self.begin(address, *more)
        out, err = process.communicate(timeout=self.seconds_max)
        return process.returncode, out, err

    def begin(
        self, address: str, *more: str | Path, env: dict[str, str] | None = None
    ) -> "subprocess.Popen[Any]":
        what = ("-d", "digits-uci", "--reports", "none", "--store", self.folder / "store")
        cluster = ("--backend", "dask", "--scheduler", address)
        return self.bench("run", *what, *cluster, *more, env=env or {})

    def plugin(self, fit: str, *, more: str = "", at: str = "own.py") -> Path:
        path = self.folder / at
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_OWN_MODEL.format(fit=fit, more=more))
        return path

    @property
    def seeds(self) -> list[int]:
        return sorted(r.seed for r in each_trial(Store(self.folder / "store")) if r.state == "ok")

    def wait_for(self, is_so: Callable[[], Any]) -> None:
        deadline = time.monotonic() + self.seconds_max
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(folder=tmp_path)
    yield found
    for process in found.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def tiny(tmp_path: Path) -> Bench:
    cache = tmp_path / "cache"
    return Bench(
        folder=tmp_path,
        train=write_split(_tiny_set(60, 1), CLASSES, cache),
        test=write_split(_tiny_set(30, 2), CLASSES, cache),
        store=Store(tmp_path / "store"),
    )


@pytest.fixture
def clusters() -> Iterator[None]:
    """Leave nothing of a Dask cluster: sockets that it forgot, a process of multiprocessing's."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    stop = getattr(resource_tracker._resource_tracker, "_stop", None)
    if stop is not None:
        stop()


def _is_ours(process: psutil.Process) -> bool:
    tracker = "multiprocessing.resource_tracker" in " ".join(process.cmdline())
    return tracker and process.ppid() == os.getpid()


@pytest.fixture
def living(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Return the living processes that this test's runs have started, whoever adopted them.

    They are told by a variable in the environment they were started with, which a process keeps
    through forks, new sessions and the death of its parents. The tests' own resource tracker of
    multiprocessing, started once, lives as long as they do.
    """
    mark = f"BENCH_TEST_MARK={uuid4().hex}"
    monkeypatch.setenv(*mark.split("="))

    def find() -> list[int]:
        found = []
        for process in psutil.process_iter():
            try:
                environment = Path(f"/proc/{process.pid}/environ").read_bytes()
                is_marked = mark.encode() in environment
                if is_marked and process.status() != psutil.STATUS_ZOMBIE and not _is_ours(process):
                    found.append(process.pid)
            except (OSError, psutil.Error):
                continue
        return found

    return find


@pytest.fixture
def gone(living: Callable[[], list[int]]) -> Callable[[float], bool]:
    """Wait until none of this test's processes lives, at most so many seconds."""

    def wait(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while living():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    return wait
