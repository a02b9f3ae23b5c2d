"""Trials on a Dask cluster: of this machine's own making, or one that is there already.

The client chooses the worker of each trial, so that a worker is sent each dataset once, before the
task that needs it, and nothing large is in the task graph. A trial whose worker is gone goes on on
another one from the last checkpoint that came.
"""

import select
import shutil
import socket
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from bench.errors import BenchError
from bench.execution import dask_worker
from bench.execution.backend import Tell
from bench.execution.dask_cluster import Cluster, Connection
from bench.execution.dask_worker import Order
from bench.execution.interrupts import Interrupts
from bench.execution.job import Job, decode_message
from bench.execution.parcels import Parcel, parcels_of, search_within, unpack
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.record import State

__all__ = ["DaskBackend"]

_FIRST_WORKER_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_LOSSES_MAX = 5
_NOT_SENT = "; a worker is sent a plugin's project or folder, up to 50 MB, and nothing beside it"


@dataclass(slots=True, kw_only=True)
class _Running:
    """State: a trial on its way through workers."""

    job: Job
    name: str = ""
    future: Any = None
    worker: str = ""
    mark: str = ""
    checkpoint: bytes = b""
    losses: int = 0
    is_stopped: bool = False


@dataclass(slots=True, kw_only=True)
class DaskBackend:
    """State: a connection to a cluster, its workers, and the trials that they run."""

    cluster: Cluster
    stop_seconds: float = 10.0
    interrupts: Interrupts | None = None
    link: Connection = field(init=False)
    running: dict[str, _Running] = field(default_factory=dict)
    homeless: deque[_Running] = field(default_factory=deque)
    heard: deque[tuple[str, Any]] = field(default_factory=deque)
    bell: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)
    looked: float = 0.0

    def __post_init__(self) -> None:
        self.link = Connection(cluster=self.cluster)

    @property
    def slots(self) -> int:
        """One trial a worker, with as many threads as that has."""
        return max(1, len(self.link.workers))

    def start(
        self, tasks: Sequence[TrialTask], limits: Limits, interrupts: Interrupts, tell: Tell
    ) -> None:
        """Connect, wait for a worker, and compare versions before the first byte of data."""
        del limits
        self.interrupts = interrupts
        _refuse_endless(tasks, self.cluster.worker_walltime_seconds)
        needed = {name for task in tasks for name in task.identity.requires}
        self.link.requires = tuple(sorted(needed))
        self.link.connect()
        self.bell[1].setblocking(False)
        self.link.client.subscribe_topic(self.link.topic, self._event)
        deadline = time.monotonic() + _FIRST_WORKER_SECONDS
        while not self.link.workers and not interrupts.is_set:
            self._look(tell, is_start=True)
            if not self.link.workers and time.monotonic() > deadline:
                raise BenchError(
                    f"the cluster {self.link.place}",
                    why=f"no worker came within {_FIRST_WORKER_SECONDS:.0f} s",
                    fix="start one: dask worker ADDRESS --nthreads 1",
                )
            if not self.link.workers:
                self._sleep(0.2)

    def _event(self, event: tuple[float, Any]) -> None:
        self._ring(("event", event[1]))

    def _ring(self, what: tuple[str, Any]) -> None:
        """Hand something to the client's thread."""
        self.heard.append(what)
        with suppress(OSError):
            self.bell[0].send(b"!")

    def _sleep(self, seconds: float) -> None:
        assert self.interrupts is not None
        watched: list[Any] = [self.bell[1]]
        if not self.interrupts.is_set:
            watched.append(self.interrupts)
        select.select(watched, [], [], seconds)
        with suppress(BlockingIOError):
            while self.bell[1].recv(4096):
                pass

    def _look(self, tell: Tell, *, is_start: bool = False) -> None:
        """See which workers there are, and take trials from those that are gone."""
        self.looked = time.monotonic()
        self.link.look(tell, is_start=is_start)
        for running in self.running.values():
            if running.worker and running.worker not in self.link.workers:
                self._lose(running)

    def choose(self, waiting: Iterable[TrialTask]) -> int | None:
        """Return the first task that a free worker can take."""
        if self.homeless or not any(not worker.trial for worker in self.link.workers.values()):
            return None
        for place, task in enumerate(waiting):
            if self.link.free(task) is not None:
                return place
        return None

    def submit(self, job: Job, held: int = -1) -> None:
        """Send a free worker what it lacks, and the job."""
        del held  # a process of another machine cannot share it
        running = _Running(job=job)
        self.running[job.task.trial_id] = running
        self._send(running)

    def _send(self, running: _Running) -> None:
        task = running.job.task
        worker = self.link.free(task)
        if worker is None:
            self.homeless.append(running)
            return
        parcels = parcels_of(task)
        worker.trial, running.worker = task.trial_id, worker.address
        running.name, running.mark = uuid4().hex, ""
        order = Order(
            job=running.job,
            keys=_keys(task, parcels),
            requires=self.link.requires,
            topic=self.link.topic,
            name=running.name,
            search=_searched(task, parcels),
            checkpoint=running.checkpoint,
        )
        try:
            self.link.ship(worker, parcels.values())
        except (OSError, TimeoutError, KeyError):  # it went while it was being sent something
            self._lose(running)
            return
        running.future = self.link.client.submit(
            dask_worker.run,
            msgspec.msgpack.encode(order),
            key=f"digitbench-{running.name}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        name = running.name
        running.future.add_done_callback(lambda future: self._ring(("done", (name, future))))

    def wait(self, seconds: float, tell: Tell) -> None:
        """Tell what came; look after workers and checkpoints once a second."""
        if not self.heard:
            self._sleep(min(seconds, _LOOK_SECONDS))
        while self.heard:
            kind, what = self.heard.popleft()
            if kind == "event":
                self._told(what, tell)
            else:
                self._done(what[0], what[1], tell)
        if time.monotonic() - self.looked >= _LOOK_SECONDS:
            self._look(tell)
            self._fetch_checkpoints()
            self._house(tell)

    def _named(self, name: str) -> _Running | None:
        return next((each for each in self.running.values() if each.name == name), None)

    def _told(self, what: tuple[str, bytes], tell: Tell) -> None:
        running = self._named(what[0])
        if running is not None:
            tell(running.job.task.trial_id, decode_message(bytes(what[1]).rstrip(b"\n")))

    def _done(self, name: str, future: Any, tell: Tell) -> None:
        running = self._named(name)
        if running is None:
            return
        if future.status != "finished":
            self._lose(running)
            self._house(tell)
            return
        said, files = future.result()
        future.release()
        outcome = decode_message(bytes(said).rstrip(b"\n"))
        assert isinstance(outcome, Outcome)
        work = Path(running.job.work)
        unpack(bytes(files), work)
        self._keep_checkpoint(running.job, work / "checkpoint")
        self._forget(running)
        trial_id, reason = running.job.task.trial_id, outcome.reason
        if outcome.state is State.FAILED and reason.startswith("FileNotFoundError"):
            reason += _NOT_SENT
        tell(
            trial_id,
            msgspec.structs.replace(
                outcome, trial_id=trial_id, reason=reason, folder=running.job.work
            ),
        )

    def _keep_checkpoint(self, job: Job, found: Path) -> None:
        if job.checkpoint and found.is_dir():
            place = Path(job.checkpoint)
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            found.rename(place)

    def _forget(self, running: _Running) -> None:
        self.running.pop(running.job.task.trial_id, None)
        worker = self.link.workers.get(running.worker)
        if worker is not None and worker.trial == running.job.task.trial_id:
            worker.trial = ""

    def _lose(self, running: _Running) -> None:
        """Take a trial from a worker that is gone."""
        worker = self.link.workers.get(running.worker)
        if worker is not None:
            worker.trial = ""
        if running.future is not None:
            with suppress(Exception):  # of a connection that may be gone as well
                running.future.cancel()
        running.future, running.worker, running.name = None, "", ""
        running.losses += 1
        self.homeless.append(running)

    def _house(self, tell: Tell) -> None:
        """Find new workers for trials that lost theirs."""
        for _ in range(len(self.homeless)):
            running = self.homeless.popleft()
            trial_id = running.job.task.trial_id
            if running.is_stopped or running.losses > _LOSSES_MAX:
                state = State.INTERRUPTED if running.is_stopped else State.CRASHED
                reason = "interrupted" if running.is_stopped else "its worker was lost each time"
                self._forget(running)
                folder = running.job.work
                tell(
                    trial_id, Outcome(trial_id=trial_id, state=state, reason=reason, folder=folder)
                )
                continue
            self._send(running)

    def _fetch_checkpoints(self) -> None:
        """Bring what each running trial would go on from."""
        for running in list(self.running.values()):
            if not (running.worker and running.job.checkpoint):
                continue
            with suppress(Exception):  # its worker may just have gone: looked at again in a second
                found = self.link.client.run(
                    dask_worker.checkpoint_of,
                    running.name,
                    running.mark,
                    workers=[running.worker],
                    on_error="ignore",
                )
                running.mark, data = found.get(running.worker, (running.mark, b""))
                if data:
                    running.checkpoint = bytes(data)
                    self._write_checkpoint(running.job, running.checkpoint)

    def _write_checkpoint(self, job: Job, data: bytes) -> None:
        beside = Path(job.work) / "checkpoint"
        shutil.rmtree(beside, ignore_errors=True)
        unpack(data, beside)
        self._keep_checkpoint(job, beside)

    def stop(self, trial_id: str) -> None:
        """Ask its worker to end a trial."""
        running = self.running.get(trial_id)
        if running is None:
            return
        running.is_stopped = True
        if running.worker:
            with suppress(Exception):  # its worker may be gone, which ends it too
                self.link.client.run(dask_worker.stop, running.name, workers=[running.worker])

    def close(self) -> None:
        """Stop what runs, and leave the cluster."""
        self.link.close()
        for end in self.bell:
            end.close()
        self.running.clear()


def _refuse_endless(tasks: Sequence[TrialTask], walltime: float | None) -> None:
    """Refuse trials that no worker lives long enough for."""
    limit = float("inf") if walltime is None else walltime
    never = [t for t in tasks if not t.resumes and (t.estimated_seconds or 0.0) > limit]
    if never:
        named = ", ".join(sorted({task.model for task in never}))
        raise BenchError(
            f"a worker lives {limit:.0f} s",
            why=f"that is too short for {named}, which cannot go on from a checkpoint",
            fix="give a longer --worker-walltime, or leave them out",
        )


def _keys(task: TrialTask, parcels: Mapping[str, Parcel]) -> dict[str, tuple[str, str]]:
    """Return the parcel of each path that a task names, and the path's name within it."""
    found = {path: (each.key, "") for path, each in parcels.items()}
    file = task.plugin.file
    if file in parcels:
        within = Path(file).resolve().relative_to(parcels[file].root)
        found[file] = parcels[file].key, within.as_posix()
    return found


def _searched(task: TrialTask, parcels: Mapping[str, Parcel]) -> str:
    """Return the folder of a plugin's parcel that Python looks for modules in; empty for none."""
    parcel = parcels.get(task.plugin.file or task.plugin.module)
    folder = None if parcel is None else search_within(task.plugin, parcel, sys.path)
    return "" if parcel is None or folder is None else f"{parcel.key}/{folder}"
