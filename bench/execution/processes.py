"""Processes and their descendants: finding, measuring, stopping; what their ends mean."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.store.record import State

__all__ = [
    "STOP_SIGNALS",
    "adopt_orphans",
    "descendants",
    "die_with_parent",
    "end_of_process",
    "fresh_python",
    "kernel_kills",
    "kill_group",
    "reset_signals",
    "resident_bytes",
    "stop_leftovers",
    "stop_signals_blocked",
]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGNAL_WORDS = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "aborted",
    signal.SIGFPE: "arithmetic error",
    signal.SIGILL: "illegal instruction",
}
if hasattr(signal, "SIGBUS"):
    _SIGNAL_WORDS[signal.SIGBUS] = "bus error"
_LEFTOVER_SECONDS = 0.2
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""With which a terminal, a batch system or a person asks a process to end."""
_STOPPED_FROM_OUTSIDE = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")


# Nothing may be imported before: a json.py in a person's folder is not Python's own.
_SEARCH = "import sys; sys.path[:] = sys.argv.pop(1).split(chr(10)); "


def fresh_python(program: str, *arguments: str) -> list[str]:
    """Return a command that runs `program` in another Python, with the search path of this one."""
    # An entry of "" means the folder we are in.
    search = "\n".join(str(entry) or os.path.abspath("") for entry in sys.path)  # noqa: PTH100
    return [sys.executable, "-P", "-c", _SEARCH + program, search, *arguments]


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Let the system kill this process when the thread that started it ends (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the line above.
    if os.getppid() != parent:
        os._exit(1)


@contextmanager
def stop_signals_blocked() -> Iterator[None]:
    """Let a process started meanwhile choose its own answer to `STOP_SIGNALS` before one comes.

    It is started with the signals blocked, and unblocks them once it has.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def reset_signals() -> None:
    """Answer signals as a fresh process does, after a fork."""
    for number in (*STOP_SIGNALS, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that none is lost (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants(pid: int) -> list[psutil.Process]:
    """Return the living children of a process, their children and so on."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def resident_bytes(pid: int, limit_bytes: int) -> int:
    """Return the resident size of a process and its descendants.

    Where the plain sum passes the limit, pages that several of them share are counted once.
    """
    tree = descendants(pid)
    with suppress(psutil.Error):
        tree.append(psutil.Process(pid))
    total = sum(_resident(process) for process in tree)
    if total <= limit_bytes or len(tree) == 1:
        return total
    return sum(_proportional(process) for process in tree)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.Error, AttributeError):
        return _resident(process)


def kill_group(pid: int, number: int) -> None:
    """Signal the process group led by `pid`, and `pid` itself should it not lead one yet."""
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            send(pid, number)


def stop_leftovers(me: int) -> None:
    """Stop every descendant that a finished trial left: a moment to go, SIGTERM, SIGKILL."""
    if not _reap():
        return
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        left = descendants(me)
        if number is not None:
            _signal_all(left, number)
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        while _reap() and time.monotonic() < deadline:
            time.sleep(0.005)
    # A fork bomb makes new ones while old ones are killed: until none is left, for a while.
    deadline = time.monotonic() + 1.0
    while _reap() and time.monotonic() < deadline:
        _signal_all(descendants(me), signal.SIGKILL)
        time.sleep(0.005)


def _signal_all(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _reap() -> bool:
    """Collect ended children; True while any lives."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def kernel_kills() -> int | None:
    """Return how many processes the system has killed for want of memory; None where unknown."""
    try:
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except OSError:
        pass
    return None


def end_of_process(exit_code: int, kills_before: int | None) -> tuple[State, str]:
    """Say what it means that a worker ended without a result.

    Parameters
    ----------
    exit_code : int
        As `subprocess` gives it: negative for a signal.
    kills_before : int or None
        `kernel_kills` when the worker was started.
    """
    if exit_code >= 0:
        return State.CRASHED, f"its process ended with exit code {exit_code} and without a result"
    try:
        number = signal.Signals(-exit_code)
    except ValueError:
        return State.CRASHED, f"its process ended by signal {-exit_code}"
    if number.name == "SIGKILL":
        kills = kernel_kills()
        if kills is None or kills_before is None or kills > kills_before:
            return State.OUT_OF_MEMORY, "killed by the system (SIGKILL): the memory was full"
        return State.INTERRUPTED, "killed from outside (SIGKILL)"
    if number.name in _STOPPED_FROM_OUTSIDE:
        return State.INTERRUPTED, f"stopped from outside ({number.name})"
    words = _SIGNAL_WORDS.get(number, "ended by a signal")
    return State.CRASHED, f"{words} ({number.name})"
