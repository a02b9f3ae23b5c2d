"""``bench results add-predictions``: rows of other programs, and files that do not fit."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.board.leaderboard import leaderboards
from bench.board.verify import verify_store
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.session import open_session
from bench.spec import Labels
from bench.store.layout import Store
from bench.store.read import evaluation_folders, read_evaluation, read_predictions, read_trial

CLASSES = tuple("0123456789")
N = 360  # test images of digits-uci


@pytest.fixture
def add(run_bench: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def run(*words: str | Path, dataset: str = "digits-uci") -> Any:
        return run_bench(
            *("results", "add-predictions", "preds.csv", "-m", "mine", "-d", dataset),
            *("--store", tmp_path / "store", *words),
            columns=200,
        )

    return run


@pytest.fixture(scope="module")
def labels() -> Labels:
    loaded = load_dataset(open_session().plugins.datasets["digits-uci"])
    assert loaded.test is not None
    found = open_split(loaded.test).labels
    assert found is not None
    return found


def write(path: Path, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows] if header else rows)


def nearly(labels: Labels) -> Labels:
    """Return predictions of which one in ten is wrong."""
    predicted = labels.copy()
    predicted[::10] = (predicted[::10] + 1) % 10
    return predicted


def test_a_column_of_predictions_becomes_a_row_marked_external(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in nearly(labels)])

    ended = add()

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("mine (external) on digits-uci: 360 predictions, accuracy .900;")
    (board,) = leaderboards(Store(tmp_path / "store"))
    (row,) = board.rows
    assert (row.label, row.train_dataset, row.accuracy) == ("mine (external)", "elsewhere", 0.9)
    assert board.notes == (
        "external: the predictions of mine were made elsewhere: whether test images were trained on"
        " was not seen",
    )


def test_the_record_says_that_it_is_external(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in labels])
    add()
    (folder,) = (tmp_path / "store/trials").iterdir()

    record = read_trial(folder)

    assert record.differs is not None
    assert (record.differs.origin, record.variant, record.probabilities) == (
        "external",
        "external",
        "scores",
    )
    assert not verify_store(Store(tmp_path / "store")).problems


def test_probabilities_are_kept_in_the_order_of_the_classes(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    given = np.random.default_rng(1).dirichlet(np.ones(10), size=N)
    backwards = [f"prob_{k}" for k in reversed(CLASSES)]
    write(tmp_path / "preds.csv", ["truth", *backwards], np.column_stack([labels, given[:, ::-1]]))

    assert add().code == 0

    store = Store(tmp_path / "store")
    (name,) = evaluation_folders(store)
    kept = read_predictions(store.evaluations / name).probabilities
    np.testing.assert_allclose(kept, given, atol=1e-6)


def test_own_photos_are_placed_by_their_names(add: Callable[..., Any], tmp_path: Path) -> None:
    loaded = load_dataset(open_session().plugins.datasets["sample-ids"])
    assert loaded.test is not None
    split = open_split(loaded.test)
    assert split.labels is not None
    lines = [
        [name, loaded.classes[label]] for name, label in zip(split.names, split.labels, strict=True)
    ]
    write(tmp_path / "preds.csv", ["file", "prediction"], reversed(lines))

    ended = add("--json", dataset="sample-ids")

    assert json.loads(ended.out)["accuracy"] == 1.0


def test_seeds_become_one_row_and_the_same_file_again_changes_nothing(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in nearly(labels)])
    add("--seed", "1")
    add("--seed", "2")

    again = add("--seed", "2")

    assert "were there already" in again.out
    (board,) = leaderboards(Store(tmp_path / "store"))
    assert [row.seeds for row in board.rows] == [2]
    assert not any((tmp_path / "store/.work").iterdir())


def test_other_predictions_under_the_same_name_are_refused(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in labels])
    add()
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in nearly(labels)])

    ended = add()

    assert ended.code == 2
    assert "mine has other predictions for digits-uci, seed 42, already" in ended.err


def test_a_dataset_without_probabilities_has_no_calibration(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in labels])
    add()
    store = Store(tmp_path / "store")
    (name,) = evaluation_folders(store)
    assert "the order of its lines" in read_evaluation(store.evaluations / name).notes[0]
    (row,) = leaderboards(store)[0].rows
    assert "log_loss" in row.not_scored


def test_a_file_that_does_not_fit_ends_in_one_line_and_leaves_no_trace(
    add: Callable[..., Any], tmp_path: Path, labels: Labels
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in labels[:-1]])

    ended = add()

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "bench: preds.csv: 359 predictions, the test split of digits-uci has 360 images\n"
    )
    assert not (tmp_path / "store/trials").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("-m", "svm-ovo"), "a model of that name is installed", id="installed"),
        pytest.param(("-m", "a/b"), "without '/'", id="a-path"),
        pytest.param(("--trained-on", "x\x1b[2J"), "a name is printable", id="an-escape"),
        pytest.param(("-d", "no-such"), "unknown dataset 'no-such'", id="no-dataset"),
    ],
)
def test_a_name_that_would_mislead_is_refused(
    add: Callable[..., Any], tmp_path: Path, labels: Labels, words: tuple[str, ...], said: str
) -> None:
    write(tmp_path / "preds.csv", ["predicted"], [[each] for each in labels])

    ended = add(*words)

    assert ended.code == 2
    assert said in ended.err
