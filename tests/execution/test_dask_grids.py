"""Grids on workers that are killed, or that live for a while.

``BENCH_KILLS=10`` kills a worker ten times, ``BENCH_WALLTIME=60`` has a grid of five minutes on
workers that live for one; CI makes less of each.
"""

import os
import random
import time
from contextlib import suppress
from typing import Any

import psutil
import pytest

from bench.execution.dask_cluster import Cluster, facts_of_workers
from bench.session import Request, plan

pytestmark = pytest.mark.heavy

_KILLS = int(os.environ.get("BENCH_KILLS", "2"))
_WALLTIME_SECONDS = float(os.environ.get("BENCH_WALLTIME", "10"))
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


def test_trials_end_over_workers_that_live_for_a_while(processes: Any) -> None:
    log = processes.folder / "log.txt"
    walltime, seeds = _WALLTIME_SECONDS, range(1, 3 if _WALLTIME_SECONDS < 60 else 8)
    fit = _EPOCHS.format(log=str(log), seconds=0.12 * walltime)
    plugin = processes.plugin(fit, more=", resumes=True")
    address = processes.scheduler()
    asked = ("-m", "own", "--plugin", plugin, "--seeds", ",".join(map(str, seeds)))
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
    assert (run.returncode, processes.seeds) == (0, [*seeds]), out + err
    epochs = log.read_text().splitlines()
    assert {*epochs} == {f"{seed} {epoch}" for seed in seeds for epoch in range(1, 7)}
    # An epoch that had ended, and whose checkpoint had not come yet.
    assert len(epochs) - len({*epochs}) <= jobs - 1
    assert jobs > 1


def test_one_worker_of_two_is_killed_at_any_moment(processes: Any) -> None:
    log, draw = processes.folder / "log.txt", random.Random(18)
    fit = _EPOCHS.format(log=str(log), seconds=0.5)
    plugin = processes.plugin(fit, more=", resumes=True")
    seeds = range(1, 3 * _KILLS + 1)
    address = processes.scheduler()
    workers = [processes.worker(address, "--no-nanny") for _ in range(2)]
    asked = ("-m", "own", "--plugin", plugin, "--seeds", ",".join(map(str, seeds)))
    run = processes.begin(address, *asked)
    processes.wait_for(log.exists)
    kills = []
    for _ in range(_KILLS):
        time.sleep(draw.uniform(0.5, 6.0))
        finished = processes.seeds
        kills.append((finished, len(log.read_text().splitlines())))
        victim = draw.randrange(2)
        workers[victim].kill()
        workers[victim] = processes.worker(address, "--no-nanny")
    out, err = run.communicate(timeout=60 + 15 * len(seeds))
    assert (run.returncode, processes.seeds) == (0, [*seeds]), out + err
    epochs = log.read_text().splitlines()
    assert {*epochs} == {f"{seed} {epoch}" for seed in seeds for epoch in range(1, 7)}
    for finished, n_epochs in kills:
        assert not {*map(str, finished)} & {line.split()[0] for line in epochs[n_epochs:]}
    assert len(epochs) - len({*epochs}) <= _KILLS


def test_auto_is_a_precision_that_every_worker_multiplies_fast(processes: Any) -> None:
    code = "import bench.planning.processor as here; here.has_bfloat16 = lambda: {}"
    address = processes.scheduler()
    more = ", bfloat16_holds=True, precisions=('float32', 'bfloat16')"
    asked = Request(
        models=("own",),
        datasets=("digits-uci",),
        plugins=(str(processes.plugin("pass", more=more)),),
        backend="dask",
        scheduler=address,
        store=processes.folder / "store",
    )

    def planned(n_workers: int) -> set[str]:
        processes.wait_for(lambda: len(facts_of_workers(Cluster(address=address))) == n_workers)
        return {task.precision for task in plan(asked).tasks}

    processes.worker(address, "--no-nanny", code=code.format(True))
    assert planned(1) == {"bfloat16"}
    processes.worker(address, "--no-nanny", code=code.format(False))
    assert planned(2) == {"float32"}


def test_a_worker_that_is_told_to_end_with_all_that_it_started_hands_its_trial_on(
    processes: Any,
) -> None:
    log = processes.folder / "log.txt"
    fit = _EPOCHS.format(log=str(log), seconds=1.0)
    plugin = processes.plugin(fit, more=", resumes=True")
    address = processes.scheduler()
    worker = processes.worker(address, "--no-nanny")
    run = processes.begin(address, "-m", "own", "--plugin", plugin, "--seeds", "1")
    processes.wait_for(lambda: log.exists() and len(log.read_text().splitlines()) > 1)
    below = psutil.Process(worker.pid).children(recursive=True)
    for process in (*below, worker):
        with suppress(psutil.Error):
            process.terminate()
    processes.worker(address, "--no-nanny")
    out, err = run.communicate(timeout=processes.seconds_max)
    assert (run.returncode, processes.seeds) == (0, [1]), out + err
    assert len(log.read_text().splitlines()) <= 7
