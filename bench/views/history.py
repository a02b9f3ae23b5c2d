"""A model's results over time: an entry for each configuration trained, and what changed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich.text import Text

from bench.board.boards import Boards
from bench.board.building import HIDDEN
from bench.board.entries import Score
from bench.board.find import chosen
from bench.board.index import read_index
from bench.render.console import clean, plain
from bench.render.field_table import record_of
from bench.render.table import Column, Line, lay_out
from bench.scoring.changes import Change, changes
from bench.scoring.crossed import Crossed, crossed
from bench.store.formats import points, share
from bench.store.layout import Store
from bench.store.read import read_predictions, read_trial
from bench.store.record import Identity
from bench.views import Screen, View, argument

__all__ = ["VIEW", "Entry"]

_COLUMNS: Final = (
    Column(name="when", heading="trained", align="left"),
    Column(name="train", heading="trained on", align="left", keep=3),
    Column(name="variant", heading="variant", align="left", keep=2),
    Column(name="seeds", heading="seeds", keep=4),
    Column(name="accuracy", heading="accuracy"),
    Column(name="verdict", heading="", align="left"),
    Column(name="changed", heading="what changed", align="left", keep=1, wraps_at=24),
    Column(name="trial", heading="trial", align="left", keep=5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which model, on which test dataset."""

    model: str = argument("MODEL", "A model, or its row as the leaderboard shows it.")
    dataset: str = argument("DATASET", "The test dataset, or TRAIN:TEST.")


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


def compute(boards: Boards, options: Options) -> tuple[Entry, ...]:
    """Return the entries of a model on a test dataset by training dataset and variant, by time.

    Raises
    ------
    BenchError
        If there are none.
    """
    store = boards.store
    known = [
        score
        for score in read_index(store).scores.values()
        if score.labelled and not HIDDEN & score.transform.keys()
    ]
    scores = chosen(known, models=[options.model], datasets=[options.dataset])
    courses: dict[tuple[str, str], dict[tuple[str, str], list[Score]]] = defaultdict(dict)
    for score in sorted(scores, key=lambda each: each.started_at):
        course = courses[score.train_dataset, score.variant]
        course.setdefault((score.config_id, score.test_hash), []).append(score)
    return tuple(entry for course in courses.values() for entry in _entries(store, course))


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


def draw(value: Sequence[Entry], options: Options, screen: Screen) -> Iterator[Text]:
    """Yield one line an entry, oldest first."""
    yield plain(f"{options.model} on {options.dataset}, over time", "heading")
    lines = [_line(entry, options.dataset) for entry in value]
    yield from lay_out(_COLUMNS, lines, screen.width, indent=1)
    yield Text()
    yield Text(
        "Each entry is compared with the first since the last change (paired, Bonferroni, 5 %)."
    )


def _line(entry: Entry, dataset: str) -> Line:
    comparison = entry.change.comparison
    if comparison is None:
        verdict = Text(
            "" if entry.change.reference is None and not entry.changed else entry.change.reason
        )
    else:
        words = "changed" if entry.change.is_real else "could be luck"
        style = "warn" if entry.change.is_real else ""
        verdict = Text(f"{points(comparison.difference)} points, {words}", style=style)
    return Line(
        cells={
            "when": Text(entry.started_at[:16].replace("T", " ")),
            "train": plain(entry.train_dataset if entry.train_dataset != dataset else ""),
            "variant": plain(entry.variant),
            "seeds": Text(str(entry.seeds)),
            "accuracy": Text(share(entry.accuracy, 4)),
            "verdict": verdict,
            "changed": Text(clean(", ".join(entry.changed) or _start(entry))),
            "trial": Text(entry.trials[0][:8]),
        }
    )


def _start(entry: Entry) -> str:
    """Return what the first entry of a course began with."""
    if entry.change.reference is not None or entry.change.comparison is not None:
        return ""
    return ", ".join(f"{name} {version}" for name, version in entry.versions.items())


def rows_of(value: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table; ``difference`` is to the first since the last change."""
    for entry in value:
        comparison = entry.change.comparison
        yield record_of(entry, columns=VIEW.columns) | {
            "difference": comparison.difference if comparison else None,
            "is_real": entry.change.is_real,
            "p_value": comparison.p_value if comparison else None,
            "versions": [f"{name} {version}" for name, version in entry.versions.items()],
            "model_code": entry.code[0],
            "harness_code": entry.code[1],
        }


VIEW = View(
    name="history",
    summary="Show a model's results over time, and where they changed by more than luck.",
    about="For example:\n  bench show history cnn-mnist-compact mnist",
    options=Options,
    compute=compute,
    columns=(
        "started_at",
        "train_dataset",
        "variant",
        "seeds",
        "accuracy",
        "difference",
        "is_real",
        "p_value",
        "changed",
        "versions",
        "model_code",
        "harness_code",
        "trials",
    ),
    rows=rows_of,
    draw=draw,
)
