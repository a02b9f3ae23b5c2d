"""The back ends of this machine: each trial in a process of its own, or one by one in this one."""

import os
import select
import selectors
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import BenchError
from bench.execution.backend import Backend, Tell
from bench.execution.engine import threads_of_trial
from bench.execution.events import Warned
from bench.execution.interrupts import Interrupts
from bench.execution.isolation import Engine, RunningTrial, Spawner, make_engine
from bench.execution.job import Job, write_job
from bench.execution.reloading import Checker, check_reload
from bench.execution.scheduling import choose_jobs
from bench.execution.worker import run_trial
from bench.planning.processor import visible_gpus
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.record import State

__all__ = ["Here", "Isolated", "local_backend"]

_STOP_SECONDS = 1.8
_LEAST_ROOM_BYTES = 64 << 20


def local_backend(
    tasks: Sequence[TrialTask], *, jobs: int | Literal["auto"] | None = None, isolate: bool = True
) -> Backend:
    """Return what runs trials on this machine.

    Parameters
    ----------
    jobs : int, "auto" or None
        Trials at once, as `choose_jobs` reads it; each gets cores ÷ jobs threads. A GPU has one
        trial at a time.
    isolate : bool
        Each trial in a process of its own; False runs them one by one in this one, for debuggers.

    Raises
    ------
    BenchError
        If `jobs` makes no sense.
    """
    if not isolate:
        return Here()
    return Isolated(slots=choose_jobs(jobs, tasks)) if os.name == "posix" else Here(is_asked=False)


@dataclass(slots=True, kw_only=True)
class Isolated:
    """State: trials in processes of their own, each watched by a keeper."""

    slots: int
    stop_seconds: float = _STOP_SECONDS
    threads: int = 1
    gpus: tuple[str, ...] = field(
        default_factory=lambda: tuple(gpu.device for gpu in visible_gpus())
    )
    engines: dict[bool, Engine | Spawner] = field(default_factory=dict)
    running: dict[str, RunningTrial] = field(default_factory=dict)
    interrupts: Interrupts | None = None
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    is_interrupted: bool = False

    def start(
        self, tasks: Sequence[TrialTask], limits: Limits, interrupts: Interrupts, tell: Tell
    ) -> None:
        """Start what imports the engines, and see that a memory limit leaves room for them."""
        del tell
        self.threads = threads_of_trial(self.slots)
        self.interrupts = interrupts
        self.selector.register(interrupts, selectors.EVENT_READ)
        needs: dict[bool, set[str]] = {}
        for task in tasks:
            needs.setdefault(task.heavy, set()).update(task.identity.requires)
        self.engines = {heavy: make_engine(wanted) for heavy, wanted in needs.items()}
        for engine in self.engines.values():
            engine.start()
        self._check_memory_limit(limits.memory_bytes)

    def _check_memory_limit(self, limit: int | None) -> None:
        if limit is None:
            return
        need = max(engine.take_ready() for engine in self.engines.values()) + _LEAST_ROOM_BYTES
        if limit < need:
            raise BenchError(
                f"a memory limit of {limit / 2**20:,.0f} MiB",
                why=f"a trial needs {need / 2**20:,.0f} MiB for its libraries alone",
                fix=f"give --max-memory {2 * need // 2**20}MiB or more, or leave it out",
            )

    def choose(self, waiting: Iterable[TrialTask]) -> int | None:
        """Return the first trial whose engine is there, or the first of all.

        None where nothing waits but trials for a card, and each card has its trial.
        """
        if len(self.running) >= self.slots:
            return None
        is_full = bool(self.gpus) and not self.free_gpus()
        ready = {heavy for heavy, engine in self.engines.items() if engine.is_ready}
        first = None
        for place, task in enumerate(waiting):
            if task.heavy and is_full:
                continue
            if task.heavy in ready:
                return place
            first = place if first is None else first
        return first

    def free_gpus(self) -> list[str]:
        """Return the cards without a trial."""
        taken = {trial.job.gpu for trial in self.running.values()}
        return [gpu for gpu in self.gpus if gpu not in taken]

    def submit(self, job: Job, held: int = -1) -> None:
        """Start a keeper, which shares what is held: it is free once the last process has ended."""
        gpu = self.free_gpus()[0] if self.gpus and job.task.heavy else ""
        job = msgspec.structs.replace(job, threads=self.threads, gpu=gpu)
        trial = self.engines[job.task.heavy].launch(job, held)
        self.running[job.task.trial_id] = trial
        self.selector.register(trial.channel, selectors.EVENT_READ, trial)

    def wait(self, seconds: float, tell: Tell) -> None:
        """Hear the keepers."""
        for key, _ in self.selector.select(seconds):
            if isinstance(key.data, RunningTrial):
                self._hear(key.data, tell)
        assert self.interrupts is not None
        if self.interrupts.is_set and not self.is_interrupted:
            self.is_interrupted = True
            self.selector.unregister(self.interrupts)

    def _hear(self, trial: RunningTrial, tell: Tell) -> None:
        messages = trial.read()
        trial_id = trial.job.task.trial_id
        for message in messages or ():
            if isinstance(message, Outcome):
                self._forget(trial)
                tell(trial_id, message)
                return
            tell(trial_id, message)
        if messages is None:
            trial.kill_worker()
            self._forget(trial)
            tell(trial_id, self._lost(trial))

    def _lost(self, trial: RunningTrial) -> Outcome:
        is_asked = self.interrupts is not None and self.interrupts.is_set
        why = "the process that watched it could not start or was killed"
        return Outcome(
            trial_id=trial.job.task.trial_id,
            state=State.INTERRUPTED if is_asked else State.CRASHED,
            reason="interrupted" if is_asked else why,
            folder=trial.job.work,
        )

    def _forget(self, trial: RunningTrial) -> None:
        self.selector.unregister(trial.channel)
        trial.close()
        del self.running[trial.job.task.trial_id]

    def stop(self, trial_id: str) -> None:
        """Ask its keeper to end a trial."""
        if trial_id in self.running:
            self.running[trial_id].stop()

    def close(self) -> None:
        """Close all connections: keepers stop their trials by themselves."""
        for trial in self.running.values():
            trial.close()
        self.running.clear()
        for engine in self.engines.values():
            engine.close()
        self.selector.close()


def _output_beside() -> AbstractContextManager[object]:
    """Let what a model prints here go to standard error, where standard output is for programs."""
    is_seen = sys.stdout is None or sys.stderr is None or sys.stdout.isatty()
    return nullcontext() if is_seen else redirect_stdout(sys.stderr)


@dataclass(slots=True, kw_only=True)
class Here:
    """State: trials in this very process, one by one, for debuggers; a crash ends the run."""

    is_asked: bool = True
    """Whether someone wanted it so, or the system knows no better."""
    slots: int = 1
    stop_seconds: float = 0.0
    waiting: list[Job] = field(default_factory=list)
    interrupts: Interrupts | None = None
    checker: Checker = field(default_factory=Checker)

    def start(
        self, tasks: Sequence[TrialTask], limits: Limits, interrupts: Interrupts, tell: Tell
    ) -> None:
        """Say what does not hold."""
        del tasks
        self.interrupts = interrupts
        if not self.is_asked:
            message = "trials are not isolated on this system: a crash ends the run"
            tell("", Warned(message=message))
        if (limits.timeout_seconds, limits.memory_bytes) != (None, None):
            message = "limits of time and memory hold for isolated trials only"
            tell("", Warned(message=message))

    def choose(self, waiting: Iterable[TrialTask]) -> int | None:
        """Return the first."""
        return None if self.waiting else next((place for place, _ in enumerate(waiting)), None)

    def submit(self, job: Job, held: int = -1) -> None:
        """Keep the job until it is waited for."""
        del held
        self.waiting.append(msgspec.structs.replace(job, threads=threads_of_trial(1)))

    def wait(self, seconds: float, tell: Tell) -> None:
        """Run what was submitted."""
        if not self.waiting:
            assert self.interrupts is not None
            select.select([self.interrupts], [], [], seconds)
            return
        job = self.waiting.pop()
        outcome = self._run(job, tell)
        self._check_reload(job, tell)
        tell(job.task.trial_id, outcome)

    def _check_reload(self, job: Job, tell: Tell) -> None:
        """As a keeper does, by a process that was not forked from this one."""
        interrupts = self.interrupts
        assert interrupts is not None
        if job.task.stored or interrupts.is_set:
            return
        try:
            write_job(job)
        except OSError as error:  # a full disk: publishing says so, if it does not fit either
            message = f"{job.task.model}: not known whether its model reloads: {error.strerror}"
            tell(job.task.trial_id, Warned(message=message))
            return
        warning = check_reload(job, lambda: interrupts.is_set, self.checker)
        if warning is not None:
            tell(job.task.trial_id, warning)

    def _run(self, job: Job, tell: Tell) -> Outcome:
        assert self.interrupts is not None
        trial_id = job.task.trial_id
        started = time.monotonic()
        try:
            self.interrupts.raises = True
            with _output_beside():
                return run_trial(
                    job.task,
                    Path(job.work),
                    lambda event: tell(trial_id, event),
                    threads=job.threads,
                    checkpoint=Path(job.checkpoint) if job.checkpoint else None,
                )
        except KeyboardInterrupt:
            self.interrupts.is_set = True
            return Outcome(
                trial_id=trial_id,
                state=State.INTERRUPTED,
                reason="interrupted",
                folder=job.work,
                seconds=time.monotonic() - started,
            )
        finally:
            self.interrupts.raises = False

    def stop(self, trial_id: str) -> None:
        """Do nothing: while a trial runs here, nobody can ask."""

    def close(self) -> None:
        """Forget what was not waited for."""
        self.waiting.clear()
        self.checker.close()
