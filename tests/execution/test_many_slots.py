"""Many trials at once: their results are stored several at a time, and counted in one thread."""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.errors import StoreError
from bench.execution import client
from bench.execution.backend import Tell
from bench.execution.events import TrialFinished
from bench.execution.interrupts import Interrupts
from bench.execution.job import TRIAL, Job
from bench.execution.recording import base_record, new_attempt
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.record import State
from bench.store.write import write_record


class AtOnce:
    """State: what was submitted; each trial is done before it is asked for."""

    slots = 16
    stop_seconds = 1.0

    def __init__(self) -> None:
        self.done: deque[Outcome] = deque()

    def start(
        self, tasks: Sequence[TrialTask], limits: Limits, interrupts: Interrupts, tell: Tell
    ) -> None:
        pass

    def choose(self, waiting: Iterable[TrialTask]) -> int | None:
        return 0 if len(self.done) < self.slots and list(waiting) else None

    def submit(self, job: Job, held: int = -1) -> None:
        record = base_record(job.task, attempt=new_attempt(), state=State.OK)
        write_record(Path(job.work) / TRIAL, record)
        trial_id = job.task.trial_id
        self.done.append(Outcome(trial_id=trial_id, state=State.OK, folder=job.work))

    def wait(self, seconds: float, tell: Tell) -> None:
        while self.done:
            outcome = self.done.popleft()
            tell(outcome.trial_id, outcome)
        threading.Event().wait(min(seconds, 0.01))

    def stop(self, trial_id: str) -> None:
        pass

    def close(self) -> None:
        pass


def test_all_are_stored_and_told_by_one_thread(tiny: Any) -> None:
    threads = set()

    def emit(event: Any) -> None:
        threads.add(threading.get_ident())
        tiny.events.append(event)

    tasks = [tiny.task(seed=seed) for seed in range(40)]
    assert tiny.run(*tasks, backend=AtOnce(), emit=emit) == {State.OK: 40}
    assert len(tiny.records()) == len(tiny.of(TrialFinished)) == 40
    assert threads == {threading.get_ident()}
    assert list(tiny.store.locks.iterdir()) == list(tiny.store.work.iterdir()) == []


def test_a_store_that_fails_meanwhile_ends_the_run(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise StoreError("store", why="the disk is full")

    monkeypatch.setattr(client, "publish", fail)
    with pytest.raises(StoreError, match="the disk is full"):
        tiny.run(*(tiny.task(seed=seed) for seed in range(20)), backend=AtOnce())
    assert list(tiny.store.locks.iterdir()) == []
