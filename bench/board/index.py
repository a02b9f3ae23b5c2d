"""The derived index: scores of every stored evaluation, computed once from its predictions."""

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench.board.metrics_in_use import PluginMetrics, plugin_metrics
from bench.errors import BenchError, DamagedError, NewerFormatError, StoreError
from bench.images.sample_names import ids_of
from bench.scoring.metrics import BUILT_IN_METRICS, METRICS_VERSION, score
from bench.scoring.metrics import Score as MetricScore
from bench.scoring.predictions import Predictions, predictions
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
from bench.store.record import EvaluationRecord, Key, State, TrialRecord

__all__ = ["Failure", "Index", "Score", "read_index", "score_evaluation"]


NEWER = "of a newer format"
_INDEX_BYTES_MAX = 1 << 30
_NONE_LEFT_OUT: npt.NDArray[np.intp] = np.zeros(0, dtype=np.intp)


class Score(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What tables need of one evaluation and its trial, with its metrics."""

    folder: str
    trial_id: str
    config_id: str
    model: str
    summary: str
    variant: str
    budget: str
    transform: dict[str, str | int | float]
    seed: int
    train_dataset: str
    train_embedded: str
    test_dataset: str
    test_embedded: str
    evaluation_only: bool
    labelled: bool
    leaked: int
    n_test: int
    classes: tuple[str, ...]
    test_hash: str
    split_hash: Key
    started_at: str
    precision: str
    threads: int
    machine: str
    instruction_set: str
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float, str]]
    not_scored: dict[str, str]
    train_accuracy: float | None
    parameters: int | None
    multiply_adds: int | None
    model_bytes: int | None
    file_bytes: int | None
    fit_seconds: float | None
    fit_cpu_seconds: float | None
    fit_images_per_second: float | None
    predict_us_per_image: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    peak_memory_bytes: int | None
    retries: int
    # Last and with defaults: the index is read by position, and older ones lack them.
    best_batch: int | None = None
    latency_ms_best_batch: float | None = None
    predict_images_per_second: float | None = None
    near_duplicates: int = 0
    deterministic: bool = False
    doubtful: tuple[int, ...] = ()  # places of images whose label people doubt
    doubtful_source: str = ""
    created_at: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What tables need of a trial that did not succeed."""

    folder: str
    trial_id: str
    config_id: str
    model: str
    summary: str
    variant: str
    budget: str
    seed: int
    train_dataset: str
    train_embedded: str
    started_at: str
    precision: str
    threads: int
    state: State
    reason: str


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """All scores and failures of a store, and what could not be read."""

    version: int = METRICS_VERSION
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
    stale = old.plugin_metrics != dict(extra.versions)
    if stale:
        _score_plugins(store, scores, old.plugin_metrics, extra, damaged)
    new_failed = failed - failures.keys()
    for name in new:
        try:
            scores[name] = _score_without_split(store, name)
        except StoreError as error:
            leave_out(error)
            damaged[name] = _reason(error)
    for name in new_failed:
        try:
            failures[name] = _failure(store, name)
        except StoreError as error:
            leave_out(error)
            damaged[name] = _reason(error)
    index = Index(
        scores=scores,
        failures=failures,
        damaged=damaged,
        plugin_metrics=dict(extra.versions),
    )
    if stale or new or new_failed or len(scores) < len(old.scores):
        _save(store, index)
    return index


def _score_without_split(store: Store, name: str) -> Score:
    """Score an evaluation; without the names of its samples where only they are damaged."""
    try:
        return score_evaluation(store, name)
    except DamagedError as error:
        if Path(error.what).parent != store.splits or not leave_out(error):
            raise
    return score_evaluation(store, name)


def _load(path: Path) -> Index:
    try:
        index = msgspec.msgpack.decode(read_file(path, _INDEX_BYTES_MAX), type=Index)
    except (OSError, StoreError, ValueError, RecursionError):
        return Index()
    if index.version != METRICS_VERSION:
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
    record = read_evaluation(store.evaluations / name)
    trial = read_trial(store.trial(record.trial_id))
    scored = _metrics(store, name, left_out) if record.labelled else {}
    if len(left_out):
        n_kept = record.n_test - len(left_out)
        record = msgspec.structs.replace(record, n_test=n_kept, leaked=0, near_duplicates=0)
    return _summarise(name, trial, record, scored)


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
                found = score(_checked(store, folder), wanted)
            except StoreError as error:
                damaged[folder] = _reason(error)
                del scores[folder]
                continue
        kept = {k: v for k, v in each.metrics.items() if k not in gone}
        scores[folder] = msgspec.structs.replace(
            each,
            metrics=kept | _values(found),
            intervals={k: v for k, v in each.intervals.items() if k not in gone}
            | _intervals(found),
            not_scored={k: v for k, v in each.not_scored.items() if k not in gone}
            | _reasons(found),
        )


def _metrics(store: Store, name: str, left_out: npt.NDArray[np.intp]) -> dict[str, MetricScore]:
    metrics = [*BUILT_IN_METRICS, *plugin_metrics().metrics.values()]
    return score(_checked(store, name, left_out), metrics)


def _checked(
    store: Store, name: str, left_out: npt.NDArray[np.intp] = _NONE_LEFT_OUT
) -> Predictions:
    """Return an evaluation's predictions as metrics read them."""
    folder = store.evaluations / name
    record = read_evaluation(folder)
    trial = read_trial(store.trial(record.trial_id))
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


def _values(scored: dict[str, MetricScore]) -> dict[str, float | None]:
    return {key: each.value for key, each in scored.items()}


def _intervals(scored: dict[str, MetricScore]) -> dict[str, tuple[float, float, str]]:
    return {
        key: (each.interval.low, each.interval.high, each.interval.method)
        for key, each in scored.items()
        if each.interval is not None
    }


def _reasons(scored: dict[str, MetricScore]) -> dict[str, str]:
    return {key: each.reason for key, each in scored.items() if each.reason}


def _summarise(
    name: str,
    trial: TrialRecord,
    record: EvaluationRecord,
    scored: dict[str, MetricScore],
) -> Score:
    variant = ", ".join(text for text in (trial.variant, record.variant) if text)
    return Score(
        folder=name,
        trial_id=trial.trial_id,
        config_id=trial.config_id,
        model=trial.model,
        summary=trial.summary,
        variant=variant,
        budget=trial.budget,
        transform=record.transform,
        seed=trial.seed,
        train_dataset=trial.train_dataset,
        train_embedded=trial.train_embedded,
        test_dataset=record.test_dataset,
        test_embedded=record.test_embedded,
        evaluation_only=record.evaluation_only,
        labelled=record.labelled,
        leaked=record.leaked,
        created_at=record.created_at,
        near_duplicates=record.near_duplicates,
        n_test=record.n_test,
        classes=record.classes,
        test_hash=record.test_hash,
        split_hash=record.split_hash,
        started_at=trial.started_at,
        precision=trial.precision,
        threads=trial.threads,
        machine=trial.machine.processor if trial.machine else "",
        instruction_set=trial.machine.instruction_set if trial.machine else "",
        metrics=_values(scored),
        intervals=_intervals(scored),
        not_scored=_reasons(scored),
        train_accuracy=trial.train_accuracy,
        parameters=trial.parameters,
        multiply_adds=trial.multiply_adds,
        model_bytes=record.model_bytes or trial.model_bytes,
        file_bytes=record.file_bytes or trial.file_bytes,
        fit_seconds=trial.fit_seconds,
        fit_cpu_seconds=trial.fit_cpu_seconds,
        fit_images_per_second=trial.fit_images_per_second,
        predict_us_per_image=record.predict_us_per_image,
        latency_ms_p50=record.latency_ms_p50,
        latency_ms_p95=record.latency_ms_p95,
        best_batch=record.best_batch,
        latency_ms_best_batch=record.latency_ms_best_batch,
        predict_images_per_second=record.predict_images_per_second,
        peak_memory_bytes=trial.peak_memory_bytes,
        retries=trial.retries,
        deterministic=trial.deterministic,
        doubtful=record.doubtful,
        doubtful_source=record.doubtful_source,
    )


def _failure(store: Store, name: str) -> Failure:
    trial = read_trial(store.trials / name)
    return Failure(
        folder=name,
        trial_id=trial.trial_id,
        config_id=trial.config_id,
        model=trial.model,
        summary=trial.summary,
        variant=trial.variant,
        budget=trial.budget,
        seed=trial.seed,
        train_dataset=trial.train_dataset,
        train_embedded=trial.train_embedded,
        started_at=trial.started_at,
        precision=trial.precision,
        threads=trial.threads,
        state=trial.state,
        reason=trial.reason,
    )
