"""Locks that let two runs share one store: one file each, taken over when its holder is gone.

A lock is a ``flock`` on a small file, which the system releases when its holder dies, however it
dies; a copy of the descriptor in a process that works for the holder keeps it. On a file system
without ``flock`` the file's existence is the lock, and its content says who holds it: a holder is
gone when no process of its number and start time lives on its machine (or the machine has been
started since). There, a lock held on another machine is never taken over.
"""

import errno
import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from bench.store.atomic import readable_failure

if os.name == "posix":
    import fcntl

__all__ = ["Holder", "Lock", "current_holder", "take_lock"]

_NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}
_ATTEMPTS = 50


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process, told apart from a later one of the same number; the machine only as a hash."""

    pid: int
    started: float  # seconds on the machine's own scale
    machine: str
    boot: str

    def is_gone(self) -> bool:
        """Whether this process surely lives no more; False for another machine's."""
        me = current_holder()
        if self.machine != me.machine:
            return False
        if self.boot != me.boot:
            return True
        return not psutil.pid_exists(self.pid) or _start_time(self.pid) != self.started


@dataclass(slots=True, kw_only=True)
class Lock:
    """State: a lock that this process holds until `release`."""

    path: Path
    descriptor: int
    """Open on the lock file; -1 where the file system has no ``flock``."""

    def release(self) -> None:
        """Give the lock up; a second time does nothing."""
        if self.path.name:
            self.path.unlink(missing_ok=True)
            if self.descriptor >= 0:
                os.close(self.descriptor)
            self.path, self.descriptor = Path(), -1


def take_lock(path: Path) -> Lock | None:
    """Take the lock of this file, or return None while another live process holds it.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    with readable_failure(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            taken = _take_by_flock(path) if os.name == "posix" else _take_by_existence(path)
            if not isinstance(taken, _Again):
                return taken
    return None


class _Again:
    """The file was replaced or removed between two steps."""


def _take_by_flock(path: Path) -> Lock | _Again | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The last holder may have removed the file after we opened it: then it is no lock.
        if not _is_same_file(descriptor, path):
            os.close(descriptor)
            return _Again()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(current_holder()), 0)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        if error.errno not in _NO_FLOCK:
            raise
        return _take_by_existence(path, may_be_empty=True)
    return Lock(path=path, descriptor=descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take_by_existence(path: Path, *, may_be_empty: bool = False) -> Lock | _Again | None:
    held = path.with_name(f"{path.name}.held")
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    mine.write_bytes(msgspec.json.encode(current_holder()))
    try:
        # A link is there whole or not at all, and fails where the name is taken.
        os.link(mine, held)
    except FileExistsError:
        return _Again() if _take_away(held, mine) else None
    finally:
        mine.unlink(missing_ok=True)
        if may_be_empty:
            path.unlink(missing_ok=True)
    return Lock(path=held, descriptor=-1)


def _take_away(held: Path, mine: Path) -> bool:
    """Remove the lock of a holder that is gone; True if somebody did."""
    try:
        holder = msgspec.json.decode(held.read_bytes(), type=Holder)
    except FileNotFoundError:
        return True
    except msgspec.MsgspecError:
        return False
    if not holder.is_gone():
        return False
    aside = mine.with_name(f"{mine.name}.gone")
    try:
        # Of two processes that see the dead holder only one renames its file away.
        held.rename(aside)
    except FileNotFoundError:
        return True
    aside.unlink(missing_ok=True)
    return True


def current_holder() -> Holder:
    """Return what names this process."""
    return Holder(
        pid=os.getpid(), started=_start_time(os.getpid()), machine=_machine(), boot=_boot()
    )


def _start_time(pid: int) -> float:
    """Return when a process started, in seconds since the boot where the system tells that.

    Unlike a time of day it does not move when the clock is set.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return float(fields[19])
    except (OSError, IndexError, ValueError):
        pass
    try:
        return float(round(psutil.Process(pid).create_time()))
    except psutil.Error:
        return -1.0


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:16]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
