"""What models cost: every figure in every form, and an 8-bit model beside its float."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.board.boards import Boards
from bench.board.leaderboard import leaderboards
from bench.errors import BenchError
from bench.store.fields import FIELDS
from bench.store.ids import evaluation_id
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions
from bench.store.write import publish_evaluation, write_predictions
from bench.views import NoOptions
from bench.views.cost import VIEW, Cost

Run = Callable[..., Any]
INT8: dict[str, str | int | float] = {"quantize": "int8"}


def costs(store: Store, **asked: Any) -> tuple[Cost, ...]:
    return VIEW.compute(Boards(store=store, **asked), NoOptions())


@pytest.fixture
def store(sample_store: Path, tmp_path: Path) -> Store:
    """The sample store with an 8-bit variant of beta that reads 3 of 100 images otherwise."""
    store = Store(tmp_path / "store")
    shutil.copytree(sample_store, store.root)
    shutil.rmtree(store.index, ignore_errors=True)
    rows = [row for board in leaderboards(store) for row in board.rows]
    beta = next(row for row in rows if row.model == "beta" and row.test_dataset == "home")
    found = store.evaluations / beta.evaluations[0]
    record, predictions = read_evaluation(found), read_predictions(found)
    predicted = predictions.predicted.copy()
    predicted[:3] = (predicted[:3] + 1) % 10
    # The float model's own evaluation under the name that its identity gives it.
    plain = evaluation_id(record.trial_id, record.test_hash, {})
    found.rename(store.evaluation(record.trial_id, plain))
    path = store.evaluation(record.trial_id, plain) / "record.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(record, evaluation_id=plain)))
    folder = store.new_work_folder()
    digest = write_predictions(
        folder,
        labels=predictions.labels,
        predicted=predicted,
        probabilities=predictions.probabilities,
    )
    int8 = msgspec.structs.replace(
        record,
        evaluation_id=evaluation_id(record.trial_id, record.test_hash, INT8),
        variant="int8",
        transform=INT8,
        model_bytes=900_000,
        file_bytes=910_000,
        predictions_sha256=digest,
    )
    publish_evaluation(store, folder, int8)
    shutil.rmtree(store.index, ignore_errors=True)
    return store


def test_agreement_with_the_float_model_comes_from_stored_predictions(store: Store) -> None:
    agreements = {"int8" in each.row.variant: each.float_agreement for each in costs(store)}
    assert agreements == {True: pytest.approx(0.97), False: None}


def test_without_the_float_evaluation_there_is_no_agreement(store: Store) -> None:
    rows = [row for board in leaderboards(store) for row in board.rows]
    (int8,) = [row for row in rows if "int8" in row.variant]
    record = read_evaluation(store.evaluations / int8.evaluations[0])
    plain = evaluation_id(record.trial_id, record.test_hash, {})
    shutil.rmtree(store.evaluation(record.trial_id, plain))
    assert {each.float_agreement for each in costs(store)} == {None}


def test_json_and_csv_hold_every_cost_of_every_row(run_bench: Run, store: Store) -> None:
    arguments = ("show", "cost", "-d", "home", "--store", store.root)
    rows = json.loads(run_bench(*arguments, "--json").out)
    assert tuple(rows[0]) == VIEW.columns
    assert set(VIEW.columns) <= set(FIELDS)
    # The sample store does not say how many images a second were trained on.
    missing = {"fit_images_per_second"}
    for row in rows:
        unknown = missing if "int8" in row["variant"] else {*missing, "float_agreement"}
        assert {name for name, value in row.items() if value is None} == unknown
    (int8,) = [row for row in rows if "int8" in row["variant"]]
    assert (int8["model_bytes"], int8["file_bytes"]) == (900_000, 910_000)
    assert (int8["best_batch"], int8["latency_ms_best_batch"]) == (64, 3.2)
    listed = list(csv.DictReader(io.StringIO(run_bench(*arguments, "--csv").out)))
    assert [row["model"] for row in listed] == [row["model"] for row in rows]
    assert tuple(listed[0]) == VIEW.columns


def test_a_training_is_listed_once_and_its_8_bit_model_beside_it(
    run_bench: Run, store: Store
) -> None:
    out = run_bench("show", "cost", "-d", "home", "--store", store.root, columns=120).out
    training, predicting = out.split("\n\n")[:2]
    assert training.count("beta") == 1
    assert predicting.count("beta") == 2
    assert ".9700" in predicting
    assert "as float: share of images" in out


def test_an_empty_choice_says_so(store: Store) -> None:
    with pytest.raises(BenchError, match="no results of 'elsewhere': the store holds "):
        costs(store, models=["elsewhere"])
    with pytest.raises(BenchError, match="no results on 'elsewhere'"):
        costs(store, datasets=["elsewhere"])


def test_seeds_of_a_row_give_the_figures_of_the_one_in_the_middle(sample_store: Path) -> None:
    rows = [row for board in leaderboards(Store(sample_store)) for row in board.rows]
    alpha = next(row for row in rows if row.model == "alpha")
    assert alpha.seeds == 2
    assert (alpha.best_batch, alpha.predict_images_per_second) == (64, 20_000)
    assert np.isclose(alpha.latency_ms_best_batch or 0, 3.2)
