import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.errors import StoreError
from bench.execution.events import TrialFinished, TrialStarted
from bench.store import write
from bench.store.layout import Store
from bench.store.record import State

SAVING = """
    def save(self, folder):
        (folder / "weights").write_bytes(bytes(300_000))

"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of one mebibyte, where this may be had."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, check=False) if _has_mount() else None
    if mounted is None or mounted.returncode:
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _has_mount() -> bool:
    return os.name == "posix" and os.geteuid() == 0


@pytest.mark.parametrize("isolate", [True, False], ids=["isolated", "here"])
def test_a_full_disk_ends_the_run_in_one_line_and_loses_nothing(
    tiny: Any, small_disk: Path, gone: Callable[[float], bool], isolate: bool
) -> None:
    tiny.store = Store(small_disk / "store")
    plugin = tiny.plugin("pass")
    file = Path(plugin.file)
    file.write_text(file.read_text().replace("@hookimpl", SAVING + "@hookimpl"))
    tasks = [tiny.task("own", seed=seed, plugin=plugin) for seed in range(5)]

    with pytest.raises(StoreError) as raised:
        tiny.run(*tasks, isolate=isolate)
    assert str(raised.value) == (
        f"store {tiny.store.root}: the disk is full; free some space and run the same command again"
    )
    assert gone(1.0)
    safe = {event.trial_id for event in tiny.of(TrialFinished)}
    assert {folder.name for folder in tiny.store.trials.iterdir()} == safe
    assert 0 < len(safe) < 5
    assert list(tiny.store.work.glob("run-*")) == []

    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    tiny.events.clear()
    assert tiny.run(*tasks, isolate=False) == {State.OK: 5}
    assert {event.trial_id for event in tiny.of(TrialStarted)} == {
        task.trial_id for task in tasks
    } - safe


def test_a_read_only_store_is_refused_before_anything_runs(tiny: Any, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    tiny.store = Store(small_disk / "store")

    with pytest.raises(StoreError) as raised:
        tiny.run(tiny.task())
    assert str(raised.value) == (
        f"store {tiny.store.root}: it cannot be written; name another one with --store FOLDER"
    )
    assert tiny.events == []


def test_a_file_in_the_place_of_the_store_is_refused(tiny: Any) -> None:
    tiny.store.root.write_text("")
    with pytest.raises(StoreError, match="it is a file, not a folder"):
        tiny.run(tiny.task())


def test_a_store_that_fails_while_it_is_written_stops_the_run(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, gone: Callable[[float], bool]
) -> None:
    written: list[Path] = []

    def fill_up(path: Path, data: bytes) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        path.write_bytes(data)

    monkeypatch.setattr(write, "write_bytes", fill_up)
    tasks = [tiny.task(seed=seed) for seed in range(3)]
    with pytest.raises(StoreError, match="the disk is full"):
        tiny.run(*tasks, tiny.task("debug-hang"), jobs=2)
    assert gone(1.5)
    monkeypatch.undo()
    assert tiny.run(*tasks, isolate=False) == {State.OK: 3}
