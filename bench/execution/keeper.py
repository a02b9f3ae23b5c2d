"""The process that keeps one trial: starts its worker, watches it, stops it, says how it ended.

It reads nothing from the harness but the end of their connection, which means "stop" whether the
harness asked for it or was killed; a signal that asks to end means the same. Every process a worker
starts becomes, at the latest when its own parent dies, a child of the keeper, so none can be left
behind.
"""

import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import msgspec

from bench.execution.capture import BoundedLog
from bench.execution.job import (
    OUTPUT,
    WORKER,
    Job,
    Lines,
    decode_message,
    encode_message,
    read_job,
)
from bench.execution.privacy import private_words
from bench.execution.processes import (
    STOP_SIGNALS,
    adopt_orphans,
    end_of_process,
    kernel_kills,
    kill_group,
    resident_bytes,
    stop_leftovers,
)
from bench.execution.surroundings import HERE, own_temporary_folder
from bench.execution.worker_process import be_worker, spawn_worker
from bench.planning.task import Outcome
from bench.store.record import State

__all__ = ["keep_trial"]

_GRACE_SECONDS = 0.5
_TICK_SECONDS = 0.2
_BLOCK = 1 << 16


def keep_trial(job_file: Path, channel: socket.socket) -> None:
    """Run one trial in a child process; its events and its outcome go through `channel`."""
    job = read_job(job_file)
    adopt_orphans()
    asked = _AskedToStop()
    with own_temporary_folder(Path(job.work)):
        keeper, outcome = _kept(job_file, job, channel, asked)
    folders = private_words(job.task.data_folder) | {str(Path(job.work) / HERE): "."}
    with suppress(OSError):
        text = keeper.log.text(folders)
        (Path(job.work) / OUTPUT).write_text(text, encoding="utf-8")
    keeper.send(encode_message(outcome))
    channel.close()


def _kept(
    job_file: Path, job: Job, channel: socket.socket, asked: "_AskedToStop"
) -> tuple["_Keeper", Outcome]:
    """Let a worker run the trial, and see whether what it stored can be used."""
    events, events_end = os.pipe()
    output, output_end = os.pipe()
    me = os.getpid()
    started = time.monotonic()
    kills_before = kernel_kills()
    if job.spawns:
        worker = spawn_worker(job_file, events_end, output_end)
    else:
        worker = os.fork()
        if worker == 0:
            channel.close()
            os.close(events)
            os.close(output)
            be_worker(job, me, events_end, output_end)
    os.close(events_end)
    os.close(output_end)
    keeper = _Keeper(job=job, channel=channel, worker=worker, started=started, asked=asked)
    keeper.send(WORKER + f"{worker}\n".encode())
    exit_code = keeper.watch(events, output)
    stop_leftovers(me)
    keeper.drain(events, output)
    outcome = keeper.outcome(exit_code, kills_before)
    if not job.task.stored:
        keeper.check_reload()
        stop_leftovers(me)
    return keeper, outcome


class _AskedToStop:
    """State: the signal that asked this process to end, from the moment it is made."""

    def __init__(self) -> None:
        self.by = ""
        for number in STOP_SIGNALS:
            signal.signal(number, self._handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.by = signal.Signals(number).name


@dataclass(slots=True, kw_only=True)
class _Keeper:
    """State: one worker while it lives."""

    job: Job
    channel: socket.socket
    worker: int
    started: float
    asked: _AskedToStop
    log: BoundedLog = field(default_factory=BoundedLog)
    lines: Lines = field(default_factory=Lines)
    result: Outcome | None = None
    verdict: tuple[State, str] | None = None
    kill_at: float | None = None
    peak_bytes: int = 0

    def watch(self, events: int, output: int) -> int:
        """Relay and watch until the worker has ended; return its exit code."""
        os.set_blocking(events, False)
        os.set_blocking(output, False)
        alive = os.pidfd_open(self.worker) if hasattr(os, "pidfd_open") else None
        with selectors.DefaultSelector() as selector:
            selector.register(events, selectors.EVENT_READ, self._take_events)
            selector.register(output, selectors.EVENT_READ, self._take_output)
            selector.register(self.channel, selectors.EVENT_READ, self._take_stop)
            if alive is not None:
                selector.register(alive, selectors.EVENT_READ, None)
            while True:
                for key, _ in selector.select(self._patience(alive is not None)):
                    if key.data is not None and not key.data(key.fd):
                        selector.unregister(key.fileobj)
                ended, status = os.waitpid(self.worker, os.WNOHANG)
                if ended:
                    break
                self._enforce()
        if alive is not None:
            os.close(alive)
        return os.waitstatus_to_exitcode(status)

    def drain(self, events: int, output: int) -> None:
        """Take what the ended worker had written."""
        while self._take_events(events, only_data=True):
            pass
        while self._take_output(output, only_data=True):
            pass

    def outcome(self, exit_code: int, kills_before: int | None) -> Outcome:
        """Say how the trial ended; a result that came in time counts, whatever came after it."""
        seconds = time.monotonic() - self.started
        if self.result is not None and (self.result.state is State.OK or self.verdict is None):
            state, reason = self.result.state, self.result.reason
        else:
            state, reason = self.verdict or end_of_process(exit_code, kills_before)
        return Outcome(
            trial_id=self.job.task.trial_id,
            state=state,
            reason=reason,
            folder=self.job.work,
            seconds=seconds,
            peak_memory_bytes=self.peak_bytes or None,
        )

    def check_reload(self) -> None:
        """See whether the stored model is the trained one, and say so where it is not."""
        from bench.execution.reloading import check_reload

        warning = check_reload(self.job, self._is_told_to_stop)
        if warning is not None:
            self.send(encode_message(warning))

    def _is_told_to_stop(self) -> bool:
        """Whether the harness's end of the connection is closed, or a signal came."""
        if self.asked.by:
            return True
        with suppress(BlockingIOError):
            return not self.channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return False

    def send(self, data: bytes) -> None:
        """Send to the harness, if it still lives."""
        with suppress(OSError):
            self.channel.sendall(data)

    def _patience(self, is_told: bool) -> float:
        now = time.monotonic()
        waits = [_TICK_SECONDS if is_told else 0.02]
        if self.kill_at is not None:
            waits.append(self.kill_at - now)
        elif self.job.timeout_seconds is not None:
            waits.append(self.started + self.job.timeout_seconds - now)
        return max(0.0, min(waits))

    def _take_events(self, descriptor: int, *, only_data: bool = False) -> bool:
        data = _read(descriptor)
        for line in self.lines.feed(data or b""):
            # A model can write into any open file; what is no message is not one.
            with suppress(msgspec.MsgspecError):
                message = decode_message(line)
                if isinstance(message, Outcome):
                    self.result = message
                else:
                    self.send(line + b"\n")
        return bool(data) if only_data else data != b""

    def _take_output(self, descriptor: int, *, only_data: bool = False) -> bool:
        data = _read(descriptor)
        self.log.write(data or b"")
        return bool(data) if only_data else data != b""

    def _take_stop(self, _: int) -> bool:
        self._stop(State.INTERRUPTED, "interrupted")
        return False

    def _enforce(self) -> None:
        if self.asked.by:
            self._stop(State.INTERRUPTED, f"stopped from outside ({self.asked.by})")
        now = time.monotonic()
        if self.kill_at is not None:
            if now >= self.kill_at:
                kill_group(self.worker, signal.SIGKILL)
            return
        timeout, limit = self.job.timeout_seconds, self.job.memory_bytes
        if timeout is not None and now - self.started >= timeout:
            self._stop(State.TIMEOUT, f"stopped after its limit of {timeout:g} s")
        if limit is not None:
            size = resident_bytes(self.worker, limit)
            self.peak_bytes = max(self.peak_bytes, size)
            if size > limit:
                used, allowed = size / 2**20, limit / 2**20
                self._stop(State.OUT_OF_MEMORY, f"used {used:,.0f} MiB of {allowed:,.0f} MiB")

    def _stop(self, state: State, reason: str) -> None:
        if self.verdict is None:
            self.verdict = state, reason
            kill_group(self.worker, signal.SIGTERM)
            self.kill_at = time.monotonic() + _GRACE_SECONDS


def _read(descriptor: int) -> bytes | None:
    """Return what is there, b"" at the end, None for nothing yet."""
    try:
        return os.read(descriptor, _BLOCK)
    except BlockingIOError:
        return None


def be_keeper(job_file: str, channel: socket.socket) -> None:
    """Keep a trial as all that this process does; never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)
        keep_trial(Path(job_file), channel)
    except BaseException:  # noqa: BLE001  # nothing may run past this function
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
