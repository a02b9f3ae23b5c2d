"""What passes between a run, a trial's keeper and its worker: a folder, and typed lines."""

from pathlib import Path
from typing import TypeAlias

import msgspec

from bench.execution.events import Event, decode_event, encode_event
from bench.planning.task import Outcome, TrialTask

__all__ = [
    "Job",
    "Lines",
    "Message",
    "decode_message",
    "encode_message",
    "read_job",
    "write_job",
]

JOB_FILE = "job.json"
TRIAL = "trial"
"""The folder of what is to be stored, within a trial's folder of the run."""
OUTPUT = "output.txt"
TRACE = "trace.txt"
WORKER = b"w"
"""Begins the line with which a keeper names its worker's process."""
Message: TypeAlias = Event | Outcome


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One trial with everything its process must know."""

    task: TrialTask
    work: str
    checkpoint: str = ""
    threads: int = 1
    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    search: str = ""  # a folder that modules are looked for in as well
    gpu: str = ""  # the one card it may see, as CUDA_VISIBLE_DEVICES names it; empty: as they are
    spawns: bool = False  # the worker is a fresh process, not a fork of its keeper


def write_job(job: Job) -> Path:
    """Write a job into its work folder."""
    path = Path(job.work) / JOB_FILE
    path.write_bytes(msgspec.json.encode(job))
    return path


def read_job(path: Path) -> Job:
    """Read what `write_job` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Job)


def encode_message(message: Message) -> bytes:
    """Return one line, newline included: an event, or the outcome that ends a trial."""
    if isinstance(message, Outcome):
        return b"o" + msgspec.json.encode(message) + b"\n"
    return b"e" + encode_event(message) + b"\n"


def decode_message(line: bytes) -> Message:
    """Return what `encode_message` encoded."""
    if line.startswith(b"o"):
        return msgspec.json.decode(line[1:], type=Outcome)
    return decode_event(line[1:])


class Lines:
    """State: the beginning of a line whose end has not come yet."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their newlines."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines
