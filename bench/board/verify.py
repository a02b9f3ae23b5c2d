"""Is a store still what was written: hashes, identities, contracts, and every score once more."""

import math
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench.board.index import Score, read_index, score_evaluation
from bench.errors import StoreError
from bench.store.ids import config_id, trial_id
from bench.store.inside import parts_below, read_file
from bench.store.layout import PREDICTIONS, RECORD, Store
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
    SEALED_SINCE,
    Duplicate,
    EvaluationRecord,
    State,
    TrialRecord,
)
from bench.store.write import file_hash, record_hash, split_hash

__all__ = ["Problem", "Verified", "verify_store"]

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
    wanted = record.trial_id if record.state is State.OK else f"{record.trial_id}--{record.attempt}"
    found = list(_check_seal(folder, record))
    if name != wanted:
        found.append(f"its record belongs to {wanted}")
    identity = record.identity
    if trial_id(identity) != record.trial_id or config_id(identity) != record.config_id:
        found.append("its record was changed: the identity in it is another trial's")
    said = (record.model, record.seed, record.precision)
    if (identity.model, identity.seed, identity.precision) != said:
        found.append("its record was changed: model, seed or precision are not its identity's")
    different, n_hashed = _check_files(folder, record.files, {RECORD})
    return _Looked(found=found + different, files=n_hashed, is_sealed=bool(record.record_sha256))


def _check_seal(folder: Path, record: TrialRecord | EvaluationRecord) -> Iterator[str]:
    """Compare a record with the hash that it carries of itself."""
    if not record.record_sha256:
        if record.schema_version >= SEALED_SINCE:
            yield f"{RECORD} was changed: it has lost the hash of itself"
    elif record_hash(read_file(folder / RECORD)) != record.record_sha256:
        yield f"{RECORD} was changed"


def _check_files(folder: Path, files: Mapping[str, str], others: Set[str]) -> tuple[list[str], int]:
    """Compare what lies in a folder with the hashes of its record."""
    there = {path.relative_to(folder).as_posix(): path for path in parts_below(folder)}
    found = [f"{name} is missing" for name in sorted(files.keys() - there.keys())]
    extra = there.keys() - files.keys() - others
    found += [f"{name} is not of this {folder.parent.name[:-1]}" for name in sorted(extra)]
    present = sorted(there.keys() & files.keys())
    for name in present:
        try:
            if file_hash(there[name]) != files[name]:
                found.append(f"{name} was changed")
        except StoreError as error:
            found.append(f"{name} {error.why}")
    return found, len(present)


def _short(error: StoreError) -> str:
    """Return the error without the path, which stands beside it."""
    return f"{Path(error.what).name} {error.why}" if error.why else str(error)


def _check_evaluation(store: Store, name: str, indexed: Score | None) -> _Looked:
    folder = store.evaluations / name
    record = read_evaluation(folder)
    is_sealed = bool(record.record_sha256)
    found = [*_check_seal(folder, record), *_check_place(store, name, record)]
    n_files = n_scores = 0
    try:
        if is_sealed:
            different, n_files = _check_files(folder, record.files, {RECORD, PREDICTIONS})
            found += different
        if file_hash(folder / PREDICTIONS) != record.predictions_sha256:
            found.append(f"{PREDICTIONS} was changed")
        n_files += 1
        found += _check_predictions(store, folder, record)
        different, n_scores = _compare_scores(store, name, indexed)
        found += different
    except StoreError as error:
        found.append(_short(error))
    except OSError as error:
        found.append(f"{PREDICTIONS} cannot be read: {error.strerror}")
    return _Looked(found=found, files=n_files, scores=n_scores, is_sealed=is_sealed)


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
    return math.isclose(one, other, rel_tol=_SCORE_TOLERANCE, abs_tol=_SCORE_TOLERANCE) or (
        math.isnan(one) and math.isnan(other)
    )
