"""Which trial is whose, when several runs share a store."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.execution.events import EvaluationFinished, Event, TrialFinished
from bench.execution.publishing import missing_evaluations
from bench.execution.scheduling import stored_event
from bench.planning.task import EvaluationTask, TrialTask
from bench.store.atomic import readable_failure
from bench.store.inside import make_folder, names_in
from bench.store.layout import Store
from bench.store.locks import (
    STALE_SECONDS,
    Lock,
    Renewal,
    holder_of,
    lock_named,
    locks_in,
    take_lock,
)
from bench.store.read import read_trial
from bench.store.record import State

__all__ = [
    "Claim",
    "Entry",
    "await_other",
    "claim",
    "is_lost",
    "release",
    "scratch",
    "try_lock",
    "waiting_words",
]


class Claim(Enum):
    """Whose a trial is."""

    OURS = "ours"
    HELD = "another live run's"


@dataclass(slots=True, kw_only=True)
class Entry:
    """State: one task on its way."""

    task: TrialTask
    retries: int = 0
    lock: Lock | None = None
    accuracy: float | None = None
    seen_attempts: frozenset[str] | None = None
    """The failed attempts that were stored when another run was found to hold the trial."""

    def watch(self, event: Event) -> None:
        """Take the accuracy on the trial's own test split from its events."""
        if isinstance(event, EvaluationFinished):
            own = {each.evaluation_id for each in self.task.evaluations if _is_plain(each)}
            if event.evaluation_id in own:
                self.accuracy = event.accuracy


def _is_plain(evaluation: EvaluationTask) -> bool:
    """Whether it is the trained model itself on its own test split."""
    return evaluation.own and not evaluation.transform


def claim(store: Store, entry: Entry) -> Claim | TrialFinished:
    """Take a trial's lock, unless another run has it or, as the event says, has done it meanwhile.

    The task is brought up to date with what is stored: a trained model is not trained again, an
    evaluation that is there is not made again.
    """
    if not try_lock(store, entry):
        await_other(store, entry)
        return Claim.HELD
    done = _done_elsewhere(store, entry)
    if done is not None:
        release(entry)
        return done
    return Claim.OURS


def await_other(store: Store, entry: Entry) -> None:
    """Remember what is stored of a trial now that another run is at it."""
    if entry.seen_attempts is None:
        entry.seen_attempts = _attempts(store, entry.task)


def try_lock(store: Store, entry: Entry) -> bool:
    """Take a trial's lock, unless this run has it already; False while another holds it."""
    if entry.lock is None:
        entry.lock = take_lock(_lock_file(store, entry))
    return entry.lock is not None


def release(entry: Entry) -> None:
    """Give a trial's lock up."""
    if entry.lock is not None:
        entry.lock.release()
        entry.lock = None


def is_lost(entry: Entry) -> bool:
    """Whether the lock of a trial that this run is at was taken from it."""
    return entry.lock is not None and not entry.lock.is_held()


def waiting_words(store: Store, entries: Iterable[Entry]) -> list[str]:
    """Say for each holder how many trials it is at, and when it would be replaced."""
    counts: Counter[str] = Counter()
    for entry in entries:
        holder = holder_of(_lock_file(store, entry))
        if holder is None:
            continue
        limit = f"a machine that does not renew its lock for {STALE_SECONDS / 60:.0f} minutes"
        rule = "" if holder.is_here() else f"; {limit} is replaced"
        counts[f"{holder}{rule}"] += 1
    return [
        f"waiting for {n} trial{'s' * (n > 1)} that another run has locked: {holder}"
        for holder, n in counts.items()
    ]


def _lock_file(store: Store, entry: Entry) -> Path:
    return store.locks / f"{entry.task.trial_id}.lock"


def _done_elsewhere(store: Store, entry: Entry) -> TrialFinished | None:
    task = entry.task
    missing = missing_evaluations(store, task)
    if missing is None:
        entry.task = msgspec.structs.replace(task, stored="")
        return _failed_elsewhere(store, entry)
    folder = store.trial(task.trial_id)
    if not missing:
        return stored_event(store, task, read_trial(folder))
    entry.task = msgspec.structs.replace(task, stored=str(folder), evaluations=tuple(missing))
    return None


def _failed_elsewhere(store: Store, entry: Entry) -> TrialFinished | None:
    """Return how another run failed on it while this one waited: it would fail here as well."""
    if entry.seen_attempts is None:
        return None
    new = _attempts(store, entry.task) - entry.seen_attempts
    records = [read_trial(store.trials / name) for name in new]
    tried = [record for record in records if record.state is not State.INTERRUPTED]
    if not tried:
        return None
    latest = max(tried, key=lambda record: record.started_at)
    return stored_event(store, entry.task, latest)


def _attempts(store: Store, task: TrialTask) -> frozenset[str]:
    return frozenset(n for n in names_in(store.trials) if n.startswith(f"{task.trial_id}--"))


@contextmanager
def scratch(store: Store, renewal: Renewal) -> Iterator[Path]:
    """Give a run a folder of its own under ``.work``; remove what runs that are gone left."""
    for name in names_in(store.work):
        if name.startswith("run-") and (lock := take_lock(store.locks / f"{name}.lock")):
            shutil.rmtree(store.work / name, ignore_errors=True)
            lock.release()
    for name, holder, _ in locks_in(store.locks):
        # Of trials that were finished when their run was killed: nobody would ask for them again.
        if holder is not None and holder.is_gone():
            lock = take_lock(lock_named(store.locks, name))
            if lock is not None:
                lock.release()
    folder = store.work / f"run-{uuid4().hex[:12]}"
    lock = take_lock(store.locks / f"{folder.name}.lock")
    if lock is not None:
        renewal.add(lock)
    with readable_failure(store.root):
        make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            lock.release()
