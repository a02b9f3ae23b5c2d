"""The small process that the tries of a module fork from: nothing of pytest's own is in it.

``zygote.py PREPARE`` runs the commands of a JSON file, ``{"folder": …, "commands": […]}``, so that
each fork has imported what they need, and says ``{}``. Then it reads a try a line from standard
input, ``{"command": […], "folder": …, "environment": {…}}``, and answers each with a line: the exit
code, seconds, peak bytes beyond its own, and what was opened or made elsewhere. What the command
printed lies in ``output.txt`` of the folder.
"""

import io
import json
import os
import resource
import signal
import site
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, NoReturn

import psutil

from bench.cli import main

CPU_SECONDS_MAX = 30
WAIT_SECONDS_MAX = 240  # what hangs does so for ever; a machine may have other things to do
ADDRESSES_MAX = 16 << 30
_MAKERS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")
_OF_LINKS = frozenset(_MAKERS) - {"os.truncate"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_SYSTEM = ("/usr/", "/lib", "/etc/", "/proc/", "/sys/", "/dev/null", "/dev/urandom", "/dev/shm/")


def serve(prepare: Path) -> None:
    answers = os.dup(1)  # what is printed here, or left open in a fork, never mixes with it
    os.dup2(2, 1)
    work = json.loads(prepare.read_text())
    os.chdir(work["folder"])
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for command in work["commands"]:
            try:
                main(command)
            except SystemExit as ended:
                assert ended.code != 2, f"it tries nothing: {command}"  # noqa: PT017
    assert psutil.Process().num_threads() == 1, "threads: a fork would lack them"
    os.write(answers, b"{}\n")
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        answer = _try(asked["command"], Path(asked["folder"]), asked["environment"], answers)
        os.write(answers, json.dumps(answer).encode() + b"\n")


def _try(
    command: list[str], folder: Path, environment: dict[str, str], answers: int
) -> dict[str, Any]:
    """Run a command in a fork, and say how it ended."""
    own_bytes = psutil.Process().memory_info().rss
    touched = folder / "touched.txt"
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _be_command(command, folder, environment, touched)
    code, peak_bytes = -9, 0
    while time.monotonic() - started < WAIT_SECONDS_MAX:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            code, peak_bytes = os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024
            break
        time.sleep(0.01)
    else:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.wait4(pid, 0)
    return {
        "code": code,
        "seconds": time.monotonic() - started,
        "peak_bytes": max(0, peak_bytes - own_bytes),
        "outside": touched.read_text(errors="replace").splitlines() if touched.exists() else [],
    }


def _be_command(
    command: list[str], folder: Path, environment: dict[str, str], touched: Path
) -> NoReturn:
    code = 99
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_MAX, ADDRESSES_MAX))
        os.chdir(folder)
        os.environ |= environment | {"TMPDIR": str(folder)}
        tempfile.tempdir = None
        target = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, number in ((nothing, 0), (target, 1), (target, 2)):
            os.dup2(source, number)
        sys.dont_write_bytecode = True
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # for the process's whole life
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        _note_what_lies_outside(folder, touched)
        main(command)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 98
    except BaseException:  # noqa: BLE001  # this is what the test looks for
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _note_what_lies_outside(folder: Path, touched: Path) -> None:
    """Write a line for each file elsewhere that is opened, and each that is made or removed."""
    mine = str(folder.resolve())
    here = str(Path(__file__).resolve().parents[2])
    readable = (here, sys.prefix, sys.base_prefix, *site.getsitepackages(), *_SYSTEM)
    log = os.open(touched, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            opened, _, flags = args
            writes = bool(isinstance(flags, int) and flags & _WRITES)
            paths = [opened]
        elif event in _MAKERS:
            paths, writes = [each for each in args[:2] if isinstance(each, str)], True
        else:
            return
        for each in paths:
            if not isinstance(each, str | bytes | os.PathLike):
                continue
            path = Path(os.fsdecode(each))
            if event in _OF_LINKS:  # what is moved or removed is the link, not what it leads to
                full = f"{os.path.realpath(path.parent)}{os.sep}{path.name}"
            else:
                full = os.path.realpath(path)
            if Path(full).name.startswith(".coverage"):  # the tests' own
                continue
            if full == mine or full.startswith((mine + os.sep, "/dev/null", "/proc/self/fd")):
                continue
            if not writes and full.startswith(readable):
                continue
            os.write(log, f"{'write' if writes else 'read'} {full}\n".encode(errors="replace"))

    sys.addaudithook(hear)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
