"""The second view of large stores, as a whole process: 20 models × 5 datasets, 100,000 records."""

import os
import statistics
import subprocess
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.board import leaderboard
from bench.board.index import read_index
from bench.board.leaderboard import leaderboards
from bench.scoring.crossed import crossed
from bench.scoring.halves import first_in_halves
from bench.scoring.ranks import RankRanges, rank_ranges
from bench.store.layout import Store
from bench.store.read import evaluation_folders, trial_folders
from bench.store.record import EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import publish_evaluation, publish_trial, write_predictions

IS_QUICK = os.environ.get("BENCH_BENCHMARKS") == "quick"
_CLASSES = tuple("0123456789")


def add(store: Store, model: str, dataset: str, labels: Any, predicted: Any) -> None:
    trial_id = blake2b(f"{model} {dataset}".encode(), digest_size=8).hexdigest()
    identity = Identity(
        model=model,
        options={},
        model_source="",
        harness_source="",
        train_hash="",
        seed=42,
        precision="float32",
        requires={},
    )
    record = TrialRecord(
        trial_id=trial_id,
        attempt="1",
        config_id=trial_id,
        identity=identity,
        model=model,
        train_dataset=dataset,
        classes=_CLASSES,
        image_shape=(28, 28, 1),
        state=State.OK,
        seed=42,
        train_accuracy=1.0,
    )
    publish_trial(store, store.new_work_folder(), record)
    folder = store.new_work_folder()
    probabilities = np.full((len(labels), 10), 0.01, np.float32)
    probabilities[np.arange(len(labels)), predicted] = 0.91
    write_predictions(folder, labels=labels, predicted=predicted, probabilities=probabilities)
    publish_evaluation(
        store,
        folder,
        EvaluationRecord(
            evaluation_id=dataset,
            trial_id=trial_id,
            attempt="1",
            test_dataset=dataset,
            test_hash=dataset,
            split_hash=dataset,
            classes=_CLASSES,
            n_test=len(labels),
        ),
    )


def keep_second_view(side_by_side: Any, what: str, store: Store, limit: float) -> None:
    command = [sys.executable, "-m", "bench", "show", "--store", str(store.root)]
    seconds = []

    def once() -> None:
        started = time.perf_counter()
        done = subprocess.run(command, cwd=store.root, capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - started)
        assert "accuracy" in done.stdout

    side_by_side.benchmark.pedantic(once, rounds=1 if IS_QUICK else 5, warmup_rounds=1)
    side_by_side.keep(
        f"bench show, second view, {what}, whole process",
        "the index alone is read",
        value=statistics.median(seconds[1:]),
        limit=limit,
        unit="s",
    )


def test_the_second_view_of_20_models_on_5_datasets(side_by_side: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    rng, labels = np.random.default_rng(0), np.arange(10_000) % 10
    for dataset in range(5):
        for model in range(20):
            wrong = rng.choice(len(labels), 100 + 40 * model, replace=False)
            predicted = labels.copy()
            predicted[wrong] = (labels[wrong] + 1) % 10
            add(store, f"model-{model:02d}", f"data-{dataset}", labels, predicted)
    assert len(leaderboards(store)) == 5
    keep_second_view(side_by_side, "20 models × 5 datasets", store, 1.0)


def test_the_second_view_of_100_000_records(side_by_side: Any, tmp_path: Path) -> None:
    n_trials = 2_000 if IS_QUICK else 50_000
    store = Store(tmp_path / "store")
    labels = np.arange(100) % 10
    add(store, "model", "data", labels, labels)
    (board,) = leaderboards(store)
    (row,) = board.rows
    # Folders and index as a store of many seeds has them; a second view opens nothing else.
    ids = [blake2b(str(i).encode(), digest_size=8).hexdigest() for i in range(n_trials)]
    for trial in ids:
        store.trial(trial).mkdir()
        store.evaluation(trial, "0123456789ab").mkdir()
    rows = [
        msgspec.structs.replace(
            row,
            model=f"model-{start}",
            trials=tuple(ids[start : start + 10]),
            evaluations=tuple(f"{trial}--0123456789ab" for trial in ids[start : start + 10]),
        )
        for start in range(0, n_trials, 10)
    ]
    boards = [msgspec.structs.replace(board, rows=tuple(rows))]
    digest = leaderboard._digest(trial_folders(store), evaluation_folders(store))
    leaderboard._remember(store.index / "boards.msgpack", digest, boards)
    keep_second_view(side_by_side, f"{2 * n_trials:,} records", store, 2.0)


def test_scoring_1_000_records_once(side_by_side: Any, tmp_path: Path) -> None:
    n = 20 if IS_QUICK else 100
    store = Store(tmp_path / "store")
    rng, labels = np.random.default_rng(0), np.arange(10_000) % 10
    for model in range(n):
        predicted = np.where(rng.random(len(labels)) < 0.03, (labels + 1) % 10, labels)
        add(store, f"model-{model:03d}", "data", labels, predicted)
    started = time.process_time()
    index = side_by_side.benchmark.pedantic(read_index, args=(store,), rounds=1)
    seconds = (time.process_time() - started) * 1_000 / n
    assert len(index.scores) == n
    side_by_side.keep(
        "scoring 1,000 records × 10,000 predictions, processor time",
        f"all metrics and intervals; {n} records measured",
        value=seconds,
        limit=20.0,
        unit="s",
    )


def test_ranking_50_rows(side_by_side: Any) -> None:
    n = 1_000 if IS_QUICK else 10_000
    rng = np.random.default_rng(0)
    tables = [rng.random((3, n)) < p for p in np.linspace(0.9, 0.99, 50)]

    def rank() -> RankRanges:
        rows = [crossed(table) for table in tables]
        first_in_halves(rows)
        return rank_ranges(rows)

    started = time.process_time()
    found = side_by_side.benchmark.pedantic(rank, rounds=1)
    seconds = time.process_time() - started
    assert len(found.low) == 50
    side_by_side.keep(
        f"ranking 50 rows × 3 seeds × {n:,} images, processor time",
        "all pairs tested, and in halves",
        value=seconds,
        limit=2.0,
        unit="s",
    )
