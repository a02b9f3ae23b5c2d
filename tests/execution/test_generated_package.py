"""A plugin package with all that packages have: a byte that matters makes it stale, a comment not.

``BENCH_CHANGES`` is how many changes are drawn.
"""

import os
import random
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from bench.planning.grid import CellState
from bench.session import Request, execute, plan

CHANGES = int(os.environ.get("BENCH_CHANGES", "100"))
SOURCES = {
    "grown/__init__.py": "from grown.plugin import bench_register_models\n",
    "grown/plugin.py": '''"""Says a class that depends on every file of the package."""

import zipfile
from pathlib import Path

import numpy as np
from bench import ModelSpec, hookimpl

from .parts import PART
from .spaced.deep import DEEP  # a namespace package: a folder without __init__.py

HERE = Path(__file__).parent


def weights():
    import h5py

    with h5py.File(HERE / "net.weights.h5") as file:
        return int(file["w"][0])


class Sum:
    def fit(self, train, context):
        self.n = context.n_classes
        with zipfile.ZipFile(HERE / "net.keras") as archive:
            kept = int(archive.read("config.json"))
        table = int(np.load(HERE / "table.npz")["a"][0])
        self.c = (PART + DEEP + weights() + kept + table) % self.n

    def predict_proba(self, images):
        return np.eye(self.n, dtype=np.float32)[np.full(len(images), self.c)]


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="grown", summary="", build=lambda context: Sum()))
''',
    "grown/parts.py": "from . import further\n\nPART = further.NUMBER + 1\n",
    "grown/further.py": "NUMBER = 1\n",
    "grown/spaced/deep.py": "DEEP = 2\n",
}


def write_arrays(package: Path, which: str, number: int) -> None:
    if which == "table.npz":
        np.savez(package / which, a=np.array([number]))
    elif which == "net.weights.h5":
        with h5py.File(package / which, "w") as file:
            file["w"] = np.array([number])
    else:
        with zipfile.ZipFile(package / which, "w") as archive:
            archive.writestr("config.json", f"{number}")


ARRAYS = ("table.npz", "net.weights.h5", "net.keras")
EDITS = {
    "grown/plugin.py": ("% self.n", "% self.n + 0"),
    "grown/parts.py": ("NUMBER + 1", "NUMBER + 2"),
    "grown/further.py": ("NUMBER = 1", "NUMBER = 3"),
    "grown/spaced/deep.py": ("DEEP = 2", "DEEP = 4"),
    "grown/__init__.py": ("import bench_register_models\n", "import bench_register_models, HERE\n"),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for which in ARRAYS:
        write_arrays(tmp_path / "grown", which, 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "grown"]:
        del sys.modules[name]


def later(path: Path, number: int) -> None:
    """Give a file a time of its own: edits come faster than some file systems tell them apart."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000 * (number + 1)))


def matters(project: Path, number: int, draw: random.Random) -> Callable[[], None]:
    """Change something that decides the predictions; return what undoes it."""
    name = draw.choice([*EDITS, *(f"grown/{which}" for which in ARRAYS)])
    path = project / name
    before = path.read_bytes()
    if name in EDITS:
        path.write_text(before.decode().replace(*EDITS[name]))
    else:
        write_arrays(project / "grown", path.name, 2 + number)
    assert path.read_bytes() != before
    later(path, number)
    return lambda: put_back(path, before, number)


def put_back(path: Path, content: bytes, number: int) -> None:
    path.write_bytes(content)
    later(path, number + 1000)


def is_idle(project: Path, number: int, draw: random.Random) -> Callable[[], None]:
    """Change something that decides nothing; return what undoes it."""
    path = project / draw.choice([*EDITS, *(f"grown/{which}" for which in ARRAYS)])
    before = path.read_bytes()
    if path.suffix == ".py":
        where = draw.choice(("# {}\n\n{}", "{1}\n\n# {0}\n", "{1}\n\n"))
        path.write_text(where.format(f"a comment {number}", before.decode()))
    later(path, number)
    return lambda: put_back(path, before, number)


def test_a_package_is_stale_where_a_byte_matters_and_never_by_a_comment(project: Path) -> None:
    request = Request(
        models=("grown",), datasets=("digits-uci",), plugins=("grown",), store=project / "st"
    )
    execute(request, lambda event: None)
    draw = random.Random(5)

    wrong = []
    for number in range(CHANGES):
        change, wanted = draw.choice(((matters, False), (is_idle, True)))
        undo = change(project, number, draw)
        (cell,) = plan(request).cells
        if (cell.state is CellState.CACHED) is not wanted:
            wrong.append((number, change.__name__, cell.changed))
        undo()

    assert wrong == []
    assert [cell.state for cell in plan(request).cells] == [CellState.CACHED]
