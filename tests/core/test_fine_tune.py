from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.errors import BenchError
from bench.execution.events import RunStarted, TrialFinished
from bench.planning.folds import fold_samples
from bench.session import Request, execute
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions, read_split, read_trial
from bench.store.record import State

MEANS = """
import numpy as np

from bench import ModelSpec, hookimpl


class Means:
    def __init__(self, n_classes):
        self.n_classes, self.means = n_classes, None

    def fit(self, train, context):
        start = context.initial_weights
        old = None if start is None else np.load(start / "means.npy")
        new = [
            train.images[train.labels == k].mean(axis=0)
            if (train.labels == k).any() else np.zeros(train.shape)
            for k in range(self.n_classes)
        ]
        self.means = np.stack(new) if old is None else (old + np.stack(new)) / 2

    def predict_proba(self, images):
        far = ((images[:, None] - self.means[None]) ** 2).sum(axis=(2, 3, 4))
        near = np.exp(-(far - far.min(axis=1, keepdims=True)))
        return (near / near.sum(axis=1, keepdims=True)).astype(np.float32)

    def save(self, folder):
        np.save(folder / "means.npy", self.means)


def load(folder, context):
    classifier = Means(context.n_classes)
    classifier.means = np.load(folder / "means.npy")
    return classifier


@hookimpl
def bench_register_models(register):
    register(
        ModelSpec(
            name="means",
            summary="nearest mean",
            build=lambda context: Means(context.n_classes),
            load=load,
            options={"initial_weights": "", "learning_rate": 0.5},
        )
    )
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "nothing"))
    plugin = tmp_path / "means.py"
    plugin.write_text(MEANS)
    samples = Path(__file__).parents[2] / "datasets" / "bench_datasets" / "samples" / "ids"
    for source in sorted(samples.rglob("*")):
        if source.is_file():
            target = tmp_path / "my_ids" / source.relative_to(samples)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return Request(
        models=("means",),
        datasets=("digits-uci",),
        plugins=(str(plugin),),
        store=tmp_path / "store",
        fine_tune="my_ids",
        isolate=False,
    )


def test_the_row_pools_the_folds_and_names_its_training_data(asked: Request) -> None:
    result = execute(asked, lambda event: None)
    assert result.exit_code == 0
    board = next(board for board in result.boards if board.test_dataset == "my_ids")
    rows = {(row.train_dataset, row.variant) for row in board.rows}
    assert rows == {("digits-uci", ""), ("digits-uci+my_ids", "fine-tuned")}
    assert {row.n_test for row in board.rows} == {32}
    assert {row.seeds for row in board.rows} == {1}
    assert board.notes == ("Fine-tuned in 4 folds by person, 4 persons",)


def test_every_image_is_read_by_a_model_that_has_not_seen_its_writer(asked: Request) -> None:
    execute(asked, lambda event: None)
    store = Store(Path("store"))
    tested: list[str] = []
    for folder in store.evaluations.iterdir():
        record = read_evaluation(folder)
        if "fold" not in record.transform:
            continue
        names = read_split(store, record.split_hash)
        assert names.groups is not None
        persons = set(names.groups)
        assert len(persons) == 1
        tested += sorted(persons)
        assert read_trial(store.trial(record.trial_id)).n_train == 24
    assert sorted(tested) == ["person-a", "person-b", "person-c", "person-d"]


def test_the_pooled_predictions_are_in_the_folders_order(asked: Request) -> None:
    execute(asked, lambda event: None)
    store = Store(Path("store"))
    by_variant = {
        read_trial(store.trial(record.trial_id)).variant: (record.split_hash, folder)
        for folder in store.evaluations.iterdir()
        if (record := read_evaluation(folder)).test_dataset == "my_ids"
        and "fold" not in record.transform
    }
    plain, tuned = by_variant[""], by_variant["fine-tuned"]
    assert plain[0] == tuned[0]
    np.testing.assert_array_equal(
        read_predictions(plain[1]).labels, read_predictions(tuned[1]).labels
    )


def test_a_photo_copied_to_another_writer_leaks_between_folds(asked: Request) -> None:
    own = sorted(Path("my_ids").glob("person-a/*.png"))[0]
    others = sorted(Path("my_ids").glob("person-b/*.png"))
    with Image.open(own) as photo:
        photo.convert("RGB").save(others[0].with_suffix(".jpg"), quality=70)
    others[0].unlink()
    result = execute(asked, lambda event: None)
    board = next(board for board in result.boards if board.test_dataset == "my_ids")
    near = {row.variant: (row.near_duplicates, row.leaked) for row in board.rows}
    assert near == {"": (0, 0), "fine-tuned": (2, 0)}
    assert any("2 images are nearly the same as another" in note for note in result.plan.notes)

    fair = execute(replace(asked, exclude_duplicates=True), lambda event: None)
    board = next(board for board in fair.boards if board.test_dataset == "my_ids")
    assert {(row.n_test, row.near_duplicates, row.rank != "") for row in board.rows} == {
        (30, 0, True)
    }


def test_a_second_run_fine_tunes_nothing(asked: Request) -> None:
    execute(asked, lambda event: None)
    finished: list[TrialFinished] = []

    def watch(event: object) -> None:
        if isinstance(event, TrialFinished):
            finished.append(event)

    execute(asked, watch)
    assert finished == []


def test_folds_run_after_the_trials_they_continue(asked: Request) -> None:
    events: list[object] = []
    execute(asked, events.append)
    variants = [event.variant for event in events if isinstance(event, TrialFinished)]
    assert variants[0] == ""
    assert variants[1:] == [f"fine-tuned, fold {n} of 4" for n in (1, 2, 3, 4)]
    assert sum(isinstance(event, RunStarted) for event in events) == 1


def test_a_model_without_initial_weights_cannot_be_fine_tuned(asked: Request) -> None:
    with pytest.raises(BenchError, match="no model of this run takes initial weights"):
        execute(replace(asked, models=("baseline-majority",)), lambda event: None)


def test_a_folder_without_labels_cannot_be_fine_tuned_on(asked: Request, tmp_path: Path) -> None:
    folder = tmp_path / "unlabelled"
    folder.mkdir()
    for name in ("aa", "bb"):
        Image.new("L", (40, 40), 255).save(folder / f"{name}.png")
    with pytest.raises(BenchError, match="unlabelled cannot be fine-tuned on: its images have no"):
        execute(replace(asked, fine_tune=str(folder)), lambda event: None)


@given(
    persons=st.lists(st.integers(min_value=0, max_value=9), min_size=12, max_size=60),
    seed=st.integers(min_value=0, max_value=99),
)
def test_a_person_is_in_one_fold_only(persons: list[int], seed: int) -> None:
    groups = tuple(f"p{number}" for number in persons)
    labels = np.arange(len(persons)) % 10
    folds, note = fold_samples(labels, groups, seed)
    assert len(folds) == len(persons)
    if len(set(groups)) > 1:
        assert "by person" in note
        assert all(
            len({f for f, g in zip(folds, groups, strict=True) if g == p}) == 1 for p in groups
        )
        assert set(folds) == set(range(min(5, len(set(groups)))))
    else:
        assert "by image" in note


def test_unknown_writers_are_folded_by_image_and_said(asked: Request) -> None:
    folds, note = fold_samples(np.arange(50) % 10, None, 42)
    assert np.bincount(folds).tolist() == [10] * 5
    assert note == "5 folds by image: writers unknown, so one may be on both sides"
    assert asked.fine_tune


def test_a_failed_fold_leaves_no_pooled_row(asked: Request, tmp_path: Path) -> None:
    plugin = tmp_path / "means.py"
    broken = MEANS.replace(
        "start = context.initial_weights", "start = context.initial_weights; assert start is None"
    )
    plugin.write_text(broken)
    result = execute(asked, lambda event: None)
    assert result.exit_code == 1
    assert result.counts[State.FAILED] == 4
    board = next(board for board in result.boards if board.test_dataset == "my_ids")
    assert {row.variant for row in board.rows if row.state is State.OK} == {""}
