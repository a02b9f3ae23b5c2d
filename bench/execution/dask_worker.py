"""What runs in a Dask worker: it keeps what it was sent, and starts a keeper for each trial.

A worker may have no children of multiprocessing's; keepers are plain processes. What a trial says
goes to the client as events of a topic, what it leaves is the result of its task.
"""

import platform
import select
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import msgspec

from bench.execution.isolation import Engine, RunningTrial, Spawner, make_engine
from bench.execution.job import OUTPUT, TRACE, TRIAL, Job, encode_message
from bench.execution.machine import full_versions
from bench.execution.parcels import PLUGIN, pack, relocated, safe_name, unpack
from bench.planning.processor import has_bfloat16, instruction_set, visible_gpus
from bench.planning.task import Outcome
from bench.store.record import State

__all__ = [
    "Order",
    "Piece",
    "checkpoints_of",
    "end_all",
    "facts",
    "missing",
    "put",
    "run",
    "stop",
]

Piece: TypeAlias = tuple[str, str, int, bytes]
"""Of a parcel's file: the parcel's key, the file's name, where it begins, what it holds."""
_PARTS = (TRIAL, "evaluations", "splits", OUTPUT, TRACE)
_TICK_SECONDS = 1.0
_COMING = "coming"
_running: dict[str, tuple[str, RunningTrial]] = {}
"""The trials that run here, by the name of the attempt, with the client's topic."""
_stopped: set[str] = set()
"""The attempts that were asked to end, whether they had begun or not."""
_engines: dict[bool, Engine | Spawner] = {}
# One thread for the process's life: what it starts is to die with the process, not with a thread.
_starter = ThreadPoolExecutor(1)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One job, where its parcels lie, and what a fork server is to import."""

    job: Job
    keys: dict[str, tuple[str, str]]
    requires: tuple[str, ...]
    topic: str
    name: str  # of this attempt to run it
    search: str = ""  # the folder of a parcel that modules are looked for in as well
    checkpoint: bytes = b""


def facts(distributions: Iterable[str]) -> dict[str, Any]:
    """Return what computes here, and since when this process runs."""
    import psutil

    return {
        "python": platform.python_version(),
        "versions": full_versions(frozenset(distributions)),
        "instruction_set": instruction_set(),
        "is_fast_in_bfloat16": has_bfloat16() or bool(visible_gpus()),
        "since": psutil.Process().create_time(),
        "now": time.time(),
    }


def _place(worker: Any) -> Path:
    folder = Path(worker.local_directory).absolute() / "digitbench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def missing(keys: Iterable[str], dask_worker: Any = None) -> list[str]:
    """Return the parcels that are not here."""
    place = _place(dask_worker)
    return [key for key in keys if not (place / key).is_dir()]


def put(
    sender: str, pieces: Iterable[Piece], whole: Iterable[str], dask_worker: Any = None
) -> None:
    """Write pieces of parcels; those that are whole now can be found."""
    place = _place(dask_worker)
    come = place / _COMING / safe_name(sender)
    for key, name, offset, data in pieces:
        path = come / safe_name(key) / safe_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)
    for key in whole:
        _finish(come / safe_name(key), place / safe_name(key), is_plugin=key.startswith(PLUGIN))


def _finish(come: Path, final: Path, *, is_plugin: bool) -> None:
    if is_plugin:  # what it loads is named from here, as from its project at home
        come.mkdir(parents=True, exist_ok=True)
        (come / ".git").touch()
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        come.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        shutil.rmtree(come)  # another client sent it too


def stop(name: str) -> None:
    """Ask a trial to end, or not to begin."""
    _stopped.add(name)
    if name in _running:
        _running[name][1].stop()


def checkpoints_of(seen: dict[str, str]) -> dict[str, tuple[str, bytes]]:
    """Return what trials that run here would go on from, where its mark is not the one seen."""
    found = {}
    for name in seen.keys() & _running.keys():
        mark, data = _checkpoint_of(_running[name][1].job.checkpoint, seen[name])
        if data:
            found[name] = mark, data
    return found


def _checkpoint_of(checkpoint: str, seen: str) -> tuple[str, bytes]:
    folder = Path(checkpoint)
    if not checkpoint or not folder.is_dir():
        return seen, b""
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        mark = repr([(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files])
        return (seen, b"") if mark == seen else (mark, pack(folder))
    except OSError:  # it is being replaced: asked again in a moment
        return seen, b""


def run(order: bytes) -> tuple[bytes, bytes]:
    """Run a trial; return its outcome, and the files that it left."""
    from distributed import get_worker

    worker: Any = get_worker()
    told = msgspec.msgpack.decode(order, type=Order)
    place = _place(worker)
    folder = place / "jobs" / uuid4().hex
    work, checkpoint = folder / "work", folder / "checkpoint"
    work.mkdir(parents=True)
    try:
        if told.checkpoint:
            unpack(told.checkpoint, checkpoint)
        job = msgspec.structs.replace(
            told.job,
            task=relocated(told.job.task, told.keys, place),
            work=str(work),
            checkpoint=str(checkpoint) if told.job.checkpoint else "",
            threads=max(1, worker.state.nthreads),
            search=str(place / told.search) if told.search else "",
        )
        outcome = _watch(worker, told, job)
        parts = pack(work, _PARTS)
        if outcome.state is not State.OK and checkpoint.is_dir():
            parts = _with_checkpoint(work, checkpoint)
        return encode_message(outcome), parts
    finally:
        _running.pop(told.name, None)
        _stopped.discard(told.name)
        shutil.rmtree(folder, ignore_errors=True)


def _with_checkpoint(work: Path, checkpoint: Path) -> bytes:
    shutil.move(str(checkpoint), str(work / "checkpoint"))
    return pack(work, (*_PARTS, "checkpoint"))


def _watch(worker: Any, told: Order, job: Job) -> Outcome:
    trial = _starter.submit(_launch, job, told.requires).result()
    _running[told.name] = told.topic, trial
    if told.name in _stopped:
        trial.stop()
    try:
        while True:
            select.select([trial.channel], [], [], _TICK_SECONDS)
            messages = trial.read()
            if messages is None:
                trial.kill_worker()
                return Outcome(
                    trial_id=job.task.trial_id,
                    state=State.CRASHED,
                    reason="the process that watched it could not start or was killed",
                    folder=job.work,
                )
            for message in messages:
                if isinstance(message, Outcome):
                    return message
                worker.log_event(told.topic, (told.name, encode_message(message)))
    finally:
        trial.close()


def _launch(job: Job, requires: Iterable[str]) -> RunningTrial:
    heavy = job.task.heavy
    if heavy not in _engines:
        _engines[heavy] = make_engine(requires)
        _engines[heavy].start()
    return _engines[heavy].launch(job)


def end_all(topic: str) -> None:
    """Stop what one client runs here; end the fork servers where no other runs anything."""
    others = False
    for owner, trial in list(_running.values()):
        if owner == topic:
            trial.stop()
        else:
            others = True
    if not others:
        for engine in _engines.values():
            engine.close()
        _engines.clear()
