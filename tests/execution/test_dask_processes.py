"""A scheduler and workers that we did not configure: processes of their own."""

from pathlib import Path
from typing import Any

import pytest

from bench.store.layout import Store
from bench.store.read import each_trial

pytestmark = pytest.mark.heavy

_SECONDS_MAX = 120.0


def test_a_plugin_travels_with_its_project_and_is_not_trained_again(processes: Any) -> None:
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


def test_a_package_that_is_not_installed_there_travels_by_its_module(processes: Any) -> None:
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
    processes: Any, code: str, words: str
) -> None:
    address = processes.scheduler()
    processes.worker(address, "--no-nanny", code=code)
    ended, _, err = processes.run(address, "-m", "baseline-majority")
    assert (ended, err.count("\n")) == (2, 1), err
    assert err.startswith("bench: worker tcp://127.0.0.1:")
    assert words in err
    assert not (processes.folder / "store" / "trials").exists() or processes.seeds == []


def test_the_scheduler_dies_and_the_same_command_goes_on(processes: Any) -> None:
    log = processes.folder / "store" / "log.txt"  # in a plugin's folder it would be of the plugin
    log.parent.mkdir()
    note = f"open({str(log)!r}, 'a').write(f'{{context.seed}}\\n'); import time; time.sleep(1)"
    asked = ("-m", "own", "--plugin", processes.plugin(note), "--seeds", "1,2,3,4,5,6")
    address = processes.scheduler()
    processes.worker(address)
    first = processes.begin(address, *asked)
    processes.wait_for(lambda: len(processes.seeds) >= 2)
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


def test_one_run_that_ends_leaves_the_trials_of_another(processes: Any) -> None:
    slow = processes.plugin("import time; time.sleep(6)", at="slow.py")
    quick = processes.plugin("pass", at="quick.py")
    address = processes.scheduler()
    processes.worker(address, "--nthreads", "2")
    first = processes.begin(address, "-m", "own", "--plugin", slow, "--seeds", "1")
    work = processes.folder / "store" / ".work"
    processes.wait_for(lambda: list(work.glob("*/1")))
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
    processes: Any, certificates: dict[str, str]
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
