"""Who holds a lock: a process, told apart from a later one of the same number."""

import getpass
import hashlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

__all__ = ["Holder", "current_holder"]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process, told apart from a later one of the same number, with names for people."""

    pid: int
    started: float  # seconds on the machine's own scale
    machine: str
    boot: str
    user: str = ""
    host: str = ""
    since: str = ""  # UTC, ISO 8601

    def is_here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.machine == _machine()

    def is_gone(self) -> bool:
        """Whether this process surely lives no more; False for another machine's."""
        if not self.is_here():
            return False
        if self.boot != _boot():
            return True
        return not psutil.pid_exists(self.pid) or _start_time(self.pid) != self.started

    def __str__(self) -> str:
        """Name it for a person: ``ann on node7 (process 4711, since 10:31 UTC)``."""
        who = f"{self.user or 'someone'} on {self.host or 'another machine'}"
        since = f", since {self.since[11:16]} UTC" if len(self.since) > 16 else ""
        return f"{who} (process {self.pid}{since})"


def current_holder() -> Holder:
    """Return what names this process."""
    return Holder(
        pid=os.getpid(),
        started=_start_time(os.getpid()),
        machine=_machine(),
        boot=_boot(),
        user=_user(),
        host=platform.node(),
        since=datetime.now(UTC).isoformat(timespec="microseconds"),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name
        return str(os.getuid()) if hasattr(os, "getuid") else ""


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
    """Name what numbers its processes by itself: a machine, or a container of one."""
    try:
        numbers = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        numbers = ""
    return hashlib.sha256(f"{platform.node()} {numbers}".encode()).hexdigest()[:16]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
