"""A Dask cluster: workers that die, data that is sent once, plugins that nobody there has seen."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.execution import dask_cluster, dask_sending, parcels
from bench.execution.dask_backend import DaskBackend
from bench.execution.dask_cluster import Cluster, Worker
from bench.execution.dask_sending import Sender
from bench.execution.events import EpochEnded, Warned
from bench.execution.parcels import pack, safe_name, unpack
from bench.store.record import State

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.usefixtures("clusters"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # distributed's own sockets
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # the same
]

_LOG = """import os, pathlib, time
        with open({log!r}, "a") as file:
            file.write(f"{{context.seed}}\\n")
        time.sleep({seconds})"""
_EPOCHS = """import pathlib, time
        from bench.spec import Epoch
        folder = context.checkpoint_folder
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / "done"
        first = int(done.read_text()) if done.exists() else 0
        for number in range(first + 1, 9):
            time.sleep(1.5)
            with open({log!r}, "a") as file:
                file.write(f"{{number}}\\n")
            beside = folder / ".done"
            beside.write_text(str(number))
            beside.replace(done)
            context.report_epoch(Epoch(epoch=number, epochs=8))"""


def in_process(n: int = 2, **facts: Any) -> DaskBackend:
    return DaskBackend(cluster=Cluster(workers=n, processes=False, **facts))


def kill_soon(backend: DaskBackend, log: Path, lines: int) -> threading.Thread:
    """Kill a worker once the trials have written so many lines."""

    def kill() -> None:
        while not log.exists() or len(log.read_text().split()) < lines:
            time.sleep(0.05)
        nanny = next(iter(backend.link.own.workers.values()))
        os.kill(nanny.pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_killed_worker_costs_no_trial_and_nothing_that_is_finished(tiny: Any) -> None:
    log = tiny.folder / "log.txt"
    plugin = tiny.plugin(_LOG.format(log=str(log), seconds=1.0))
    tasks = [tiny.task("own", plugin=plugin, seed=seed) for seed in range(8)]
    backend = DaskBackend(cluster=Cluster(workers=2))
    thread = kill_soon(backend, log, 4)
    counts = tiny.run(*tasks, backend=backend)
    thread.join()
    assert counts == {State.OK: 8}
    fits = Counter(log.read_text().split())
    assert len(fits) == 8
    # The one that ran there was begun again, and so may one be whose result had not come yet.
    assert sum(fits.values()) <= 10


def test_a_trial_whose_worker_is_killed_goes_on_from_its_last_epoch(tiny: Any) -> None:
    log = tiny.folder / "log.txt"
    plugin = tiny.plugin(_EPOCHS.format(log=str(log)))
    file = Path(plugin.file)
    file.write_text(file.read_text().replace('summary=""', 'summary="", resumes=True'))
    backend = DaskBackend(cluster=Cluster(workers=1))
    thread = kill_soon(backend, log, 3)
    counts = tiny.run(tiny.task("own", plugin=plugin, resumes=True), backend=backend)
    thread.join()
    assert counts == {State.OK: 1}
    epochs = Counter(log.read_text().split())
    assert sorted(map(int, epochs)) == list(range(1, 9))
    assert sum(epochs.values()) <= 10  # the one that ran, and one whose checkpoint had not come
    assert {event.epoch for event in tiny.of(EpochEnded)} == set(range(1, 9))


def test_a_worker_is_sent_each_split_once_before_the_tasks(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: Counter[tuple[str, str]] = Counter()
    read = dask_sending._read

    def counted(path: Path, offset: int, n_bytes: int) -> bytes | None:
        sent[path.parent.name, path.name] += 1
        return read(path, offset, n_bytes)

    monkeypatch.setattr(dask_sending, "_read", counted)
    tasks = [tiny.task(seed=seed) for seed in range(12)]
    assert tiny.run(*tasks, backend=in_process(2)) == {State.OK: 12}
    pixels = {key: n for key, n in sent.items() if key[1] == "pixels.npy"}
    assert len(pixels) == 2
    assert max(sent.values()) <= 2


def test_a_plugin_that_the_cluster_has_never_seen_travels_with_what_lies_beside_it(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tiny.folder / "mine"
    monkeypatch.syspath_prepend(str(place))
    place.mkdir()
    (place / "helper.py").write_text("NUMBER = 3\n")
    (place / "table.txt").write_text("7")
    plugin = tiny.plugin(
        "import pathlib\n"
        "        here = pathlib.Path(__file__).parent\n"
        "        assert here.name.startswith('plugin-'), here\n"
        "        assert (helper.NUMBER, (here / 'table.txt').read_text()) == (3, '7')"
    )
    moved = place / "own_plugin.py"
    moved.write_text("import helper\n" + Path(plugin.file).read_text())
    task = tiny.task("own", plugin=type(plugin)(file=str(moved)))
    counts = tiny.run(task, backend=in_process(1))
    assert [record.reason for record in tiny.records().values()] == [""]
    assert counts == {State.OK: 1}


def test_of_a_project_that_is_too_large_the_plugins_folder_goes_and_that_is_said(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tiny.folder / "project" / "models"
    place.mkdir(parents=True)
    (tiny.folder / "project" / "pyproject.toml").touch()
    (tiny.folder / "project" / "table.bin").write_bytes(bytes(2_000))
    monkeypatch.setattr(parcels, "_PLUGIN_BYTES_MAX", 1_999)
    plugin = tiny.plugin(
        "import pathlib\n        (pathlib.Path(__file__).parents[1] / 'table.bin').read_bytes()"
    )
    moved = place / "own_plugin.py"
    moved.write_text(Path(plugin.file).read_text())
    task = tiny.task("own", plugin=type(plugin)(file=str(moved)))
    assert tiny.run(task, backend=in_process(1)) == {State.FAILED: 1}
    (warned,) = tiny.of(Warned)
    assert warned.message.endswith("of it a worker is sent models/ alone")
    (record,) = tiny.records().values()
    assert "table.bin" in record.reason
    assert "and nothing beside it" in record.reason


def test_other_versions_are_refused_before_any_data_is_sent_unless_they_are_allowed(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ["it has numpy 1.0, this machine 2.0"]
    monkeypatch.setattr(dask_cluster, "_differences", lambda theirs, ours: found)
    monkeypatch.setattr(Sender, "ship", None)
    with pytest.raises(BenchError, match=r"it has numpy 1\.0, this machine 2\.0; --allow-versions"):
        tiny.run(tiny.task(), backend=in_process(1))
    monkeypatch.undo()
    monkeypatch.setattr(dask_cluster, "_differences", lambda theirs, ours: found)
    counts = tiny.run(tiny.task(), backend=in_process(1, allow_versions=True))
    assert counts == {State.OK: 1}
    assert any(found[0] in event.message for event in tiny.of(Warned))


def test_versions_are_compared_by_major_and_minor() -> None:
    ours = {"python": "3.11.7", "versions": {"numpy": "2.3.4", "keras": "3.1.0"}}
    same = {"python": "3.11.9", "versions": {"numpy": "2.3.1", "keras": "3.1.5"}}
    other = {"python": "3.12.1", "versions": {"numpy": "2.2.0"}}
    assert dask_cluster._differences(same, ours) == []
    assert dask_cluster._differences(other, ours) == [
        "it has Python 3.12.1, this machine 3.11.7",
        "it has no keras, this machine 3.1.0",
        "it has numpy 2.2.0, this machine 2.3.4",
    ]


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "http://x:1", "a b:1", "tcp://x:1:é"])
def test_what_is_no_address_is_refused_at_once(tiny: Any, address: str) -> None:
    with pytest.raises(BenchError, match="is no address; it looks like tcp://HOST:8786"):
        tiny.run(tiny.task(), backend=DaskBackend(cluster=Cluster(address=address)))


def test_a_scheduler_that_cannot_be_reached_is_one_line_after_a_bounded_wait(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "_CONNECT_SECONDS", 2.0)
    started = time.monotonic()
    with pytest.raises(BenchError, match="cannot be reached"):
        tiny.run(tiny.task(), backend=DaskBackend(cluster=Cluster(address="tcp://127.0.0.1:9")))
    assert time.monotonic() - started < 60


def test_no_trial_starts_on_a_worker_whose_time_is_over(tiny: Any) -> None:
    backend = DaskBackend(cluster=Cluster())
    now = time.monotonic()
    for name, ends in (("short", now + 60), ("over", now - 1)):
        backend.link.workers[name] = Worker(address=name, ends=ends)
    long, resumed = tiny.task(estimated_seconds=600), tiny.task(resumes=True, estimated_seconds=600)
    assert backend.choose([long]) is None
    assert backend.choose([long, resumed]) == 1
    assert backend.choose([tiny.task(estimated_seconds=5)]) == 0
    backend.link.workers.pop("short")
    assert backend.choose([resumed, tiny.task()]) is None
    backend.close()


def test_what_a_worker_sends_stays_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.txt").write_text("x")
    unpack(pack(tmp_path / "a"), tmp_path / "copy")
    assert (tmp_path / "copy" / "b" / "c.txt").read_text() == "x"
    for name in ("../x", "/x", "a/../../x", "a\\x", "C:/x", ""):
        with pytest.raises(BenchError):
            safe_name(name)
