"""A scheduler and workers that we did not configure: processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.store.layout import Store
from bench.store.read import each_trial

pytestmark = pytest.mark.heavy

_SECONDS_MAX = 120.0
_MODEL = """
import numpy as np
from bench import ModelSpec, hookimpl

class Own:
    def fit(self, train, context):
        {fit}
    def predict_proba(self, images):
        return np.full((len(images), 10), 0.1)

@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="own", summary="", build=lambda context: Own() {more}))
"""
_EPOCHS = """import pathlib, time
        from bench.spec import Epoch
        folder = context.checkpoint_folder
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / "done"
        first = int(done.read_text()) if done.exists() else 0
        for number in range(first + 1, 7):
            time.sleep({seconds})
            with open({log!r}, "a") as file:
                file.write(f"{{context.seed}} {{number}}\\n")
            beside = folder / ".done"
            beside.write_text(str(number))
            beside.replace(done)
            context.report_epoch(Epoch(epoch=number, epochs=6))"""


@dataclass
class Processes:
    """State: what this test has started, by nobody's hands but its own."""

    folder: Path
    started: "list[subprocess.Popen[Any]]" = field(default_factory=list)
    options: tuple[str, ...] = ()

    def start(self, *command: str, **settings: Any) -> "subprocess.Popen[Any]":
        environment = {**os.environ, "COLUMNS": "200", **settings.pop("env", {})}
        process = subprocess.Popen(
            [sys.executable, *command],
            env={name: value for name, value in environment.items() if name != "BENCH_STORE"},
            cwd=self.folder,
            start_new_session=True,
            text=True,
            **settings,
        )
        self.started.append(process)
        return process

    def scheduler(self, *options: str, port: int = 0) -> str:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        command = ("-m", "distributed.cli.dask_scheduler", "--port", str(port))
        places = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
        self.start(*command, *places, *options, stderr=subprocess.DEVNULL)
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        return str(json.loads(file.read_text())["address"])

    def worker(self, address: str, *options: str, code: str = "") -> "subprocess.Popen[Any]":
        main = "import sys; {code}; from distributed.cli.dask_worker import main; main()"
        places = ("--local-directory", str(self.folder / "workers"), "--no-dashboard")
        command = ("-c", main.format(code=code or "pass"), address, "--nthreads", "1", *places)
        return self.start(*command, *options, stderr=subprocess.DEVNULL)

    def bench(self, *arguments: str | Path, **settings: Any) -> "subprocess.Popen[Any]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return self.start("-m", "bench", *map(str, arguments), **pipes, **settings)

    def run(self, address: str, *more: str | Path) -> tuple[int, str, str]:
        """Run ``bench run`` on the cluster to its end."""
        process = self.begin(address, *more)
        out, err = process.communicate(timeout=_SECONDS_MAX)
        return process.returncode, out, err

    def begin(
        self, address: str, *more: str | Path, env: dict[str, str] | None = None
    ) -> "subprocess.Popen[Any]":
        what = ("-d", "digits-uci", "--reports", "none", "--store", self.folder / "store")
        cluster = ("--backend", "dask", "--scheduler", address)
        return self.bench("run", *what, *cluster, *more, env=env or {})

    def plugin(self, fit: str, *, more: str = "", at: str = "own.py") -> Path:
        path = self.folder / at
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_MODEL.format(fit=fit, more=more))
        return path

    @property
    def seeds(self) -> list[int]:
        return sorted(r.seed for r in each_trial(Store(self.folder / "store")) if r.state == "ok")


def wait_for(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + _SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(folder=tmp_path)
    yield found
    for process in found.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_plugin_travels_with_its_project_and_is_not_trained_again(processes: Processes) -> None:
    read = "import pathlib; self.n = len((pathlib.Path(__file__).parents[1] / 'n.txt').read_text())"
    plugin = processes.plugin(read, at="project/models/own.py")
    (processes.folder / "project" / "pyproject.toml").touch()
    (processes.folder / "project" / "n.txt").write_text("12")
    address = processes.scheduler()
    processes.worker(address)
    code, out, err = processes.run(address, "-m", "own", "--plugin", plugin)
    assert (code, err) == (0, "")
    (record,) = each_trial(Store(processes.folder / "store"))
    assert {"n.txt", "models/own.py"} <= record.loaded.keys()
    assert record.machine is not None
    code, out, err = processes.run(address, "-m", "own", "--plugin", plugin)
    assert (code, "nothing to run: 1 trial cached" in out) == (0, True), out


def test_a_package_that_is_not_installed_there_travels_by_its_module(processes: Processes) -> None:
    more = ", requires=()"
    processes.plugin(
        "from mine.inner import NUMBER; self.n = NUMBER", more=more, at="mine/models.py"
    )
    (processes.folder / "mine" / "inner.py").write_text("NUMBER = 3\n")
    address = processes.scheduler()
    processes.worker(address, code="sys.path[:] = [each for each in sys.path if each]")
    found = {"PYTHONPATH": str(processes.folder)}
    process = processes.begin(address, "-m", "own", "--plugin", "mine.models", env=found)
    assert process.communicate(timeout=_SECONDS_MAX)[1] == ""
    assert processes.seeds == [42]


_VERSION = (
    "import importlib.metadata as m; known = m.version; "
    "m.version = lambda name: {said}.get(name) or known(name)"
)
_NONE = (
    "import importlib.metadata as m; known = m.version; "
    "m.version = lambda name: known('none' if name == 'tensorflow' else name)"
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(_NONE, "it has no tensorflow, this machine 2.", id="without TensorFlow"),
        pytest.param(
            _VERSION.format(said="{'digitbench': '99.0'}"),
            "it has digitbench 99.0, this machine",
            id="another digitbench",
        ),
        pytest.param(
            "sys.modules['bench'] = None",
            "digitbench cannot be used there",
            id="without digitbench",
        ),
    ],
)
def test_a_worker_that_computes_otherwise_is_refused_in_one_line(
    processes: Processes, code: str, words: str
) -> None:
    address = processes.scheduler()
    processes.worker(address, "--no-nanny", code=code)
    ended, _, err = processes.run(address, "-m", "baseline-majority")
    assert (ended, err.count("\n")) == (2, 1), err
    assert err.startswith("bench: worker tcp://127.0.0.1:")
    assert words in err
    assert not (processes.folder / "store" / "trials").exists() or processes.seeds == []


def test_the_scheduler_dies_and_the_same_command_goes_on(processes: Processes) -> None:
    log = processes.folder / "store" / "log.txt"  # in a plugin's folder it would be of the plugin
    log.parent.mkdir()
    note = f"open({str(log)!r}, 'a').write(f'{{context.seed}}\\n'); import time; time.sleep(1)"
    asked = ("-m", "own", "--plugin", processes.plugin(note), "--seeds", "1,2,3,4,5,6")
    address = processes.scheduler()
    processes.worker(address)
    first = processes.begin(address, *asked)
    wait_for(lambda: len(processes.seeds) >= 2)
    processes.started[0].kill()
    _, err = first.communicate(timeout=_SECONDS_MAX)
    assert (first.returncode, err.count("\n")) == (2, 1), err
    assert err.startswith(f"bench: the scheduler {address}: is gone; what is finished is stored")
    finished = processes.seeds
    address = processes.scheduler()
    processes.worker(address)
    code, out, err = processes.run(address, *asked)
    assert (code, err) == (0, ""), out
    assert processes.seeds == [1, 2, 3, 4, 5, 6]
    trained = [int(line) for line in log.read_text().split()]
    assert {seed: trained.count(seed) for seed in finished} == dict.fromkeys(finished, 1)


def test_trials_end_over_workers_that_live_for_a_while(processes: Processes) -> None:
    log = processes.folder / "log.txt"
    seconds, walltime = 1.2, 10.0
    fit = _EPOCHS.format(log=str(log), seconds=seconds)
    plugin = processes.plugin(fit, more=", resumes=True")
    address = processes.scheduler()
    asked = ("-m", "own", "--plugin", plugin, "--seeds", "1,2")
    run = processes.begin(address, *asked, "--worker-walltime", f"{walltime:.0f}s")
    jobs = 0
    while run.poll() is None:
        jobs += 1
        worker = processes.worker(address, "--no-nanny")
        deadline = time.monotonic() + walltime
        while run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        worker.kill()
        worker.wait()
        assert jobs < 40
    out, err = run.communicate()
    assert (run.returncode, processes.seeds) == (0, [1, 2]), out + err
    epochs = log.read_text().splitlines()
    assert {*epochs} == {f"{seed} {epoch}" for seed in (1, 2) for epoch in range(1, 7)}
    # The epoch that ran, and one whose checkpoint had not come yet.
    assert len(epochs) - len({*epochs}) <= 2 * (jobs - 1)
    assert jobs > 1


def test_one_run_that_ends_leaves_the_trials_of_another(processes: Processes) -> None:
    slow = processes.plugin("import time; time.sleep(6)", at="slow.py")
    quick = processes.plugin("pass", at="quick.py")
    address = processes.scheduler()
    processes.worker(address, "--nthreads", "2")
    first = processes.begin(address, "-m", "own", "--plugin", slow, "--seeds", "1")
    work = processes.folder / "store" / ".work"
    wait_for(lambda: list(work.glob("*/1")))
    assert processes.run(address, "-m", "own", "--plugin", quick, "--seeds", "2")[0] == 0
    out, err = first.communicate(timeout=_SECONDS_MAX)
    assert (first.returncode, processes.seeds) == (0, [1, 2]), out + err


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, str]:
    """Files of an authority, a certificate and a key."""
    from distributed import Security

    made = Security.temporary()  # type: ignore[no-untyped-call]
    found = {
        "ca-file": made.tls_ca_file,
        "cert": made.tls_client_cert,
        "key": made.tls_client_key,
    }
    for name, text in found.items():
        (tmp_path / f"{name}.pem").write_text(text)
    return {name: str(tmp_path / f"{name}.pem") for name in found}


def test_an_encrypted_scheduler_is_spoken_to_with_the_files_given(
    processes: Processes, certificates: dict[str, str]
) -> None:
    options = [word for name, path in certificates.items() for word in (f"--tls-{name}", path)]
    address = processes.scheduler("--protocol", "tls", *options)
    assert address.startswith("tls://")
    processes.worker(address, *options)
    asked = ("-m", "baseline-majority", "--tls", *certificates.values())
    code, out, err = processes.run(address, *asked)
    assert (code, err) == (0, ""), out
    assert processes.seeds == [42]
    (processes.folder / "bad.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    for place, files, words in (
        (address, (), "is encrypted; give --tls CA CERT KEY with it"),
        (address.replace("tls", "tcp"), (), "cannot be reached"),
        (address, ("--tls", "ca-file.pem", "none.pem", "key.pem"), "there is no such file"),
        (address, ("--tls", "ca-file.pem", "bad.pem", "key.pem"), "cannot be reached"),
    ):
        code, out, err = processes.run(place, "-m", "baseline-majority", "--seeds", "2", *files)
        assert (code, err.count("\n"), words in err) == (2, 1, True), err
