"""`kill -9` at any moment of a run: the same command then goes on, and nothing is lost or left.

``BENCH_KILLS=25`` makes the whole series; CI makes a few.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import State

KILLS = int(os.environ.get("BENCH_KILLS", "4"))
TRIALS = 12
WAIT_SECONDS = 120.0
pytestmark = pytest.mark.heavy

# Each fit writes its seed down as it begins; one of them starts a process that would outlive it.
PLUGIN = """
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from bench import ModelSpec, hookimpl


class Slow:
    def fit(self, train, context):
        with Path({fits!r}).open("a") as file:
            file.write(f"{{context.seed}}\\n")
        if context.seed % 4 == 0:
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.n = context.n_classes
        time.sleep(0.1 * (context.seed % 3))

    def predict_proba(self, images):
        return np.full((len(images), self.n), 1 / self.n)

    def save(self, folder):
        (folder / "n.txt").write_text(str(self.n))


def load(folder, context):
    model = Slow()
    model.n = int((folder / "n.txt").read_text())
    return model


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="slow", summary="", build=lambda context: Slow(), load=load))
"""


class Runs:
    """A working folder, the command of twelve trials, and what was fitted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.fits = folder, Store(folder / "st"), folder / "fits.txt"
        (folder / "slow.py").write_text(PLUGIN.format(fits=str(self.fits)))
        self.fits.touch()
        self.outputs: dict[int, Path] = {}

    def bench(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "bench", *arguments, "--store", str(self.store.root)]
        path = self.folder / f"output{len(self.outputs)}.txt"
        with path.open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self.outputs[process.pid] = path
        return process

    def start(self, trials: int = TRIALS) -> "subprocess.Popen[bytes]":
        seeds = ",".join(map(str, range(1, trials + 1)))
        settings = ("--plugin", "slow.py", "--seeds", seeds, "-j", "2")
        return self.bench("run", "-m", "slow", "-d", "digits-uci", *settings)

    def finish(self, process: "subprocess.Popen[bytes]") -> str:
        code = process.wait(WAIT_SECONDS)
        output = self.outputs[process.pid].read_text(errors="replace")
        assert code == 0, output
        return output

    def finished(self) -> set[int]:
        """Return the seeds whose trial is in its place and ended well."""
        trials = self.store.trials
        records = [read_trial(each) for each in trials.iterdir()] if trials.is_dir() else []
        return {record.seed for record in records if record.state is State.OK}

    def fitted(self) -> list[int]:
        return [int(line) for line in self.fits.read_text().split()]


def kill(process: "subprocess.Popen[bytes]", *, also_below: bool) -> None:
    """Kill a command's process group; of a batch system's kind, every process below it too."""
    below = []
    if also_below:
        with suppress(psutil.Error):  # it may have just ended
            below = psutil.Process(process.pid).children(recursive=True)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for each in below:
        with suppress(psutil.Error):
            each.kill()
    process.wait()


@pytest.fixture
def usual_seconds(tmp_path: Path) -> float:
    """Return how long the run takes that nothing disturbs."""
    (tmp_path / "whole").mkdir()
    runs, started = Runs(tmp_path / "whole"), time.monotonic()
    runs.finish(runs.start())
    assert runs.finished() == set(range(1, TRIALS + 1))
    return time.monotonic() - started


def moments(usual_seconds: float) -> Iterator[tuple[int, float, bool]]:
    """Yield when each kill comes, evenly over the run and each at random in its share."""
    draw = random.Random(13)
    for number in range(KILLS):
        share = (number + draw.random()) / KILLS
        yield number, usual_seconds * share, draw.random() < 0.5


def test_after_a_kill_the_same_command_trains_only_what_was_not_finished(
    tmp_path: Path, usual_seconds: float, gone: Callable[[float], bool]
) -> None:
    for number, seconds, also_below in moments(usual_seconds):
        folder = tmp_path / f"kill{number}"
        folder.mkdir()
        runs = Runs(folder)
        told = f"kill {number} after {seconds:.2f} s, also below: {also_below}"
        process = runs.start()
        time.sleep(seconds)

        kill(process, also_below=also_below)

        assert gone(5.0), f"{told}: processes are left"
        before, n_fits = runs.finished(), len(runs.fitted())
        runs.finish(runs.start())
        assert gone(5.0), f"{told}: processes are left after the second run"
        again = runs.fitted()[n_fits:]
        assert sorted(again) == sorted(set(range(1, TRIALS + 1)) - before), told
        assert runs.finished() == set(range(1, TRIALS + 1)), told
        verified = runs.finish(runs.bench("results", "verify"))
        words = " ".join(verified.split())
        assert f"as it was written ({TRIALS} trials" in words, f"{told}: {words}"
        left = [*runs.store.work.glob("run-*"), *runs.store.locks.glob("*.lock")]
        assert left == [], told


def test_four_runs_share_a_store_and_any_of_them_is_killed(
    tmp_path: Path, gone: Callable[[float], bool]
) -> None:
    runs, trials, draw = Runs(tmp_path), max(TRIALS, 4 * KILLS), random.Random(18)
    processes = [runs.start(trials) for _ in range(4)]
    kills = []
    for _ in range(KILLS):
        time.sleep(draw.uniform(0.5, 3.0))
        finished = runs.finished()
        kills.append((finished, len(runs.fitted())))
        victim = draw.randrange(4)
        kill(processes[victim], also_below=draw.random() < 0.5)
        processes[victim] = runs.start(trials)

    for process in processes:
        runs.finish(process)
    assert gone(5.0)
    everything = set(range(1, trials + 1))
    stored = [read_trial(each) for each in runs.store.trials.iterdir()]
    assert sorted(r.seed for r in stored if r.state is State.OK) == sorted(everything)
    fitted = runs.fitted()
    assert set(fitted) == everything
    for finished, n_fits in kills:
        assert not finished & set(fitted[n_fits:])
    # Of each run that was killed, the two trials that it was at.
    assert len(fitted) - trials <= 2 * KILLS
    left = [*runs.store.work.glob("run-*"), *runs.store.locks.glob("*.lock")]
    assert left == []
