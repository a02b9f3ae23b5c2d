"""Which trial is whose, when several runs share a store."""

from dataclasses import dataclass
from enum import Enum

import msgspec

from bench.execution.events import EvaluationFinished, Event, TrialFinished
from bench.execution.isolation import RunningTrial
from bench.execution.publishing import missing_evaluations
from bench.execution.scheduling import stored_event
from bench.planning.task import EvaluationTask, TrialTask
from bench.store.layout import Store
from bench.store.locks import Lock, take_lock
from bench.store.read import read_trial
from bench.store.record import State

__all__ = ["Claim", "Entry", "claim", "release"]


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
    trial: RunningTrial | None = None
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
    task = entry.task
    entry.lock = take_lock(store.locks / f"{task.trial_id}.lock")
    if entry.lock is None:
        if entry.seen_attempts is None:
            entry.seen_attempts = _attempts(store, task)
        return Claim.HELD
    done = _done_elsewhere(store, entry)
    if done is not None:
        release(entry)
        return done
    return Claim.OURS


def release(entry: Entry) -> None:
    """Give a trial's lock up."""
    if entry.lock is not None:
        entry.lock.release()
        entry.lock = None


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
    return frozenset(path.name for path in store.trials.glob(f"{task.trial_id}--*"))
