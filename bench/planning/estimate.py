"""How long a plan will take: from earlier records, else from shipped costs and a probe of speed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from statistics import median

import msgspec

from bench.board.entries import Score
from bench.errors import StoreError
from bench.options import Options
from bench.planning.grid import Cell
from bench.planning.identity import changed_parts
from bench.planning.task import TrialTask
from bench.spec import ModelSpec
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import SCHEMA_VERSION

__all__ = ["Pace", "run_seconds", "with_estimates"]

_FALLBACK_SECONDS_PER_IMAGE = 1e-3
_PIXELS = 28 * 28  # of the images that costs are given for
_EVALUATE_SECONDS = 0.2
_TRIAL_SECONDS = {True: 2.0, False: 0.5}  # process, compiling a network, saving
_ENGINE_SECONDS = 5.0  # until the engine is there, once a run
_SHARE_OF_A_CORE = 0.3  # what each core beyond the first adds to one trial
_BYTES_OF_AN_ENGINE = {True: 1_200_000_000, False: 400_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a trial's seconds depend on besides its work.

    Parameters
    ----------
    speed : float
        Of one core, as a multiple of the processor's that costs were taken on.
    threads : int
        Cores of one trial.
    """

    speed: float = 1.0
    threads: int = 1

    def seconds(self, cost: float) -> float:
        """Return how long work takes that one core of the reference does in `cost` seconds."""
        return cost / self.speed / (1 + _SHARE_OF_A_CORE * (self.threads - 1))


def run_seconds(cells: Iterable[Cell], jobs: int) -> float | None:
    """Return how long a plan takes with so many trials at once; None where nothing is known."""
    known = [cell for cell in cells if cell.task and cell.estimated_seconds is not None]
    if not known:
        return None
    seconds = [cell.estimated_seconds or 0.0 for cell in known]
    has_engine = any(cell.task is not None and cell.task.heavy for cell in known)
    # The last trials leave a core idle for half of their time.
    idle = max(seconds) / 2 if jobs > 1 else 0.0
    return max(sum(seconds) / jobs + idle, max(seconds)) + _ENGINE_SECONDS * has_engine


def with_estimates(
    cells: Iterable[Cell],
    models: Mapping[str, ModelSpec],
    store: Store,
    pace: Callable[[], Pace] = Pace,
) -> list[Cell]:
    """Return the cells, those with work to do with its seconds and what changed since last time.

    Parameters
    ----------
    pace : callable
        Asked where a trial is to be trained of which no record tells.
    """
    listed = list(cells)
    if not any(cell.task for cell in listed):
        return listed
    from bench.board.index import read_index  # a run with nothing to do needs no part of it

    past: dict[tuple[str, str], list[Score]] = {}
    for score in read_index(store).scores.values():
        past.setdefault((score.model, score.train_dataset), []).append(score)
    pace = cache(pace)
    return [
        _with_estimate(cell, cell.task, models.get(cell.model), past, store, pace)
        if cell.task
        else cell
        for cell in listed
    ]


def _with_estimate(
    cell: Cell,
    task: TrialTask,
    spec: ModelSpec | None,
    past: Mapping[tuple[str, str], list[Score]],
    store: Store,
    pace: Callable[[], Pace],
) -> Cell:
    scores = past.get((cell.model, cell.train_dataset), [])
    seconds = _TRIAL_SECONDS[task.heavy] + _EVALUATE_SECONDS * len(task.evaluations)
    if spec is not None and not task.stored:  # no plugin registers a model file
        seconds += _fit_seconds(task, spec, scores, pace)
    sized = msgspec.structs.replace(
        task,
        estimated_seconds=seconds,
        estimated_memory_bytes=_BYTES_OF_AN_ENGINE[task.heavy] + 8 * _pixels(task),
    )
    changed = cell.changed or (() if task.stored else _changed(task, scores, store))
    return replace(cell, task=sized, estimated_seconds=seconds, changed=changed)


def _fit_seconds(
    task: TrialTask, spec: ModelSpec, scores: list[Score], pace: Callable[[], Pace]
) -> float:
    same = [s.fit_seconds for s in scores if s.variant == task.variant.words and s.fit_seconds]
    if same:
        return median(same)
    share = _epochs(task.options) / max(1.0, _epochs(default_options(spec)))
    cost = spec.seconds_per_image or _FALLBACK_SECONDS_PER_IMAGE
    height, width, _ = task.image_shape
    return pace().seconds(cost * _n_train(task) * share * height * width / _PIXELS)


def default_options(spec: ModelSpec) -> Options:
    """Return the default of each option of a model."""
    from bench.options import resolve_options

    return resolve_options(spec.name, spec.options, {})


def _epochs(options: Options) -> float:
    return float(options.get("epochs", 1))


def _n_train(task: TrialTask) -> int:
    return int(task.options.get("train_images", 0)) or (task.train.n if task.train else 0)


def _pixels(task: TrialTask) -> int:
    height, width, channels = task.image_shape
    return (task.train.n if task.train else 0) * height * width * channels


def _changed(task: TrialTask, scores: list[Score], store: Store) -> tuple[str, ...]:
    """Name what differs from the last stored trial of the same model, data, seed and variant."""
    same = [s for s in scores if s.seed == task.seed and s.variant == task.variant.words]
    if not same:
        return ()
    last = max(same, key=lambda score: score.started_at)
    try:
        earlier = read_trial(store.trial(last.trial_id))
    except StoreError:
        return ("its record is damaged",)
    if earlier.schema_version < SCHEMA_VERSION:
        return (f"digitbench itself (the stored one is of format {earlier.schema_version})",)
    return changed_parts(earlier.identity, task.identity)
