"""What a rerun with nothing to do may import: none of the libraries that take long to load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("tensorflow", "keras", "sklearn", "sklearnex", "ai_edge_litert", "pandas", "scipy")
PROGRAM = f"""
import sys
from bench.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
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
