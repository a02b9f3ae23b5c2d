"""Locks that let several users and machines share one store: one file each, released or replaced.

A lock is a ``flock`` on a small file, which the system releases when its holder dies, however it
dies; a copy of the descriptor in a process that works for the holder keeps it. On a file system
without ``flock`` the file's existence is the lock. Its content says who holds it: on its own
machine a holder is gone when no process of its number and start time lives there. Another
machine's, which cannot be asked, renews its lock (the time of the file) as long as it lives, and
is replaced once it has not for `STALE_SECONDS`, by the file system's own clock. Whoever was
replaced by mistake finds that its lock is gone: it stops and stores nothing.
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.errors import StoreError
from bench.store.atomic import readable_failure
from bench.store.holder import Holder, current_holder
from bench.store.inside import follow_folder, make_folder, names_in, open_file, read_file

if os.name == "posix":
    import fcntl

__all__ = [
    "RENEW_SECONDS",
    "STALE_SECONDS",
    "Lock",
    "Renewal",
    "holder_of",
    "lock_named",
    "locks_in",
    "renewing",
    "take_lock",
]

STALE_SECONDS: Final = 120.0
RENEW_SECONDS: Final = 20.0
_NO_FLOCK: Final = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}
_NO_LINKS: Final = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_ATTEMPTS: Final = 50
_HELD: Final = ".held"
_LOCK_BYTES_MAX: Final = 1 << 16


@dataclass(slots=True, kw_only=True)
class Lock:
    """State: a lock that this process holds until `release`.

    ``replaced`` is the holder of another machine from whom it was taken, None mostly.
    """

    path: Path
    descriptor: int
    """Open on the lock file; -1 where the file system has no ``flock``."""
    content: bytes
    replaced: Holder | None = None

    def is_held(self) -> bool:
        """Whether it is still this process's: nobody removed or replaced the file."""
        try:
            return bool(self.path.name) and read_file(self.path, _LOCK_BYTES_MAX) == self.content
        except (OSError, StoreError):
            return False

    def renew(self) -> None:
        """Tell other machines that the holder lives."""
        with suppress(OSError):
            if self.is_held():
                os.utime(self.path)

    def release(self) -> None:
        """Give the lock up; a second time does nothing."""
        if not self.path.name:
            return
        if self.is_held():
            with suppress(OSError):
                self.path.unlink()
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.path, self.descriptor = Path(), -1


@dataclass(slots=True)
class Renewal:
    """State: the locks that a thread renews until the run ends."""

    locks: list[Lock] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def add(self, lock: Lock) -> None:
        """Renew this lock from now on, until it is released."""
        self.locks = [each for each in self.locks if each.path.name] + [lock]

    def work(self) -> None:
        """Renew all, again and again."""
        while not self.ended.wait(RENEW_SECONDS):
            for lock in list(self.locks):
                lock.renew()


@contextmanager
def renewing() -> Iterator[Renewal]:
    """Give a `Renewal` at work."""
    renewal = Renewal()
    threading.Thread(target=renewal.work, name="renew locks", daemon=True).start()
    try:
        yield renewal
    finally:
        renewal.ended.set()


def take_lock(path: Path) -> Lock | None:
    """Take the lock of this file, or return None while another live process holds it.

    Raises
    ------
    StoreError
        If the file cannot be written, or is no regular one.
    """
    with readable_failure(path.parent):
        make_folder(path.parent)
        for _ in range(_ATTEMPTS):
            taken = _take_by_flock(path) if os.name == "posix" else _take_by_existence(path)
            if not isinstance(taken, _Again):
                return taken
    return None


def holder_of(path: Path) -> Holder | None:
    """Return who holds the lock of this file, by its content; None where nobody does."""
    for file in (path, path.with_name(path.name + _HELD)):
        with suppress(OSError, StoreError, msgspec.MsgspecError):
            return _read_holder(file)
    return None


def locks_in(folder: Path) -> Iterator[tuple[str, Holder | None, float]]:
    """Yield each lock in a folder: its name, its holder, seconds since it was renewed.

    Raises
    ------
    StoreError
        If the folder is a link or cannot be read.
    """
    for name in sorted(names_in(folder)):
        path = folder / name
        holder = None
        with suppress(OSError, StoreError, msgspec.MsgspecError):
            holder = _read_holder(path)
        with suppress(OSError):
            yield name, holder, max(0.0, datetime.now(UTC).timestamp() - path.lstat().st_mtime)


def lock_named(folder: Path, name: str) -> Path:
    """Return the path to take the lock by that `locks_in` gave under this name."""
    return folder / name.removesuffix(_HELD)


def _read_holder(path: Path) -> Holder:
    return msgspec.json.decode(read_file(path, _LOCK_BYTES_MAX), type=Holder)


class _Again:
    """The file was replaced or removed between two steps."""


def _take_by_flock(path: Path) -> Lock | _Again | None:
    try:
        descriptor = open_file(path, flags=os.O_RDWR | os.O_CREAT)
    except PermissionError:
        if not os.path.lexists(path):  # the folder is closed to us
            raise
        return _Again() if _remove_if_free(path) else None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The last holder may have removed the file after we opened it: then it is no lock.
        if not _is_same_file(descriptor, path):
            os.close(descriptor)
            return _Again()
        # Some network file systems lock for one machine only: what the file says holds as well.
        replaced, is_theirs = _other_machine(path)
        if is_theirs:
            os.close(descriptor)
            return None
        follow_folder(path)
        content = msgspec.json.encode(current_holder())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content, 0)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        if error.errno not in _NO_FLOCK:
            raise
        return _take_by_existence(path, may_be_empty=True)
    return Lock(path=path, descriptor=descriptor, content=content, replaced=replaced)


def _remove_if_free(path: Path) -> bool:
    """Remove another user's lock file that may only be read, unless it is held."""
    descriptor = open_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _other_machine(path: Path) -> tuple[Holder | None, bool]:
    """Return the holder of another machine that a lock file names, and whether it may live."""
    try:
        holder = _read_holder(path)
    except (OSError, msgspec.MsgspecError):
        return None, False
    if holder.is_here():
        return None, False
    return holder, not _is_stale(path)


def _is_stale(path: Path) -> bool:
    """Whether a lock was not renewed for long, by the clock that stamps files there."""
    probe = path.with_name(f"{path.name}.{os.getpid()}.now")
    try:
        probe.touch(exist_ok=True)
        now = probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
    return now - path.stat().st_mtime > STALE_SECONDS


def _take_by_existence(path: Path, *, may_be_empty: bool = False) -> Lock | _Again | None:
    held = path.with_name(path.name + _HELD)
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    content = msgspec.json.encode(current_holder())
    mine.write_bytes(content)
    follow_folder(mine)
    replaced = None
    try:
        for _ in range(2):
            try:
                _name_held(mine, held, content)
            except FileExistsError:
                is_free, replaced = _take_away(held, mine)
                if not is_free:
                    return None
                continue
            return Lock(path=held, descriptor=-1, content=content, replaced=replaced)
        return _Again()
    finally:
        mine.unlink(missing_ok=True)
        if may_be_empty:
            path.unlink(missing_ok=True)


def _name_held(mine: Path, held: Path, content: bytes) -> None:
    """Give a lock its name, or fail where that is taken."""
    try:
        os.link(mine, held)  # it is there whole or not at all
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Between the two steps nobody knows the holder: such a lock is only replaced when old.
        descriptor = open_file(held, flags=os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)
        follow_folder(held)


def _take_away(held: Path, mine: Path) -> tuple[bool, Holder | None]:
    """Remove the lock of a holder that is gone; True if somebody did, and another machine's."""
    holder = None
    try:
        with suppress(msgspec.MsgspecError):
            holder = _read_holder(held)
        is_stale = (holder is None or not holder.is_here()) and _is_stale(held)
    except FileNotFoundError:
        return True, None
    if not is_stale and (holder is None or not holder.is_gone()):
        return False, None
    aside = mine.with_name(f"{mine.name}.gone")
    try:
        # Of two processes that see the dead holder only one renames its file away.
        held.rename(aside)
    except FileNotFoundError:
        return True, None
    aside.unlink(missing_ok=True)
    return True, holder if is_stale else None
