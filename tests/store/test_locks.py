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
from bench.store import locks
from bench.store.holder import Holder, current_holder
from bench.store.locks import STALE_SECONDS, holder_of, renewing, take_lock

HOLD = """
import sys, time
from pathlib import Path
import fcntl
from bench.store import locks
if sys.argv[2] != "flock":
    import errno, os
    def none(*arguments): raise OSError(errno.ENOLCK, "no locks here")
    fcntl.flock = none
    def no_links(*arguments): raise OSError(errno.EPERM, "no links here")
    if "without links" in sys.argv[2]: os.link = no_links
lock = locks.take_lock(Path(sys.argv[1]))
print(lock is not None, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["flock", "existence", "existence without links"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """All ways: as on a file system that has no ``flock``, and on one without hard links too."""
    if request.param == "existence without links":

        def no_links(*arguments: Any) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
    if request.param != "flock":

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
    assert msgspec.structs.replace(written, since="") == msgspec.structs.replace(
        current_holder(), since=""
    )


def test_a_clock_set_back_makes_no_lock_stale(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    monkeypatch.setattr(time, "time", lambda: 0.0)
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    assert take_lock(tmp_path / "a.lock") is None


def test_a_lock_names_user_host_and_process_for_who_waits(tmp_path: Path, kind: str) -> None:
    import getpass
    import platform

    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    holder = holder_of(tmp_path / "a.lock")
    assert holder is not None
    assert str(holder).startswith(
        f"{getpass.getuser()} on {platform.node()} (process {os.getpid()}, since "
    )
    lock.release()
    assert holder_of(tmp_path / "a.lock") is None
    assert list(tmp_path.iterdir()) == []


def other_machines(place: Path, kind: str, *, age_seconds: float) -> Path:
    """Leave another machine's lock that was renewed so long ago."""
    path = place / ("a.lock" if kind == "flock" else "a.lock.held")
    theirs = msgspec.structs.replace(current_holder(), machine="another", user="ann", host="node7")
    path.write_bytes(msgspec.json.encode(theirs))
    renewed = time.time() - age_seconds
    os.utime(path, (renewed, renewed))
    return path


def test_another_machines_lock_holds_while_it_is_renewed(tmp_path: Path, kind: str) -> None:
    other_machines(tmp_path, kind, age_seconds=STALE_SECONDS - 60)
    assert take_lock(tmp_path / "a.lock") is None
    holder = holder_of(tmp_path / "a.lock")
    assert holder is not None
    assert str(holder).startswith("ann on node7 (process ")


def test_another_machines_lock_is_replaced_once_it_is_not(tmp_path: Path, kind: str) -> None:
    other_machines(tmp_path, kind, age_seconds=STALE_SECONDS + 60)
    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    assert lock.replaced is not None
    assert lock.replaced.host == "node7"
    assert lock.is_held()


def test_a_clock_that_is_hours_ahead_replaces_nobody(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_machines(tmp_path, kind, age_seconds=10)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert take_lock(tmp_path / "a.lock") is None


def test_a_holder_finds_that_its_lock_is_gone(tmp_path: Path, kind: str) -> None:
    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    assert lock.is_held()
    lock.path.unlink()
    assert not lock.is_held()
    successor = take_lock(tmp_path / "a.lock")
    assert successor is not None
    assert not lock.is_held()
    lock.release()
    assert successor.is_held()


def test_a_lock_is_renewed_until_it_is_released(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    lock = take_lock(tmp_path / "a.lock")
    assert lock is not None
    os.utime(lock.path, (0, 0))
    with renewing() as renewal:
        renewal.add(lock)
        deadline = time.monotonic() + 10
        while lock.path.stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_link_in_the_place_of_a_lock_is_refused_and_its_target_left(
    tmp_path: Path, kind: str
) -> None:
    (tmp_path / "victim").write_text("CANARY")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "a.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError, match=r"a\.lock: is a link"):
        take_lock(tmp_path / "locks" / "a.lock")
    assert (tmp_path / "victim").read_text() == "CANARY"


def test_a_pipe_in_the_place_of_a_lock_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.lock")
    with pytest.raises(StoreError, match="is a pipe, not a file"):
        take_lock(tmp_path / "a.lock")


def test_a_lock_of_another_user_follows_the_stores_mode(tmp_path: Path, kind: str) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o2775)
    before = os.umask(0o077)
    try:
        lock = take_lock(tmp_path / "store" / ".locks" / "a.lock")
    finally:
        os.umask(before)
    assert lock is not None
    assert lock.path.stat().st_mode & 0o777 == 0o664
    assert lock.path.parent.stat().st_mode & 0o7777 == 0o2775


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store .*file"):
        take_lock(tmp_path / "file" / "a.lock")


def test_a_folder_that_is_closed_to_us_is_one_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(locks, "open_file", refuse)

    with pytest.raises(StoreError, match="it cannot be written"):
        take_lock(tmp_path / "a.lock")


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
