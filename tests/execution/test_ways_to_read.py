"""However a plugin reads what decides its predictions: a change of it makes the result stale."""

import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.execution.events import Event, TrialStarted
from bench.session import Request, execute
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_trial

# One model a way; each says the class that it reads when it is built or fitted.
PLUGIN = """
import os
import sys
from pathlib import Path

import numpy as np
from bench import ModelSpec, hookimpl

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"


def by_bytes():
    return int((DATA / "bytes").read_bytes())


def by_descriptor():
    descriptor = os.open(DATA / "descriptor", os.O_RDONLY)
    return int(os.read(descriptor, 9))


def by_mmap():
    import mmap

    with open(DATA / "mmap", "rb") as file:
        return int(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:9])


def by_memmap():
    return int(np.memmap(DATA / "memmap", dtype=np.uint8, mode="r")[0]) - 48


def by_fromfile():
    return int(np.fromfile(str(DATA / "fromfile"), dtype=np.uint8)[0]) - 48


def by_loadtxt():
    return int(np.loadtxt(DATA / "loadtxt"))


def by_zip():
    import zipfile

    with zipfile.ZipFile(DATA / "zip") as archive:
        return int(archive.read("class"))


def by_sqlite():
    import sqlite3

    return sqlite3.connect(DATA / "sqlite").execute("select class from said").fetchone()[0]


def by_pandas():
    import pandas

    return int(pandas.read_csv(DATA / "pandas", header=None)[0][0])


def by_environment():
    return int(Path(os.environ["CLASS_FILE"]).read_text())


def by_exec():
    names = {}
    exec((DATA / "exec").read_text(), names)
    return names["CLASS"]


def by_runpy():
    import runpy

    return runpy.run_path(str(DATA / "runpy"))["CLASS"]


def by_subprocess():
    import subprocess

    return int(subprocess.check_output(["cat", str(DATA / "subprocess")]))


def by_own_python():
    import subprocess

    return int(subprocess.check_output([sys.executable, "ask.py"], cwd=DATA))


def by_late_import():
    sys.path.insert(0, str(DATA))
    import late_helper

    return late_helper.CLASS


def by_relative_name():
    os.chdir(DATA)
    with open("relative") as file:
        return int(file.read())


def by_link():
    return int((HERE / "linked" / "link").read_text())


def by_resources():
    from importlib import resources

    sys.path.insert(0, str(DATA))
    return int(resources.files("packed_helper").joinpath("class").read_text())


def by_glob():
    return int(next(DATA.glob("glob-*")).name[-1])


class Constant:
    def __init__(self, read):
        self.read = read

    def fit(self, train, context):
        self.n, self.c = context.n_classes, self.read()

    def predict_proba(self, images):
        return np.eye(self.n, dtype=np.float32)[np.full(len(images), self.c)]


@hookimpl
def bench_register_models(register):
    for name, read in list(globals().items()):
        if name.startswith("by_"):
            build = lambda context, read=read: Constant(read)
            register(ModelSpec(name=name.replace("_", "-"), summary="", build=build))
"""
PLAIN = ("bytes", "descriptor", "mmap", "memmap", "fromfile", "loadtxt", "pandas", "environment",
         "subprocess", "relative", "link")  # fmt: skip
PYTHON = ("exec", "runpy", "ask.py", "late_helper.py")


def write(data: Path, number: int) -> None:
    """Let every file of the plugin's data say this class."""
    (data / "packed_helper").mkdir(parents=True, exist_ok=True)
    for name in (*PLAIN, "packed_helper/class"):
        (data / name).write_text(f"{number}\n")
    for name in PYTHON:
        (data / name).write_text(f"CLASS = {number}\nprint(CLASS)\n")
    (data / "packed_helper" / "__init__.py").touch()
    with zipfile.ZipFile(data / "zip", "w") as archive:
        archive.writestr("class", f"{number}")
    with sqlite3.connect(data / "sqlite") as base:
        base.execute("create table if not exists said (class)")
        base.execute("delete from said")
        base.execute("insert into said values (?)", (number,))
    base.close()
    for old in data.glob("glob-*"):
        old.unlink()
    (data / f"glob-{number}").touch()


def classes_said(store: Store) -> dict[str, int]:
    """Return the class that each model's stored predictions name."""
    found = {}
    for folder in store.evaluations.iterdir():
        record = read_evaluation(folder)
        if record.test_dataset == "digits-uci":
            (only,) = np.unique(np.load(folder / "predictions.npz")["probabilities"].argmax(axis=1))
            found[read_trial(store.trial(record.trial_id)).model] = int(only)
    return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[str]]:
    """Return a function that runs all ways, and returns which were trained."""
    monkeypatch.chdir(tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    (project / "ways.py").write_text(PLUGIN)
    write(project / "data", 3)
    (project / "linked").symlink_to("data")
    monkeypatch.setenv("CLASS_FILE", str(project / "data" / "environment"))
    (tmp_path / "by-a-link").symlink_to(project)

    def execute_all() -> set[str]:
        events: list[Event] = []
        request = Request(
            models=("by-*",),
            datasets=("digits-uci",),
            plugins=("by-a-link/ways.py",),
            store=tmp_path / "st",
            jobs=1,
        )
        execute(request, events.append)
        return {event.model for event in events if isinstance(event, TrialStarted) and event.fits}

    return execute_all


def test_a_change_of_what_was_read_in_any_way_is_noticed(
    tmp_path: Path, run: Callable[[], set[str]]
) -> None:
    store = Store(tmp_path / "st")
    names = run()
    assert set(classes_said(store).values()) == {3}
    assert run() == set()
    write(tmp_path / "project" / "data", 7)

    again = run()

    assert names - again == set()
    assert {name: said for name, said in classes_said(store).items() if said != 7} == {}
