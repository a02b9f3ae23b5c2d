"""Stores of made-up predictions, written by the store's own functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench.store.layout import Store
from bench.store.record import EvaluationRecord, Identity, State, TrialRecord
from bench.store.write import (
    publish_evaluation,
    publish_trial,
    write_predictions,
    write_split,
)

N = 400
LABELS = np.arange(N) % 10

Add = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def labels() -> npt.NDArray[np.int64]:
    return LABELS.copy()


@pytest.fixture(scope="session")
def add() -> Add:
    """Return ``add(store, model, wrong, …)``, which stores a trial and an evaluation.

    `wrong` are the images read as the next class, or how many of them from the first on.
    """
    return _add


def _add(
    store: Store,
    model: str,
    wrong: Any = 0,
    *,
    seed: int = 42,
    config: str = "c",
    train: str = "digits",
    test: str = "digits",
    labels: npt.NDArray[np.int64] = LABELS,
    predicted: npt.NDArray[np.int64] | None = None,
    confidence: float = 0.91,
    probabilities: npt.NDArray[np.float32] | None = None,
    split_hash: str = "same",
    names: tuple[str, ...] = (),
    groups: tuple[str, ...] | None = None,
    evaluation: dict[str, Any] | None = None,
    history: str = "",
    **facts: Any,
) -> str:
    trial_id = f"{model}-{train}-{seed}-{config}"
    if not store.trial(trial_id).exists():
        folder = store.new_work_folder()
        if history:
            (folder / "history.csv").write_text(history)
        publish_trial(store, folder, _record(trial_id, model, seed, config, train, facts))
    if predicted is None:
        chosen = np.arange(wrong) if isinstance(wrong, int) else np.asarray(wrong, np.int64)
        predicted = labels.copy()
        predicted[chosen] = (labels[chosen] + 1) % 10
    if probabilities is None:
        probabilities = np.full((len(labels), 10), (1 - confidence) / 9, np.float32)
        probabilities[np.arange(len(labels)), predicted] = confidence
    folder = store.new_work_folder()
    write_predictions(folder, labels=labels, predicted=predicted, probabilities=probabilities)
    write_split(store, split_hash, names, groups)
    transform = "-".join(map(str, ((evaluation or {}).get("transform") or {}).values()))
    publish_evaluation(
        store,
        folder,
        EvaluationRecord(
            evaluation_id=f"on-{test}-{transform}-{(evaluation or {}).get('variant', '')}",
            trial_id=trial_id,
            attempt="1",
            test_dataset=test,
            classes=tuple("0123456789"),
            n_test=len(labels),
            predict_us_per_image=5.0,
            split_hash=split_hash,
            **({"test_hash": "t"} | (evaluation or {})),
        ),
    )
    return trial_id


def _record(
    trial_id: str, model: str, seed: int, config: str, train: str, facts: dict[str, Any]
) -> TrialRecord:
    options = facts.pop("options", {})
    identity = Identity(
        model=model,
        options=options,
        model_source="",
        harness_source="",
        train_hash="",
        seed=seed,
        precision="float32",
        requires={},
    )
    values: dict[str, Any] = {
        "state": State.OK,
        "started_at": "2026-01-01",
        "train_accuracy": 1.0,
        "fit_seconds": 2.0,
        "model_bytes": 1000,
        "n_train": 1000,
    }
    return TrialRecord(
        trial_id=trial_id,
        attempt="1",
        config_id=f"{model}-{config}",
        identity=identity,
        model=model,
        train_dataset=train,
        classes=tuple("0123456789"),
        image_shape=(8, 8, 1),
        seed=seed,
        **(values | facts),
    )
