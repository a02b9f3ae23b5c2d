"""Checks run one by one in a worker, so that a plugin which hangs, exits or swells gets a verdict.

The worker keeps the case, and with it the fitted classifier, from check to check. Where the plugin
ends it, a new one goes on with the next check. Where it had to be stopped nothing more is tried:
the next checks would wait as long, or fill the memory as well.
"""

import os
import selectors
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import msgspec

from bench.execution.processes import (
    descendants,
    die_with_parent,
    end_of_process,
    kernel_kills,
    kill_group,
    resident_bytes,
)
from bench.execution.surroundings import importable_elsewhere
from bench.plugins.discovery import local_module_name
from bench.testing.running import CheckResult, CheckState, result_of, run_checks

__all__ = ["CheckLimits", "run_checks_apart"]

_Check: TypeAlias = Callable[[Any], str | None]
_TICK_SECONDS: Final = 0.2
_STEP: Final = b"."
_BLOCK: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLimits:
    """What a step of a check may take: wall-clock seconds, and bytes of memory of all it starts.

    A step is a build, a fit or a load, and what is done with its result until the next one.
    """

    seconds: float = 60.0
    memory_bytes: int = 4 << 30


def run_checks_apart(
    checks: Sequence[_Check], case: Any, limits: CheckLimits
) -> Iterator[CheckResult]:
    """Run each check on `case`, a `ModelCase` or `DatasetCase`, in a worker; yield its result.

    Where the system cannot fork they run in this process, without limits.
    """
    if not hasattr(os, "fork"):
        yield from run_checks(checks, case)
        return
    with TemporaryDirectory(prefix="bench-check-") as folder:
        yield from _run_apart(list(checks), case, limits, Path(folder))


def _run_apart(
    left: list[_Check], case: Any, limits: CheckLimits, work: Path
) -> Iterator[CheckResult]:
    while left:
        worker = _start(left, case, limits, work)
        try:
            for result in worker.results():
                left.pop(0)
                yield result
        finally:
            worker.stop()
        if left:
            yield result_of(left.pop(0), CheckState.FAILED, *worker.end())
        if left and worker.verdict:
            why = "not tried: an earlier check had to be stopped"
            yield from (result_of(check, CheckState.SKIPPED, why) for check in left)
            return


def _start(checks: Sequence[_Check], case: Any, limits: CheckLimits, work: Path) -> "_Worker":
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    me, kills = os.getpid(), kernel_kills()
    with warnings.catch_warnings():
        # numpy's idle threads: it stops them at a fork by itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.close(reader)
        _work(checks, case, writer, me, work)
    os.close(writer)
    return _Worker(pid=pid, reader=reader, limits=limits, kills_before=kills)


def _work(checks: Sequence[_Check], case: Any, writer: int, parent: int, work: Path) -> None:
    """Be the worker; never returns."""
    try:
        os.setsid()
        die_with_parent(parent)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # The table is the harness's; what a plugin prints stands beside it.
        os.dup2(2, 1)
        sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115  # for the process's whole life
        if file := getattr(case, "file", ""):
            importable_elsewhere(local_module_name(file), file, work, ())
        _run_all(checks, case, writer)
        os._exit(0)
    except BaseException:  # noqa: BLE001  # nothing may run past this function
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _run_all(checks: Sequence[_Check], case: Any, writer: int) -> None:
    case.on_step = lambda: os.write(writer, _STEP + b"\n")
    for result in run_checks(checks, case):
        data = memoryview(msgspec.json.encode(result) + b"\n")
        while data:
            data = data[os.write(writer, data) :]


@dataclass(slots=True, kw_only=True)
class _Worker:
    """State: one worker, until it has ended."""

    pid: int
    reader: int
    limits: CheckLimits
    kills_before: int | None
    verdict: str = ""
    exit_code: int = 0

    def results(self) -> Iterator[CheckResult]:
        """Yield what comes, until the worker has ended or goes past a limit."""
        os.set_blocking(self.reader, False)
        rest, since = b"", time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self.reader, selectors.EVENT_READ)
            while not self.verdict:
                has_ended = self._has_ended()
                selector.select(0 if has_ended else _TICK_SECONDS)
                data = self._read()
                if not data and has_ended:
                    return
                if data == b"":  # its end is closed, the worker is not
                    time.sleep(_TICK_SECONDS)
                if data:
                    since = time.monotonic()
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        # A plugin can write into any open file; what is no result is not one.
                        with suppress(msgspec.MsgspecError):
                            yield msgspec.json.decode(line, type=CheckResult)
                self._enforce(time.monotonic() - since)

    def _read(self) -> bytes | None:
        try:
            return os.read(self.reader, _BLOCK)
        except BlockingIOError:
            return None

    def _has_ended(self) -> bool:
        # Only looked at: its number must not go to another process before its group is stopped.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def _enforce(self, seconds: float) -> None:
        if seconds > self.limits.seconds:
            self.verdict = f"did not end within {self.limits.seconds:g} s"
        elif resident_bytes(self.pid, self.limits.memory_bytes) > self.limits.memory_bytes:
            self.verdict = f"took more than {self.limits.memory_bytes / 2**20:,.0f} MiB of memory"

    def end(self) -> tuple[str, ...]:
        """Say in up to two lines why the worker ended before its checks did."""
        if self.verdict:
            return self.verdict, "more is given with --timeout and --max-memory"
        if self.exit_code >= 0:
            line = f"the plugin left Python with exit code {self.exit_code}"
            return line, "it must return or raise"
        return (end_of_process(self.exit_code, self.kills_before)[1],)

    def stop(self) -> None:
        """End the worker and all it started."""
        for process in descendants(self.pid):
            with suppress(Exception):
                process.kill()
        kill_group(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.exit_code = os.waitstatus_to_exitcode(status)
        os.close(self.reader)
