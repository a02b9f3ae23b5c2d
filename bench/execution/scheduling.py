"""Which trial next, how many at once, and the events that say what became of one."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from bench.errors import BenchError
from bench.execution.events import Event, TrialFinished, TrialRetried, Warned
from bench.execution.machine import available_cores, available_memory_bytes
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.layout import Store
from bench.store.read import read_predictions
from bench.store.record import State, TrialRecord

__all__ = [
    "Guarded",
    "cheapest_first",
    "check_limits",
    "choose_jobs",
    "retry_event",
    "stored_event",
    "trial_event",
]

_MEMORY_SHARE = 0.8
_MEMORY_BYTES = {True: 1 << 30, False: 400 << 20}
"""What a trial takes where nothing is known of it: with the heavy engine, and without."""


class Guarded:
    """State: an observer, and whether it has raised yet."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._has_raised = False

    def __call__(self, event: Event) -> None:
        """Tell the observer; what it raises is reported once, and the run goes on."""
        try:
            self._emit(event)
        # The observer is foreign code, and no display is worth a trial.
        except Exception as error:  # noqa: BLE001
            if not self._has_raised:
                self._has_raised = True
                words = " ".join(str(error).split())
                self(Warned(message=f"an observer raised {type(error).__name__}: {words}"))


def check_limits(limits: Limits, tasks: Sequence[TrialTask]) -> None:
    """Refuse limits that no trial can meet.

    Raises
    ------
    BenchError
        For a limit that is not positive.
    """
    timeouts = [limits.timeout_seconds, *(task.timeout_seconds for task in tasks)]
    for timeout in timeouts:
        if timeout is not None and not timeout > 0:
            raise BenchError(
                f"a time limit of {timeout:g} s",
                why="no trial can end in no time",
                fix="give --timeout something like 90s, 30m or 2h, or leave it out",
            )
    if limits.memory_bytes is not None and limits.memory_bytes <= 0:
        raise BenchError(
            f"a memory limit of {limits.memory_bytes} bytes",
            why="no trial can do without memory",
            fix="give --max-memory something like 4GB, or leave it out",
        )
    if limits.retries < 0:
        raise BenchError(f"{limits.retries} retries", why="it must be 0 or more")


def choose_jobs(jobs: int | Literal["auto"] | None, tasks: Sequence[TrialTask]) -> int:
    """Return how many trials run at once.

    None: ``auto`` where all train on embedded data, whose small batches leave a second core idle,
    else one. ``auto``: one for each core, fewer where there are fewer trials or where the free
    memory would not hold so many of the largest.

    Raises
    ------
    BenchError
        If a number below 1 was asked for.
    """
    if jobs is None:
        jobs = "auto" if all(task.train is None or task.train_embedded for task in tasks) else 1
    if jobs != "auto":
        if jobs < 1:
            raise BenchError(f"-j {jobs}", why="it must be 1 or more, or auto")
        return jobs
    needs = [task.estimated_memory_bytes or _MEMORY_BYTES[task.heavy] for task in tasks]
    room = available_memory_bytes() * _MEMORY_SHARE // max(needs, default=1)
    return max(1, min(available_cores(), len(tasks), int(room)))


def cheapest_first(tasks: Sequence[TrialTask]) -> list[TrialTask]:
    """Return the tasks by expected time, so that rows come soon; unknown ones wait."""

    def key(task: TrialTask) -> float:
        known = task.estimated_seconds
        return known if known is not None else float("inf")

    return sorted(tasks, key=key)


def retry_event(task: TrialTask, outcome: Outcome, attempt: int) -> TrialRetried:
    """Return the event that says a trial is tried again."""
    return TrialRetried(
        trial_id=task.trial_id, state=outcome.state, reason=outcome.reason, attempt=attempt
    )


def trial_event(
    task: TrialTask, outcome: Outcome, *, accuracy: float | None, retries: int
) -> TrialFinished:
    """Return the event that says how a trial ended."""
    return TrialFinished(
        trial_id=task.trial_id,
        model=task.model,
        train_dataset=task.train_dataset,
        seed=task.seed,
        variant=task.variant.words,
        state=outcome.state,
        reason=outcome.reason,
        accuracy=accuracy,
        seconds=outcome.seconds,
        retries=retries,
    )


def stored_event(store: Store, task: TrialTask, record: TrialRecord) -> TrialFinished:
    """Return the same for a trial that another run has finished meanwhile."""
    accuracy = None
    for evaluation in task.evaluations if record.state is State.OK else ():
        if evaluation.own and not evaluation.transform:
            folder = store.evaluation(task.trial_id, evaluation.evaluation_id)
            predictions = read_predictions(folder)
            if predictions.labels is not None:
                accuracy = float(np.mean(predictions.labels == predictions.predicted))
    outcome = Outcome(
        trial_id=task.trial_id,
        state=record.state,
        reason=record.reason,
        seconds=record.total_seconds or 0.0,
    )
    return trial_event(task, outcome, accuracy=accuracy, retries=record.retries)
