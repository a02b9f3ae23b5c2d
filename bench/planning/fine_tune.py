"""Fine-tuning on an own folder, in folds: no writer is ever on both sides.

Each fold continues a stored trial on the other folds' images and reads its own; the row pools the
folds, so that every image is read by a model that has not seen its writer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bench.errors import BenchError
from bench.loading.cache import open_split
from bench.loading.refs import LoadedDataset
from bench.planning.folds import Fold, make_folds
from bench.planning.identity import identify
from bench.planning.task import EvaluationTask, PluginRef, TrialTask
from bench.plugins.discovery import Plugins
from bench.store.ids import config_id, evaluation_id, trial_id
from bench.store.inside import refuse_links_below
from bench.store.layout import MODEL, Store
from bench.store.read import read_evaluation, read_predictions, read_trial
from bench.store.record import Duplicate, EvaluationRecord, TrialRecord, variant_of
from bench.store.variant import Variant
from bench.store.write import (
    publish_evaluation,
    publish_trial,
    split_hash,
    utc_now,
    write_predictions,
)
from bench.store.write import (
    write_split as write_names,
)

__all__ = ["FoldedTrial", "folded_trial", "pool_folds"]

_EPOCHS: Final = 8
_RATE_SHARE: Final = 0.1  # of the learning rate the weights were trained with


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedTrial:
    """The trials, one a fold, that fine-tune one stored trial on one folder."""

    base: TrialRecord
    folder: LoadedDataset
    folds: tuple[Fold, ...]
    tasks: tuple[TrialTask, ...]
    note: str


def folded_trial(
    plugins: Plugins,
    base: TrialRecord,
    folder: LoadedDataset,
    store: Store,
    cache_dir: Path | None = None,
) -> FoldedTrial:
    """Return the trials that fine-tune a stored trial on a folder, a fold each.

    Raises
    ------
    BenchError
        As `make_folds`, or if the model takes no initial weights.
    """
    if "initial_weights" not in base.identity.options:
        raise BenchError(f"{base.model} cannot be fine-tuned", why="it takes no initial_weights")
    folds, note = make_folds(folder, base.classes, base.seed, cache_dir)
    tasks = tuple(
        _fold_task(plugins, base, folder, fold, number, len(folds), store)
        for number, fold in enumerate(folds, start=1)
    )
    return FoldedTrial(base=base, folder=folder, folds=folds, tasks=tasks, note=note)


def _fold_task(
    plugins: Plugins,
    base: TrialRecord,
    folder: LoadedDataset,
    fold: Fold,
    number: int,
    n_folds: int,
    store: Store,
) -> TrialTask:
    spec, home = plugins.models[base.model], plugins.homes[base.model]
    options = {**base.identity.options, "initial_weights": base.trial_id, "train_images": 0}
    if "epochs" in options:
        options["epochs"] = min(_EPOCHS, int(options["epochs"]))
    if "learning_rate" in options:
        options["learning_rate"] = float(options["learning_rate"]) * _RATE_SHARE
    identity = identify(
        spec,
        home,
        options=options,
        train_hash=fold.train.content_hash,
        seed=base.seed,
        precision=base.precision,
    )
    trial = trial_id(identity)
    transform: dict[str, str | int | float] = {"fold": number}
    evaluation = EvaluationTask(
        evaluation_id=evaluation_id(trial, fold.test.content_hash, transform),
        test_dataset=folder.name,
        split=fold.test,
        class_columns=tuple(range(len(base.classes))),
        evaluation_only=True,
        own=True,
        transform=transform,
    )
    is_stored = store.trial(trial).is_dir()
    return TrialTask(
        trial_id=trial,
        config_id=config_id(identity),
        identity=identity,
        plugin=PluginRef(module=home.module, file=home.file),
        model=base.model,
        summary=base.summary,
        variant=Variant(is_fine_tuned=True, fold=number, n_folds=n_folds),
        budget=base.budget,
        options=options,
        train_dataset=f"{base.train_dataset}+{folder.name}",
        train_style=base.train_style,
        probabilities=base.probabilities,
        classes=base.classes,
        image_shape=base.image_shape,
        seed=base.seed,
        precision=base.precision,
        train=fold.train,
        evaluations=()
        if store.evaluation(trial, evaluation.evaluation_id).is_dir()
        else (evaluation,),
        stored=str(store.trial(trial)) if is_stored else "",
        initial_weights=str(refuse_links_below(store.trial(base.trial_id) / MODEL)),
        heavy="tensorflow" in base.identity.requires,
        resumes=spec.resumes,
    )


def pool_folds(store: Store, folded: FoldedTrial) -> bool:
    """Store one trial and evaluation that pool the folds; False if a fold is missing.

    Raises
    ------
    StoreError
        If the store cannot be written, or a fold's record is damaged.
    """
    folders = [
        _fold_folder(store, task, fold)
        for task, fold in zip(folded.tasks, folded.folds, strict=True)
    ]
    if not all(folder.is_dir() for folder in folders):
        return False
    trials = [read_trial(store.trial(task.trial_id)) for task in folded.tasks]
    digest = sha256(
        "".join((folded.folder.name, *(task.trial_id for task in folded.tasks))).encode()
    ).hexdigest()
    record = _pooled_record(folded, trials, digest)
    publish_trial(store, store.new_work_folder(), record)
    _publish_pooled_evaluation(store, folded, folders, record)
    return True


def _fold_folder(store: Store, task: TrialTask, fold: Fold) -> Path:
    key = evaluation_id(task.trial_id, fold.test.content_hash, {"fold": task.variant.fold})
    return store.evaluation(task.trial_id, key)


def _pooled_record(folded: FoldedTrial, trials: Sequence[TrialRecord], digest: str) -> TrialRecord:
    base = folded.base
    differs = msgspec.structs.replace(variant_of(base), is_fine_tuned=True)
    accuracies = [trial.train_accuracy for trial in trials if trial.train_accuracy is not None]
    return msgspec.structs.replace(
        base,
        trial_id=digest[:16],
        attempt=digest[16:28],
        config_id=sha256(f"{base.config_id}{folded.folder.name}".encode()).hexdigest()[:16],
        identity=trials[0].identity,
        variant=differs.words,
        differs=differs,
        train_dataset=trials[0].train_dataset,
        started_at=max(trial.started_at for trial in trials),
        n_train=round(sum(trial.n_train for trial in trials) / len(trials)),
        train_accuracy=sum(accuracies) / len(accuracies) if accuracies else None,
        fit_seconds=_sum(trial.fit_seconds for trial in trials),
        fit_cpu_seconds=_sum(trial.fit_cpu_seconds for trial in trials),
        total_seconds=_sum(trial.total_seconds for trial in trials),
        file_bytes=None,
        notes=(folded.note, f"continues trial {base.trial_id}"),
        files={},
        extra={"folds": [trial.trial_id for trial in trials]},
    )


def _sum(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    return None if None in listed else sum(value for value in listed if value is not None)


def _publish_pooled_evaluation(
    store: Store, folded: FoldedTrial, folders: Sequence[Path], record: TrialRecord
) -> None:
    test = folded.folder.test
    assert test is not None
    whole = open_split(test)
    predicted = np.zeros(len(whole), dtype=np.int64)
    labels = np.zeros(len(whole), dtype=np.int64)
    probabilities = np.zeros((len(whole), len(record.classes)), dtype=np.float32)
    duplicates = np.zeros(len(whole), dtype=np.int8)
    for fold, folder in zip(folded.folds, folders, strict=True):
        stored = read_predictions(folder)
        if stored.labels is None:
            raise BenchError(f"{folder}", why="is damaged (its labels are missing)")
        predicted[fold.places] = stored.predicted
        labels[fold.places] = stored.labels
        probabilities[fold.places] = stored.probabilities
        if stored.duplicates is not None:
            duplicates[fold.places] = stored.duplicates
    work = store.new_work_folder()
    sha = write_predictions(
        work,
        labels=labels,
        predicted=predicted,
        probabilities=probabilities,
        duplicates=duplicates,
    )
    key = split_hash(labels, whole.names, whole.groups, len(whole))
    write_names(store, key, whole.names, whole.groups)
    each = read_evaluation(folders[0])
    publish_evaluation(
        store,
        work,
        EvaluationRecord(
            evaluation_id=evaluation_id(record.trial_id, test.content_hash, {}),
            trial_id=record.trial_id,
            attempt=record.attempt,
            test_dataset=folded.folder.name,
            test_hash=test.content_hash,
            split_hash=key,
            evaluation_only=True,
            classes=record.classes,
            n_test=len(whole),
            adapted=each.adapted,
            leaked=int((duplicates == Duplicate.EXACT).sum()),
            near_duplicates=int((duplicates == Duplicate.NEAR).sum()),
            predict_us_per_image=each.predict_us_per_image,
            latency_ms_p50=each.latency_ms_p50,
            latency_ms_p95=each.latency_ms_p95,
            best_batch=each.best_batch,
            latency_ms_best_batch=each.latency_ms_best_batch,
            predict_images_per_second=each.predict_images_per_second,
            created_at=utc_now(),
            threads=each.threads,
            notes=(folded.note,),
            truths=dict(folded.folder.truths),
            predictions_sha256=sha,
        ),
    )
