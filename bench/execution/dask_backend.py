"""Trials on a Dask cluster: of this machine's own making, or one that is there already.

The client chooses the worker of each trial, so that a worker is sent each dataset once, before the
task that needs it, and nothing large is in the task graph. A trial whose worker is gone goes on on
another one from the last checkpoint that came. What waits for the network does so in Dask's own
loop, a coroutine a trial; all that is decided or written is in the client's thread.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from bench.errors import BenchError
from bench.execution import dask_worker
from bench.execution.backend import Tell
from bench.execution.dask_cluster import Cluster, Connection, Worker
from bench.execution.dask_sending import Sender
from bench.execution.dask_trial import Running
from bench.execution.events import EpochEnded, Warned
from bench.execution.interrupts import Interrupts
from bench.execution.job import Job, decode_message
from bench.execution.parcels import Parcel, unpack
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.record import State

__all__ = ["DaskBackend"]

_FIRST_WORKER_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_LOSSES_MAX = 5
_NOT_SENT = "; a worker is sent a plugin's project or folder, up to 50 MB, and nothing beside it"


@dataclass(slots=True, kw_only=True)
class DaskBackend:
    """State: a connection to a cluster, its workers, and the trials that they run."""

    cluster: Cluster
    stop_seconds: float = 10.0
    interrupts: Interrupts | None = None
    link: Connection = field(init=False)
    sender: Sender = field(init=False)
    running: dict[str, Running] = field(default_factory=dict)
    named: dict[str, Running] = field(default_factory=dict)
    homeless: deque[Running] = field(default_factory=deque)
    heard: deque[Callable[[Tell], None]] = field(default_factory=deque)
    bell: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)
    looking: "Future[None] | None" = None
    looked: float = 0.0
    noted: set[str] = field(default_factory=set)

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
        self.sender = Sender(requires=self.link.requires, topic=self.link.topic)
        self.link.connect()
        self.bell[1].setblocking(False)
        self.link.client.subscribe_topic(self.link.topic, self._event)
        deadline = time.monotonic() + _FIRST_WORKER_SECONDS
        while not interrupts.is_set:
            self.link.look(tell)
            if self.link.workers:
                return
            if time.monotonic() > deadline:
                raise BenchError(
                    f"the cluster {self.link.place}",
                    why=f"no worker came within {_FIRST_WORKER_SECONDS:.0f} s",
                    fix="start one: dask worker ADDRESS --nthreads 1",
                )
            self._sleep(0.2)

    def _event(self, event: tuple[float, Any]) -> None:
        name, message = event[1]
        self._ring(partial(self._told, name, message))

    def _ring(self, what: Callable[[Tell], None]) -> None:
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
        running = Running(job=job)
        self.running[job.task.trial_id] = running
        self._send(running)

    def _send(self, running: Running) -> None:
        task = running.job.task
        worker = self.link.free(task)
        if worker is None:
            self.homeless.append(running)
            return
        name = uuid4().hex
        order, parcels = self.sender.order(running.job, name, running.checkpoint)
        for note in {each.note for each in parcels if each.note} - self.noted:
            self.noted.add(note)
            self._ring(partial(_warn, note))
        worker.trial, running.worker = task.trial_id, worker.address
        running.name, running.mark, self.named[name] = name, "", running
        running.way = self.link.soon(self._carry(running, name, worker, order, parcels))

    async def _carry(
        self, running: Running, name: str, worker: Worker, order: bytes, parcels: Iterable[Parcel]
    ) -> None:
        """Bring a worker what it lacks and the order, and back what comes of it."""
        try:
            await self.sender.ship(self.link.client, worker, parcels)
            running.is_sent = True
            future = self.link.client.submit(
                dask_worker.run,
                order,
                key=f"digitbench-{name}",
                workers=[worker.address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
            try:
                said, files = await future
            finally:
                future.release()
        except BenchError as error:
            self._ring(partial(_raise, error))
        except Exception as error:  # noqa: BLE001  # it went, or what it was to write cannot be
            self._ring(partial(self._was_lost, name, error))
        else:
            self._ring(partial(self._done, name, bytes(said), bytes(files)))

    def wait(self, seconds: float, tell: Tell) -> None:
        """Tell what came; look after workers and checkpoints once a second."""
        if not self.heard:
            self._sleep(min(seconds, _LOOK_SECONDS))
        while self.heard:
            self.heard.popleft()(tell)
        if self.link.client.status != "running":
            raise self.link.gone()
        if time.monotonic() - self.looked >= _LOOK_SECONDS:
            self._look_again()

    def _look_again(self) -> None:
        if self.looking is not None:
            if not self.looking.done():
                return
            try:
                self.looking.result()
            except (OSError, TimeoutError, CancelledError) as error:
                raise self.link.gone() from error
        resuming = [each for each in self.named.values() if each.job.checkpoint]
        seen = {each.name: each.mark for each in resuming}
        workers = sorted({each.worker for each in resuming})
        self.looked = time.monotonic()
        self.looking = self.link.soon(self._look(seen, workers))

    async def _look(self, seen: dict[str, str], workers: list[str]) -> None:
        """See which workers there are, and bring what each running trial would go on from."""
        there, found = await self.link.survey()
        self._ring(partial(self._take, there, found))
        if seen:
            await self._fetch(seen, workers)

    async def _fetch(self, seen: dict[str, str], workers: list[str]) -> None:
        """Bring what trials would go on from, where it is not what was seen."""
        with suppress(Exception):  # a worker may just have gone: asked again in a second
            asked = {"workers": workers, "on_error": "ignore"}
            came = await self.link.client.run(dask_worker.checkpoints_of, seen, **asked)
            self._ring(partial(self._go_on_from, came))

    def _take(self, there: set[str], found: dict[str, Any], tell: Tell) -> None:
        self.link.take(there, found, tell)
        for running in list(self.named.values()):
            if running.worker not in self.link.workers:
                self._lose(running, "it is gone")
        self._house(tell)

    def _told(self, name: str, message: bytes, tell: Tell) -> None:
        if (running := self.named.get(name)) is None:
            return
        said = decode_message(bytes(message).rstrip(b"\n"))
        tell(running.job.task.trial_id, said)
        # What is trained is brought here at once: its worker may be gone in a moment.
        is_new = isinstance(said, EpochEnded) and bool(running.job.checkpoint)
        if is_new and (running.fetched is None or running.fetched.done()):
            fetched = self._fetch({name: running.mark}, [running.worker])
            running.fetched = self.link.soon(fetched)

    def _done(self, name: str, said: bytes, files: bytes, tell: Tell) -> None:
        running = self.named.get(name)
        if running is None:
            return
        outcome = decode_message(said.rstrip(b"\n"))
        assert isinstance(outcome, Outcome)
        if outcome.state is State.INTERRUPTED and not running.is_stopped:
            self._lose(running, outcome.reason)  # its worker's machine was told to end
            self._house(tell)
            return
        work = Path(running.job.work)
        unpack(files, work)
        running.keep_checkpoint(work / "checkpoint")
        self._forget(running)
        trial_id, reason = running.job.task.trial_id, outcome.reason
        if outcome.state is State.FAILED and reason.startswith("FileNotFoundError"):
            reason += _NOT_SENT
        told = {"trial_id": trial_id, "reason": reason, "folder": running.job.work}
        tell(trial_id, msgspec.structs.replace(outcome, **told))

    def _go_on_from(self, came: dict[str, dict[str, tuple[str, bytes]]], tell: Tell) -> None:
        del tell
        for name, (mark, data) in (each for found in came.values() for each in found.items()):
            if (running := self.named.get(name)) is not None:
                running.go_on_from(mark, bytes(data))

    def _forget(self, running: Running) -> None:
        self._leave(running)
        self.running.pop(running.job.task.trial_id, None)

    def _leave(self, running: Running) -> None:
        """Let a trial and its worker go apart."""
        self.named.pop(running.name, None)
        worker = self.link.workers.get(running.worker)
        if worker is not None and worker.trial == running.job.task.trial_id:
            worker.trial = ""
        if running.way is not None:
            running.way.cancel()
        running.way, running.worker, running.name, running.is_sent = None, "", "", False

    def _was_lost(self, name: str, error: Exception, tell: Tell) -> None:
        if (running := self.named.get(name)) is not None:
            words = " ".join(str(error).split())[:160]
            self._lose(running, f"{type(error).__name__}: {words}" if words else "it is gone")
            self._house(tell)

    def _lose(self, running: Running, why: str) -> None:
        """Take a trial from a worker that is gone."""
        self._leave(running)
        running.losses += 1
        running.lost_by = why
        self.homeless.append(running)

    def _house(self, tell: Tell) -> None:
        """Find new workers for trials that lost theirs."""
        for _ in range(len(self.homeless)):
            running = self.homeless.popleft()
            trial_id, folder = running.job.task.trial_id, running.job.work
            if not running.is_stopped and running.losses <= _LOSSES_MAX:
                self._send(running)
                continue
            state, reason = State.INTERRUPTED, "interrupted"
            if not running.is_stopped:
                state, reason = State.CRASHED, f"its worker was lost each time ({running.lost_by})"
            self._forget(running)
            tell(trial_id, Outcome(trial_id=trial_id, state=state, reason=reason, folder=folder))

    def stop(self, trial_id: str) -> None:
        """Ask its worker to end a trial."""
        running = self.running.get(trial_id)
        if running is None:
            return
        running.is_stopped = True
        if running.worker:
            self.link.soon(self._stop(running.name, running.worker))
        if not running.is_sent:  # what it needs is still on its way
            self._leave(running)
            self.homeless.append(running)
            self._ring(self._house)

    async def _stop(self, name: str, worker: str) -> None:
        with suppress(Exception):  # its worker may be gone, which ends it too
            await self.link.client.run(dask_worker.stop, name, workers=[worker])

    def close(self) -> None:
        """Stop what runs, and leave the cluster."""
        ways = [each.way for each in self.running.values()]
        for way in filter(None, (*ways, self.looking)):
            way.cancel()
        self.link.close()
        for end in self.bell:
            end.close()
        self.running.clear()
        self.named.clear()


def _warn(message: str, tell: Tell) -> None:
    tell("", Warned(message=message))


def _raise(error: BenchError, tell: Tell) -> None:
    raise error


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
