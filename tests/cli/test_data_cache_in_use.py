"""``bench data cache --clean`` beside a live ``bench run``: two processes, one data cache."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLUGIN = """
import time
from pathlib import Path

import numpy as np

from bench import ModelSpec, hookimpl

HERE = Path(__file__).parent


class Patient:
    def fit(self, train, context):
        (HERE / "training").touch()
        while not (HERE / "go").exists():
            time.sleep(0.02)

    def predict_proba(self, images):
        return np.full((len(images), 10), 0.1, np.float32)


@hookimpl
def bench_register_models(register):
    register(
        ModelSpec(
            name="patient",
            summary="waits before it ends its training",
            build=lambda context: Patient(),
            requires=("numpy",),
        )
    )
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return ``start(*arguments)``: a bench process with a store and a data cache of the test's."""
    folders = {"BENCH_CACHE_DIR": str(tmp_path / "cache"), "BENCH_STORE": str(tmp_path / "store")}
    started = []

    def popen(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments],
            env={**os.environ, **folders},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield popen
    (tmp_path / "go").touch()
    for process in started:
        process.communicate(timeout=60)


@pytest.fixture
def running(start: Start, tmp_path: Path) -> "subprocess.Popen[str]":
    """A run of two trials, of which the first is being trained."""
    (tmp_path / "patient.py").write_text(PLUGIN)
    process = start("run", "--plugin", "patient.py", "-m", "patient", "-d", "digits-uci",
                    "--seeds", "1,2")  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "training").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_a_cache_that_a_run_is_reading_is_not_cleaned(
    start: Start, running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    cleaning = start("data", "cache", "--clean")
    out, err = cleaning.communicate()
    assert (cleaning.returncode, out) == (2, "")
    assert err == (
        f"bench: the data cache in {tmp_path / 'cache'} is in use: a run is reading it; "
        "clean it when that run has ended\n"
    )
    (tmp_path / "go").touch()
    out, err = running.communicate()
    assert running.returncode == 0, out + err
    after = start("data", "cache", "--clean")
    out, err = after.communicate()
    assert after.returncode == 0, err
    assert not out.startswith("0 ")
    assert not (tmp_path / "cache" / "splits").exists()


def test_a_run_that_was_killed_keeps_the_cache_no_longer(
    start: Start, running: "subprocess.Popen[str]"
) -> None:
    running.send_signal(signal.SIGKILL)
    running.wait()
    cleaning = start("data", "cache", "--clean")
    _, err = cleaning.communicate()
    assert cleaning.returncode == 0, err
