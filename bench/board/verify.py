"""Is a store still what was written: hashes, identities, contracts, and every score once more."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.board.entries import Score
from bench.board.index import read_index, score_evaluation
from bench.errors import StoreError
from bench.store.integrity import check_evaluation_files, check_trial_files
from bench.store.layout import PREDICTIONS, Store
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_predictions,
    read_split,
    read_trial,
    trial_folders,
)
from bench.store.record import (
    SCHEMA_VERSION,
    Duplicate,
    EvaluationRecord,
)
from bench.store.write import split_hash

__all__ = ["Problem", "Verified", "trial_problems", "verify_store"]

_ROW_SUM_TOLERANCE = 1e-3
# A logarithm of float32 numbers has other last digits on another processor.
_SCORE_TOLERANCE = 1e-6


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
    unsealed: int = 0
    """Records of an earlier version, which carry no hash of themselves."""
    problems: tuple[Problem, ...] = ()
    earlier: int = 0
    """Trials of an earlier format: as they were written, but a run would train them anew."""


class _Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What one folder gave."""

    found: list[str]
    files: int = 0
    scores: int = 0
    is_sealed: bool = True


def verify_store(store: Store) -> Verified:
    """Check every record, file hash, prediction and score of a store; change nothing.

    Raises
    ------
    StoreError
        If the store's folders cannot be listed.
    """
    trials, evaluations = sorted(trial_folders(store)), sorted(evaluation_folders(store))
    indexed = read_index(store, trials=trials, evaluations=evaluations).scores
    looked = {f"trials/{name}": _look(_check_trial, store, name) for name in trials}
    for name in evaluations:
        looked[f"evaluations/{name}"] = _look(_check_evaluation, store, name, indexed.get(name))
    return Verified(
        trials=len(trials),
        evaluations=len(evaluations),
        files=sum(each.files for each in looked.values()),
        scores=sum(each.scores for each in looked.values()),
        unsealed=sum(not each.is_sealed for each in looked.values()),
        earlier=sum(_is_earlier(store, name) for name in trials),
        problems=tuple(
            Problem(folder=folder, what=what)
            for folder, each in looked.items()
            for what in each.found
        ),
    )


def trial_problems(store: Store, name: str) -> list[str]:
    """Return what of one trial's folder is not as it was written; empty where all of it is."""
    return _look(_check_trial, store, name).found


def _is_earlier(store: Store, name: str) -> bool:
    try:
        return read_trial(store.trials / name).schema_version < SCHEMA_VERSION
    except StoreError:
        return False


def _look(check: Callable[..., _Looked], *told: Any) -> _Looked:
    try:
        return check(*told)
    except StoreError as error:
        return _Looked(found=[_short(error)])
    except OSError as error:
        name = Path(error.filename or "").name
        return _Looked(found=[f"{name} cannot be read: {error.strerror}"])


def _check_trial(store: Store, name: str) -> _Looked:
    folder = store.trials / name
    record = read_trial(folder)
    found, n_hashed = check_trial_files(folder, record, name)
    return _Looked(found=found, files=n_hashed, is_sealed=bool(record.record_sha256))


def _short(error: StoreError) -> str:
    """Return the error without the path, which stands beside it."""
    return f"{Path(error.what).name} {error.why}" if error.why else str(error)


def _check_evaluation(store: Store, name: str, indexed: Score | None) -> _Looked:
    folder = store.evaluations / name
    record = read_evaluation(folder)
    is_sealed = bool(record.record_sha256)
    found = list(_check_place(store, record))
    n_files = n_scores = 0
    try:
        different, n_files = check_evaluation_files(folder, record, name)
        found += different
        found += _check_predictions(store, folder, record)
        different, n_scores = _compare_scores(store, name, indexed)
        found += different
    except StoreError as error:
        found.append(_short(error))
    except OSError as error:
        found.append(f"{PREDICTIONS} cannot be read: {error.strerror}")
    return _Looked(found=found, files=n_files, scores=n_scores, is_sealed=is_sealed)


def _check_place(store: Store, record: EvaluationRecord) -> Iterator[str]:
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
    if stored.duplicates is not None:
        kinds = (Duplicate.EXACT, Duplicate.NEAR)
        counted = tuple(int((stored.duplicates == kind).sum()) for kind in kinds)
        if counted != (record.leaked, record.near_duplicates):
            found.append("it marks other numbers of duplicates than its record")
    if record.labelled != (stored.labels is not None):
        found.append("its labels are missing" if record.labelled else "it has labels")
    names = read_split(store, record.split_hash)
    if record.split_hash != split_hash(stored.labels, names.names, names.groups, n):
        is_there = bool(names.names or names.groups)
        told = "was changed" if is_there else "is missing, or its labels were changed"
        found.append(f"splits/{record.split_hash}.npz {told}")
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
    return math.isclose(one, other, rel_tol=_SCORE_TOLERANCE, abs_tol=_SCORE_TOLERANCE) or (
        math.isnan(one) and math.isnan(other)
    )
