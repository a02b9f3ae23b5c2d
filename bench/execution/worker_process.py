"""The process of one trial: forked from its keeper, or started by a command line."""

import faulthandler
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench.execution.events import Event
from bench.execution.job import Job, encode_message, read_job
from bench.execution.processes import die_with_parent, fresh_python, reset_signals
from bench.planning.task import Outcome

__all__ = ["be_worker", "spawn_worker", "spawned_worker"]

_START = (
    "from bench.execution.worker_process import spawned_worker; "
    "spawned_worker(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
)


def be_worker(job: Job, keeper: int, events: int, output: int) -> None:
    """Be the worker; never returns."""
    try:
        os.setsid()
        die_with_parent(keeper)
        reset_signals()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # the process's own, for its whole life
        sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        faulthandler.enable(2)
        _run_job(job, _sender(events))
    except BaseException:  # noqa: BLE001  # nothing may run past this function
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def spawn_worker(job_file: Path, events: int, output: int) -> int:
    """Start a worker that imports everything itself, where forking is not safe."""
    # Nothing is ever written: the worker ends when this end closes, hence with the keeper.
    watched, _ = os.pipe()
    process = subprocess.Popen(
        fresh_python(_START, str(job_file), f"{events}", f"{watched}"),
        pass_fds=(events, watched),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    os.close(watched)
    process.returncode = 0  # it is waited for by number
    return process.pid


def spawned_worker(job_file: str, events: int, watched: int) -> None:
    """Be a worker that was started by a command line."""
    faulthandler.enable()
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    _run_job(read_job(Path(job_file)), _sender(events))
    os._exit(0)


def _end_with(watched: int) -> None:
    os.read(watched, 1)
    os.killpg(0, signal.SIGKILL)


def _run_job(job: Job, send: Callable[[Event | Outcome], None]) -> None:
    from bench.execution.worker import run_trial

    if job.search:
        sys.path.insert(0, job.search)
    if job.gpu:  # no engine has looked for cards yet
        os.environ["CUDA_VISIBLE_DEVICES"] = job.gpu
    outcome = run_trial(
        job.task,
        Path(job.work),
        send,
        threads=job.threads,
        checkpoint=Path(job.checkpoint) if job.checkpoint else None,
        own_folder=True,
    )
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, OSError, AttributeError):  # the model closed it
            stream.flush()
    send(outcome)


def _sender(descriptor: int) -> Callable[[Event | Outcome], None]:
    def send(message: Event | Outcome) -> None:
        line = memoryview(encode_message(message))
        while line:
            line = line[os.write(descriptor, line) :]

    return send
