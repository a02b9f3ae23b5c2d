"""From a selection to a plan: cells and trials that are cached, to run, impossible, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import msgspec

from bench.errors import BenchError
from bench.loading.refs import LoadedDataset, SplitRef
from bench.options import OptionValue
from bench.planning.evaluations import evaluation_of, told_apart
from bench.planning.identity import (
    identify,
    requirements,
    resolve_precision,
    sources_of,
)
from bench.planning.missing import missing_engine
from bench.planning.shelf import Shelf
from bench.planning.stored import damaged_folders, is_outgrown, is_sound, what_changed
from bench.planning.task import EvaluationTask, PluginRef, TrialTask
from bench.planning.trial_options import Settings, each_size, image_shape, trial_options
from bench.plugins.discovery import Plugins
from bench.plugins.sources import read_once
from bench.spec import ModelSpec, Style
from bench.store.ids import config_id, trial_id
from bench.store.layout import Store
from bench.store.read import find_trial, read_trial, records_once
from bench.store.variant import Variant

__all__ = [
    "Cell",
    "CellState",
    "Plan",
    "TrainedOn",
    "plan_trials",
]


class CellState(StrEnum):
    """What the plan does with a cell."""

    TO_RUN = "to run"
    TO_EVALUATE = "to evaluate"  # trained already; predictions on a test split are missing
    CACHED = "cached"
    IMPOSSIBLE = "impossible"
    DATA_MISSING = "data_missing"
    FAILED = "failed"  # the dataset is there and cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model, training dataset and seed, or a pairing that cannot be, with the reason."""

    model: str
    train_dataset: str
    test_dataset: str = ""
    seed: int | None = None
    variant: Variant = field(default_factory=Variant)
    state: CellState
    reason: str = ""
    trial_id: str = ""
    damaged: tuple[Path, ...] = ()
    """Folders in the store that cannot be read: set aside before they are made again."""
    changed: tuple[str, ...] = ()
    """What differs from the last stored trial of the same name."""
    task: TrialTask | None = None
    estimated_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """A training dataset and the test splits that trials on it are evaluated on."""

    train: LoadedDataset
    tests: tuple[LoadedDataset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do; ``tasks`` is the work, the other cells are shown with their reasons."""

    cells: tuple[Cell, ...]
    store: Path
    evaluated: tuple[str, ...] = ()
    """The test datasets of every possible evaluation, cached ones included."""
    notes: tuple[str, ...] = ()
    jobs: int = 1
    """How many trials run at once."""
    estimated_seconds: float | None = None
    """Of the whole run."""
    fine_tune: Mapping[Style, LoadedDataset] = field(default_factory=dict)
    """The folder that trials go on from there on, for each style of training data."""

    @property
    def tasks(self) -> tuple[TrialTask, ...]:
        """The trials to train or to evaluate."""
        return tuple(cell.task for cell in self.cells if cell.task is not None)

    def count(self, state: CellState) -> int:
        """Return how many cells are in `state`."""
        return sum(cell.state is state for cell in self.cells)

    @property
    def test_datasets(self) -> tuple[str, ...]:
        """The boards this plan adds to, in order."""
        names = [cell.test_dataset for cell in self.cells if cell.test_dataset]
        return tuple(dict.fromkeys(names))


@read_once()
@records_once()
def plan_trials(
    plugins: Plugins,
    models: Sequence[ModelSpec],
    pairings: Sequence[TrainedOn],
    seeds: Sequence[int],
    settings: Settings,
    store: Store,
) -> list[Cell]:
    """Return a cell for each trial, and one for each pairing or model that is impossible here.

    Raises
    ------
    OptionError
        If an option that was set does not exist or has a wrong value.
    """
    cells = []
    shelf = Shelf.of(store)
    for pairing in pairings:
        for spec in models:
            if reason := missing_engine(spec, plugins.homes[spec.name]):
                cells.append(_impossible(spec, pairing.train, "", reason))
                continue
            possible, impossible = _split_pairings(spec, pairing)
            for sized in each_size(settings, pairing.train, spec.name):
                options, variant = trial_options(spec, sized, pairing.train)
                for seed in seeds:
                    task = _task(
                        plugins, spec, pairing.train, possible, seed, options, variant, sized, shelf
                    )
                    cells.append(_cell(task, pairing.train, shelf, is_fresh=sized.fresh))
            cells += impossible
    return cells


def _split_pairings(spec: ModelSpec, pairing: TrainedOn) -> tuple[list[LoadedDataset], list[Cell]]:
    possible, impossible = [], []
    for test in pairing.tests:
        missing = [name for name in test.classes if name not in pairing.train.classes]
        if missing:
            reason = f"{pairing.train.name} has no class {', '.join(missing[:5])}"
            reason += " …" if len(missing) > 5 else ""
            impossible.append(_impossible(spec, pairing.train, test.name, reason))
        else:
            possible.append(test)
    return possible, impossible


def _impossible(spec: ModelSpec, train: LoadedDataset, test: str, reason: str) -> Cell:
    return Cell(
        model=spec.name,
        train_dataset=train.name,
        test_dataset=test,
        state=CellState.IMPOSSIBLE,
        reason=reason,
    )


def _cell(task: TrialTask, train: LoadedDataset, shelf: Shelf, *, is_fresh: bool) -> Cell:
    damaged, store = damaged_folders(shelf, task), shelf.store
    is_there = shelf.has_trial(task) and store.trial(task.trial_id) not in damaged
    changed = what_changed(store, task) if is_there and not is_fresh else ()
    stored = is_there and not is_fresh and not changed and not is_outgrown(store, task)
    missing = [
        evaluation
        for evaluation in task.evaluations
        if not stored or not is_sound(shelf, task, evaluation, damaged)
    ]
    cell = Cell(
        model=task.model,
        train_dataset=train.name,
        test_dataset=train.name if train.test else "",
        seed=task.seed,
        variant=task.variant,
        state=CellState.CACHED,
        trial_id=task.trial_id,
        damaged=damaged,
        changed=changed,
    )
    if stored and not missing:
        return cell
    folder = str(store.trial(task.trial_id)) if stored else ""
    return replace(
        cell,
        state=CellState.TO_EVALUATE if stored else CellState.TO_RUN,
        task=msgspec.structs.replace(task, evaluations=tuple(missing), stored=folder),
    )


def _task(
    plugins: Plugins,
    spec: ModelSpec,
    train: LoadedDataset,
    tests: Sequence[LoadedDataset],
    seed: int,
    options: dict[str, OptionValue],
    variant: Variant,
    settings: Settings,
    shelf: Shelf,
) -> TrialTask:
    split = _training_split(train)
    home = plugins.homes[spec.name]
    options, weights = _initial_weights(options, shelf.store)
    precision = resolve_precision(settings.precision, spec, settings.is_fast_in_bfloat16)
    identity = identify(
        spec,
        home,
        options=options,
        train_hash=split.content_hash,
        seed=seed,
        precision=precision,
    )
    trial = trial_id(identity)
    is_heavy = "tensorflow" in requirements(spec, sources_of(home))
    transforms: list[dict[str, str | int | float]] = [{}]
    if settings.quantize and is_heavy:
        transforms.append({"quantize": settings.quantize})
    evaluations = tuple(
        evaluation_of(trial, train.name, train.classes, test, transform)
        for test in tests
        if test.test
        for transform in transforms
    )
    if train.test is not None and any(t.name == train.name for t in tests):
        evaluations += _corrupted(trial, train, settings)
    evaluations = told_apart(evaluations, trial, shelf)
    own = next((each for each in evaluations if each.own), None)
    return TrialTask(
        trial_id=trial,
        config_id=config_id(identity),
        identity=identity,
        plugin=PluginRef(module=home.module, file=home.file),
        model=spec.name,
        summary=spec.summary,
        variant=variant,
        budget=settings.budget,
        options=options,
        train_dataset=train.name,
        train_embedded=train.embedded,
        train_style=str(train.style),
        probabilities=spec.probabilities,
        deterministic=spec.deterministic and not options["train_images"],  # the seed draws those
        classes=train.classes,
        image_shape=image_shape(spec, split.shape),
        seed=seed,
        precision=precision,
        train=split,
        evaluations=evaluations,
        initial_weights=weights,
        track=own if settings.track_test else None,
        heavy=is_heavy,
        resumes=spec.resumes,
        timeout_seconds=settings.timeout_seconds or spec.timeout_seconds,
    )


def _corrupted(trial: str, train: LoadedDataset, settings: Settings) -> tuple[EvaluationTask, ...]:
    """Return the evaluations on corruptions of the own test split, made here or from files."""
    made = [(name, strength, train) for name, strength in settings.corruptions]
    from_files = [(name, 1, test) for name, test in settings.corrupted.get(train.name, ())]
    return tuple(
        evaluation_of(
            trial, train.name, train.classes, test, {"corruption": name, "strength": strength}
        )
        for name, strength, test in (*made, *from_files)
    )


def _training_split(dataset: LoadedDataset) -> SplitRef:
    if dataset.train is None:
        raise BenchError(
            f"{dataset.name} has no training split",
            why="it is evaluation-only",
            fix="name a dataset to train on as well, for example -d mnist",
        )
    return dataset.train


def _initial_weights(
    options: dict[str, OptionValue], store: Store
) -> tuple[dict[str, OptionValue], str]:
    """Look up the trial that weights are taken from; its full id goes into the identity."""
    asked = str(options.get("initial_weights", ""))
    if not asked:
        return options, ""
    folder = find_trial(store, asked)
    if "--" in folder.name or not (folder / "model").is_dir():
        raise BenchError(f"initial_weights={asked}", why=f"trial {folder.name} has no stored model")
    if reason := read_trial(folder).does_not_reload:
        raise BenchError(
            f"initial_weights={asked}", why=f"the model of {folder.name} does not reload: {reason}"
        )
    return options | {"initial_weights": folder.name}, str(folder / "model")
