"""A model's results over time: an entry for each configuration that was trained."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from bench.board.index import Score, read_index
from bench.board.leaderboard import HIDDEN
from bench.errors import BenchError
from bench.scoring.changes import Change, changes
from bench.scoring.crossed import Crossed, crossed
from bench.store.layout import Store
from bench.store.read import read_predictions, read_trial
from bench.store.record import Identity

__all__ = ["Entry", "timeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One configuration's result; ``changed`` names what differs from the entry before.

    ``versions`` are the libraries' (major.minor); ``code`` begins the hashes of the model's code
    and of the harness's.
    """

    started_at: str
    variant: str
    train_dataset: str
    seeds: int
    accuracy: float
    changed: tuple[str, ...]
    change: Change
    trials: tuple[str, ...]
    versions: dict[str, str]
    code: tuple[str, str]


def timeline(store: Store, model: str, test_dataset: str) -> list[Entry]:
    """Return the entries of a model on a test dataset by training dataset and variant, by time.

    Raises
    ------
    BenchError
        If there are none.
    """
    scores = [
        score
        for score in read_index(store).scores.values()
        if score.model == model and score.test_dataset == test_dataset and score.labelled
        if not HIDDEN & score.transform.keys()
    ]
    if not scores:
        raise BenchError(f"no results of {model} on {test_dataset}", fix="see bench show")
    courses: dict[tuple[str, str], dict[tuple[str, str], list[Score]]] = defaultdict(dict)
    for score in sorted(scores, key=lambda each: each.started_at):
        course = courses[score.train_dataset, score.variant]
        course.setdefault((score.config_id, score.test_hash), []).append(score)
    return [entry for course in courses.values() for entry in _entries(store, course)]


def _entries(store: Store, course: dict[tuple[str, str], list[Score]]) -> list[Entry]:
    groups = list(course.values())
    course_readings = [_readings(store, group) for group in groups]
    hashes = [group[0].test_hash for group in groups]
    found = changes(list(zip(course_readings, hashes, strict=True)))
    entries = []
    before: Identity | None = None
    for group, readings, change in zip(groups, course_readings, found, strict=True):
        identity = read_trial(store.trial(group[0].trial_id)).identity
        entries.append(
            Entry(
                started_at=group[0].started_at,
                variant=group[0].variant,
                train_dataset=group[0].train_dataset,
                seeds=len(group),
                accuracy=readings.accuracy,
                changed=() if before is None else _changed(before, identity),
                change=change,
                trials=tuple(score.trial_id for score in group),
                versions=dict(identity.requires),
                code=(identity.model_source[:8], identity.harness_source[:8]),
            )
        )
        before = identity
    return entries


def _readings(store: Store, group: list[Score]) -> Crossed:
    seeds = []
    for score in group:
        predictions = read_predictions(store.evaluations / score.folder)
        seeds.append(np.asarray(predictions.labels == predictions.predicted, dtype=np.bool_))
    return crossed(seeds)


def _changed(before: Identity, after: Identity) -> tuple[str, ...]:
    """Name the parts of the identity that differ: options, libraries, code, data."""
    parts = [
        f"{name} {before.options.get(name)} → {value}"
        for name, value in after.options.items()
        if before.options.get(name) != value
    ]
    parts += [
        f"{name} {before.requires.get(name)} → {version}"
        for name, version in after.requires.items()
        if before.requires.get(name) != version
    ]
    words = {
        "model_source": "the model's code",
        "harness_source": "the harness's code",
        "train_hash": "training data",
        "precision": "precision",
    }
    names = [name for name in words if getattr(before, name) != getattr(after, name)]
    return (*parts, *(words[name] for name in names))
