"""What every back end promises: one class of tests, and a subclass for each back end."""

import os
import shutil
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.errors import BenchError
from bench.execution.backend import Backend
from bench.execution.dask_backend import DaskBackend
from bench.execution.dask_cluster import Cluster
from bench.execution.events import EvaluationFinished, Event
from bench.execution.interrupts import Interrupts
from bench.execution.job import TRIAL, Job, Message
from bench.execution.local import Here, Isolated
from bench.planning.task import Limits, Outcome, TrialTask
from bench.store.read import read_evaluation, read_predictions, read_trial
from bench.store.record import State

_SLEEP = "import time; time.sleep(60)"
_SECONDS_MAX = 120.0


class Heard:
    """State: what a back end has told so far."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Message]] = []
        self.threads: set[int] = set()

    def __call__(self, trial_id: str, message: Message) -> None:
        self.messages.append((trial_id, message))
        self.threads.add(threading.get_ident())

    @property
    def outcomes(self) -> dict[str, Outcome]:
        return {name: each for name, each in self.messages if isinstance(each, Outcome)}

    def events(self, trial_id: str) -> list[Event]:
        said = [each for name, each in self.messages if name == trial_id]
        return [each for each in said if not isinstance(each, Outcome)]


class BackendContract(ABC):
    """The claims; a subclass makes its back end, and says what it cannot do."""

    stops: bool = True
    """Whether a trial that runs can be asked to end, and limits hold."""

    @abstractmethod
    def make(self, slots: int, folder: Path) -> Backend:
        """Return a back end that was not started yet."""

    @pytest.fixture
    def run(self, tiny: Any, tmp_path: Path) -> Iterator[Any]:
        """Return ``run(*tasks)``, which submits all and waits for every outcome."""
        made: list[Backend] = []

        def run(*tasks: TrialTask, slots: int = 2, limits: Limits | None = None) -> Heard:
            heard = Heard()
            limits = limits or Limits()
            with Interrupts() as interrupts:
                backend = self.make(slots, tmp_path)
                made.append(backend)
                backend.start(tasks, limits, interrupts, heard)
                waiting = list(tasks)
                while len(heard.outcomes) < len(tasks):
                    while (place := backend.choose(waiting)) is not None:
                        backend.submit(self.job(tiny, waiting.pop(place), limits))
                    backend.wait(_SECONDS_MAX, heard)
                backend.close()
            return heard

        yield run
        for backend in made:
            backend.close()

    @staticmethod
    def job(tiny: Any, task: TrialTask, limits: Limits) -> Job:
        work = tiny.folder / "works" / task.trial_id
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        checkpoint = tiny.folder / "checkpoints" / task.trial_id
        return Job(
            task=task,
            work=str(work),
            checkpoint=str(checkpoint) if task.resumes else "",
            timeout_seconds=task.timeout_seconds or limits.timeout_seconds,
            memory_bytes=limits.memory_bytes,
        )

    def test_a_trial_ends_with_its_parts_in_its_work_folder(self, run: Any, tiny: Any) -> None:
        task = tiny.task()
        outcome = run(task).outcomes[task.trial_id]
        work = tiny.folder / "works" / task.trial_id
        assert (outcome.state, outcome.folder) == (State.OK, str(work))
        record = read_trial(work / TRIAL)
        assert (record.trial_id, record.n_train) == (task.trial_id, 60)
        (folder,) = (work / "evaluations").iterdir()
        assert read_evaluation(folder).trial_id == task.trial_id
        assert read_predictions(folder).predicted.shape == (30,)

    def test_events_come_before_the_outcome_and_in_the_callers_thread(
        self, run: Any, tiny: Any
    ) -> None:
        task = tiny.task()
        heard = run(task)
        last, before = heard.messages[-1][1], heard.events(task.trial_id)
        assert isinstance(last, Outcome)
        assert EvaluationFinished in map(type, before)
        assert heard.threads == {threading.get_ident()}

    def test_what_a_trial_raises_is_its_outcome_and_costs_no_other(
        self, run: Any, tiny: Any
    ) -> None:
        good = [tiny.task(seed=seed) for seed in range(3)]
        bad = tiny.task("debug-raise")
        outcomes = run(bad, *good).outcomes
        assert outcomes[bad.trial_id].state is State.FAILED
        assert "ValueError" in outcomes[bad.trial_id].reason
        assert {outcomes[task.trial_id].state for task in good} == {State.OK}

    def test_predictions_do_not_depend_on_the_back_end(self, run: Any, tiny: Any) -> None:
        task = tiny.task()
        run(task)
        tiny.run(task, isolate=False)
        (mine,) = (tiny.folder / "works" / task.trial_id / "evaluations").iterdir()
        (theirs,) = tiny.store.evaluations.iterdir()
        ours = read_predictions(mine).probabilities
        np.testing.assert_array_equal(ours, read_predictions(theirs).probabilities)

    def test_a_stored_model_is_predicted_with_and_not_trained(self, run: Any, tiny: Any) -> None:
        task = tiny.task()
        tiny.run(task, isolate=False)
        stored = str(tiny.store.trial(task.trial_id).absolute())
        again = msgspec.structs.replace(task, stored=stored)
        assert run(again).outcomes[task.trial_id].state is State.OK
        work = tiny.folder / "works" / task.trial_id
        (folder,) = (work / "evaluations").iterdir()
        assert read_evaluation(folder).attempt == read_trial(Path(stored)).attempt
        assert not (work / TRIAL / "record.json").exists()

    def test_no_more_than_its_slots_run_at_once(self, run: Any, tiny: Any) -> None:
        tasks = [tiny.task(seed=seed) for seed in range(4)]
        assert len(run(*tasks, slots=1).outcomes) == 4

    def test_nothing_is_chosen_where_nothing_waits(self, tmp_path: Path, tiny: Any) -> None:
        with Interrupts() as interrupts:
            backend = self.make(1, tmp_path)
            try:
                backend.start([tiny.task()], Limits(), interrupts, Heard())
                assert backend.slots >= 1
                assert backend.choose(iter([])) is None
            finally:
                backend.close()

    def _sleeper(self, tiny: Any) -> TrialTask:
        task: TrialTask = tiny.task("own", plugin=tiny.plugin(_SLEEP))
        return task

    def test_a_crash_is_an_outcome(self, run: Any, tiny: Any) -> None:
        if not self.stops:
            pytest.skip("a crash ends the process that everything runs in")
        task, good = tiny.task("debug-segfault"), tiny.task()
        outcomes = run(task, good).outcomes
        assert outcomes[task.trial_id].state is State.CRASHED
        assert outcomes[good.trial_id].state is State.OK

    def test_a_limit_of_time_ends_a_trial(self, run: Any, tiny: Any) -> None:
        if not self.stops:
            pytest.skip("limits hold for isolated trials only")
        task = self._sleeper(tiny)
        outcome = run(task, limits=Limits(timeout_seconds=2.0)).outcomes[task.trial_id]
        assert outcome.state is State.TIMEOUT

    def test_a_trial_that_is_asked_to_stop_ends_as_interrupted(
        self, tmp_path: Path, tiny: Any, gone: Callable[[float], bool]
    ) -> None:
        if not self.stops:
            pytest.skip("nobody can ask")
        task, heard = self._sleeper(tiny), Heard()
        with Interrupts() as interrupts:
            backend = self.make(1, tmp_path)
            try:
                backend.start([task], Limits(), interrupts, heard)
                while backend.choose([task]) is None:
                    backend.wait(1.0, heard)
                backend.submit(self.job(tiny, task, Limits()))
                backend.wait(1.0, heard)
                backend.stop(task.trial_id)
                while not heard.outcomes:
                    backend.wait(_SECONDS_MAX, heard)
            finally:
                backend.close()
        assert heard.outcomes[task.trial_id].state is State.INTERRUPTED
        assert gone(5.0)

    def test_an_interrupt_ends_a_wait_at_once(self, tmp_path: Path, tiny: Any) -> None:
        task = tiny.task()
        with Interrupts() as interrupts:
            backend = self.make(1, tmp_path)
            try:
                backend.start([task], Limits(), interrupts, Heard())
                timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
                timer.start()
                backend.wait(_SECONDS_MAX, Heard())
                timer.join()
                assert interrupts.is_set
            finally:
                backend.close()

    def test_closing_ends_all_that_runs(
        self, tmp_path: Path, tiny: Any, gone: Callable[[float], bool]
    ) -> None:
        if not self.stops:
            pytest.skip("nothing runs once waiting has returned")
        task, heard = self._sleeper(tiny), Heard()
        with Interrupts() as interrupts:
            backend = self.make(1, tmp_path)
            try:
                backend.start([task], Limits(), interrupts, heard)
                while backend.choose([task]) is None:
                    backend.wait(1.0, heard)
                backend.submit(self.job(tiny, task, Limits()))
                backend.wait(1.0, heard)
            finally:
                backend.close()
        assert gone(5.0)
        assert heard.outcomes == {}

    def test_a_memory_limit_below_what_any_trial_needs_is_refused(
        self, tmp_path: Path, tiny: Any
    ) -> None:
        if not self.stops:
            pytest.skip("limits hold for isolated trials only")
        with Interrupts() as interrupts:
            backend = self.make(1, tmp_path)
            try:
                with pytest.raises(BenchError, match="a memory limit of 1 MiB"):
                    backend.start([tiny.task()], Limits(memory_bytes=1 << 20), interrupts, Heard())
            finally:
                backend.close()


class TestIsolated(BackendContract):
    def make(self, slots: int, folder: Path) -> Backend:
        return Isolated(slots=slots)


class TestSpawned(TestIsolated):
    @pytest.fixture(autouse=True)
    def _spawns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BENCH_START_METHOD", "spawn")

    def test_a_memory_limit_below_what_any_trial_needs_is_refused(
        self, tmp_path: Path, tiny: Any
    ) -> None:
        pytest.skip("what the libraries need is known only once a trial has them")


class TestHere(BackendContract):
    stops = False

    def make(self, slots: int, folder: Path) -> Backend:
        return Here()


@pytest.mark.heavy
@pytest.mark.usefixtures("clusters")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # distributed's own sockets
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the same
class TestDask(BackendContract):
    """On a cluster of this machine's own making."""

    def make(self, slots: int, folder: Path) -> Backend:
        return DaskBackend(cluster=Cluster(workers=slots))

    def test_a_memory_limit_below_what_any_trial_needs_is_refused(
        self, tmp_path: Path, tiny: Any
    ) -> None:
        pytest.skip("what the libraries need is known only once a trial has them")
