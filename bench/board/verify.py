"""Is a store still what was written: hashes, identities, contracts, and every score once more."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from bench.board.index import Score, read_index, score_evaluation
from bench.errors import StoreError
from bench.planning.identity import trial_id
from bench.spec import UNREAD
from bench.store.layout import PREDICTIONS, RECORD, Store
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_predictions,
    read_split,
    read_trial,
    trial_folders,
)
from bench.store.record import Duplicate, EvaluationRecord, State
from bench.store.write import file_hash, split_hash

__all__ = ["Problem", "Verified", "verify_store"]

_ROW_SUM_TOLERANCE = 1e-3
_SCORE_TOLERANCE = 1e-12


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a store that is not as it was written."""

    folder: str  # relative to the store
    what: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """How much was looked at, and what was found."""

    trials: int
    evaluations: int
    files: int
    scores: int
    problems: tuple[Problem, ...] = ()


def verify_store(store: Store) -> Verified:
    """Check every record, file hash, prediction and score of a store; change nothing.

    Raises
    ------
    StoreError
        If the store's folders cannot be listed.
    """
    trials, evaluations = sorted(trial_folders(store)), sorted(evaluation_folders(store))
    indexed = read_index(store, trials=trials, evaluations=evaluations).scores
    problems: list[Problem] = []
    n_files = n_scores = 0
    for name in trials:
        found, n_hashed = _check_trial(store, name)
        n_files += n_hashed
        problems += [Problem(folder=f"trials/{name}", what=what) for what in found]
    for name in evaluations:
        found, n_compared = _check_evaluation(store, name, indexed.get(name))
        n_files, n_scores = n_files + 1, n_scores + n_compared
        problems += [Problem(folder=f"evaluations/{name}", what=what) for what in found]
    return Verified(
        trials=len(trials),
        evaluations=len(evaluations),
        files=n_files,
        scores=n_scores,
        problems=tuple(problems),
    )


def _check_trial(store: Store, name: str) -> tuple[list[str], int]:
    folder = store.trials / name
    try:
        record = read_trial(folder)
    except StoreError as error:
        return [_short(error)], 0
    wanted = record.trial_id if record.state is State.OK else f"{record.trial_id}--{record.attempt}"
    found = []
    if name != wanted:
        found.append(f"its record belongs to {wanted}")
    if trial_id(record.identity) != record.trial_id:
        found.append("its record was changed: the identity in it is another trial's")
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    } - {RECORD}
    found += [f"{file} is missing" for file in sorted(record.files.keys() - there)]
    found += [f"{file} is not of this trial" for file in sorted(there - record.files.keys())]
    present = sorted(there & record.files.keys())
    found += [
        f"{file} was changed" for file in present if file_hash(folder / file) != record.files[file]
    ]
    return found, len(present)


def _short(error: StoreError) -> str:
    """Return the error without the path, which stands beside it."""
    return f"{Path(error.what).name} {error.why}" if error.why else str(error)


def _check_evaluation(store: Store, name: str, indexed: Score | None) -> tuple[list[str], int]:
    folder = store.evaluations / name
    try:
        record = read_evaluation(folder)
        data = (folder / PREDICTIONS).read_bytes()
    except StoreError as error:
        return [_short(error)], 0
    except OSError as error:
        return [f"{PREDICTIONS} cannot be read: {error.strerror}"], 0
    found = list(_check_place(store, name, record))
    if sha256(data).hexdigest() != record.predictions_sha256:
        found.append(f"{PREDICTIONS} was changed")
    try:
        found += _check_predictions(store, folder, record)
        different, n_compared = _compare_scores(store, name, indexed)
    except StoreError as error:
        return [*found, _short(error)], 0
    return found + different, n_compared


def _check_place(store: Store, name: str, record: EvaluationRecord) -> Iterator[str]:
    if name != f"{record.trial_id}--{record.evaluation_id}":
        yield f"its record belongs to {record.trial_id}--{record.evaluation_id}"
    try:
        trial = read_trial(store.trial(record.trial_id))
    except StoreError:
        yield "its trial is not in the store"
        return
    if trial.attempt != record.attempt:
        yield "it was predicted by another training of its trial"
    if trial.classes != record.classes:
        yield "its classes are not those of its trial"


def _check_predictions(store: Store, folder: Path, record: EvaluationRecord) -> list[str]:
    stored = read_predictions(folder)
    n, n_classes = stored.probabilities.shape
    if (n, n_classes) != (record.n_test, len(record.classes)):
        return [f"{n} × {n_classes} predictions, the record says {record.n_test} images"]
    found = []
    sums = stored.probabilities.sum(axis=1, dtype=np.float64)
    # `not (a <= b)` also catches NaN.
    if n and not np.abs(sums - 1).max() <= _ROW_SUM_TOLERANCE:
        found.append("its probabilities do not sum to 1")
    for what, labels, least in (
        ("predicted", stored.predicted, UNREAD),
        ("labels", stored.labels, 0),
    ):
        if labels is not None and n and not (labels.min() >= least and labels.max() < n_classes):
            found.append(f"its {what} are outside the classes")
    if stored.duplicates is not None:
        kinds = (Duplicate.EXACT, Duplicate.NEAR)
        counted = tuple(int((stored.duplicates == kind).sum()) for kind in kinds)
        if counted != (record.leaked, record.near_duplicates):
            found.append("it marks other numbers of duplicates than its record")
    if record.labelled != (stored.labels is not None):
        found.append("its labels are missing" if record.labelled else "it has labels")
    names = read_split(store, record.split_hash)
    if (names.names or names.groups) and record.split_hash != split_hash(
        stored.labels, names.names, names.groups, n
    ):
        found.append(f"splits/{record.split_hash}.npz was changed")
    return found


def _compare_scores(store: Store, name: str, indexed: Score | None) -> tuple[list[str], int]:
    """Compute every score again and compare it with the one that tables show."""
    anew = score_evaluation(store, name)
    if indexed is None:
        return [], len(anew.metrics)
    different = [
        f"{metric} is {anew.metrics.get(metric)}, the index says {value}"
        for metric, value in indexed.metrics.items()
        if not _same(anew.metrics.get(metric), value)
    ]
    return different, len(anew.metrics)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _SCORE_TOLERANCE or (np.isnan(one) and np.isnan(other))
