"""The harness's end of isolation: fork servers, and one connection to each running trial."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import msgspec

from bench.errors import BenchError
from bench.execution.engine import forkable_variables, thread_variables
from bench.execution.job import WORKER, Job, Lines, Message, decode_message, write_job
from bench.execution.processes import fresh_python, kill_group, stop_signals_blocked

__all__ = ["Engine", "RunningTrial", "Spawner", "make_engine"]

_START = (
    "from bench.execution.forkserver import serve; "
    "serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])"
)
_START_KEEPER = (
    "import socket; from bench.execution.keeper import be_keeper; "
    "be_keeper(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))"
)


@dataclass(slots=True)
class RunningTrial:
    """State: the connection to one trial's keeper."""

    job: Job
    channel: socket.socket
    lines: Lines = field(default_factory=Lines)
    worker: int = 0
    keeper: "subprocess.Popen[bytes] | None" = None
    """The keeper, where this process started it."""

    def read(self) -> list[Message] | None:
        """Return the messages that have come; None when the keeper is gone."""
        try:
            data = self.channel.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        messages = []
        for line in self.lines.feed(data):
            if line.startswith(WORKER):
                self.worker = int(line[1:])
            else:
                messages.append(decode_message(line))
        return messages

    def stop(self) -> None:
        """Ask for the end: SIGTERM now, SIGKILL half a second later; the outcome still comes."""
        with suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)

    def kill_worker(self) -> None:
        """Kill the worker of a keeper that is gone, with its process group."""
        if self.worker:
            kill_group(self.worker, signal.SIGKILL)

    def close(self) -> None:
        """Let go of the connection; a keeper that still lives stops its trial."""
        self.channel.close()
        if self.keeper is not None:
            self.keeper.wait()


@dataclass(slots=True)
class Engine:
    """State: a fork server that has imported some libraries, started when first needed."""

    distributions: frozenset[str]
    process: "subprocess.Popen[bytes] | None" = None
    control: socket.socket | None = None
    errors: "IO[bytes] | None" = None
    resident_bytes: int | None = None
    """Of the server once it is ready: what any trial needs at the least."""

    def start(self) -> None:
        """Start importing the engine, without waiting for it."""
        if self.process is not None and self.process.poll() is None:
            return
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {
            **os.environ,
            **forkable_variables(),
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
            "PYTHONHASHSEED": "0",
        }
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the server
        with theirs, stop_signals_blocked():
            self.process = subprocess.Popen(
                fresh_python(
                    _START, str(theirs.fileno()), str(os.getpid()), *sorted(self.distributions)
                ),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                env=environment,
                # A Ctrl-C in the terminal is for the harness alone.
                start_new_session=True,
            )
        self.control, self.resident_bytes = ours, None

    @property
    def is_ready(self) -> bool:
        """Whether it has imported its engine."""
        self.take_ready(wait=False)
        return self.resident_bytes is not None

    def take_ready(self, *, wait: bool = True) -> int:
        """Return the server's resident bytes; 0 while it is not ready and `wait` is False.

        Raises
        ------
        BenchError
            If it could not start.
        """
        assert self.control is not None
        if self.resident_bytes is None:
            self.control.setblocking(wait)
            try:
                message = self.control.recv(64)
            except BlockingIOError:
                return 0
            finally:
                self.control.setblocking(True)
            if not message:
                raise self._failure()
            self.resident_bytes = int(message)
        return self.resident_bytes

    def _failure(self) -> BenchError:
        assert self.process is not None
        assert self.errors is not None
        self.process.wait()
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()
        last = text.splitlines()[-1:] or ["it said nothing"]
        return BenchError(
            "the process that starts trials ended by itself",
            why=last[0],
            fix="bench run --no-isolation goes without it",
        )

    def launch(self, job: Job, *held: int) -> RunningTrial:
        """Start a trial; `held` are descriptors that its keeper keeps open (a lock)."""
        path = write_job(job)
        for is_last in (False, True):
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    self.start()
                    assert self.control is not None
                    descriptors = [theirs.fileno(), *(each for each in held if each >= 0)]
                    socket.send_fds(self.control, [str(path).encode()], descriptors)
                except OSError:
                    ours.close()
                    if is_last:
                        raise
                    # It was killed: a new one is started, once.
                    self.close()
                    continue
            ours.setblocking(False)
            return RunningTrial(job=job, channel=ours)
        raise AssertionError

    def close(self) -> None:
        """End the server; running trials are not touched."""
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            self.process.kill()  # it holds nothing, and may be importing
            self.process.wait()
        if self.errors is not None:
            self.errors.close()
        self.process = self.control = self.resident_bytes = self.errors = None


class Spawner:
    """Starts each trial as a fresh process, where a process that has imported may not be forked."""

    is_ready = True

    def start(self) -> None:
        """Nothing is kept warm."""

    def take_ready(self) -> int:
        """Return 0: what the libraries need is known only once a trial has them."""
        return 0

    def launch(self, job: Job, *held: int) -> RunningTrial:
        """Start a trial, as `Engine.launch` does."""
        path = write_job(msgspec.structs.replace(job, spawns=True))
        ours, theirs = socket.socketpair()
        kept = [theirs.fileno(), *(each for each in held if each >= 0)]
        environment = {**os.environ, **thread_variables(job.threads), "PYTHONHASHSEED": "0"}
        with theirs, stop_signals_blocked():
            keeper = subprocess.Popen(
                fresh_python(_START_KEEPER, str(path), str(theirs.fileno())),
                pass_fds=kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        ours.setblocking(False)
        return RunningTrial(job=job, channel=ours, keeper=keeper)

    def close(self) -> None:
        """Nothing is kept warm."""


def make_engine(distributions: Iterable[str]) -> Engine | Spawner:
    """Return what starts trials on this system: forks of a warm server on Linux, else spawning.

    `distributions` are what the trials compute with, to be imported before.

    ``BENCH_START_METHOD=spawn`` asks for the latter anywhere.
    """
    if sys.platform == "linux" and os.environ.get("BENCH_START_METHOD") != "spawn":
        return Engine(frozenset(distributions))
    return Spawner()
