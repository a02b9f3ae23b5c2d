"""Several machines: a cluster against this machine's own processes, large plans, merges."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.execution import dask_sending, dask_worker
from bench.execution.client import run_tasks
from bench.execution.dask_backend import DaskBackend
from bench.execution.dask_cluster import Cluster
from bench.execution.events import Event, TrialFinished, TrialStarted
from bench.execution.job import TRIAL, encode_message
from bench.execution.local import local_backend
from bench.execution.parcels import pack
from bench.execution.recording import base_record
from bench.planning.task import Outcome
from bench.session import Request, plan
from bench.store.ids import config_id, trial_id
from bench.store.layout import Store
from bench.store.merge import merge_store
from bench.store.record import EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import publish_evaluation, publish_trial, write_predictions, write_record

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
IS_QUICK = os.environ.get("BENCH_BENCHMARKS") == "quick"
_CLASSES = tuple("0123456789")
_PLAN = """
import resource, time
from pathlib import Path
from bench.execution.scheduling import cheapest_first
from bench.session import Request, plan
asked = Request(
    models=("debug-good",), datasets=("digits-uci",), plugins=("bench.testing.debug",),
    seeds=tuple(range({n})), store=Path("store"),
)
started = time.process_time()
ready = cheapest_first(plan(asked).tasks)
seconds = time.process_time() - started
print(len(ready), seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10)
"""


def asked(folder: Path, models: tuple[str, ...], n_seeds: int) -> Request:
    return Request(
        models=models,
        datasets=("digits-uci",),
        plugins=("bench.testing.debug",),
        seeds=tuple(range(n_seeds)),
        store=folder,
    )


class Clock:
    """State: when the first trial began and the last one ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted | TrialFinished):
            self.times.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        return self.times[-1] - self.times[0]


def timed(folder: Path, request: Callable[[Path], Request], make: Callable[[Any], Any]) -> float:
    """Run what a request plans in an empty store; return the seconds from first to last."""
    clock = Clock()
    place = folder / str(len(list(folder.iterdir())))
    tasks = plan(request(place)).tasks
    done = run_tasks(tasks, store=Store(place), backend=make(tasks), emit=clock)
    assert done.counts == {State.OK: len(tasks)}
    return clock.seconds


def test_two_workers_of_a_cluster_against_two_processes(side_by_side: Any, tmp_path: Path) -> None:
    request = partial(asked, models=("svm-ovo", "mlp"), n_seeds=2 if IS_QUICK else 20)
    side_by_side(
        "40 classical trials on a local Dask cluster of 2 workers",
        "bench run -j 2",
        ours=lambda: timed(
            tmp_path, request, lambda tasks: DaskBackend(cluster=Cluster(workers=2))
        ),
        plain=lambda: timed(tmp_path, request, partial(local_backend, jobs=2)),
        limit=1 / 0.9,
        rounds=1,
        note="start of the cluster not counted; throughput is to be .9 at least",
    )


def _pretend(order: bytes) -> tuple[bytes, bytes]:
    """Be a trial of one second that computes nothing."""
    ends = time.monotonic() + 1
    told = msgspec.msgpack.decode(order, type=dask_worker.Order)
    work = Path(told.job.work) / "pretended"
    write_record(work / TRIAL, base_record(told.job.task, attempt=told.name, state=State.OK))
    files = pack(work)
    outcome = Outcome(trial_id=told.job.task.trial_id, state=State.OK, folder=told.job.work)
    time.sleep(max(0.0, ends - time.monotonic()))
    return encode_message(outcome), files


def _sleep(order: bytes) -> tuple[bytes, bytes]:
    """Be as much for Dask: a second, and bytes of the same size."""
    time.sleep(1)
    return order[:200], order


def dask_alone(n_trials: int) -> float:
    """Return the seconds that the same cluster takes for as many tasks, without our client."""
    import distributed

    made: Any = distributed
    settings = {"processes": False, "threads_per_worker": 1, "dashboard_address": ":0"}
    with made.LocalCluster(n_workers=64, **settings) as cluster, made.Client(cluster) as client:
        started = time.perf_counter()
        futures = client.map(_sleep, [b"%4000d" % number for number in range(n_trials)])
        for _ in made.as_completed(futures, with_results=True):
            pass
        return time.perf_counter() - started


def test_what_the_client_adds_to_64_workers(
    side_by_side: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_worker, "run", _pretend)
    rounds = 2 if IS_QUICK else 10
    request = partial(asked, models=("debug-good",), n_seeds=64 * rounds)
    cluster = Cluster(workers=64, processes=False)
    spent = []

    def ours() -> float:
        started = time.thread_time()
        seconds = timed(tmp_path, request, lambda tasks: DaskBackend(cluster=cluster))
        spent.append((time.thread_time() - started) / rounds / 64)
        return seconds

    side_by_side(
        "64 in-process workers, trials of 1 s that compute nothing",
        "the same cluster and tasks, Dask alone",
        ours=ours,
        plain=lambda: dask_alone(64 * rounds),
        limit=1.1,
        rounds=1,
        note="claims, sending, publishing with fsync; all 64 workers are in one Python",
    )
    side_by_side.keep(
        "the client's thread, processor time a trial of 1 s on each of 64 workers",
        "1 s / 64",
        value=spent[0] * 64,
        limit=1.0,
        unit="s",
        note="above 1 it could not keep 64 workers busy",
    )


def test_bytes_sent_of_a_dataset(
    side_by_side: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    read = dask_sending._read

    def counted(path: Path, offset: int, n_bytes: int) -> bytes | None:
        data = read(path, offset, n_bytes)
        if data is not None and path.name == "pixels.npy":
            sent.append(len(data))
        return data

    monkeypatch.setattr(dask_sending, "_read", counted)
    n = 2_000 if IS_QUICK else 31_250
    pixels = np.random.default_rng(0).integers(0, 255, (n, 56, 56), dtype=np.uint8)
    labels = np.arange(n) % 10
    file = tmp_path / "large.npz"
    np.savez(file, x_train=pixels, y_train=labels, x_test=pixels[:50], y_test=labels[:50])
    stores = tmp_path / "stores"
    stores.mkdir()

    def request(place: Path) -> Request:
        made = asked(place, ("baseline-majority",), 4 if IS_QUICK else 40)
        return replace(made, datasets=(f"large={file}",))

    cluster = Cluster(workers=2, processes=False)

    def backend(tasks: Any) -> DaskBackend:
        return DaskBackend(cluster=cluster)

    side_by_side.benchmark.pedantic(timed, args=(stores, request, backend), rounds=1)
    side_by_side.keep(
        "100 MB of images, 40 trials, 2 workers: copies that workers were sent",
        "the images of both splits",
        value=sum(sent) / (pixels.nbytes + pixels[:50].nbytes),
        limit=2.001,
        unit="×",
        note="above 2: the embedded photos that each trial is tried on too",
    )


def test_planning_100_000_trials(side_by_side: Any, tmp_path: Path) -> None:
    n = 5_000 if IS_QUICK else 100_000
    said: list[str] = []

    def once() -> None:
        command = [sys.executable, "-c", _PLAN.format(n=n)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        said.extend(done.stdout.split())

    side_by_side.benchmark.pedantic(once, rounds=1)
    n_ready, seconds, n_bytes = said
    assert int(n_ready) == n
    for what, value, limit, unit in (
        ("processor time", float(seconds) * 100_000 / n, 30.0, "s"),
        ("memory", int(n_bytes) / 2**30, 1.0, "GiB"),
    ):
        side_by_side.keep(
            f"100,000 planned trials, {what}", "", value=value, limit=limit, unit=unit
        )


def filled(store: Store, n: int, first: int) -> None:
    """Fill a store with trials and an evaluation each, as small as they can be."""
    labels = np.arange(20) % 10
    probabilities = np.full((20, 10), 0.1, np.float32)
    for seed in range(first, first + n):
        identity = Identity(
            model="model",
            options={},
            model_source="",
            harness_source="",
            train_hash="",
            seed=seed,
            precision="float32",
            requires={},
        )
        record = TrialRecord(
            trial_id=trial_id(identity),
            attempt=blake2b(str(seed).encode(), digest_size=6).hexdigest(),
            config_id=config_id(identity),
            identity=identity,
            model="model",
            train_dataset="data",
            classes=_CLASSES,
            image_shape=(8, 8, 1),
            state=State.OK,
            seed=seed,
            precision="float32",
        )
        publish_trial(store, store.new_work_folder(), record)
        folder = store.new_work_folder()
        digest = write_predictions(
            folder, labels=labels, predicted=labels, probabilities=probabilities
        )
        evaluation = EvaluationRecord(
            evaluation_id="e" * 16,
            trial_id=record.trial_id,
            attempt=record.attempt,
            test_dataset="data",
            test_hash="data",
            split_hash="data",
            classes=_CLASSES,
            n_test=20,
            predictions_sha256=digest,
        )
        publish_evaluation(store, folder, evaluation)


def test_merging_two_stores_of_10_000_records(side_by_side: Any, tmp_path: Path) -> None:
    n = 100 if IS_QUICK else 5_000
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    filled(one, n, 0)
    filled(two, n, n)
    seconds = []

    def once() -> int:
        started = time.process_time()
        merged = merge_store(one, two)
        seconds.append((time.process_time() - started) * 5_000 / n)
        return merged.trials + merged.evaluations

    assert side_by_side.benchmark.pedantic(once, rounds=1) == 2 * n
    assert once() == 0
    for what, value in zip(("", ", again"), seconds, strict=True):
        side_by_side.keep(
            f"merging two stores of 10,000 records{what}, processor time",
            "every file hashed",
            value=value,
            limit=20.0,
            unit="s",
        )
