"""Predictions that another program made, as a trial and an evaluation of the store.

Nothing here saw the model or its training: the record says so in its variant.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.adapters.predictions_file import External, read_predictions_file
from bench.errors import BenchError
from bench.execution.recording import new_attempt
from bench.execution.splits import image_hashes, open_split
from bench.loading.refs import LoadedDataset
from bench.planning.evaluations import evaluation_of
from bench.spec import UNREAD, ImageSet
from bench.store.ids import config_id, trial_id
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_trial
from bench.store.record import EvaluationRecord, Identity, State, TrialRecord
from bench.store.variant import EXTERNAL, Variant
from bench.store.write import (
    file_hash,
    publish_evaluation,
    publish_trial,
    split_hash,
    utc_now,
    write_predictions,
    write_split,
)

__all__ = ["ELSEWHERE", "Added", "add_predictions"]

ELSEWHERE: Final = "elsewhere"
"""What an external model was trained on, where nobody says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What came of a predictions file; ``is_new`` is False where the store held it already."""

    trial: TrialRecord
    evaluation: EvaluationRecord
    accuracy: float | None
    placed_by: str
    is_new: bool = True


def add_predictions(
    store: Store,
    file: Path,
    test: LoadedDataset,
    *,
    model: str,
    trained_on: str = ELSEWHERE,
    seed: int = 42,
) -> Added:
    """Put a file of predictions into a store, as a row of the board of `test`.

    Raises
    ------
    BenchError
        If the dataset has no test split, the file does not fit it, or the store holds other
        predictions under the same name and seed.
    """
    if test.test is None:
        raise BenchError(f"{test.name} has no test split", why="there is nothing to predict")
    split = open_split(test.test)
    train = None if test.train is None else open_split(test.train)
    told = read_predictions_file(
        file,
        test.classes,
        split,
        dataset=test.name,
        train_names=frozenset(train.names if train is not None else ()),
        n_train=None if train is None else len(train),
    )
    trial = _trial(test, told, model=model, trained_on=trained_on, seed=seed)
    return _publish(store, file, test, split, told, trial)


def _trial(
    test: LoadedDataset, told: External, *, model: str, trained_on: str, seed: int
) -> TrialRecord:
    has_probabilities = told.probabilities is not None
    identity = Identity(
        model=model,
        options={"probabilities": has_probabilities, "trained_on": trained_on},
        model_source=EXTERNAL,
        harness_source="",
        train_hash="",
        seed=seed,
        precision="",
        requires={},
    )
    variant = Variant(origin=EXTERNAL)
    shape = (28, 28, 1) if test.test is None else test.test.shape
    return TrialRecord(
        trial_id=trial_id(identity),
        attempt=new_attempt(),
        config_id=config_id(identity),
        identity=identity,
        model=model,
        summary="predictions that were made elsewhere",
        variant=variant.words,
        differs=variant,
        train_dataset=trained_on,
        train_style=str(test.style),
        probabilities="calibrated" if has_probabilities else "scores",
        classes=test.classes,
        image_shape=shape,
        state=State.OK,
        started_at=utc_now(),
        seed=seed,
        precision="",
        notes=("its predictions were made elsewhere: neither model nor training was seen",),
    )


def _publish(
    store: Store,
    file: Path,
    test: LoadedDataset,
    split: ImageSet,
    told: External,
    trial: TrialRecord,
) -> Added:
    """Write the trial, unless it is there, and its evaluation."""
    task = evaluation_of(trial.trial_id, trial.train_dataset, trial.classes, test)
    if store.trial(trial.trial_id).is_dir():
        trial = _same_classes(read_trial(store.trial(trial.trial_id)), trial)
    predicted, rows = told.predicted.copy(), told.probabilities
    if rows is None:
        rows = np.eye(len(test.classes), dtype=np.float32)[predicted]
    if split.unread is not None:  # as for every model
        predicted[split.unread] = UNREAD
        rows[split.unread] = 1 / len(test.classes)
    folder = store.new_work_folder()
    written = write_predictions(
        folder, labels=split.labels, predicted=predicted, probabilities=rows
    )
    key = split_hash(split.labels, split.names, split.groups, len(split))
    record = EvaluationRecord(
        evaluation_id=task.evaluation_id,
        trial_id=trial.trial_id,
        attempt=trial.attempt,
        test_dataset=task.test_dataset,
        test_embedded=task.test_embedded,
        test_hash=task.split.content_hash,
        split_hash=key,
        evaluation_only=task.evaluation_only,
        classes=trial.classes,
        n_test=len(split),
        labelled=split.labels is not None,
        created_at=utc_now(),
        notes=(f"each line was taken for its image by {told.placed_by}",),
        doubtful=_doubtful(test, split),
        doubtful_source=test.label_errors_source if test.label_errors else "",
        truths=task.truths,
        predictions_sha256=written,
        extra={"file_sha256": file_hash(file.resolve())},
    )
    labels = split.labels
    accuracy = None if labels is None else float(np.mean(predicted == labels))
    there = store.evaluation(trial.trial_id, record.evaluation_id)
    if not there.is_dir():
        _put(store, folder, key, split, trial, record)
        return Added(trial=trial, evaluation=record, accuracy=accuracy, placed_by=told.placed_by)
    shutil.rmtree(folder, ignore_errors=True)
    if read_evaluation(there).predictions_sha256 != written:
        raise BenchError(
            f"{trial.model} has other predictions for {test.name}, seed {trial.seed}, already",
            why=f"trial {trial.trial_id[:8]}",
            fix=f"take another --model or --seed, or bench results clean -m {trial.model} --yes",
        )
    return Added(
        trial=trial,
        evaluation=record,
        accuracy=accuracy,
        placed_by=told.placed_by,
        is_new=False,
    )


def _same_classes(stored: TrialRecord, trial: TrialRecord) -> TrialRecord:
    if stored.classes != trial.classes:
        raise BenchError(
            f"{trial.model} reads {len(stored.classes)} other classes in this store",
            fix="take another --model",
        )
    return stored


def _doubtful(test: LoadedDataset, split: ImageSet) -> tuple[int, ...]:
    """Return the places of the images whose label is in doubt."""
    if not test.label_errors or test.test is None or split.labels is None:
        return ()
    hashes = image_hashes(test.test)
    said = [test.label_errors.get(f"{int(each):016x}") for each in hashes]
    return tuple(i for i, name in enumerate(said) if name == test.classes[int(split.labels[i])])


def _put(
    store: Store,
    folder: Path,
    key: str,
    split: ImageSet,
    trial: TrialRecord,
    record: EvaluationRecord,
) -> None:
    write_split(store, key, split.names, split.groups)
    if not store.trial(trial.trial_id).is_dir():
        publish_trial(store, store.new_work_folder(), trial)
    publish_evaluation(store, folder, record)
