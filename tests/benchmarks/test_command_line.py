"""Whole processes: start-up, a run with nothing to do, and what the harness adds to a training."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

IS_QUICK = os.environ.get("BENCH_BENCHMARKS") == "quick"
_ENGINES = ("tensorflow", "keras", "sklearn", "sklearnex", "ai_edge_litert")
_EVERYTHING = ["run", "--all", "--budget", "smoke"]
if IS_QUICK:
    _EVERYTHING = ["run", "-m", "baseline-majority", "-d", "digits-uci"]
_SHELL = "typer, rich.console, pluggy"
_ARRAYS = f"{_SHELL}, numpy, msgspec"
_READER = (
    "typer, rich.console, numpy, PIL.Image, scipy.ndimage, skimage, ai_edge_litert.interpreter"
)
_SAMPLES = Path(__file__).parents[2] / "datasets" / "bench_datasets" / "samples" / "ids"
_PHOTO = str(_SAMPLES / "person-a" / "1.png")
# The command as installed; -X importtime would slow it, so the modules are asked for at its end.
_PROGRAM = """
import atexit, sys
def tell():
    print("engines:", *[name for name in {engines} if name in sys.modules], file=sys.stderr)
atexit.register(tell)
from bench.cli import main
main()
"""
_BARE = """
import os, sys
import numpy as np
from bench.plugins.discovery import load_plugins
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.options import resolve_options
from bench.spec import BuildContext, FitContext

plugins = load_plugins()
spec, dataset = plugins.models[sys.argv[1]], load_dataset(plugins.datasets["digits-uci"])
train, test = open_split(dataset.train), open_split(dataset.test)
told = dict(
    image_shape=train.shape,
    classes=dataset.classes,
    options=resolve_options(spec.name, spec.options, dict(epochs=sys.argv[2])),
    threads=os.cpu_count(),
)
classifier = spec.build(BuildContext(**told))
classifier.fit(train, FitContext(**told))
classifier.predict_proba(test.images)
print(np.mean(classifier.predict(test.images) == test.labels))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    cache = tmp_path_factory.mktemp("cache")
    return {**os.environ, "BENCH_CACHE_DIR": str(cache), "BENCH_PROG": "bench"}


def run(program: str, arguments: list[str], environment: dict[str, str], folder: Path) -> Any:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def seconds_of(
    program: str, arguments: list[str], environment: dict[str, str], folder: Path
) -> float:
    started = time.perf_counter()
    run(program, arguments, environment, folder)
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("name", "arguments", "bare", "limit"),
    [
        pytest.param("bench --help", ["--help"], _SHELL, 1.0, id="help"),
        pytest.param("bench list", ["list"], _ARRAYS, 1.3, id="list"),
        pytest.param(
            "bench run --all with nothing to do", _EVERYTHING, _ARRAYS, 1.5, id="cached-run"
        ),
        pytest.param("bench predict of a photo", ["predict", _PHOTO], _READER, 1.8, id="predict"),
    ],
)
def test_start_up(
    name: str,
    arguments: list[str],
    bare: str,
    limit: float,
    side_by_side: Any,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    program = _PROGRAM.format(engines=_ENGINES)
    run(program, arguments, environment, tmp_path)  # compiles bytecode; trains what is to be cached
    last = run(program, arguments, environment, tmp_path)
    allowed = ["engines:", "ai_edge_litert"] if bare is _READER else ["engines:"]
    assert last.stderr.splitlines()[-1].split() == allowed
    run(f"import {bare}", [], environment, tmp_path)
    side_by_side(
        f"{name}, whole process",
        f"importing {bare}",
        ours=lambda: seconds_of(program, arguments, environment, tmp_path),
        plain=lambda: seconds_of(f"import {bare}", [], environment, tmp_path),
        limit=limit,
        rounds=5,
        note="medians of 5, in turns",
    )


def test_what_a_run_adds_to_a_training(
    side_by_side: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    epochs = "5" if IS_QUICK else "200"
    trained = ["run", "-m", "mlp", "-d", "digits-uci", "--fresh", "--reports", "none"]
    trained += ["--set", f"mlp.epochs={epochs}"]
    program = "from bench.cli import main\nmain()\n"
    bare: list[float] = []
    whole: list[float] = []
    run(_BARE, ["mlp", "1"], environment, tmp_path)

    def once() -> None:
        bare.append(seconds_of(_BARE, ["mlp", epochs], environment, tmp_path))
        whole.append(seconds_of(program, trained, environment, tmp_path))

    side_by_side.benchmark.pedantic(once, rounds=1 if IS_QUICK else 5)
    plain = statistics.median(bare)
    added = statistics.median(one - other for one, other in zip(whole, bare, strict=True))
    side_by_side.keep(
        "bench run, one trial, whole process: added to a bare script",
        f"the same training in {plain:.1f} s",
        value=added,
        limit=0.03 * plain + 1.5,
        unit="s",
        note=f"3 % + 1.5 s; median of {len(bare)} pairs",
    )
