"""What it costs that a stored result is what ran: noting, reading models back, being a worker."""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.execution.job import Job, write_job
from bench.execution.reloading import Checker, check_reload
from bench.execution.worker import run_trial
from bench.session import Request, execute, plan
from bench.store.layout import Store
from bench.store.read import read_trial

pytestmark = pytest.mark.heavy
THREADS = 1

# A trial of about a second, in a process of its own: a plugin with thirty helpers, files, a fit.
NOTING = """
import gc, sys, time
sys.path.insert(0, sys.argv[1])
from contextlib import nullcontext
import sklearn.datasets, sklearn.ensemble  # the fork server has its engine already
from pathlib import Path
from bench.plugins.ground import ground_of
from bench.plugins.loaded import watching
from bench.plugins.sources import hash_of_sources, read_once, read_sources
gc.collect()
gc.freeze()  # as the fork server does
began = time.process_time()
with read_once():
    hash_of_sources(read_sources(file=sys.argv[1] + "/mine.py"))  # for the identity, in any case
    ground = ground_of(file=sys.argv[1] + "/mine.py") if sys.argv[2] == "watched" else None
with watching(ground) if sys.argv[2] == "watched" else nullcontext() as watcher:
    import mine
    mine.fit()
    if watcher is not None:
        watcher.notes()
        watcher.notes()
sys.stdout.write(str(time.process_time() - began))
"""
MINE = """
from pathlib import Path
import numpy as np
{imports}


def fit():
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    here = Path(__file__).parent
    for _ in range(20):
        for path in here.glob("*.txt"):
            path.read_bytes()
    images, labels = load_digits(return_X_y=True)
    RandomForestClassifier(240, random_state=1, n_jobs=1).fit(images, labels).predict(images)
"""
BOOSTING = """
from bench import ModelSpec, hookimpl, sklearn_classifier


def build(context):
    from sklearn.ensemble import HistGradientBoostingClassifier

    made = HistGradientBoostingClassifier(max_iter=4, early_stopping=False, random_state=1)
    return sklearn_classifier(made)


@hookimpl
def bench_register_models(register):
    register(ModelSpec(name="boosting", summary="", build=build))
"""
PLAIN_BOOSTING = """
import sys, time
from threadpoolctl import threadpool_limits
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.plugins.discovery import load_plugins
from sklearn.ensemble import HistGradientBoostingClassifier
train = open_split(load_dataset(load_plugins().datasets["digits-uci"]).train)
x, y = train.images.reshape(len(train), -1), train.labels
with threadpool_limits(int(sys.argv[1])):
    began, used = time.perf_counter(), time.process_time()
    HistGradientBoostingClassifier(max_iter=4, early_stopping=False, random_state=1).fit(x, y)
    sys.stdout.write(f"{time.perf_counter() - began} {time.process_time() - used}")
"""


def answer(program: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def test_noting(side_by_side: Any, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"helper{number}.py").write_text(f"def number():\n    return {number}\n")
        (tmp_path / f"data{number}.txt").write_bytes(bytes(10_000))
    imports = "\n".join(f"import helper{number}" for number in range(30))
    (tmp_path / "mine.py").write_text(MINE.format(imports=imports))
    side_by_side(
        "noting what a plugin loads, 30 helpers, 600 reads (CPU)",
        "the same trial of about a second without",
        ours=lambda: answer(NOTING, str(tmp_path), "watched")[0],
        plain=lambda: answer(NOTING, str(tmp_path), "plain")[0],
        limit=1.02,
        rounds=5,
    )


def test_reading_models_back(side_by_side: Any, tmp_path: Path) -> None:
    names = ("random-forest", "svm-ovo", "mlp", "cnn-mnist-compact")
    request = Request(
        models=names,
        datasets=("digits-uci",),
        store=tmp_path / "st",
        settings=("cnn-mnist-compact.epochs=1",),
    )
    walls, cpus = [], []
    checker = Checker()
    try:
        for task in plan(request).tasks:
            work = tmp_path / task.model
            work.mkdir()
            assert run_trial(task, work, lambda event: None, threads=THREADS).state == "ok"
            job = Job(task=task, work=str(work), checkpoint="", threads=THREADS)
            write_job(job)
            check_reload(job, checker=checker)  # the engine is imported, as in the fork server
            assert checker.process is not None
            process = psutil.Process(checker.process.pid)
            before, began = sum(process.cpu_times()[:2]), time.perf_counter()
            assert check_reload(job, checker=checker) is None
            walls.append(time.perf_counter() - began)
            cpus.append(sum(process.cpu_times()[:2]) - before)
    finally:
        checker.close()
    side_by_side.benchmark.pedantic(lambda: None)
    told = ", ".join(f"{wall:.2f} s" for wall in walls)
    for what, values in (("wall", walls), ("CPU", cpus)):
        side_by_side.keep(
            f"reading a stored model back, mean of {len(values)} models ({what})",
            "at most a second",
            value=statistics.mean(values),
            limit=1.0,
            unit="s",
            note=told,
        )


def test_openmp_in_a_worker(side_by_side: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(BOOSTING)
    store = Store(tmp_path / "st")
    cpu: dict[str, list[float]] = {"ours": [], "plain": []}
    threads = 1

    def in_a_worker() -> float:
        nonlocal threads
        seed = len(cpu["ours"]) + 1
        request = Request(
            models=("boosting",),
            datasets=("digits-uci",),
            plugins=(str(tmp_path / "mine.py"),),
            store=store.root,
            seeds=(seed,),
        )
        execute(request, lambda event: None)
        records = [read_trial(folder) for folder in store.trials.iterdir()]
        (record,) = (each for each in records if each.seed == seed)
        threads = record.threads or 1
        assert record.fit_seconds is not None
        cpu["ours"].append(record.fit_cpu_seconds or 0.0)
        return record.fit_seconds

    def plainly() -> float:
        seconds, used = answer(PLAIN_BOOSTING, str(threads))
        cpu["plain"].append(used)
        return seconds

    in_a_worker()  # how many threads it gets; both have a cache then
    side_by_side(
        "HistGradientBoostingClassifier in a worker",
        "plain Python, as many threads",
        ours=in_a_worker,
        plain=plainly,
        limit=1.2,
    )
    side_by_side.keep(
        "the same, CPU seconds",
        "plain Python",
        value=statistics.median(cpu["ours"]) / statistics.median(cpu["plain"]),
        limit=1.2,
        unit="ratio",
    )
