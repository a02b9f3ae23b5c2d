"""The first ``bench run --all`` after installing: how long, how soon, as foretold, and learning.

``BENCH_FIRST_RUN_SEEDS=42,43,44`` also trains with the published settings, to compare with: a
quarter of an hour and more a seed on two cores.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.plugins.discovery import load_plugins
from bench.session import load_results

pytestmark = pytest.mark.heavy
_FIVE = 5
_EMULATE = Path(__file__).parents[2] / "script" / "emulate.py"
_SEEDS = tuple(map(int, filter(None, os.environ.get("BENCH_FIRST_RUN_SEEDS", "").split(","))))
_LEAST = {"digits-uci": 0.85, "synthetic-house-numbers": 0.30}
_NETWORKS = {
    name: spec for name, spec in load_plugins().models.items() if spec.requires and spec.resumes
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first-run")


def command(home: Path, *arguments: str) -> tuple[list[str], dict[str, Any]]:
    """Return how a new user's process is started: no store, no cache, no data."""
    environment = {
        **os.environ,
        "BENCH_CACHE_DIR": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
    }
    environment.pop("BENCH_DATA_DIR", None)
    words = [sys.executable, "-m", "bench", *arguments, "--store", str(home / "store")]
    return words, {"env": environment, "cwd": home}


def test_the_first_run(side_by_side: Any, home: Path) -> None:
    what = "the first bench run --all"
    took, rows = _first_run(side_by_side, home, what)
    for name, value, limit in (
        (what, took, 180.0),
        (f"{what}: a first row", rows[0], 15.0),
        (f"{what}: five rows", rows[_FIVE - 1], 40.0),
    ):
        side_by_side.keep(name, "an empty store and cache", value=value, limit=limit, unit="s")


def test_the_estimate_of_a_first_run_on_an_emulated_processor(
    side_by_side: Any, tmp_path: Path
) -> None:
    emulated = (sys.executable, str(_EMULATE), "haswell")
    _first_run(side_by_side, tmp_path, "the first bench run --all, emulated", *emulated)


def _first_run(
    side_by_side: Any, home: Path, what: str, *prefix: str
) -> tuple[float, Sequence[float]]:
    """Keep how the estimate held; return how long it took, and when each trial had ended."""
    elsewhere = home / "foretold"
    elsewhere.mkdir()
    words, how = command(elsewhere, "run", "--all", "--dry-run", "--log-format", "json")
    done = subprocess.run([*prefix, *words], **how, capture_output=True, text=True, check=True)
    foretold = json.loads(done.stdout)["estimated_seconds"]
    words, how = command(home, "run", "--all", "--log-format", "json")
    rows: list[float] = []
    took: list[float] = []

    def once() -> None:
        began = time.perf_counter()
        with subprocess.Popen([*prefix, *words], **how, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            rows.extend(
                time.perf_counter() - began
                for line in run.stdout
                if json.loads(line)["event"] == "trial_finished"
            )
        assert run.returncode == 0
        took.append(time.perf_counter() - began)

    side_by_side.benchmark.pedantic(once, rounds=1)
    ratio = foretold / took[0]
    side_by_side.keep(
        f"{what}: estimate ÷ truth, whichever is larger over the other",
        "what --dry-run foretold",
        value=max(ratio, 1 / ratio),
        limit=1.5,
        unit="ratio",
        note=f"estimate ÷ truth {ratio:.2f}",
    )
    return took[0], rows


@pytest.mark.parametrize("dataset", list(_LEAST))
def test_every_network_learns_in_the_first_run(side_by_side: Any, home: Path, dataset: str) -> None:
    seeds = ",".join(map(str, _SEEDS or (42,)))
    words, how = command(home, "run", "-m", "*", "-d", dataset, "--seeds", seeds)
    once = lambda: subprocess.run(words, **how, capture_output=True, check=True)  # noqa: E731
    side_by_side.benchmark.pedantic(once, rounds=1)
    found = load_results(home / "store")
    board = found[(found.test_dataset == dataset) & (found.train_dataset == dataset)]
    first_look = board[board.variant == ""].set_index("model").accuracy
    for name in _NETWORKS:
        side_by_side.keep(
            f"{name} on {dataset}: short of {_LEAST[dataset]}",
            "what every network must reach",
            value=100 * (_LEAST[dataset] - first_look[name]),
            limit=0.0,
            unit="points",
            note=f"accuracy {first_look[name]:.3f}, seeds {seeds}",
        )
    if _SEEDS:
        _keep_losses(side_by_side, home, dataset, seeds, first_look)


def _keep_losses(side_by_side: Any, home: Path, dataset: str, seeds: str, first_look: Any) -> None:
    """Keep how far each network is below what its published settings reach on the same data."""
    for name, spec in _NETWORKS.items():
        if not spec.embedded_options:
            continue
        declared = {key: getattr(value, "default", value) for key, value in spec.options.items()}
        published = [f"--set={name}.{key}={declared[key]}" for key in spec.embedded_options]
        words, how = command(home, "run", "-m", name, "-d", dataset, "--seeds", seeds, *published)
        subprocess.run(words, **how, capture_output=True, check=True)
        found = load_results(home / "store")
        rows = found[(found.model == name) & (found.test_dataset == dataset)]
        rows = rows[(rows.train_dataset == dataset) & (rows.variant != "")]
        full = float(rows.accuracy.iloc[0])
        side_by_side.keep(
            f"{name} on {dataset}: below its published epochs",
            f"accuracy {full:.3f}",
            value=100 * (full - first_look[name]),
            limit=3.0,
            unit="points",
            note=f"accuracy {first_look[name]:.3f}, seeds {seeds}",
        )
