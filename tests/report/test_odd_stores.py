"""Pages of odd stores: only failures, one row, a hundred classes, a newer format."""

import json
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pytest

from bench.store.layout import Store
from bench.store.record import EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import publish_evaluation, publish_trial, write_predictions, write_split

N = 600


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def add(store: Store, model: str, n_classes: int, *, wrong: int = 0, fails: bool = False) -> None:
    classes = tuple(f"class {i}" for i in range(n_classes))
    identity = Identity(
        model=model, options={}, model_source="", harness_source="", train_hash="", seed=1,
        precision="float32", requires={},
    )  # fmt: skip
    trial = blake2b(model.encode(), digest_size=8).hexdigest()
    record = TrialRecord(
        trial_id=trial, attempt="1", config_id=trial, identity=identity, model=model, seed=1,
        train_dataset="letters", classes=classes, image_shape=(28, 28, 1),
        state=State.FAILED if fails else State.OK, reason="it broke" if fails else "",
    )  # fmt: skip
    publish_trial(store, store.new_work_folder(), record)
    if fails:
        return
    labels = np.arange(N) % n_classes
    read = labels.copy()
    read[:wrong] = (labels[:wrong] + 1) % n_classes
    probabilities = np.full((N, n_classes), 0.1 / n_classes, np.float32)
    probabilities[np.arange(N), read] = 0.9
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    write_split(store, "letters", (), None)
    folder = store.new_work_folder()
    write_predictions(folder, labels=labels, predicted=read, probabilities=probabilities)
    evaluation = EvaluationRecord(
        evaluation_id="letters", trial_id=trial, attempt="1", test_dataset="letters",
        test_hash="letters", split_hash="letters", classes=classes, n_test=N,
    )  # fmt: skip
    publish_evaluation(store, folder, evaluation)


def text_of(page: Path) -> str:
    html5lib.HTMLParser(strict=True).parse(page.read_text("utf-8"))
    return page.read_text("utf-8")


def test_only_failures_make_a_page_that_says_so(page_of: Callable[..., Path], store: Store) -> None:
    add(store, "broken", 10, fails=True)
    text = text_of(page_of(store.root))
    assert "1 training failed." in text
    assert "it broke" in text


def test_one_row_has_no_rivals(page_of: Callable[..., Path], store: Store) -> None:
    add(store, "alone", 10, wrong=60)
    text = text_of(page_of(store.root))
    assert "nothing stands beside it" in text
    assert "clearly first" not in text


def test_of_a_hundred_classes_the_worst_are_shown(
    page_of: Callable[..., Path], run_bench: Callable[..., Any], store: Store
) -> None:
    add(store, "some", 100, wrong=60)
    add(store, "more", 100, wrong=90)
    text = text_of(page_of(store.root))
    assert "The 15 worst of 100 classes" in text
    assert len(text) < 400_000
    ended = run_bench("report", "--store", store.root, "--figures", "figures")
    assert ended.code == 0, ended.err
    assert not list(Path("figures").glob("*confusions*"))


def test_a_store_of_a_newer_format_is_said(run_bench: Callable[..., Any], store: Store) -> None:
    add(store, "alone", 10)
    (path,) = store.trials.glob("*/record.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"schema_version": 99}))
    for place in store.evaluations.glob("*/record.json"):
        told = json.loads(place.read_text())
        place.write_text(json.dumps(told | {"schema_version": 99}))
    ended = run_bench("report", "--store", store.root, columns=200)
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1


def test_images_that_are_gone_leave_names_and_a_reason(
    page_of: Callable[..., Path], store: Store
) -> None:
    add(store, "alone", 10, wrong=10)
    text = text_of(page_of(store.root))
    assert "no pictures: the images are not in the data cache of this machine" in text
