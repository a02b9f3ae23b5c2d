"""Whatever is done to a store: one line or a result, soon, in little memory, nothing elsewhere."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.simulation,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of their own"),
]

COMMANDS = (
    ("show",),
    ("show", "--json"),
    ("show", "leaderboard", "--per-seed", "--csv"),
    ("show", "report", "beta", "home"),
    ("show", "errors", "-d", "home"),
    ("show", "matrix", "--csv"),
    ("show", "history", "beta", "home"),
    ("show", "cost", "-d", "home"),
    ("compare", "alpha", "beta", "-d", "home"),
    ("results", "verify"),
    ("results", "clean", "--yes"),
    ("results", "clean", "--yes", "-m", "al*"),
    ("doctor", "--json"),
)


@pytest.fixture(scope="module")
def _warm(zygote: Any, sample_store: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Start what tries fork from, with everything imported that the commands need."""
    folder = tmp_path_factory.mktemp("warm")
    store = folder / "store"
    shutil.copytree(sample_store, store)
    zygote.start(folder, [[*command, "--store", str(store)] for command in COMMANDS])


@pytest.mark.usefixtures("_warm")
def test_a_spoilt_store_is_one_line_or_a_result(
    tmp_path: Path, sample_store: Path, fuzz: Any
) -> None:
    for number, draw in fuzz.tries(1, 0.6):
        work = tmp_path / f"try{number}"
        store = work / "store"
        shutil.copytree(sample_store, store)
        if draw.random() < 0.3:
            shutil.rmtree(store / ".index", ignore_errors=True)
        files = sorted(path for path in store.rglob("*") if path.is_file())
        done = []
        for _ in range(int(draw.integers(1, 3))):
            path = files[int(draw.integers(0, len(files)))]
            if os.path.lexists(path) and path.is_file() and not path.is_symlink():
                done.append(f"{path.relative_to(store)}: {fuzz.spoil(path, draw).words}")
        command = [*COMMANDS[int(draw.integers(0, len(COMMANDS)))], "--store", str(store)]
        fuzz.check(f"try {number}: {done}", command, work, follows=False)
        shutil.rmtree(work)
