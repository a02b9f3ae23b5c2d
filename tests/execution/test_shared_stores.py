import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.execution.events import TrialStarted, Warned
from bench.store.holder import current_holder
from bench.store.locks import STALE_SECONDS, locks_in, take_lock
from bench.store.record import State

# Removes the lock of its own trial, as a machine that thinks the holder dead would, once.
_LOSE = """
import pathlib
        place = pathlib.Path({place!r})
        mark = place / "lost"
        if not mark.exists():
            mark.write_text("")
            for lock in (place / ".locks").glob("*.lock"):
                if not lock.name.startswith("run-"):
                    lock.unlink()
"""


def words(tiny: Any) -> list[str]:
    return [event.message for event in tiny.of(Warned)]


def other_machines_lock(tiny: Any, trial_id: str, *, age_seconds: float) -> Path:
    path: Path = tiny.store.locks / f"{trial_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    theirs = msgspec.structs.replace(current_holder(), machine="another", user="ann", host="node7")
    path.write_bytes(msgspec.json.encode(theirs))
    renewed = time.time() - age_seconds
    os.utime(path, (renewed, renewed))
    return path


@pytest.mark.parametrize("isolate", [True, False], ids=["isolated", "here"])
def test_a_holder_whose_lock_is_gone_stores_nothing_and_tries_again(
    tiny: Any, isolate: bool
) -> None:
    plugin = tiny.plugin(_LOSE.format(place=str(tiny.store.root)).replace("import pathlib", "", 1))
    file = Path(plugin.file)
    file.write_text("import pathlib\n" + file.read_text())

    counts = tiny.run(tiny.task("own", plugin=plugin), isolate=isolate)

    assert counts == {State.OK: 1}
    assert len(tiny.of(TrialStarted)) == 2
    assert words(tiny) == [
        "own on tiny, seed 1: its lock was taken by another run, so nothing of it is stored here"
    ]
    assert len(list(tiny.store.trials.iterdir())) == 1
    assert list(tiny.store.locks.iterdir()) == []


def test_who_waits_says_for_whom_and_takes_over_from_a_machine_that_no_longer_renews(
    tiny: Any,
) -> None:
    task = tiny.task()
    lock = other_machines_lock(tiny, task.trial_id, age_seconds=10)
    old = time.time() - STALE_SECONDS - 60
    threading.Timer(1.5, lambda: os.utime(lock, (old, old))).start()

    assert tiny.run(task, isolate=False) == {State.OK: 1}

    waiting, took_over = words(tiny)
    assert waiting.startswith(
        "waiting for 1 trial that another run has locked: ann on node7 (process "
    )
    assert waiting.endswith("a machine that does not renew its lock for 2 minutes is replaced")
    assert "took over from ann on node7" in took_over


def test_many_trials_of_one_holder_are_one_line(tiny: Any) -> None:
    tasks = [tiny.task(seed=seed) for seed in range(3)]
    held = [take_lock(tiny.store.locks / f"{task.trial_id}.lock") for task in tasks]

    def let_go() -> None:
        for lock in held:
            assert lock is not None
            lock.release()

    threading.Timer(1.5, let_go).start()

    assert tiny.run(*tasks, isolate=False) == {State.OK: 3}

    (waiting,) = words(tiny)
    assert waiting.startswith("waiting for 3 trials that another run has locked: ")


def test_a_run_leaves_no_lock_and_gives_the_stores_mode_to_all_it_makes(tiny: Any) -> None:
    tiny.store.root.mkdir()
    tiny.store.root.chmod(0o2770)
    before = os.umask(0o077)
    try:
        assert tiny.run(tiny.task(), tiny.task("debug-raise"))[State.OK] == 1
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)
    assert list(locks_in(tiny.store.locks)) == []
    for path in tiny.store.root.rglob("*"):
        wanted = 0o770 if path.is_dir() else 0o660
        assert path.stat().st_mode & 0o777 == wanted, path
