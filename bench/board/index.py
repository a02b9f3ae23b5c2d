"""The derived index: scores of every stored evaluation, computed once from its predictions."""

from collections import defaultdict
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench.board.entries import NEWER, Failure, Score, failure_of, layout, parts_of, score_of
from bench.board.metrics_in_use import PluginMetrics, plugin_metrics
from bench.errors import BenchError, DamagedError, NewerFormatError, StoreError
from bench.images.sample_names import ids_of
from bench.scoring import METRICS_VERSION
from bench.scoring.metrics import BUILT_IN_METRICS, score
from bench.scoring.metrics import Score as MetricScore
from bench.scoring.predictions import predictions
from bench.spec import Predictions
from bench.store.atomic import write_bytes
from bench.store.damage import damage_of, is_left_out, leave_out
from bench.store.inside import make_folder, read_file
from bench.store.layout import Store
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_predictions,
    read_split,
    read_trial,
    trial_folders,
)
from bench.store.record import EvaluationRecord, TrialRecord, variant_of

__all__ = ["Index", "read_index", "score_evaluation"]

_Records = tuple[EvaluationRecord, TrialRecord]

# One of the metrics whose intervals are drawn.
_DRAWN = next(each.name for each in BUILT_IN_METRICS if each.over_confusions)
_INDEX_BYTES_MAX = 1 << 30
_VERSION = layout(METRICS_VERSION)
_NONE_LEFT_OUT: npt.NDArray[np.intp] = np.zeros(0, dtype=np.intp)


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """All scores and failures of a store, and what could not be read."""

    version: str = _VERSION
    plugin_metrics: dict[str, str] = {}  # name -> hash of its code
    scores: dict[str, Score] = {}
    failures: dict[str, Failure] = {}
    damaged: dict[str, str] = {}  # folder -> reason


def _reason(error: StoreError) -> str:
    return NEWER if isinstance(error, NewerFormatError) else str(error)


def read_index(
    store: Store, *, trials: list[str] | None = None, evaluations: list[str] | None = None
) -> Index:
    """Return the index of a store, scoring what is new and forgetting what is gone.

    Parameters
    ----------
    trials, evaluations : list of str or None
        Folder names, if the caller has listed them already.
    """
    trials = trial_folders(store) if trials is None else trials
    evaluations = evaluation_folders(store) if evaluations is None else evaluations
    damaged = {
        place.partition("/")[2]: reason
        for place, reason in damage_of(store).items()
        if not place.startswith("splits/")
    }
    trials = [name for name in trials if name not in damaged]
    evaluations = [
        name
        for name in evaluations
        if name not in damaged and name.partition("--")[0] not in damaged
    ]
    old = _load(store.index / "scores.msgpack")
    extra = plugin_metrics()
    failed = {name for name in trials if "--" in name}
    scores = {name: old.scores[name] for name in evaluations if name in old.scores}
    failures = {name: old.failures[name] for name in failed if name in old.failures}
    new = [name for name in evaluations if name not in scores]
    records = _records(store, new, damaged)
    alone = _alone(scores, records)
    drawn = alone - {name for name in alone & scores.keys() if _DRAWN in scores[name].intervals}
    records |= _records(store, sorted(drawn & scores.keys()), damaged)
    stale = old.plugin_metrics != dict(extra.versions)
    if stale:
        _score_plugins(store, scores, old.plugin_metrics, extra, damaged)
    new_failed = failed - failures.keys()
    for name, record in records.items():
        try:
            scores[name] = _score_without_split(store, name, record, bootstraps=name in drawn)
        except StoreError as error:
            leave_out(error)
            damaged[name] = _reason(error)
    for name in new_failed:
        try:
            failures[name] = failure_of(name, read_trial(store.trials / name))
        except StoreError as error:
            leave_out(error)
            damaged[name] = _reason(error)
    index = Index(
        scores=scores,
        failures=failures,
        damaged=damaged,
        plugin_metrics=dict(extra.versions),
    )
    if stale or records or new_failed or len(scores) < len(old.scores):
        _save(store, index)
    return index


def _records(store: Store, names: list[str], damaged: dict[str, str]) -> dict[str, _Records]:
    """Return each evaluation's record with its trial's; what cannot be read is left out aloud."""
    found = {}
    for name in names:
        try:
            found[name] = _records_of(store, name)
        except StoreError as error:
            leave_out(error)
            damaged[name] = _reason(error)
    return found


def _records_of(store: Store, name: str) -> _Records:
    record = read_evaluation(store.evaluations / name)
    return record, read_trial(store.trial(record.trial_id))


def _alone(scores: dict[str, Score], records: dict[str, _Records]) -> set[str]:
    """Return the labelled evaluations that are all their row has: of one seed, not of several."""
    facts = {
        name: (each.config_id, each.test_dataset, each.test_hash, each.variant, each.transform)
        for name, each in scores.items()
        if each.labelled
    }
    for name, (record, trial) in records.items():
        if record.labelled:
            words = variant_of(trial, record.transform).words
            tested = record.test_dataset, record.test_hash
            facts[name] = (trial.config_id, *tested, words, record.transform)
    rows: dict[str, list[str]] = defaultdict(list)
    for name, fact in facts.items():
        rows[repr(fact)].append(name)
    return {names[0] for names in rows.values() if len(names) == 1}


def _score_without_split(store: Store, name: str, records: _Records, *, bootstraps: bool) -> Score:
    """Score an evaluation; without the names of its samples where only they are damaged."""
    try:
        return _score(store, name, records, _NONE_LEFT_OUT, bootstraps=bootstraps)
    except DamagedError as error:
        if Path(error.what).parent != store.splits or not leave_out(error):
            raise
    return _score(store, name, records, _NONE_LEFT_OUT, bootstraps=bootstraps)


def _load(path: Path) -> Index:
    try:
        index = msgspec.msgpack.decode(read_file(path, _INDEX_BYTES_MAX), type=Index)
    except (OSError, StoreError, ValueError, RecursionError):
        return Index()
    if index.version != _VERSION:
        return Index()
    # Derived, but a file like any other: what it says of another folder is not believed.
    own = {name: score for name, score in index.scores.items() if _is_of(name, score)}
    return msgspec.structs.replace(index, scores=own)


def _is_of(name: str, score: Score) -> bool:
    return score.folder == name and name.partition("--")[0] == score.trial_id


def _save(store: Store, index: Index) -> None:
    # What was scored without the names of its samples is to be scored again with them.
    whole = {
        name: score
        for name, score in index.scores.items()
        if not is_left_out(store, f"splits/{score.split_hash}.npz")
    }
    index = msgspec.structs.replace(index, scores=whole)
    path = store.index / "scores.msgpack"
    # The index is derived: a store that cannot be written is still shown.
    try:
        make_folder(path.parent)
        write_bytes(path, msgspec.msgpack.encode(index))
    except OSError:
        return


def score_evaluation(
    store: Store, name: str, left_out: npt.NDArray[np.intp] = _NONE_LEFT_OUT
) -> Score:
    """Score one evaluation's folder from its predictions.

    Parameters
    ----------
    left_out : ndarray of shape (n,), intp
        Places of test images that are not scored: the duplicates of training images.

    Raises
    ------
    StoreError
        If it or its trial is missing or damaged.
    """
    return _score(store, name, _records_of(store, name), left_out, bootstraps=True)


def _score(
    store: Store,
    name: str,
    records: _Records,
    left_out: npt.NDArray[np.intp],
    *,
    bootstraps: bool,
) -> Score:
    record, trial = records
    scored = {}
    if record.labelled:
        metrics = [*BUILT_IN_METRICS, *plugin_metrics().metrics.values()]
        given = _checked(store, name, records, left_out)
        scored = score(given, metrics, bootstraps=bootstraps)
    if len(left_out):
        n_kept = record.n_test - len(left_out)
        record = msgspec.structs.replace(record, n_test=n_kept, leaked=0, near_duplicates=0)
    return score_of(name, trial, record, scored)


def _score_plugins(
    store: Store,
    scores: dict[str, Score],
    scored: dict[str, str],
    extra: PluginMetrics,
    damaged: dict[str, str],
) -> None:
    """Compute what plugins have added or changed for records scored before; drop what is gone."""
    gone = {name for name, version in scored.items() if extra.versions.get(name) != version}
    wanted = [
        spec for name, spec in extra.metrics.items() if scored.get(name) != extra.versions[name]
    ]
    for folder, each in list(scores.items()):
        found: dict[str, MetricScore] = {}
        if wanted and each.labelled:
            try:
                found = score(_checked(store, folder, _records_of(store, folder)), wanted)
            except StoreError as error:
                damaged[folder] = _reason(error)
                del scores[folder]
                continue
        added = {
            name: {k: v for k, v in getattr(each, name).items() if k not in gone} | values
            for name, values in msgspec.structs.asdict(parts_of(found)).items()
        }
        scores[folder] = msgspec.structs.replace(each, **added)


def _checked(
    store: Store, name: str, records: _Records, left_out: npt.NDArray[np.intp] = _NONE_LEFT_OUT
) -> Predictions:
    """Return an evaluation's predictions as metrics read them."""
    folder, (record, trial) = store.evaluations / name, records
    stored = read_predictions(folder).without(left_out)
    if stored.labels is None:
        raise DamagedError(f"{folder}", why="is damaged (its labels are missing)")
    split = read_split(store, record.split_hash)
    groups, ids = split.groups, None
    if record.truths:
        keys = ids_of(split.names, groups) or ("",) * record.n_test
        ids = np.array([key if key in record.truths else "" for key in keys])
    try:
        return predictions(
            stored.labels,
            stored.predicted,
            stored.probabilities,
            record.classes,
            groups=None if groups is None else np.delete(np.array(groups), left_out),
            ids=None if ids is None else np.delete(ids, left_out),
            is_calibrated=trial.probabilities == "calibrated",
        )
    except BenchError as error:
        raise DamagedError(f"{folder}", why=f"cannot be scored: {error}") from error
