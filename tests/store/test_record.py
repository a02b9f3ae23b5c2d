import errno
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import StoreError
from bench.store.atomic import publish_folder, readable_failure, write_bytes
from bench.store.layout import Store
from bench.store.read import (
    find_trial,
    read_evaluation,
    read_predictions,
    read_split,
    read_trial,
)
from bench.store.record import SCHEMA_VERSION, Identity, State, TrialRecord
from bench.store.write import (
    publish_trial,
    record_hash,
    split_hash,
    supersede,
    write_predictions,
    write_record,
    write_split,
)

IDENTITY = Identity(
    model="m",
    options={"epochs": 3, "rate": 0.5, "augment": "none", "shuffle": True},
    model_source="a",
    harness_source="b",
    train_hash="c",
    seed=42,
    precision="float32",
    requires={"tensorflow": "2.21"},
)


def trial(trial_id: str = "abc123", state: State = State.OK, attempt: str = "1") -> TrialRecord:
    return TrialRecord(
        trial_id=trial_id,
        attempt=attempt,
        config_id="cfg",
        identity=IDENTITY,
        model="m",
        train_dataset="d",
        classes=("0", "1"),
        image_shape=(8, 8, 1),
        state=state,
        seed=42,
        started_at=f"2026-01-0{attempt}T00:00:00+00:00",
    )


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path, trial())
    read = read_trial(tmp_path)
    assert msgspec.structs.replace(read, record_sha256="") == trial()
    assert read.record_sha256 == record_hash((tmp_path / "record.json").read_bytes())


def test_a_newer_format_says_to_install_a_newer_digitbench(tmp_path: Path) -> None:
    write_record(tmp_path, msgspec.structs.replace(trial(), schema_version=SCHEMA_VERSION + 1))
    with pytest.raises(StoreError, match=r"is of format 3, .* reads up to 2; install a newer"):
        read_trial(tmp_path)


@given(cut=st.integers(min_value=0, max_value=200))
def test_a_half_written_record_is_called_damaged(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    write_record(folder, trial())
    whole = (folder / "record.json").read_bytes()
    (folder / "record.json").write_bytes(whole[:cut])
    with pytest.raises(StoreError, match="is damaged"):
        read_trial(folder)


def test_a_missing_record_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"record\.json: cannot be read: No such file"):
        read_evaluation(tmp_path)


def test_predictions_come_back_as_they_were_written(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    labels, predicted = np.array([0, 0]), np.array([0, 1])
    write_predictions(tmp_path, labels=labels, predicted=predicted, probabilities=probabilities)
    stored = read_predictions(tmp_path)
    assert stored.labels is not None
    np.testing.assert_array_equal(stored.labels, labels)
    np.testing.assert_array_equal(stored.predicted, predicted)
    np.testing.assert_array_equal(stored.probabilities, probabilities)


def test_unlabelled_predictions_have_no_labels(tmp_path: Path) -> None:
    write_predictions(
        tmp_path,
        labels=None,
        predicted=np.array([1]),
        probabilities=np.array([[0.0, 1.0]], np.float32),
    )
    assert read_predictions(tmp_path).labels is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 not a zip", id="torn"),
        pytest.param(b"\x80\x04\x95", id="a-pickle"),
    ],
)
def test_damaged_predictions_are_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "predictions.npz").write_bytes(data)
    with pytest.raises(StoreError, match=r"predictions\.npz"):
        read_predictions(tmp_path)


def test_a_pickled_array_is_never_loaded(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "predictions.npz",
        predicted=np.array([0]),
        probabilities=np.array([{"code": 1}], dtype=object),
    )
    with pytest.raises(StoreError, match="cannot be read"):
        read_predictions(tmp_path)


def test_a_published_trial_stays_when_another_run_publishes_it_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert publish_trial(store, store.new_work_folder(), trial(attempt="1"))
    assert not publish_trial(store, store.new_work_folder(), trial(attempt="2"))
    assert read_trial(store.trial("abc123")).attempt == "1"
    assert list(store.work.iterdir()) == []


def test_failed_attempts_are_kept_side_by_side(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for attempt in ("1", "2"):
        publish_trial(store, store.new_work_folder(), trial(state=State.FAILED, attempt=attempt))
    assert sorted(path.name for path in store.trials.iterdir()) == ["abc123--1", "abc123--2"]


def test_a_trial_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish_trial(store, store.new_work_folder(), trial("abc123"))
    publish_trial(store, store.new_work_folder(), trial("abd456"))
    assert find_trial(store, "abc").name == "abc123"
    with pytest.raises(StoreError, match="'ab' is ambiguous: it begins abc123, abd456"):
        find_trial(store, "ab")
    with pytest.raises(StoreError, match="no trial 'x'"):
        find_trial(store, "x")


def test_the_last_attempt_stands_for_a_trial_that_never_succeeded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for attempt in ("2", "1"):
        publish_trial(store, store.new_work_folder(), trial(state=State.CRASHED, attempt=attempt))
    assert find_trial(store, "abc").name == "abc123--2"


def test_fresh_sets_a_trial_and_its_evaluations_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish_trial(store, store.new_work_folder(), trial())
    store.evaluation("abc123", "e1").mkdir(parents=True)
    supersede(store, "abc123")
    assert not store.trial("abc123").exists()
    assert list(store.evaluations.iterdir()) == []
    (kept,) = store.superseded.iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["evaluation--abc123--e1", "trial"]


def test_sample_names_are_stored_once_and_read_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_split(store, "k", ("a/1.png", "b/[red].png"), ("a", "b"))
    assert read_split(store, "k").names == ("a/1.png", "b/[red].png")
    assert read_split(store, "k").groups == ("a", "b")
    assert read_split(store, "other").names == ()


def test_the_split_hash_tells_order_labels_and_names_apart() -> None:
    labels = np.array([1, 2])
    base = split_hash(labels, ("a", "b"), None, 2)
    assert base == split_hash(labels.astype(np.int32), ("a", "b"), None, 2)
    others = {
        split_hash(labels[::-1], ("a", "b"), None, 2),
        split_hash(labels, ("b", "a"), None, 2),
        split_hash(labels, ("a", "b"), ("x", "x"), 2),
        split_hash(None, ("a", "b"), None, 2),
    }
    assert len(others) == 4
    assert base not in others


@pytest.mark.parametrize(
    ("number", "message"),
    [
        pytest.param(errno.ENOSPC, "the disk is full; free some space", id="full-disk"),
        pytest.param(errno.EROFS, "it cannot be written; name another", id="read-only"),
        pytest.param(errno.EIO, "Input/output error; name another", id="other"),
    ],
)
def test_a_store_that_cannot_be_written_is_one_clear_line(number: int, message: str) -> None:
    import os

    with pytest.raises(StoreError, match=message), readable_failure(Path("s")):
        raise OSError(number, os.strerror(number))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_bytes(path, "text")  # type: ignore[arg-type]  # wrong on purpose
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_publishing_reports_an_unexpected_failure(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        publish_folder(tmp_path / "gone", tmp_path / "final")
