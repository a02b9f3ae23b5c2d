"""The local back end: many trials at once on this machine, nothing lost, nothing stuck."""

import os
import selectors
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import BenchError
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
from bench.execution.isolation import Engine, Spawner, make_engine
from bench.execution.job import Job
from bench.execution.machine import available_cores
from bench.execution.publishing import check_writable, publish
from bench.execution.scheduling import (
    Guarded,
    cheapest_first,
    check_limits,
    choose_jobs,
    retry_event,
    trial_event,
)
from bench.execution.worker import run_trial
from bench.planning.processor import visible_gpus
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.atomic import readable_failure
from bench.store.inside import modes_of
from bench.store.layout import Store
from bench.store.locks import Renewal, renewing
from bench.store.record import State

__all__ = ["run_tasks"]

_STOP_SECONDS = 1.8
_POLL_HELD_SECONDS = 0.5
_POLL_LOCKS_SECONDS = 5.0
_LEAST_ROOM_BYTES = 64 << 20
_RETRIED = (State.CRASHED, State.OUT_OF_MEMORY)


def run_tasks(
    tasks: Sequence[TrialTask],
    *,
    store: Store,
    jobs: int | Literal["auto"] | None = None,
    limits: Limits | None = None,
    isolate: bool = True,
    emit: Callable[[Event], None],
) -> RunFinished:
    """Run every task, store what comes of it, and say how many ended how.

    Parameters
    ----------
    tasks : sequence of TrialTask
        In any order; those expected to be short go first.
    jobs : int, "auto" or None
        Trials at once, as `choose_jobs` reads it; each gets cores ÷ jobs threads. A GPU has one
        trial at a time.
    limits : Limits or None
        A task's own time limit goes before the one given here. Only isolated trials are limited.
    isolate : bool
        Each trial in a process of its own; False runs them one by one in this one, for debuggers.
    emit : callable
        Told every event, in this thread. If it raises, that is reported once and the run goes on.

    Returns
    -------
    RunFinished
        Not emitted here. ``interrupted`` after Ctrl-C, SIGTERM or SIGHUP; no trial runs then.

    Raises
    ------
    BenchError
        If a limit or `jobs` makes no sense, the store cannot be written, or no process can start.
        Running trials are stopped first; stored ones are safe.
    """
    limits = limits or Limits()
    check_limits(limits, tasks)
    check_writable(store)
    told = Guarded(emit)
    if isolate and os.name != "posix":
        told(Warned(message="trials are not isolated on this system: a crash ends the run"))
        isolate = False
    if not isolate and (limits.timeout_seconds, limits.memory_bytes) != (None, None):
        told(Warned(message="limits of time and memory hold for isolated trials only"))
    n_jobs = choose_jobs(jobs, tasks) if isolate else 1
    started = time.monotonic()
    with (
        Interrupts() as interrupts,
        modes_of(store.root),
        renewing() as renewal,
        scratch(store, renewal) as folder,
    ):
        run = _Run(
            store=store,
            limits=limits,
            emit=told,
            jobs=n_jobs,
            threads=max(1, available_cores() // n_jobs),
            interrupts=interrupts,
            folder=folder,
            renewal=renewal,
            waiting=deque(Entry(task=task) for task in cheapest_first(tasks)),
        )
        try:
            if isolate:
                run.run_isolated()
            else:
                run.run_here()
        finally:
            for entry in run.waiting:
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
    limits: Limits
    emit: Guarded
    jobs: int
    threads: int
    interrupts: Interrupts
    folder: Path
    renewal: Renewal
    waiting: deque[Entry]
    held: deque[Entry] = field(default_factory=deque)
    running: list[Entry] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    engines: dict[bool, Engine | Spawner] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    gpus: tuple[str, ...] = field(
        default_factory=lambda: tuple(gpu.device for gpu in visible_gpus())
    )
    number: int = 0

    def run_here(self) -> None:
        """Run the tasks one by one in this process."""
        while (self.waiting or self.held) and not self.interrupts.is_set:
            if not self.waiting:
                time.sleep(_POLL_HELD_SECONDS)
                self._look_at_held()
                continue
            entry = self.waiting.popleft()
            if not self._claim(entry):
                continue
            try:
                self._begin(entry)
                self._finish(entry, self._run_one(entry))
            finally:
                release(entry)

    def _run_one(self, entry: Entry) -> Outcome:
        def emit(event: Event) -> None:
            entry.watch(event)
            self.emit(event)

        work, task = self._work_folder(), entry.task
        started = time.monotonic()
        checkpoint = self.store.checkpoint(task.trial_id) if task.resumes else None
        try:
            self.interrupts.raises = True
            return run_trial(task, work, emit, threads=self.threads, checkpoint=checkpoint)
        except KeyboardInterrupt:
            self.interrupts.is_set = True
            return Outcome(
                trial_id=task.trial_id,
                state=State.INTERRUPTED,
                reason="interrupted",
                folder=str(work),
                seconds=time.monotonic() - started,
            )
        finally:
            self.interrupts.raises = False

    def run_isolated(self) -> None:
        """Run the tasks in processes of their own, `jobs` at once."""
        needs: dict[bool, set[str]] = {}
        for entry in self.waiting:
            needs.setdefault(entry.task.heavy, set()).update(entry.task.identity.requires)
        self.engines = {heavy: make_engine(wanted) for heavy, wanted in needs.items()}
        try:
            for engine in self.engines.values():
                engine.start()
            self._check_memory_limit()
            with selectors.DefaultSelector() as selector:
                selector.register(self.interrupts, selectors.EVENT_READ)
                self._loop(selector)
                self._stop_running(selector)
        finally:
            for entry in list(self.running):
                self._drop(entry)
            for engine in self.engines.values():
                engine.close()

    def _loop(self, selector: selectors.BaseSelector) -> None:
        while (self.waiting or self.running or self.held) and not self.interrupts.is_set:
            while len(self.running) < self.jobs and (entry := self._next()):
                self._start(entry, selector)
            if self.running or self.held:
                patience = _POLL_HELD_SECONDS if self.held else _POLL_LOCKS_SECONDS
                for key, _ in selector.select(patience):
                    if isinstance(key.data, Entry):
                        self._hear(key.data, selector)
            for entry in self.running:
                if entry.trial is not None and is_lost(entry):
                    entry.trial.stop()
            self._look_at_held()

    def _next(self) -> Entry | None:
        """Return the first trial whose engine is there, or the first of all.

        None where nothing waits but trials for a card, and each card has its trial.
        """
        is_full = bool(self.gpus) and not self._free_gpus()
        may = [i for i, each in enumerate(self.waiting) if not (each.task.heavy and is_full)]
        if not may:
            return None
        ready = {heavy for heavy, engine in self.engines.items() if engine.is_ready}
        index = next((i for i in may if self.waiting[i].task.heavy in ready), may[0])
        entry = self.waiting[index]
        del self.waiting[index]
        return entry

    def _free_gpus(self) -> list[str]:
        taken = {entry.gpu for entry in self.running}
        return [gpu for gpu in self.gpus if gpu not in taken]

    def _start(self, entry: Entry, selector: selectors.BaseSelector) -> None:
        if not self._claim(entry):
            return
        task = entry.task
        entry.gpu = self._free_gpus()[0] if self.gpus and task.heavy else ""
        timeout = task.timeout_seconds
        job = Job(
            task=_absolute(task),
            work=str(self._work_folder()),
            checkpoint=str(self.store.checkpoint(task.trial_id).absolute()) if task.resumes else "",
            threads=self.threads,
            timeout_seconds=self.limits.timeout_seconds if timeout is None else timeout,
            memory_bytes=self.limits.memory_bytes,
            gpu=entry.gpu,
        )
        self._begin(entry)
        self.running.append(entry)
        # The keeper shares the lock: it is free only once the trial's last process has ended.
        held = entry.lock.descriptor if entry.lock else -1
        with readable_failure(self.store.root):
            entry.trial = self.engines[task.heavy].launch(job, held)
        selector.register(entry.trial.channel, selectors.EVENT_READ, entry)

    def _hear(self, entry: Entry, selector: selectors.BaseSelector) -> None:
        assert entry.trial is not None
        messages = entry.trial.read()
        for message in messages or ():
            if isinstance(message, Outcome):
                self._end(entry, message, selector)
                return
            entry.watch(message)
            self.emit(message)
        if messages is None:
            entry.trial.kill_worker()
            why = "the process that watched it could not start or was killed"
            is_asked = self.interrupts.is_set
            lost = Outcome(
                trial_id=entry.task.trial_id,
                state=State.INTERRUPTED if is_asked else State.CRASHED,
                reason="interrupted" if is_asked else why,
                folder=entry.trial.job.work,
            )
            self._end(entry, lost, selector)

    def _end(self, entry: Entry, outcome: Outcome, selector: selectors.BaseSelector) -> None:
        assert entry.trial is not None
        selector.unregister(entry.trial.channel)
        entry.trial.close()
        entry.trial = None
        try:
            self._finish(entry, outcome)
        finally:
            self.running.remove(entry)
            release(entry)

    def _stop_running(self, selector: selectors.BaseSelector) -> None:
        """After an interrupt: stop what runs, and store how it ended."""
        selector.unregister(self.interrupts)
        for entry in self.running:
            if entry.trial is not None:
                entry.trial.stop()
        deadline = time.monotonic() + _STOP_SECONDS
        while self.running and time.monotonic() < deadline:
            for key, _ in selector.select(deadline - time.monotonic()):
                self._hear(key.data, selector)

    def _drop(self, entry: Entry) -> None:
        if entry.trial is not None:
            entry.trial.close()
        self.running.remove(entry)
        release(entry)

    def _check_memory_limit(self) -> None:
        limit = self.limits.memory_bytes
        if limit is None:
            return
        need = max(engine.take_ready() for engine in self.engines.values()) + _LEAST_ROOM_BYTES
        if limit < need:
            raise BenchError(
                f"a memory limit of {limit / 2**20:,.0f} MiB",
                why=f"a trial needs {need / 2**20:,.0f} MiB for its libraries alone",
                fix=f"give --max-memory {2 * need // 2**20}MiB or more, or leave it out",
            )

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
            if len(self.running) + len(self.waiting) >= self.jobs:
                return
            entry = self.held.popleft()
            (self.waiting if try_lock(self.store, entry) else self.held).append(entry)
        if self.held and not self.waiting:
            for words in waiting_words(self.store, self.held):
                # The number goes down while one waits: each holder is named once.
                if words.partition(":")[2] not in self.said:
                    self.said.add(words.partition(":")[2])
                    self.emit(Warned(message=words))

    def _begin(self, entry: Entry) -> None:
        task = entry.task
        self.emit(
            TrialStarted(
                trial_id=task.trial_id,
                model=task.model,
                train_dataset=task.train_dataset,
                seed=task.seed,
                variant=task.variant,
                fits=not task.stored,
                estimated_seconds=task.estimated_seconds,
                time=time.time(),
            )
        )

    def _finish(self, entry: Entry, outcome: Outcome) -> None:
        if is_lost(entry):
            shutil.rmtree(outcome.folder, ignore_errors=True)
            self._warn("its lock was taken by another run, so nothing of it is stored here", entry)
            await_other(self.store, entry)
            self.held.append(entry)
            return
        may_retry = outcome.state in _RETRIED and entry.retries < self.limits.retries
        if may_retry and not self.interrupts.is_set:
            entry.retries += 1
            shutil.rmtree(outcome.folder, ignore_errors=True)
            self.emit(retry_event(entry.task, outcome, entry.retries))
            self.waiting.appendleft(entry)
            return
        publish(self.store, entry.task, outcome, retries=entry.retries)
        self._count(
            trial_event(entry.task, outcome, accuracy=entry.accuracy, retries=entry.retries)
        )

    def _count(self, event: TrialFinished) -> None:
        self.counts[event.state] += 1
        self.emit(event)


def _absolute(task: TrialTask) -> TrialTask:
    """Name folders from the root: a worker works in a folder of its own."""
    named = {name: getattr(task, name) for name in ("stored", "initial_weights")}
    full = {name: str(Path(path).absolute()) for name, path in named.items() if path}
    return msgspec.structs.replace(task, **full)
