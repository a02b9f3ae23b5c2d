"""Signals that ask to end, sent to real processes: what ran is interrupted, not crashed."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.store.record import State

WAIT_SECONDS = 60.0


def marked(tiny: Any, then: str = "time.sleep(60)") -> tuple[Any, Path]:
    """Return a plugin that touches a file as its fit begins, then sleeps; and that file."""
    flag = tiny.folder / "flag"
    return tiny.plugin(f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); {then}"), flag


def once_there(flag: Path, act: Callable[[], None]) -> threading.Thread:
    """Start a thread that acts a moment after the file has come."""

    def wait() -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not flag.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def send_to_all(number: int, *, workers_first: bool) -> None:
    """Send a signal to every descendant of this process, then to this process itself."""
    family = psutil.Process().children(recursive=True)
    for process in reversed(family) if workers_first else family:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("workers_first", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_every_process_interrupts_what_runs(
    tiny: Any, gone: Callable[[float], bool], number: signal.Signals, workers_first: bool
) -> None:
    plugin, flag = marked(tiny)
    thread = once_there(flag, lambda: send_to_all(number, workers_first=workers_first))

    counts = tiny.run(tiny.task("own", plugin=plugin))

    thread.join()
    (record,) = tiny.records().values()
    assert (counts, record.state) == ({State.INTERRUPTED: 1}, State.INTERRUPTED), record.reason
    assert gone(1.0)


def test_a_keeper_asked_to_end_ends_its_trial_alone(
    tiny: Any, gone: Callable[[float], bool]
) -> None:
    plugin, flag = marked(tiny)

    def end_keeper() -> None:
        (server,) = psutil.Process().children()
        (keeper,) = server.children()
        keeper.terminate()

    thread = once_there(flag, end_keeper)
    counts = tiny.run(tiny.task("own", plugin=plugin), tiny.task("debug-good"), jobs=1)

    thread.join()
    records = tiny.records()
    assert counts == {State.INTERRUPTED: 1, State.OK: 1}
    assert records["own 1"].reason == "stopped from outside (SIGTERM)"
    assert gone(1.0)


def test_spawned_keepers_and_workers_are_interrupted_too(
    tiny: Any, gone: Callable[[float], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_START_METHOD", "spawn")
    plugin, flag = marked(tiny)
    thread = once_there(flag, lambda: send_to_all(signal.SIGTERM, workers_first=True))

    counts = tiny.run(tiny.task("own", plugin=plugin))

    thread.join()
    assert counts == {State.INTERRUPTED: 1}
    assert gone(1.0)


def test_a_hangup_that_was_told_to_be_ignored_is(tiny: Any) -> None:
    plugin, flag = marked(tiny, then="time.sleep(0.5)")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        thread = once_there(flag, lambda: os.kill(os.getpid(), signal.SIGHUP))
        counts = tiny.run(tiny.task("own", plugin=plugin))
        thread.join()
    finally:
        signal.signal(signal.SIGHUP, before)

    assert counts == {State.OK: 1}
