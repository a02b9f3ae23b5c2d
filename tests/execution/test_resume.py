import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import psutil
import pytest

from bench.board.verify import verify_store
from bench.execution.events import TrialFinished, TrialStarted
from bench.execution.publishing import publish
from bench.execution.worker import run_trial
from bench.planning.task import TrialTask
from bench.store.read import read_evaluation, read_predictions, read_trial
from bench.store.record import State

RUN = """
import json, sys
from pathlib import Path
import msgspec
from bench.execution.events import encode_event
from bench.execution.client import run_tasks
from bench.execution.local import local_backend
from bench.store.layout import Store
from bench.planning.task import Limits, TrialTask

job = json.loads(Path(sys.argv[1]).read_text())
tasks = msgspec.convert(job["tasks"], list[TrialTask])
emit = lambda event: print(encode_event(event).decode(), flush=True)
backend = local_backend(tasks, jobs=job["jobs"], isolate=job["isolate"])
done = run_tasks(tasks, store=Store(Path(job["store"])), backend=backend,
                 limits=Limits(retries=0), emit=emit)
emit(done)
sys.exit(130 if done.interrupted else 0)
"""


@pytest.fixture
def start(tiny: Any) -> Any:
    """Start a harness of its own on these tasks: a real process, to be killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(tasks: list[TrialTask], *, jobs: int = 2, isolate: bool = True) -> Any:
        number = len(started)
        job = tiny.folder / f"job{number}.json"
        facts = {"store": str(tiny.store.root), "jobs": jobs, "isolate": isolate}
        job.write_bytes(msgspec.json.encode({**facts, "tasks": tasks}))
        output = (tiny.folder / f"out{number}.txt").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(job)], stdout=output, start_new_session=True
        )
        output.close()
        process.said = lambda: (tiny.folder / f"out{number}.txt").read_text()  # type: ignore[attr-defined]
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def wait_until(claim: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def check_store(tiny: Any) -> set[str]:
    """Read everything in the store and return the trials that succeeded."""
    successes = set()
    for folder in tiny.store.trials.glob("*"):
        record = read_trial(folder)
        if record.state is State.OK:
            assert (folder / "model" / "means.npy").stat().st_size > 0
            successes.add(record.trial_id)
    for folder in tiny.store.evaluations.glob("*"):
        assert len(read_predictions(folder).predicted) == read_evaluation(folder).n_test
        assert read_evaluation(folder).trial_id in successes
    return successes


def evaluated(tiny: Any) -> set[str]:
    return {read_evaluation(folder).trial_id for folder in tiny.store.evaluations.glob("*")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_stops_within_two_seconds_and_keeps_what_is_finished(
    tiny: Any, start: Any, gone: Callable[[float], bool], number: int
) -> None:
    good, hanging = tiny.task(), [tiny.task("debug-ignore-sigterm"), tiny.task("debug-fork")]
    process = start([good, *hanging])
    wait_until(lambda: process.said().count('"trial_started"') == 3)
    time.sleep(0.5)

    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 130
    assert time.monotonic() - began < 2.0
    assert gone(0.5)
    assert check_store(tiny) == {good.trial_id}
    states = {record.model: record.state for record in tiny.records().values()}
    assert states["debug-fork"] is State.INTERRUPTED
    last = json.loads(process.said().splitlines()[-1])
    assert (last["event"], last["interrupted"]) == ("run_finished", True)


def test_an_interrupt_without_isolation_stops_the_model_itself(tiny: Any, start: Any) -> None:
    process = start([tiny.task("debug-hang")], isolate=False)
    wait_until(lambda: '"trial_started"' in process.said())
    time.sleep(0.3)

    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
    (record,) = tiny.records().values()
    assert (record.state, record.reason) == (State.INTERRUPTED, "interrupted")


def has_begun(process: Any) -> bool:
    return '"trial_started"' in process.said() or process.poll() is not None


def kill_at_random_moments(
    tiny: Any, start: Any, gone: Callable[[float], bool], *, kills: int, n_trials: int
) -> None:
    """Kill the harness again and again; nothing is lost, torn, left behind or done twice."""
    chance = random.Random(7)
    options = {"seconds": 0.05, "epochs": 2}
    tasks = [
        tiny.task("debug-sleep", seed=seed, options=options, resumes=True)
        for seed in range(n_trials)
    ]
    trained: set[str] = set()
    safe: set[str] = set()
    for _ in range(kills):
        process = start(tasks)
        wait_until(partial(has_begun, process))
        time.sleep(chance.uniform(0.0, 3.0))
        process.kill()
        process.wait()
        assert gone(2.0)
        said = [json.loads(line) for line in process.said().splitlines() if line.endswith("}")]
        finished = {each["trial_id"] for each in said if each["event"] == "trial_finished"}
        begun = [each for each in said if each["event"] == "trial_started"]
        assert not {each["trial_id"] for each in begun} & safe, "a finished trial was run again"
        assert not {each["trial_id"] for each in begun if each["fits"]} & trained, "trained twice"
        now = check_store(tiny)
        assert trained | finished <= now, "a finished trial was lost"
        # A kill between the trial's rename and its evaluation's leaves that one to be made.
        trained, safe = now, now & evaluated(tiny)

    counts = tiny.run(*tasks, jobs=2)
    assert counts == {State.OK: n_trials}
    ran = {event.trial_id for event in tiny.of(TrialStarted)}
    assert ran == {task.trial_id for task in tasks} - safe
    assert check_store(tiny) == {task.trial_id for task in tasks}
    assert len(list(tiny.store.evaluations.iterdir())) == n_trials
    assert [path.name for path in tiny.store.work.glob("run-*")] == []


def test_five_kills_of_the_harness_lose_nothing(
    tiny: Any, start: Any, gone: Callable[[float], bool]
) -> None:
    kill_at_random_moments(tiny, start, gone, kills=5, n_trials=16)


@pytest.mark.heavy
def test_fifty_kills_of_the_harness_lose_nothing(
    tiny: Any, start: Any, gone: Callable[[float], bool]
) -> None:
    kill_at_random_moments(tiny, start, gone, kills=50, n_trials=150)


def worker_of(harness: int) -> int:
    """Return the one process below a harness that leads a session of its own below the server."""
    for process in psutil.Process(harness).children(recursive=True):
        parents = [each.pid for each in process.parents()]
        if os.getsid(process.pid) == process.pid and parents.index(harness) == 2:
            return int(process.pid)
    return 0


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        pytest.param(signal.SIGKILL, "killed from outside (SIGKILL)", id="SIGKILL"),
        pytest.param(signal.SIGTERM, "stopped from outside (SIGTERM)", id="SIGTERM"),
    ],
)
def test_a_worker_killed_by_a_person_costs_its_trial_alone(
    tiny: Any, start: Any, number: int, reason: str
) -> None:
    hanging, good = tiny.task("debug-hang"), tiny.task()
    process = start([hanging, good], jobs=1)
    wait_until(lambda: worker_of(process.pid) > 0)
    time.sleep(0.3)

    os.kill(worker_of(process.pid), number)
    assert process.wait(20) == 0
    states = {record.model: (record.state, record.reason) for record in tiny.records().values()}
    assert states == {
        "debug-hang": (State.INTERRUPTED, reason),
        "debug-good": (State.OK, ""),
    }


def test_a_killed_keeper_takes_its_worker_along(
    tiny: Any, start: Any, gone: Callable[[float], bool]
) -> None:
    process = start([tiny.task("debug-hang"), tiny.task()], jobs=1)
    wait_until(lambda: worker_of(process.pid) > 0)
    worker = psutil.Process(worker_of(process.pid))

    keeper = worker.parent()
    assert keeper is not None
    keeper.kill()
    assert process.wait(20) == 0
    assert gone(0.5)
    assert {record.state for record in tiny.records().values()} == {State.CRASHED, State.OK}


def test_a_killed_fork_server_is_started_again(tiny: Any, start: Any) -> None:
    options = {"seconds": 0.5, "epochs": 1}
    tasks = [tiny.task("debug-sleep", seed=seed, options=options) for seed in range(4)]
    process = start(tasks, jobs=1)
    wait_until(lambda: worker_of(process.pid) > 0)
    psutil.Process(worker_of(process.pid)).parents()[1].kill()

    assert process.wait(30) == 0
    assert check_store(tiny) == {task.trial_id for task in tasks}


def test_a_trial_with_a_checkpoint_goes_on_from_it(tiny: Any, start: Any) -> None:
    task = tiny.task("debug-sleep", options={"seconds": 4.0, "epochs": 20}, resumes=True)
    process = start([task])
    wait_until(lambda: process.said().count('"epoch_ended"') >= 5)
    process.kill()
    process.wait()

    tiny.run(task)
    (record,) = tiny.records().values()
    assert (record.state, record.resumed, record.epochs) == (State.OK, True, 20)
    assert record.fit_seconds == pytest.approx(4.0, abs=0.6)
    assert not tiny.store.checkpoint(task.trial_id).exists()
    history = (tiny.store.trial(task.trial_id) / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in history[1:]] == [str(epoch) for epoch in range(1, 21)]


def test_two_runs_at_once_share_the_work(tiny: Any, start: Any) -> None:
    options = {"seconds": 0.2, "epochs": 1}
    tasks = [tiny.task("debug-sleep", seed=seed, options=options) for seed in range(10)]
    first, second = start(tasks, jobs=1), start(tasks, jobs=1)
    assert (first.wait(60), second.wait(60)) == (0, 0)

    said = [json.loads(line) for each in (first, second) for line in each.said().splitlines()]
    begun = [each["trial_id"] for each in said if each["event"] == "trial_started"]
    assert sorted(begun) == sorted(task.trial_id for task in tasks)
    assert len({json.dumps(each["counts"]) for each in said if "counts" in each}) == 1
    assert [each["counts"] for each in said if "counts" in each] == [{"ok": 10}] * 2
    assert all(each["accuracy"] == 1.0 for each in said if each["event"] == "trial_finished")
    assert list(tiny.store.locks.iterdir()) == []


def test_of_four_runs_at_once_one_is_killed_and_nothing_is_lost_or_done_twice(
    tiny: Any, start: Any
) -> None:
    options = {"seconds": 0.3, "epochs": 1}
    tasks = [tiny.task("debug-sleep", seed=seed, options=options) for seed in range(24)]
    runs = [start(tasks, jobs=1) for _ in range(4)]
    while sum(run.said().count("trial_finished") for run in runs) < 6:
        time.sleep(0.05)
    runs[1].kill()
    assert [run.wait(120) for run in runs if run is not runs[1]] == [0, 0, 0]

    said = [json.loads(line) for run in runs for line in run.said().splitlines()]
    begun = Counter(each["trial_id"] for each in said if each["event"] == "trial_started")
    assert begun.keys() == {task.trial_id for task in tasks}
    assert sum(begun.values()) <= len(tasks) + 1  # the one that the killed run was at
    assert len(list(tiny.store.trials.iterdir())) == len(tasks)
    assert verify_store(tiny.store).problems == ()


def test_a_trial_whose_model_is_stored_is_evaluated_without_a_fit(tiny: Any) -> None:
    task = tiny.task()
    tiny.run(task, isolate=False)
    trained = read_trial(tiny.store.trial(task.trial_id))
    other = msgspec.structs.replace(
        task.evaluations[0],
        evaluation_id="f" * 16,
        test_dataset="other",
        split=tiny.split(),
        own=False,
    )

    tiny.events.clear()
    wanted = msgspec.structs.replace(task, evaluations=(*task.evaluations, other))
    tiny.run(wanted, isolate=False)

    assert [event.fits for event in tiny.of(TrialStarted)] == [False]
    record = read_evaluation(tiny.store.evaluation(task.trial_id, "f" * 16))
    assert (record.attempt, record.n_test) == (trained.attempt, 12)
    assert read_trial(tiny.store.trial(task.trial_id)) == trained


def test_a_stored_model_that_cannot_be_read_is_trained_again(tiny: Any) -> None:
    task = tiny.task()
    tiny.run(task, isolate=False)
    model = tiny.store.trial(task.trial_id) / "model" / "means.npy"
    model.write_bytes(b"damaged")
    other = msgspec.structs.replace(task.evaluations[0], evaluation_id="f" * 16, own=False)

    tiny.run(msgspec.structs.replace(task, evaluations=(other,)), isolate=False)

    assert "cannot be loaded, so it is trained again" in tiny.events[-3].message
    assert tiny.store.evaluation(task.trial_id, "f" * 16).is_dir()
    assert tiny.of(TrialFinished)[-1].state is State.OK


def test_of_two_trainings_of_one_trial_the_first_stays_whole(tiny: Any) -> None:
    task = tiny.task()
    other = msgspec.structs.replace(task.evaluations[0], evaluation_id="f" * 16)
    outcomes = []
    for evaluations in (task.evaluations, (other,)):
        work = tiny.store.new_work_folder()
        each = msgspec.structs.replace(task, evaluations=evaluations)
        outcomes.append(run_trial(each, work, tiny.events.append))
    for outcome in outcomes:
        publish(tiny.store, task, outcome)

    trial = read_trial(tiny.store.trial(task.trial_id))
    (evaluation,) = [read_evaluation(folder) for folder in tiny.store.evaluations.iterdir()]
    assert evaluation.attempt == trial.attempt
    assert verify_store(tiny.store).problems == ()
