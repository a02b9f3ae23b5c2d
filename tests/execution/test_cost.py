import gc
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest

from bench.execution.events import TrialFinished, TrialStarted
from bench.execution.scheduling import cheapest_first, choose_jobs
from bench.loading.refs import SplitRef
from bench.store.record import State

MEBIBYTE = 1 << 20


def simulate(tiny: Any, n: int) -> tuple[float, float]:
    """Run n trials of 10 ms here; return the harness's CPU milliseconds a trial and MiB grown."""
    me = psutil.Process()
    sizes: list[int] = []

    def watch(event: Any) -> None:
        if isinstance(event, TrialFinished):
            if len(sizes) in (n // 10, n - 1):
                gc.collect()  # a process that has run much else seldom does so by itself
            sizes.append(me.memory_info().rss)

    tasks = [tiny.task("debug-sleep", seed=seed) for seed in range(n)]
    tiny.run(tasks[0], isolate=False)
    started = time.process_time()
    tiny.run(*tasks, isolate=False, emit=watch)
    cpu_ms = 1000 * (time.process_time() - started) / n
    return cpu_ms, (sizes[-1] - sizes[n // 10]) / MEBIBYTE


def test_a_trial_leaves_nothing_in_memory() -> None:
    """In a process of its own: how this one's memory grows depends on all it has run before."""
    alone = f"{__file__}::test_two_hundred_trials_leave_nothing_in_memory"
    without = [
        word for plugin in ("cacheprovider", "xdist", "cov") for word in ("-p", f"no:{plugin}")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *without, "-m", "timing", alone],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "1 passed" in done.stdout


@pytest.mark.timing
def test_two_hundred_trials_leave_nothing_in_memory(tiny: Any) -> None:
    _, grown = simulate(tiny, 200)
    assert grown < 4


@pytest.mark.timing
def test_ten_thousand_trials_cost_five_milliseconds_each_and_no_memory(tiny: Any) -> None:
    cpu_ms, grown = simulate(tiny, 10_000)
    sys.stdout.write(f"{cpu_ms:.2f} ms of processor time a trial, {grown:+.1f} MiB\n")
    assert cpu_ms < 5
    assert grown < 8


@pytest.mark.timing
def test_isolation_costs_less_than_a_second_a_trial_once_it_is_warm(tiny: Any) -> None:
    tiny.run(*[tiny.task(seed=seed) for seed in range(6)])
    began = [event.time for event in tiny.of(TrialStarted)]
    seconds = sorted(later - earlier for earlier, later in pairwise(began[1:]))
    assert seconds[len(seconds) // 2] < 1.0


def test_each_trial_gets_the_cores_divided_by_the_jobs(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tiny.plugin(
        "import os, threadpoolctl\n"
        "        pools = {pool['num_threads'] for pool in threadpoolctl.threadpool_info()}\n"
        "        assert context.threads == 2 and pools <= {2}, pools\n"
        "        assert os.environ['OMP_NUM_THREADS'] == '2'"
    )
    for module in ("bench.execution.engine", "bench.execution.scheduling"):
        monkeypatch.setattr(f"{module}.available_cores", lambda: 4)
    counts = tiny.run(tiny.task("own", plugin=plugin), tiny.task(), jobs=2)
    assert counts == {State.OK: 2}
    assert {record.threads for record in tiny.records().values()} == {2}


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        pytest.param([None] * 8, 4, id="a core each"),
        pytest.param([None] * 3, 3, id="no more than trials"),
        pytest.param([3 << 30] * 8, 2, id="as many as the memory holds"),
        pytest.param([100 << 30], 1, id="one at least"),
    ],
)
def test_auto_weighs_cores_trials_and_memory(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, needs: list[int | None], expected: int
) -> None:
    class Memory:
        available = 8 << 30

    monkeypatch.setattr("bench.execution.scheduling.available_cores", lambda: 4)
    monkeypatch.setattr("psutil.virtual_memory", Memory)
    tasks = [tiny.task(seed=seed, estimated_memory_bytes=need) for seed, need in enumerate(needs)]
    assert choose_jobs("auto", tasks) == expected


@pytest.mark.parametrize(
    ("embedded", "expected"),
    [pytest.param(["a", "a"], 2, id="all"), pytest.param(["a", ""], 1, id="not all")],
)
def test_trials_on_embedded_data_run_one_a_core_unless_told(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, embedded: list[str], expected: int
) -> None:
    monkeypatch.setattr("bench.execution.scheduling.available_cores", lambda: 2)
    tasks = [
        msgspec.structs.replace(tiny.task(seed=seed), train_embedded=each)
        for seed, each in enumerate(embedded)
    ]
    assert choose_jobs(None, tasks) == expected
    assert choose_jobs(1, tasks) == 1


def test_the_cheapest_expected_trial_goes_first_and_an_unknown_one_waits(tiny: Any) -> None:
    seconds = [1.0, None, 30.0, 2.0]
    tasks = [tiny.task(seed=seed, estimated_seconds=each) for seed, each in enumerate(seconds)]
    assert [task.estimated_seconds for task in cheapest_first(tasks)] == [1.0, 2.0, 30.0, None]


READ_ALL = """
        import time, pathlib
        total = sum(int(train.pixels[i:i + 4096].sum()) for i in range(0, len(train), 4096))
        place = pathlib.Path({place!r})
        (place / str(context.seed)).touch()
        while len(list(place.iterdir())) < {n}:
            time.sleep(0.05)
        time.sleep(0.5)
        rollup = pathlib.Path('/proc/self/smaps').read_text().split('pixels.npy')[1]
        pss = next(line for line in rollup.splitlines() if line.startswith('Pss:'))
        print('pss', pss.split()[1])
        time.sleep(0.5)
"""


def data_pages(tiny: Any, n_workers: int, size_bytes: int) -> int:
    """Let workers read one dataset at the same time; return the bytes of its pages in all."""
    n = size_bytes // (28 * 28)
    folder = tiny.folder / "cache" / "splits" / "large"
    folder.mkdir(parents=True)
    pixels = np.lib.format.open_memmap(
        folder / "pixels.npy", mode="w+", dtype=np.uint8, shape=(n, 28, 28, 1)
    )
    pixels[:] = 7
    pixels.flush()
    del pixels
    np.save(folder / "labels.npy", np.arange(n, dtype=np.int64) % 3)
    (folder / "samples.json").write_text("[]")
    large = SplitRef(content_hash="large", folder=str(folder), n=n, shape=(28, 28, 1))
    place = tiny.folder / "ready"
    place.mkdir()
    plugin = tiny.plugin(READ_ALL.strip().format(place=str(place), n=n_workers))
    tasks = [
        tiny.task(
            "own", seed=seed, plugin=plugin, train=large, image_shape=(28, 28, 1), evaluations=()
        )
        for seed in range(n_workers)
    ]
    tiny.run(*tasks, jobs=n_workers)
    logs = [(folder / "log.txt").read_text() for folder in tiny.store.trials.iterdir()]
    assert len(logs) == n_workers
    return sum(
        int(line.split()[1]) << 10 for log in logs for line in log.splitlines() if "pss" in line
    )


def test_workers_share_one_copy_of_the_data(tiny: Any) -> None:
    size = 64 * MEBIBYTE
    assert 0.9 * size < data_pages(tiny, 3, size) < 1.5 * size


@pytest.mark.heavy
def test_four_workers_share_one_copy_of_a_gigabyte(tiny: Any) -> None:
    total = data_pages(tiny, 4, 1 << 30)
    sys.stdout.write(f"{total / 2**30:.2f} GiB of data pages in all\n")
    assert total < 1.5 * (1 << 30)


def board_seconds(store: Path, datasets: str, jobs: int) -> float:
    """Run 24 classical trials and return the seconds from the first start to the last end."""
    command = [sys.executable, "-m", "bench", "run", "--log-format", "json", "-j", str(jobs)]
    models = ["-m", "random-forest", "-m", "svm-ovo", "-m", "mlp", "-m", "baseline-majority"]
    asked = [*models, "-d", datasets, "--repeats", "6", "--store", str(store)]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, *asked], capture_output=True, text=True, check=False, env=os.environ.copy()
    )
    assert done.returncode == 0, done.stderr
    finished = [line for line in done.stdout.splitlines() if '"trial_finished"' in line]
    assert len(finished) == 24
    assert all(json.loads(line)["state"] == "ok" for line in finished)
    return time.perf_counter() - began


@pytest.mark.timing
@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has nothing to share")
def test_two_classical_trials_at_once_are_faster_than_one_after_the_other(tmp_path: Path) -> None:
    alone = board_seconds(tmp_path / "one", "digits-uci", 1)
    together = board_seconds(tmp_path / "two", "digits-uci", 2)
    sys.stdout.write(f"-j 1 {alone:.1f} s, -j 2 {together:.1f} s: {alone / together:.2f} times\n")
    assert alone / together >= 1.3


def test_a_thread_number_of_the_user_holds_and_is_recorded(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_THREADS_ASKED", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "many")
    plugin = tiny.plugin(
        "import os, threadpoolctl\n"
        "        pools = {p['num_threads'] for p in threadpoolctl.threadpool_info()\n"
        "            if p['user_api'] == 'blas'}\n"
        "        assert pools <= {1}, pools\n"
        "        assert context.threads == 3"
    )

    counts = tiny.run(tiny.task("own", plugin=plugin), jobs=1)

    (record,) = tiny.records().values()
    assert (counts, record.reason, record.threads) == ({State.OK: 1}, "", 3)
    numbers = {name: record.environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS")}
    assert numbers == {"OMP": "3", "OPENBLAS": "1"}
    assert record.environment["MKL_NUM_THREADS"] == "3"
