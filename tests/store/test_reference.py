"""The committed reference run: real records that ``bench show`` renders in a fresh clone."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.board.leaderboard import leaderboards
from bench.board.verify import verify_store
from bench.store.layout import Store
from bench.store.read import evaluation_folders, read_predictions, read_trial, trial_folders
from bench.store.record import State

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("reference") / "store"
    shutil.copytree(REFERENCE, root)
    return Store(root)


def test_it_holds_the_published_experiments_with_three_seeds(reference: Store) -> None:
    seeds = {
        (row.model, row.train_dataset): row.seeds
        for board in leaderboards(reference)
        for row in board.rows
        if row.test_dataset == row.train_dataset
    }
    for key in (
        ("cnn-svhn-shallow", "svhn-h5"),
        ("cnn-svhn-deep", "svhn-h5"),
        ("cnn-mnist-compact", "mnist"),
        ("cnn-ids-linear", "mnist"),
        ("svm-ovo", "mnist-csv"),
        ("random-forest", "mnist-csv"),
    ):
        assert seeds[key] == 3


@pytest.mark.parametrize(
    ("model", "dataset", "low", "high"),
    [
        pytest.param("random-forest", "mnist-csv", 0.958, 1.0, id="forest"),
        pytest.param("svm-ovo", "mnist-csv", 0.976, 1.0, id="svm"),
        pytest.param("cnn-mnist-compact", "mnist", 0.990, 1.0, id="compact"),
        pytest.param("cnn-ids-linear", "mnist", 0.965, 0.985, id="linear"),
        pytest.param("cnn-svhn-shallow", "svhn-h5", 0.78, 1.0, id="shallow"),
        pytest.param("cnn-svhn-deep", "svhn-h5", 0.83, 1.0, id="deep"),
    ],
)
def test_the_source_experiments_results_are_reached(
    reference: Store, model: str, dataset: str, low: float, high: float
) -> None:
    (row,) = (
        row
        for board in leaderboards(reference)
        for row in board.rows
        if (row.model, row.train_dataset, row.test_dataset) == (model, dataset, dataset)
    )
    assert row.accuracy is not None
    assert low <= row.accuracy <= high


def test_every_record_and_score_is_as_it_was_written(reference: Store) -> None:
    assert list(verify_store(reference).problems) == []


def test_it_is_small_and_holds_no_model_and_no_image() -> None:
    files = [
        path
        for path in REFERENCE.rglob("*")
        if path.is_file() and not path.relative_to(REFERENCE).parts[0].startswith(".")
    ]
    assert sum(path.stat().st_size for path in files) <= 10_000_000
    assert {path.suffix for path in files} <= {".json", ".npz", ".csv", ".txt"}


def test_probabilities_are_rounded(reference: Store) -> None:
    for name in evaluation_folders(reference)[:5]:
        probabilities = read_predictions(reference.evaluations / name).probabilities
        assert abs(probabilities - probabilities.round(4)).max() < 1e-7


def test_nothing_private_is_in_it(reference: Store) -> None:
    for name in trial_folders(reference):
        record = read_trial(reference.trials / name)
        assert record.state is State.OK
        text = (reference.trials / name / "record.json").read_text()
        assert not any(word in text for word in ("/home/", "/root/", "/work/", "/tmp/"))


def test_show_renders_it(run_bench: Any, reference: Store) -> None:
    result = run_bench("show", "--store", str(reference.root), columns=100)
    assert result.code == 0
    assert "svhn-h5 · test split, 3,000 images" in result.out
    assert result.err == ""
