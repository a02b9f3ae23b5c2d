from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.board.leaderboard import leaderboards
from bench.board.rows import Row
from bench.scoring.metrics import BUILT_IN_METRICS
from bench.store.layout import Store
from bench.views.report.calibration import RowCalibration, row_calibration

Add = Callable[..., str]
Run = Callable[..., Any]


def only_row(store: Store) -> Row:
    (board,) = leaderboards(store)
    (row,) = board.rows
    return row


def test_the_errors_are_those_of_the_metrics(store: Store, add: Add) -> None:
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(10), 400).astype(np.float32)
    add(store, "m", predicted=probabilities.argmax(1), probabilities=probabilities)
    row = only_row(store)
    found = row_calibration(store, row)
    assert isinstance(found, RowCalibration)
    assert {"ece", "brier"} <= {metric.name for metric in BUILT_IN_METRICS}
    assert found.reliability.ece == pytest.approx(row.metrics["ece"])
    assert found.brier == pytest.approx(row.metrics["brier"])


def test_the_images_of_all_seeds_are_counted_together(store: Store, add: Add) -> None:
    for seed in (1, 2):
        add(store, "m", 10, seed=seed)
    found = row_calibration(store, only_row(store))
    assert isinstance(found, RowCalibration)
    assert found.reliability.counts.sum() == 800


def test_scores_that_only_rank_have_none(store: Store, add: Add) -> None:
    trial = add(store, "m", 10)
    record = store.trial(trial) / "record.json"
    text = record.read_text().replace('"calibrated"', '"scores"')
    record.write_text(text)
    assert row_calibration(store, only_row(store)) == (
        "the model gives scores that only rank the classes, not probabilities"
    )


def test_probabilities_that_are_no_numbers_have_none(store: Store, add: Add) -> None:
    add(store, "m", 10, probabilities=np.full((400, 10), np.nan, np.float32))
    reason = row_calibration(store, only_row(store))
    assert reason == "400 of 400 rows of probabilities are not finite"


def test_the_report_shows_the_table(store: Store, add: Add, run_bench: Run) -> None:
    add(store, "m", 40, confidence=0.95)
    out = run_bench("show", "report", "m", "--store", store.root).out
    assert "calibration: expected error .050" in out
    assert " .93 to 1.00     400  .950      .900  −5.0" in out
