"""The trials of published experiments: planned, run or reused, and what they measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.board.entries import Score
from bench.board.index import read_index
from bench.board.views import read_history
from bench.errors import BenchError, DataMissingError, StoreError
from bench.execution.events import Event
from bench.loading.cache import open_split
from bench.planning.grid import Plan
from bench.planning.task import TrialTask
from bench.reproduction.data import Experiment
from bench.session import Request, execute, plan
from bench.spec import Epoch
from bench.store.layout import Store
from bench.store.read import read_predictions, read_trial
from bench.store.record import TrialRecord

__all__ = ["Measured", "Prepared", "SeedRun", "measure_experiment", "prepare_experiment"]

_OTHER_SPLITS = "reproduce"  # a store within the store


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedRun:
    """One stored trial of an experiment, with its evaluation on the own test split.

    ``labels`` and ``predicted`` are (n,) int64, columns of ``record.classes``; ``corrupted`` gives
    which images were read right, (n,) bool, under a corruption and its strength.
    """

    record: TrialRecord
    history: tuple[Epoch, ...]
    score: Score
    labels: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    corrupted: dict[tuple[str, int], npt.NDArray[np.bool_]]
    task: TrialTask
    folder: Path

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(n,), bool."""
        right: npt.NDArray[np.bool_] = self.labels == self.predicted
        return right


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the trials of an experiment gave; without ``runs``, ``missing`` says why.

    ``not_comparable`` says how the data differs from the published one; empty where it does not.
    """

    runs: tuple[SeedRun, ...] = ()
    missing: str = ""
    state: str = ""
    """Why there is nothing: "data missing", "not run" or "failed"; empty where there are runs."""
    not_comparable: str = ""

    @property
    def correct(self) -> list[npt.NDArray[np.bool_]]:
        """One array a seed."""
        return [run.correct for run in self.runs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An experiment's request, what of it is missing in the store, and all its trials."""

    experiment: Experiment
    request: Request
    planned: Plan
    tasks: tuple[TrialTask, ...]


def prepare_experiment(
    experiment: Experiment, base: Request, store: Store
) -> "Prepared | Measured":
    """Plan an experiment with its published settings; without its data it is measured: nothing.

    Parameters
    ----------
    base : Request
        Store, data folders, paths of datasets, seeds and budget; the rest is the experiment's.
    """
    request = _request(experiment, base, store)
    try:
        # With `fresh` the plan gives the task of every trial, stored ones too.
        tasks = plan(replace(request, fresh=True)).tasks
        planned = plan(request)
    except DataMissingError as error:
        return Measured(missing=error.what, state="data missing")
    except BenchError as error:
        return Measured(missing=str(error), state="failed")
    return Prepared(experiment=experiment, request=request, planned=planned, tasks=tasks)


def measure_experiment(
    prepared: Prepared, on_event: Callable[[Event], None], *, is_dry: bool = False
) -> Measured:
    """Run what the store lacks of an experiment, and read it.

    Parameters
    ----------
    on_event : callable
        Told every event of its trials.
    is_dry : bool
        Train nothing; read what is stored.

    Raises
    ------
    KeyboardInterrupt
        If the run was stopped.
    """
    tasks, request = prepared.tasks, prepared.request
    if not is_dry and execute(request, on_event, prepared.planned).interrupted:
        raise KeyboardInterrupt  # the other experiments are not to run either
    place = Store(prepared.planned.store)
    runs, failures = [], []
    for task in tasks:
        try:
            runs.append(_read(place, task))
        except StoreError:
            failures.append(_why_not(place, task))
    if failures and not is_dry:
        return Measured(missing=failures[0], state="failed")
    if not runs:
        return Measured(missing="its trial is not in the store", state="not run")
    difference = _difference(prepared.experiment, tasks[0], request)
    return Measured(runs=tuple(runs), not_comparable=difference)


def _request(experiment: Experiment, base: Request, store: Store) -> Request:
    named = [text for text in base.datasets if text.partition("=")[0] == experiment.dataset]
    settings = tuple(
        text for text in experiment.settings if not (base.budget != "full" and ".epochs=" in text)
    )
    return replace(
        base,
        models=(experiment.model,),
        datasets=(named[0] if named else experiment.dataset,),
        settings=settings,
        precision="float32",
        track_test=experiment.track_test,
        corruptions=experiment.corruptions,
        store=store.root / _OTHER_SPLITS if experiment.other_split else store.root,
    )


def _read(store: Store, task: TrialTask) -> SeedRun:
    folder = store.trial(task.trial_id)
    record = read_trial(folder)
    own = next(each for each in task.evaluations if each.own and not each.transform)
    name = f"{task.trial_id}--{own.evaluation_id}"
    score = read_index(store).scores.get(name)
    stored = read_predictions(store.evaluations / name)
    if score is None or stored.labels is None:
        raise StoreError(f"evaluation {name}", why="cannot be scored")
    return SeedRun(
        record=record,
        history=read_history(folder),
        score=score,
        labels=stored.labels,
        predicted=stored.predicted,
        corrupted=dict(_corrupted(store, task)),
        task=task,
        folder=folder,
    )


def _corrupted(
    store: Store, task: TrialTask
) -> Iterator[tuple[tuple[str, int], npt.NDArray[np.bool_]]]:
    for each in task.evaluations:
        folder = store.evaluation(task.trial_id, each.evaluation_id)
        if "corruption" in each.transform and folder.is_dir():
            stored = read_predictions(folder)
            key = str(each.transform["corruption"]), int(each.transform["strength"])
            yield key, np.asarray(stored.labels == stored.predicted, dtype=np.bool_)


def _why_not(store: Store, task: TrialTask) -> str:
    """Return why the last attempt of a trial failed."""
    try:
        attempts = [
            read_trial(folder) for folder in sorted(store.trials.glob(f"{task.trial_id}--*"))
        ]
    except BenchError as error:
        return str(error)
    if not attempts:
        return "it did not run"
    return max(attempts, key=lambda record: record.started_at).reason


def _difference(experiment: Experiment, task: TrialTask, base: Request) -> str:
    """Return how what was trained on differs from the published data, "" if it does not."""
    if base.budget != "full":
        return f"budget {base.budget}"
    own = next(each for each in task.evaluations if each.own)
    if task.train is None or task.train.n != experiment.n_train:
        return f"{task.train.n if task.train else 0:,} training digits"
    if own.split.n != experiment.n_test:
        return f"{own.split.n:,} test digits"
    if experiment.first_labels:
        labels = open_split(task.train).labels
        first = () if labels is None else tuple(map(int, labels[: len(experiment.first_labels)]))
        if first != experiment.first_labels:
            return f"the first labels are {' '.join(map(str, first))}"
    return ""
