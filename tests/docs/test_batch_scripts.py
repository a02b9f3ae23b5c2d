"""The scripts for batch systems, run as shown by a stand-in that only starts processes."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.store.layout import Store
from bench.store.read import each_trial

pytestmark = pytest.mark.heavy

_PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "scale-out.md"
_SCRIPT = re.compile(r"`(\w+\.sh)`[^`]*:\n\n```sh\n(.*?)```", re.DOTALL)
_SBATCH = """#!{python}
import os, re, subprocess, sys
words = sys.argv[1:]
ours = [word for word in words if word.startswith("--array=")]
script, *arguments = [word for word in words if word not in ours]
asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\\S+)", open(script).read(), re.M))
first, last = map(int, os.environ.get("TASKS", asked["array"]).split("-"))
for number in range(first, last + 1):
    facts = {{"SLURM_ARRAY_TASK_ID": str(number), "SLURM_ARRAY_TASK_COUNT": str(last - first + 1)}}
    facts["SLURM_CPUS_PER_TASK"] = asked["cpus-per-task"]
    out = open(f"slurm-{{number}}.out", "w")
    job = subprocess.Popen(
        ["sh", script, *arguments], env=os.environ | facts, stdout=out, stderr=out,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )
    open("jobs.txt", "a").write(f"{{job.pid}}\\n")
"""
_TRIALS = ("-m", "baseline-majority", "-d", "digits-uci", "--seeds", "1,2,3,4", "--reports", "none")


@dataclass
class Desk:
    """A folder with the page's scripts, and an environment with the stand-in."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    @property
    def jobs(self) -> list[int]:
        return [int(line) for line in (self.folder / "jobs.txt").read_text().split()]

    @property
    def seeds(self) -> list[int]:
        return sorted(record.seed for record in each_trial(Store(self.folder / "store")))

    def written(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("slurm-*.out"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    for name, text in _SCRIPT.findall(_PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sbatch").write_text(_SBATCH.format(python=sys.executable))
    for name, module in (("bench", "bench"), ("dask", "dask")):
        text = f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n'
        (programs / name).write_text(text)
    (programs / "hostname").write_text("#!/bin/sh\necho 127.0.0.1\n")
    for path in programs.iterdir():
        path.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {"PATH": f"{programs}:{os.environ['PATH']}", "STORE": str(tmp_path / "store")}
    known |= {"TASKS": "1-2", "PORT": str(port), "COLUMNS": "200"}
    environment = {name: value for name, value in os.environ.items() if name != "BENCH_STORE"}
    found = Desk(folder=tmp_path, environment=environment | known)
    yield found
    for pid in found.jobs:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_an_array_runs_the_whole_plan_in_shares(desk: Desk) -> None:
    done = desk.run("sbatch", "array.sh", *_TRIALS)
    assert (done.returncode, done.stderr) == (0, "")
    for pid in desk.jobs:
        wait_for_end(pid)
    assert desk.seeds == [1, 2, 3, 4], desk.written()
    for number in (1, 2):
        text = (desk.folder / f"slurm-{number}.out").read_text()
        assert f"share {number} of 2: 2 of 4 trials" in text


def test_workers_of_a_batch_system_run_the_grid(desk: Desk) -> None:
    done = desk.run("sh", "grid.sh", *_TRIALS)
    assert done.returncode == 0, done.stdout + done.stderr + desk.written()
    assert desk.seeds == [1, 2, 3, 4]
    assert len(desk.jobs) == 2


def wait_for_end(pid: int) -> None:
    """Wait until a process that is nobody's child here has ended."""
    import psutil

    try:
        psutil.Process(pid).wait(timeout=300)
    except psutil.NoSuchProcess:
        return
