import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.errors import StoreError
from bench.store.locks import Holder, current_holder, take_lock

HOLD = """
import sys, time
from pathlib import Path
import fcntl
from bench.store import locks
if sys.argv[2] == "existence":
    import errno
    def none(*arguments): raise OSError(errno.ENOLCK, "no locks here")
    fcntl.flock = none
lock = locks.take_lock(Path(sys.argv[1]))
print(lock is not None, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["flock", "existence"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways; the second as on a file system that has no ``flock``."""
    if request.param == "existence":

        def no_locks(*arguments: Any) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", no_locks)
    return str(request.param)


def hold_elsewhere(path: Path, kind: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), kind], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_a_lock_is_taken_once_and_again_after_its_release(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "locks" / "a.lock"
    first = take_lock(path)
    assert first is not None
    assert take_lock(path) is None
    first.release()
    second = take_lock(path)
    assert second is not None
    second.release()
    assert list(path.parent.iterdir()) == []


def test_a_second_release_leaves_the_next_holder_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.lock"
    first = take_lock(path)
    assert first is not None
    first.release()
    second = take_lock(path)
    first.release()
    assert take_lock(path) is None
    assert second is not None


def test_a_live_process_keeps_its_lock_and_a_killed_one_loses_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.lock"
    holder = hold_elsewhere(path, kind)
    try:
        assert take_lock(path) is None
    finally:
        end(holder)
    assert take_lock(path) is not None


def test_a_descriptor_handed_on_keeps_the_lock_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, subprocess, time\n"
            "from pathlib import Path\n"
            "from bench.store.locks import take_lock\n"
            "lock = take_lock(Path(sys.argv[1]))\n"
            "subprocess.Popen(['sleep', '1.5'], pass_fds=[lock.descriptor])\n"
            "print('held', flush=True)\n"
            "os._exit(0)\n",
            str(path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.wait()
    process.stdout.close()

    assert take_lock(path) is None
    deadline = time.monotonic() + 10
    while take_lock(path) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("changes", "is_gone"),
    [
        pytest.param({}, False, id="this process"),
        pytest.param({"started": 1.0}, True, id="a later process of its number"),
        pytest.param({"pid": 2**22 + 7}, True, id="no such process"),
        pytest.param({"boot": "another"}, True, id="before a restart"),
        pytest.param({"machine": "another", "pid": 2**22 + 7}, False, id="another machine"),
    ],
)
def test_a_holder_is_gone_only_when_that_is_sure(changes: dict[str, Any], is_gone: bool) -> None:
    assert msgspec.structs.replace(current_holder(), **changes).is_gone() is is_gone


def test_the_lock_of_a_dead_process_is_taken_over_without_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*arguments: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    dead = msgspec.structs.replace(current_holder(), started=1.0)
    (tmp_path / "a.lock.held").write_bytes(msgspec.json.encode(dead))
    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    written = msgspec.json.decode((tmp_path / "a.lock.held").read_bytes(), type=Holder)
    assert written == current_holder()


def test_a_clock_set_back_makes_no_lock_stale(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    monkeypatch.setattr(time, "time", lambda: 0.0)
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    assert take_lock(tmp_path / "a.lock") is None


def test_a_lock_names_no_machine_and_no_user(tmp_path: Path) -> None:
    import getpass
    import platform

    assert take_lock(tmp_path / "a.lock") is not None
    text = (tmp_path / "a.lock").read_text()
    assert platform.node() not in text
    assert getpass.getuser() not in text


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store .*file"):
        take_lock(tmp_path / "file" / "a.lock")


def test_many_processes_in_turn_never_hold_one_lock_together(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from bench.store.locks import take_lock\n"
        "place, n = Path(sys.argv[1]), 0\n"
        "while n < 40:\n"
        "    lock = take_lock(place / 'a.lock')\n"
        "    if lock is None:\n"
        "        time.sleep(0.001)\n"
        "        continue\n"
        "    (place / 'inside').mkdir()\n"  # fails where somebody else is inside
        "    (place / 'inside').rmdir()\n"
        "    lock.release()\n"
        "    n += 1\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
