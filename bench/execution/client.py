"""One run on one store: claims, work folders, retries, publishing, whatever computes."""

import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.execution.backend import Backend
from bench.execution.claims import (
    Claim,
    Entry,
    await_other,
    claim,
    is_lost,
    release,
    scratch,
    try_lock,
    waiting_words,
)
from bench.execution.events import Event, RunFinished, TrialFinished, TrialStarted, Warned
from bench.execution.interrupts import Interrupts
from bench.execution.job import Job, Message
from bench.execution.publishing import check_writable, publish
from bench.execution.scheduling import (
    Guarded,
    cheapest_first,
    check_limits,
    retry_event,
    trial_event,
)
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.atomic import readable_failure
from bench.store.inside import modes_of
from bench.store.layout import Store
from bench.store.locks import Renewal, renewing
from bench.store.record import State

__all__ = ["run_tasks"]

_POLL_HELD_SECONDS = 0.5
_POLL_LOCKS_SECONDS = 5.0
_LOOK_AT_LOCKS_SECONDS = 1.0
_POLL_STORED_SECONDS = 0.05
_FEW_SLOTS = 8
"""Of so many trials at once each is stored as it comes; of more, several at a time."""
_STORING_THREADS = 8
_RETRIED = (State.CRASHED, State.OUT_OF_MEMORY)


def run_tasks(
    tasks: Sequence[TrialTask],
    *,
    store: Store,
    backend: Backend,
    limits: Limits | None = None,
    emit: Callable[[Event], None],
) -> RunFinished:
    """Run every task, store what comes of it, and say how many ended how.

    Parameters
    ----------
    tasks : sequence of TrialTask
        In any order; those expected to be short go first.
    backend : Backend
        Used for this run alone, and closed.
    limits : Limits or None
        A task's own time limit goes before the one given here. Only isolated trials are limited.
    emit : callable
        Told every event, in this thread. If it raises, that is reported once and the run goes on.

    Returns
    -------
    RunFinished
        Not emitted here. ``interrupted`` after Ctrl-C, SIGTERM or SIGHUP; no trial runs then.

    Raises
    ------
    BenchError
        If a limit makes no sense, the store cannot be written, or the back end cannot run them.
        Running trials are stopped first; stored ones are safe.
    """
    limits = limits or Limits()
    check_limits(limits, tasks)
    check_writable(store)
    started = time.monotonic()
    with (
        Interrupts() as interrupts,
        modes_of(store.root),
        renewing() as renewal,
        scratch(store, renewal) as folder,
    ):
        run = _Run(
            store=store,
            backend=backend,
            limits=limits,
            emit=Guarded(emit),
            interrupts=interrupts,
            folder=folder,
            renewal=renewal,
            waiting=deque(Entry(task=task) for task in cheapest_first(tasks)),
        )
        try:
            backend.start([entry.task for entry in run.waiting], limits, interrupts, run.hear)
            run.loop()
            run.stop()
        finally:
            backend.close()
            run.storers.shutdown(wait=True)
            for entry in (*run.running.values(), *run.waiting):
                release(entry)
    return RunFinished(
        counts=dict(run.counts),
        seconds=time.monotonic() - started,
        interrupted=interrupts.is_set,
    )


@dataclass(slots=True, kw_only=True)
class _Run:
    """State: a run in progress."""

    store: Store
    backend: Backend
    limits: Limits
    emit: Guarded
    interrupts: Interrupts
    folder: Path
    renewal: Renewal
    waiting: deque[Entry]
    held: deque[Entry] = field(default_factory=deque)
    running: dict[str, Entry] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    said: set[str] = field(default_factory=set)
    storers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_STORING_THREADS, "store results")
    )
    storing: "dict[Future[None], tuple[Entry, TrialFinished]]" = field(default_factory=dict)
    looked: float = 0.0
    number: int = 0

    def loop(self) -> None:
        """Submit what waits and hear what runs, until nothing is left or someone interrupts."""
        while (self.waiting or self.running or self.held) and not self.interrupts.is_set:
            self._submit_what_fits()
            if self.running or self.held or self.waiting:
                patience = _POLL_HELD_SECONDS if self.held else _POLL_LOCKS_SECONDS
                self.backend.wait(self._patience(patience), self.hear)
            self._take_stored()
            self._look_at_locks()
            self._look_at_held()

    def stop(self) -> None:
        """After an interrupt: stop what runs, and store how it ended."""
        for trial_id in self.running:
            self.backend.stop(trial_id)
        deadline = time.monotonic() + self.backend.stop_seconds
        while self.running and (left := deadline - time.monotonic()) > 0:
            self.backend.wait(self._patience(left), self.hear)
            self._take_stored()
        wait(self.storing)
        self._take_stored()

    def _patience(self, seconds: float) -> float:
        return min(seconds, _POLL_STORED_SECONDS) if self.storing else seconds

    def _look_at_locks(self) -> None:
        """Stop trials whose lock is gone; of many, not at every message."""
        now = time.monotonic()
        if len(self.running) > _FEW_SLOTS and now - self.looked < _LOOK_AT_LOCKS_SECONDS:
            return
        self.looked = now
        for trial_id, entry in self.running.items():
            if is_lost(entry):
                self.backend.stop(trial_id)

    def _submit_what_fits(self) -> None:
        while not self.interrupts.is_set:
            place = self.backend.choose(entry.task for entry in self.waiting)
            if place is None:
                return
            entry = self.waiting[place]
            del self.waiting[place]
            self._submit(entry)

    def _submit(self, entry: Entry) -> None:
        if not self._claim(entry):
            return
        task = entry.task
        timeout = task.timeout_seconds
        job = Job(
            task=_absolute(task),
            work=str(self._work_folder()),
            checkpoint=str(self.store.checkpoint(task.trial_id).absolute()) if task.resumes else "",
            timeout_seconds=self.limits.timeout_seconds if timeout is None else timeout,
            memory_bytes=self.limits.memory_bytes,
        )
        self._begin(task)
        self.running[task.trial_id] = entry
        with readable_failure(self.store.root):
            self.backend.submit(job, entry.lock.descriptor if entry.lock else -1)

    def hear(self, trial_id: str, message: Message) -> None:
        """Take what the back end says of a trial, or of itself."""
        entry = self.running.get(trial_id)
        if isinstance(message, Outcome):
            if entry is not None:
                self._end(entry, message)
            return
        if entry is not None:
            entry.watch(message)
        self.emit(message)

    def _end(self, entry: Entry, outcome: Outcome) -> None:
        stored = None
        try:
            stored = self._finish(entry, outcome)
        finally:
            if stored is None:
                self._let_go(entry)
        if stored is not None:
            ended = trial_event(entry.task, outcome, accuracy=entry.accuracy, retries=entry.retries)
            self.storing[stored] = entry, ended

    def _take_stored(self) -> None:
        """Say of trials that are in the store how they ended."""
        for stored in [each for each in self.storing if each.done()]:
            entry, ended = self.storing.pop(stored)
            try:
                stored.result()
                self._count(ended)
            finally:
                self._let_go(entry)

    def _let_go(self, entry: Entry) -> None:
        del self.running[entry.task.trial_id]
        release(entry)

    def _work_folder(self) -> Path:
        self.number += 1
        # A plugin may change the folder we are in.
        work = (self.folder / str(self.number)).absolute()
        with readable_failure(self.store.root):
            work.mkdir()
        return work

    def _claim(self, entry: Entry) -> bool:
        """Take a trial's lock; False where another run has it or has done it meanwhile."""
        claimed = claim(self.store, entry)
        if claimed is Claim.HELD:
            self.held.append(entry)
        elif isinstance(claimed, TrialFinished):
            self._count(claimed)
        elif entry.lock is not None:
            self.renewal.add(entry.lock)
            if entry.lock.replaced is not None:
                self._warn(f"took over from {entry.lock.replaced}, who no longer renews", entry)
        return claimed is Claim.OURS

    def _warn(self, what: str, entry: Entry) -> None:
        task = entry.task
        message = f"{task.model} on {task.train_dataset}, seed {task.seed}: {what}"
        self.emit(Warned(message=message, trial_id=task.trial_id))

    def _look_at_held(self) -> None:
        """Once nothing else waits, try the trials that another run had, and say whose they are."""
        if self.waiting:
            return
        for _ in range(len(self.held)):
            if len(self.running) + len(self.waiting) >= self.backend.slots:
                return
            entry = self.held.popleft()
            (self.waiting if try_lock(self.store, entry) else self.held).append(entry)
        if self.held and not self.waiting:
            for words in waiting_words(self.store, self.held):
                # The number goes down while one waits: each holder is named once.
                if words.partition(":")[2] not in self.said:
                    self.said.add(words.partition(":")[2])
                    self.emit(Warned(message=words))

    def _begin(self, task: TrialTask) -> None:
        self.emit(
            TrialStarted(
                trial_id=task.trial_id,
                model=task.model,
                train_dataset=task.train_dataset,
                seed=task.seed,
                variant=task.variant.words,
                fits=not task.stored,
                estimated_seconds=task.estimated_seconds,
                time=time.time(),
            )
        )

    def _finish(self, entry: Entry, outcome: Outcome) -> "Future[None] | None":
        """Store how a trial ended, or begin to; None where that is all there is to do."""
        if is_lost(entry):
            shutil.rmtree(outcome.folder, ignore_errors=True)
            self._warn("its lock was taken by another run, so nothing of it is stored here", entry)
            await_other(self.store, entry)
            self.held.append(entry)
            return None
        may_retry = outcome.state in _RETRIED and entry.retries < self.limits.retries
        if may_retry and not self.interrupts.is_set:
            entry.retries += 1
            shutil.rmtree(outcome.folder, ignore_errors=True)
            self.emit(retry_event(entry.task, outcome, entry.retries))
            self.waiting.appendleft(entry)
            return None
        if self.backend.slots > _FEW_SLOTS:
            return self.storers.submit(
                publish, self.store, entry.task, outcome, retries=entry.retries
            )
        publish(self.store, entry.task, outcome, retries=entry.retries)
        self._count(
            trial_event(entry.task, outcome, accuracy=entry.accuracy, retries=entry.retries)
        )
        return None

    def _count(self, event: TrialFinished) -> None:
        self.counts[event.state] += 1
        self.emit(event)


def _absolute(task: TrialTask) -> TrialTask:
    """Name folders from the root: a worker works in a folder of its own."""
    named = {name: getattr(task, name) for name in ("stored", "initial_weights")}
    full = {name: str(Path(path).absolute()) for name, path in named.items() if path}
    return msgspec.structs.replace(task, **full)
