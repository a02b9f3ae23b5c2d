"""What a plugin loads is noted, in whatever way it loads it; what it does not load is not."""

import ctypes
import mmap
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.plugins.ground import ground_of
from bench.plugins.loaded import first_change, watching

Act = Callable[[Path], Any]
FORKS = (
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A plugin's folder, whose plugin has a file of one digit, one behind a link, and folders."""
    folder = tmp_path / "plugin"
    for name in ("v3", "v7", "photos/a"):
        (folder / name).mkdir(parents=True)
        (folder / name / "c.txt").write_text(name[-1])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "c.txt").write_text("3")
    (folder / "mine.py").write_text("")
    (folder / "c.txt").write_text("3")
    (folder / "read.py").write_text("print(open('c.txt').read())")
    (folder / "linked.txt").symlink_to(tmp_path / "elsewhere" / "c.txt")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "current").symlink_to("v3")
    with sqlite3.connect(folder / "table.db") as table:
        table.execute("create table digits (class)")
    table.close()
    return folder


def noted(home: Path, act: Act) -> dict[str, str]:
    with watching(ground_of(file=str(home / "mine.py"))) as watcher:
        act(home)
        assert watcher is not None
        notes, changed = watcher.notes()
    assert changed == ()
    return notes


def read(path: Path) -> str:
    return path.read_text()


def read_in_a_fork(home: Path) -> None:
    child = os.fork()
    if child == 0:
        read(home / "c.txt")
        os._exit(0)
    os.waitpid(child, 0)


def read_by_a_number(home: Path) -> None:
    descriptor = os.open(home / "c.txt", os.O_RDONLY)
    mmap.mmap(descriptor, 0, prot=mmap.PROT_READ).close()
    os.close(descriptor)


def read_or_leave(home: Path) -> None:
    try:
        (home / "new.txt").read_text()
    except FileNotFoundError:
        return


def with_a_database(home: Path) -> None:
    sqlite3.connect(home / "table.db").close()


def start(home: Path, *command: str, **settings: Any) -> None:
    subprocess.run(command, capture_output=True, check=True, **settings)


def update(home: Path) -> None:
    with (home / "c.txt").open("r+") as file:
        file.write("5")


def switch(home: Path) -> None:
    (home / "current").unlink()
    (home / "current").symlink_to("v7")


def write(name: str, text: str = "7") -> Act:
    def act(home: Path) -> None:
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)

    return act


def update_table(home: Path) -> None:
    with sqlite3.connect(home / "table.db") as table:
        table.execute("insert into digits values (7)")
    table.close()


LOADS = {
    "opened": (lambda home: read(home / "c.txt"), write("c.txt")),
    "mapped": (read_by_a_number, write("c.txt")),
    "mapped by numpy": (lambda home: np.memmap(home / "c.txt"), write("c.txt")),  # with "r+"
    "database": (with_a_database, update_table),
    "linked file": (lambda home: read(home / "linked.txt"), write("../elsewhere/c.txt")),
    "in a linked folder": (lambda home: read(home / "linked" / "c.txt"), write("linked/c.txt")),
    "link put on another": (lambda home: read(home / "current" / "c.txt"), switch),
    "relative with dots": (lambda home: read(home / "v3" / ".." / "c.txt"), write("c.txt")),
    "opened in vain": (read_or_leave, write("new.txt")),
    "looked for": (lambda home: (home / "new.txt").exists(), write("new.txt")),
    "looked for as text": (
        lambda home: os.path.isfile(f"{home}/new.txt"),  # noqa: PTH113
        write("new.txt"),
    ),
    "another program": (lambda home: start(home, "cat", str(home / "c.txt")), write("c.txt")),
    "a shell": (lambda home: start(home, "sh", "-c", "cat c.txt", cwd=home), write("c.txt")),
    "another Python": (
        lambda home: start(home, sys.executable, "read.py", cwd=home),
        write("c.txt"),
    ),
    "listed": (lambda home: list(home.glob("*.txt")), write("new.txt")),
    "walked": (lambda home: list(os.walk(home / "photos")), write("photos/b/1.txt")),
    "forked": pytest.param(read_in_a_fork, write("c.txt"), marks=FORKS),
}


@pytest.mark.parametrize(
    ("act", "change"),
    [each if hasattr(each, "marks") else pytest.param(*each) for each in LOADS.values()],
    ids=list(LOADS),
)
def test_whatever_is_loaded_is_noted_and_missed_once_it_changes(
    home: Path, act: Act, change: Act
) -> None:
    notes = noted(home, act)
    ground = ground_of(file=str(home / "mine.py"))
    assert first_change(ground, notes) == ""

    change(home)

    assert first_change(ground, notes) != ""


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda home: (home / "c.txt").write_text("5"), id="written"),
        pytest.param(lambda home: (home / "log.txt").open("a").close(), id="appended-to"),
        pytest.param(update, id="updated"),
        pytest.param(lambda home: (home / "c.txt").exists(), id="only looked at"),
        pytest.param(lambda home: start(home, "true"), id="a program without files"),
        pytest.param(lambda home: read(home.parent / "elsewhere" / "c.txt"), id="elsewhere"),
    ],
)
def test_what_is_not_read_or_not_the_plugins_is_not_noted(home: Path, act: Act) -> None:
    notes = noted(home, act)
    write("c.txt", "9")(home)
    write("../elsewhere/c.txt", "9")(home)

    assert first_change(ground_of(file=str(home / "mine.py")), notes) == ""


def test_a_file_that_a_library_makes_where_none_was_is_no_change(home: Path) -> None:
    def make(home: Path) -> None:
        if not (home / "made.h5").exists():
            import h5py

            h5py.File(home / "made.h5", "w").close()
        h5py_read(home / "made.h5")

    assert "made.h5" in noted(home, make)


def h5py_read(path: Path) -> None:
    import h5py

    h5py.File(path).close()


def test_a_plugin_below_a_linked_folder_has_its_files_noted(home: Path) -> None:
    linked = home.parent / "by-link"
    linked.symlink_to(home)

    notes = noted(linked, lambda home: (read(home / "c.txt"), read(home.resolve() / "v3/c.txt")))

    assert set(notes) == {"c.txt", "v3/c.txt"}


def with_litert(home: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    with pytest.raises(ValueError, match=r"flatbuffer|buffer|model"):
        Interpreter(model_path=str(home / "c.txt"))


def test_a_reader_written_in_c_is_asked_for_its_path(home: Path) -> None:
    assert "c.txt" in noted(home, with_litert)


def test_a_reader_that_is_given_a_folder_or_a_beginning_reads_what_lies_there(home: Path) -> None:
    from bench.plugins import native_readers

    seen: list[str] = []
    native_readers._note_all(seen.append, home / "photos")
    native_readers._note_all(seen.append, str(home / "c"))

    names = {str(Path(path).relative_to(home)) for path in seen}
    assert names == {"photos/a/c.txt", "c", "c.txt"}


def test_a_library_loaded_from_the_folder_is_noted(home: Path) -> None:
    def load(home: Path) -> None:
        with pytest.raises(OSError, match=r"too short|invalid"):
            ctypes.CDLL(str(home / "c.txt"))

    assert "c.txt" in noted(home, load)


def test_a_zip_of_modules_is_noted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(home / "lib.zip", "w") as archive:
        archive.writestr("zipped_module.py", "C = 3")
    monkeypatch.syspath_prepend(str(home / "lib.zip"))

    def load(home: Path) -> None:
        import zipped_module  # type: ignore[import-not-found]  # noqa: F401

    assert "lib.zip" in noted(home, load)
    del sys.modules["zipped_module"]


def test_a_name_that_is_no_text_is_noted_and_can_be_written_down(home: Path) -> None:
    path = os.fsdecode(os.fsencode(home) + b"/c\xff.txt")
    try:
        Path(path).write_text("3")
    except OSError:
        pytest.skip("no such names here")
    notes = noted(home, lambda home: read(Path(path)))
    ground = ground_of(file=str(home / "mine.py"))

    assert msgspec.json.decode(msgspec.json.encode(notes)) == notes
    assert first_change(ground, notes) == ""
    Path(path).write_text("7")
    assert first_change(ground, notes) in notes


@pytest.mark.parametrize("value", [b"\x1c\0\0\0TFL3/a*/b" * 50, "/a*/b" * 5_000, b"/a*/b" * 5_000])
def test_what_is_too_long_for_a_path_is_looked_for_nowhere(value: str | bytes) -> None:
    from bench.plugins.native_readers import _note_all

    noted: list[str] = []
    _note_all(noted.append, value)
    assert noted == []
