"""Every source model on ``mnist-csv``: one ``bench run`` against the notebooks, whole processes.

All nine published models, those of the SVHN notebook too: they take any shape of image. A few
epochs of each are run and the others reckoned: after the first, every epoch of a network costs the
same. ``BENCH_GRID_EPOCHS=full`` runs them all (an hour and more), a number that many.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bench.board.views import read_history
from bench.plugins.discovery import load_plugins
from bench.store.layout import Store
from bench.store.read import each_trial
from bench.store.record import State

pytestmark = [pytest.mark.heavy, pytest.mark.realdata]
IS_QUICK = os.environ.get("BENCH_BENCHMARKS") == "quick"
_ASKED = os.environ.get("BENCH_GRID_EPOCHS", "1" if IS_QUICK else "2")
EPOCHS = 0 if _ASKED == "full" else int(_ASKED)
_CLASSICAL = ("random-forest", "svm-ovo")
_PLUGINS = load_plugins()
PUBLISHED_EPOCHS = {
    name: int(getattr(spec.options["epochs"], "default", 0))
    for name, spec in _PLUGINS.models.items()
    if name.startswith("cnn-") and name != "cnn-robust"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What one way took: the whole process, and each epoch of each network, in seconds."""

    process_seconds: float
    epoch_seconds: Mapping[str, list[float]]
    accuracies: Mapping[str, float]

    @property
    def full_seconds(self) -> float:
        """The seconds of the published number of epochs."""
        left = {name: PUBLISHED_EPOCHS[name] - len(all_) for name, all_ in self._measured}
        each = {name: median(all_[1:] or all_) for name, all_ in self._measured}
        return self.process_seconds + sum(left[name] * each[name] for name in left)

    @property
    def _measured(self) -> list[tuple[str, list[float]]]:
        return list(self.epoch_seconds.items())


def timed(command: list[str], folder: Path) -> tuple[float, str]:
    environment = {**os.environ, "BENCH_CACHE_DIR": str(folder / "cache"), "BENCH_PROG": "bench"}
    folder.mkdir()
    started = time.perf_counter()
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr + done.stdout
    return seconds, done.stdout


def ours(table: Path, folder: Path) -> Grid:
    command = [sys.executable, "-m", "bench", "run", "-d", f"mnist-csv={table}"]
    command += ["--store", str(folder / "store")]
    for name in (*PUBLISHED_EPOCHS, *_CLASSICAL):
        command += ["-m", name]
    for name in PUBLISHED_EPOCHS if EPOCHS else ():
        command += ["--set", f"{name}.epochs={EPOCHS}"]
    seconds, _ = timed(command, folder)
    store = Store(folder / "store")
    epochs = {}
    for trial in each_trial(store):
        assert trial.state is State.OK, trial.reason
        if trial.model in PUBLISHED_EPOCHS:
            history = read_history(store.trial(trial.trial_id))
            epochs[trial.model] = [epoch.seconds for epoch in history]
    assert epochs.keys() == PUBLISHED_EPOCHS.keys()
    shown = [sys.executable, "-m", "bench", "show", "--json", "--store", str(store.root)]
    rows = json.loads(subprocess.run(shown, capture_output=True, text=True, check=True).stdout)
    own = [row for row in rows if row["test_dataset"] == "mnist-csv"]
    accuracies = {row["model"]: row["accuracy"] for row in own}
    return Grid(process_seconds=seconds, epoch_seconds=epochs, accuracies=accuracies)


def plain(table: Path, folder: Path) -> Grid:
    script = Path(__file__).with_name("plain_notebooks.py")
    seconds, out = timed([sys.executable, str(script), str(table), str(EPOCHS)], folder)
    said = json.loads(out.splitlines()[-1])
    assert said["seconds"].keys() == PUBLISHED_EPOCHS.keys()
    return Grid(
        process_seconds=seconds, epoch_seconds=said["seconds"], accuracies=said["accuracies"]
    )


def test_the_whole_grid(side_by_side: Any, train_csv: Path, tmp_path: Path) -> None:
    found: dict[str, Grid] = {}

    def run(name: str, way: Any) -> float:
        found[name] = way(train_csv, tmp_path / name)
        return found[name].full_seconds

    scaled = f"scaled from {EPOCHS} epoch{'s' if EPOCHS > 1 else ''}" if EPOCHS else "all epochs"
    side_by_side(
        f"whole grid: {len(PUBLISHED_EPOCHS) + len(_CLASSICAL)} source models, mnist-csv",
        "the sum of the plain ways, whole process",
        ours=lambda: run("ours", ours),
        plain=lambda: run("plain", plain),
        limit=0.55,
        rounds=1,
        note=scaled,
    )
    side_by_side.benchmark.extra_info["grids"] = {
        name: {
            "process_seconds": grid.process_seconds,
            "full_seconds": grid.full_seconds,
            "epoch_seconds": dict(grid.epoch_seconds),
            "accuracies": dict(grid.accuracies),
        }
        for name, grid in found.items()
    }
