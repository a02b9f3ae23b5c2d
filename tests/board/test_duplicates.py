"""Without duplicates: every row of a board is scored on the same, untrained-on images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.board.leaderboard import leaderboards
from bench.board.rows import Board, Row
from bench.board.verify import verify_store
from bench.board.views import row_report
from bench.scoring.intervals import accuracy_interval
from bench.store.layout import Store
from bench.store.read import read_predictions
from bench.store.record import Duplicate, EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import (
    publish_evaluation,
    publish_trial,
    write_predictions,
    write_split,
)

N = 40
LABELS = np.arange(N) % 2
WRITERS = tuple("abcde"[place % 5] for place in range(N))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def add(
    store: Store,
    model: str,
    *,
    wrong: Sequence[int] = (),
    exact: Sequence[int] = (),
    near: Sequence[int] = (),
    train: str = "digits",
    seed: int = 42,
    are_places_kept: bool = True,
    split_hash: str = "same",
    started_at: str = "2026-01-01",
) -> None:
    identity = Identity(
        model=model,
        options={},
        model_source="m",
        harness_source="h",
        train_hash=train,
        seed=seed,
        precision="float32",
        requires={},
    )
    trial = TrialRecord(
        trial_id=f"{model}{train}{seed}",
        attempt="1",
        config_id=f"{model}{train}",
        identity=identity,
        model=model,
        train_dataset=train,
        classes=("a", "b"),
        image_shape=(28, 28, 1),
        state=State.OK,
        seed=seed,
        started_at=started_at,
    )
    publish_trial(store, store.new_work_folder(), trial)
    predicted = LABELS.copy()
    predicted[list(wrong)] = 1 - predicted[list(wrong)]
    duplicates = np.zeros(N, dtype=np.int8)
    duplicates[list(near)] = Duplicate.NEAR
    duplicates[list(exact)] = Duplicate.EXACT
    folder = store.new_work_folder()
    write_predictions(
        folder,
        labels=LABELS,
        predicted=predicted,
        probabilities=np.eye(2, dtype=np.float32)[predicted],
        duplicates=duplicates if are_places_kept else None,
    )
    evaluation = EvaluationRecord(
        evaluation_id="e",
        trial_id=trial.trial_id,
        attempt="1",
        test_dataset="digits",
        test_hash="t",
        split_hash=split_hash,
        classes=("a", "b"),
        n_test=N,
        leaked=len(exact),
        near_duplicates=len(near),
    )
    publish_evaluation(store, folder, evaluation)


def board_of(store: Store, *, exclude_duplicates: bool = True) -> Board:
    (board,) = leaderboards(store, exclude_duplicates=exclude_duplicates)
    return board


def rows_of(board: Board) -> dict[str, Row]:
    return {row.model: row for row in board.rows}


def test_places_of_duplicates_are_stored_beside_the_predictions(store: Store) -> None:
    add(store, "m", exact=(3,), near=(5, 7))
    add(store, "clean")
    stored = read_predictions(store.evaluations / "mdigits42--e")
    assert stored.duplicates is not None
    assert np.flatnonzero(stored.duplicates == Duplicate.EXACT).tolist() == [3]
    assert np.flatnonzero(stored.duplicates == Duplicate.NEAR).tolist() == [5, 7]
    assert read_predictions(store.evaluations / "cleandigits42--e").duplicates is None


def test_verifying_counts_the_duplicates_again(store: Store) -> None:
    add(store, "m", exact=(3,), near=(5, 7))
    folder = store.evaluations / "mdigits42--e"
    said = "it marks other numbers of duplicates than its record"
    assert all(said not in problem.what for problem in verify_store(store).problems)
    text = (folder / "record.json").read_text(encoding="utf-8")
    (folder / "record.json").write_text(text.replace('"leaked": 1', '"leaked": 2'), "utf-8")
    assert [p.what for p in verify_store(store).problems if said in p.what]


def test_near_duplicates_are_counted_and_ranked(store: Store) -> None:
    add(store, "m", near=(5, 7))
    (row,) = board_of(store, exclude_duplicates=False).rows
    assert (row.near_duplicates, row.leaked, row.rank) == (2, 0, "1")


def test_without_duplicates_a_leak_is_ranked_on_the_rest(store: Store) -> None:
    add(store, "leaky", wrong=(1, 20), exact=(1, 2), near=(3,))
    row = rows_of(board_of(store))["leaky"]
    assert (row.rank, row.leaked, row.near_duplicates, row.n_test) == ("1", 0, 0, 37)
    assert row.accuracy == pytest.approx(36 / 37)
    interval = accuracy_interval(36, 37)
    assert (row.accuracy_low, row.accuracy_high) == pytest.approx((interval.low, interval.high))
    assert row.left_out == (1, 2, 3)


def test_the_same_images_are_left_out_for_every_row(store: Store) -> None:
    add(store, "one", wrong=(0, 1, 2), exact=(0, 1))
    add(store, "two", wrong=(1, 2, 3), near=(3,))
    add(store, "clean", wrong=(0, 1, 3, 9))
    board = board_of(store)
    assert board.n_test == 37
    assert {row.left_out for row in board.rows} == {(0, 1, 3)}
    wrong = {row.model: round((1 - (row.accuracy or 0)) * 37) for row in board.rows}
    assert wrong == {"one": 1, "two": 1, "clean": 1}
    assert {row.rank for row in board.rows} == {"1–3"}
    assert board.notes[0].startswith("3 test images are left out for every row")


def test_seeds_leave_out_the_images_that_any_of_them_trained_on(store: Store) -> None:
    add(store, "m", exact=(0,), seed=1)
    add(store, "m", exact=(1,), seed=2)
    (row,) = board_of(store).rows
    assert (row.seeds, row.left_out, row.leaked) == (2, (0, 1), 0)


def test_a_row_with_no_image_left_keeps_its_leak_and_leaves_the_others_theirs(store: Store) -> None:
    add(store, "whole", train="all", exact=range(N))
    add(store, "part", exact=(4,))
    board = board_of(store)
    rows = rows_of(board)
    assert (rows["whole"].leaked, rows["whole"].rank, rows["whole"].left_out) == (N, "", ())
    assert (rows["part"].rank, rows["part"].n_test) == ("1", 39)
    assert any("every test image is a training image" in note for note in board.notes)


def test_rows_that_together_leave_no_image_are_scored_on_all(store: Store) -> None:
    add(store, "even", exact=range(0, N, 2))
    add(store, "odd", exact=range(1, N, 2))
    board = board_of(store)
    assert {(row.leaked, row.rank, row.n_test) for row in board.rows} == {(20, "", 40)}
    assert board.notes == ("no image would be left without the duplicates: all are scored",)


def test_an_older_record_without_places_keeps_its_leak(store: Store) -> None:
    add(store, "old", exact=(1, 2), are_places_kept=False)
    add(store, "new", exact=(5,))
    board = board_of(store)
    rows = rows_of(board)
    assert (rows["old"].leaked, rows["old"].rank, rows["old"].n_test) == (2, "", 40)
    assert (rows["new"].rank, rows["new"].left_out) == ("1", (5,))
    assert any("bench run --fresh" in note for note in board.notes)


def test_rows_tested_on_older_images_are_left_alone(store: Store) -> None:
    add(store, "before", exact=(1,), split_hash="before")
    add(store, "now", exact=(5,), started_at="2026-01-02")
    rows = rows_of(board_of(store))
    assert (rows["before"].leaked, rows["before"].left_out) == (1, ())
    assert rows["now"].left_out == (5,)


def test_without_any_duplicate_nothing_is_left_out(store: Store) -> None:
    add(store, "m", wrong=(1,))
    board = board_of(store)
    assert board.n_test == N
    assert board.notes == ("no duplicates of training images to leave out",)


def test_the_cached_boards_are_those_of_all_images(store: Store) -> None:
    add(store, "m", exact=(1,))
    assert board_of(store).n_test == N - 1
    assert board_of(store, exclude_duplicates=False).n_test == N
    assert board_of(store).n_test == N - 1


def test_intervals_between_writers_leave_out_their_images_too(store: Store) -> None:
    write_split(store, "same", tuple(map(str, range(N))), WRITERS)
    add(store, "m", wrong=(0, 11), exact=(0, 5))
    row = rows_of(board_of(store))["m"]
    assert "writers" in row.interval_method
    assert row.accuracy == pytest.approx(37 / 38)
    assert (row.accuracy_low or 1) < 37 / 38


def test_reports_leave_out_what_their_row_does(store: Store) -> None:
    add(store, "m", wrong=(0, 11), exact=(0, 5))
    (row,) = board_of(store).rows
    found = row_report(store, row)
    assert found.matrix.sum() == 38
    assert found.matrix.tolist() == [[19, 0], [1, 18]]
