"""What short commands may import: none of the libraries that take long to load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "datasets" / "bench_datasets" / "samples" / "ids"
HEAVY = ("tensorflow", "keras", "sklearn", "sklearnex", "ai_edge_litert", "pandas", "scipy")
PROGRAM = f"""
import sys
from bench.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print("numpy:", "numpy" in sys.modules)
print("loaded:", *(name for name in {HEAVY!r} if name in sys.modules))
sys.exit(code)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a store in which one trial is done."""
    run(tmp_path, "run", "-m", "baseline-majority", "-d", "digits-uci")
    return tmp_path


def run(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "BENCH_STORE": str(home / "store")},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cached_rerun_imports_no_engine(home: Path) -> None:
    out = run(home, "run", "-m", "baseline-majority", "-d", "digits-uci")
    assert "nothing to run: 1 trial cached" in out
    assert out.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("view", ["leaderboard", "cost"])
def test_a_second_view_imports_no_engine(home: Path, view: str) -> None:
    run(home, "show", view)
    assert run(home, "show", view).splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["list"], id="list"),
        pytest.param(["list", "datasets"], id="list-datasets"),
    ],
)
def test_help_and_lists_import_neither_an_engine_nor_numpy(
    tmp_path: Path, arguments: list[str]
) -> None:
    assert run(tmp_path, *arguments).splitlines()[-2:] == ["numpy: False", "loaded:"]


def test_a_photo_is_read_by_the_shipped_model_without_tensorflow(tmp_path: Path) -> None:
    photo = SAMPLES / "person-a" / "1.png"
    out = run(tmp_path, "predict", str(photo))
    assert out.startswith("1.png   0 ")
    assert out.splitlines()[-1] == "loaded: ai_edge_litert scipy"
