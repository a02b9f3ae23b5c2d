import time
from collections.abc import Callable
from typing import Any

import pytest

from bench.errors import BenchError
from bench.execution.events import TrialFinished, TrialRetried, TrialStarted, Warned
from bench.store.record import State

MEMORY_BYTES = 700 << 20

TOO_LONG = (State.TIMEOUT, "stopped after its limit of 1 s")
FAULTS = {
    "debug-raise": (State.FAILED, "ValueError: this model always raises and says so on two lines"),
    "debug-hang": TOO_LONG,
    "debug-segfault": (State.CRASHED, "segmentation fault (SIGSEGV)"),
    "debug-memory": (State.OUT_OF_MEMORY, " MiB of 700 MiB"),
    "debug-fork": TOO_LONG,
    "debug-print": (State.OK, ""),
    "debug-nan": (State.FAILED, "predict_proba returned NaN for 30 of 60 images"),
    "debug-exit": (State.CRASHED, "its process ended with exit code 0 and without a result"),
    "debug-sys-exit": (State.FAILED, "SystemExit: the model left Python with code 0"),
    "debug-ignore-sigterm": TOO_LONG,
}


def ill_task(tiny: Any, model: str) -> Any:
    return tiny.task(model, timeout_seconds=1.0 if FAULTS[model] == TOO_LONG else 60.0)


def test_a_grid_of_every_fault_costs_only_the_faulty_trials(
    tiny: Any, gone: Callable[[float], bool]
) -> None:
    tasks = [ill_task(tiny, model) for model in FAULTS]
    tasks += [tiny.task("debug-good", seed=seed) for seed in range(10)]

    tiny.run(*tasks, jobs=2, limits={"memory_bytes": MEMORY_BYTES})

    records = tiny.records()
    assert {name: record.state for name, record in records.items() if "good" in name} == {
        f"debug-good {seed}": State.OK for seed in range(10)
    }
    for model, (state, reason) in FAULTS.items():
        record = records[f"{model} 1"]
        assert (record.state, reason in record.reason) == (state, True), record.reason
        assert "\n" not in record.reason
    assert gone(0.5)
    ended = {event.trial_id: event.state for event in tiny.of(TrialFinished)}
    assert ended == {record.trial_id: record.state for record in records.values()}
    assert len(tiny.of(TrialStarted)) == len(tasks)


def test_the_log_of_a_crash_shows_where_it_was(tiny: Any) -> None:
    tiny.run(tiny.task("debug-segfault"))

    (folder,) = tiny.store.trials.iterdir()
    assert "Fatal Python error: Segmentation fault" in (folder / "log.txt").read_text()


def test_an_error_that_is_no_text_is_a_reason_all_the_same(tiny: Any) -> None:
    plugin = tiny.plugin(r"raise FileNotFoundError('no digits\udcff.npz')")

    tiny.run(tiny.task("own", plugin=plugin))

    (record,) = tiny.records().values()
    reason = r"FileNotFoundError: no digits\udcff.npz"
    assert (record.state, record.reason) == (State.FAILED, reason)


def test_a_log_is_bounded_and_keeps_its_beginning_and_its_end(tiny: Any) -> None:
    plugin = tiny.plugin("print('first')\n        print('y' * 9_000_000)\n        print('last')")
    tiny.run(tiny.task("own", plugin=plugin))

    (folder,) = tiny.store.trials.iterdir()
    log = (folder / "log.txt").read_text()
    assert (log[:6], log[-5:], len(log) < 2_200_000) == ("first\n", "last\n", True)
    assert "bytes left out" in log


def test_a_log_and_a_reason_name_no_home_and_no_working_folder(tiny: Any) -> None:
    plugin = tiny.plugin(
        "import os, pathlib\n"
        "        print(pathlib.Path.home() / 'x', os.getcwd() + '/y')\n"
        "        raise OSError(str(pathlib.Path.home() / 'z'))"
    )
    tiny.run(tiny.task("own", plugin=plugin))

    (folder,) = tiny.store.trials.iterdir()
    (record,) = tiny.records().values()
    assert (folder / "log.txt").read_text().startswith("~/x ./y\n")
    assert record.reason == "OSError: ~/z"


def test_children_of_a_finished_trial_do_not_outlive_it(
    tiny: Any, gone: Callable[[float], bool]
) -> None:
    counts = tiny.run(tiny.task("debug-fork", options={"hang": False}))

    assert counts == {State.OK: 1}
    assert gone(0.5)


def test_a_crash_is_tried_again_and_its_record_says_so(tiny: Any) -> None:
    counts = tiny.run(tiny.task("debug-exit"), limits={"retries": 2})

    (record,) = tiny.records().values()
    assert (counts, record.state, record.retries) == ({State.CRASHED: 1}, State.CRASHED, 2)
    assert [event.attempt for event in tiny.of(TrialRetried)] == [1, 2]


def test_a_crash_that_does_not_happen_again_ends_as_a_success(tiny: Any) -> None:
    plugin = tiny.plugin(
        f"import os, pathlib\n"
        f"        mark = pathlib.Path({str(tiny.folder / 'mark')!r})\n"
        f"        if not mark.exists():\n"
        f"            mark.touch()\n"
        f"            os.abort()"
    )
    counts = tiny.run(tiny.task("own", plugin=plugin), limits={"retries": 1})

    (record,) = tiny.records().values()
    assert (counts, record.retries) == ({State.OK: 1}, 1)


def test_an_exception_is_never_tried_again(tiny: Any) -> None:
    tiny.run(tiny.task("debug-raise"), limits={"retries": 3})

    (record,) = tiny.records().values()
    assert (record.retries, tiny.of(TrialRetried)) == (0, [])


def test_a_memory_error_of_python_is_a_full_memory(tiny: Any) -> None:
    plugin = tiny.plugin("raise MemoryError('Unable to allocate 9 TiB')")
    counts = tiny.run(tiny.task("own", plugin=plugin))

    assert counts == {State.OUT_OF_MEMORY: 1}


def test_an_observer_that_raises_is_reported_once_and_the_run_goes_on(tiny: Any) -> None:
    told = []

    def observer(event: Any) -> None:
        told.append(event)
        if isinstance(event, TrialStarted):
            raise ZeroDivisionError("broken display")

    counts = tiny.run(tiny.task(seed=1), tiny.task(seed=2), emit=observer, isolate=False)

    assert counts == {State.OK: 2}
    warnings = [event.message for event in told if isinstance(event, Warned)]
    assert warnings == ["an observer raised ZeroDivisionError: broken display"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"limits": {"timeout_seconds": 0}},
            "a time limit of 0 s: no trial can end in no time",
            id="timeout 0",
        ),
        pytest.param(
            {"limits": {"memory_bytes": -1}}, "a memory limit of -1 bytes", id="negative memory"
        ),
        pytest.param({"limits": {"retries": -1}}, "-1 retries", id="negative retries"),
        pytest.param({"jobs": 0}, "-j 0: it must be 1 or more, or auto", id="no jobs"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(
    tiny: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(BenchError) as raised:
        tiny.run(tiny.task(), **settings)
    assert str(raised.value).startswith(message)


def test_a_memory_limit_below_the_libraries_says_how_much_they_need(
    tiny: Any, gone: Callable[[float], bool]
) -> None:
    with pytest.raises(BenchError, match=r"needs \d+ MiB for its libraries alone; give .* \d+MiB"):
        tiny.run(tiny.task(), limits={"memory_bytes": 20 << 20})
    assert gone(0.5)


def test_without_isolation_a_fault_of_python_still_costs_one_trial(tiny: Any) -> None:
    counts = tiny.run(
        tiny.task("debug-raise"), tiny.task("debug-sys-exit"), tiny.task(), isolate=False
    )

    assert counts == {State.FAILED: 2, State.OK: 1}
    (folder,) = tiny.store.trials.glob(f"{tiny.task('debug-raise').trial_id}--*")
    assert "Traceback (most recent call last)" in (folder / "log.txt").read_text()


def test_limits_that_do_not_hold_without_isolation_are_said(tiny: Any) -> None:
    tiny.run(tiny.task(), isolate=False, limits={"timeout_seconds": 60.0})

    (warned,) = tiny.of(Warned)
    assert warned.message == "limits of time and memory hold for isolated trials only"


def test_stopping_a_model_that_ignores_sigterm_takes_half_a_second_more(tiny: Any) -> None:
    tiny.run(tiny.task("debug-ignore-sigterm", timeout_seconds=0.5))

    (record,) = tiny.records().values()
    assert record.total_seconds is not None
    assert 1.0 <= record.total_seconds < 2.5


def test_a_clock_set_back_does_not_change_a_time_limit(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: -1e9)
    counts = tiny.run(tiny.task("debug-hang", timeout_seconds=0.5), tiny.task())

    assert counts == {State.TIMEOUT: 1, State.OK: 1}
