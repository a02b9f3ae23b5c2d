"""From a selection to a plan: cells and trials that are cached, to run, impossible, and why."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import msgspec

from bench.errors import BenchError, NewerFormatError, StoreError
from bench.loading.refs import LoadedDataset, SplitRef
from bench.options import OptionValue
from bench.planning.identity import (
    config_id,
    evaluation_id,
    identify,
    requirements,
    resolve_precision,
    sources_of,
    trial_id,
    versions,
)
from bench.planning.task import EvaluationTask, PluginRef, TrialTask
from bench.planning.trial_options import Settings, each_size, image_shape, trial_options
from bench.plugins.discovery import Plugins
from bench.plugins.loaded import first_change, ground_of
from bench.spec import ModelSpec, Style
from bench.store.layout import Store
from bench.store.read import find_trial, read_evaluation, read_trial

__all__ = [
    "Cell",
    "CellState",
    "Plan",
    "TrainedOn",
    "is_outgrown",
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
    variant: str = ""
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


def plan_trials(
    plugins: Plugins,
    models: Sequence[ModelSpec],
    pairings: Sequence[TrainedOn],
    seeds: Sequence[int],
    settings: Settings,
    store: Store,
) -> list[Cell]:
    """Return a cell for each trial, and one for each impossible pairing.

    Raises
    ------
    OptionError
        If an option that was set does not exist or has a wrong value.
    """
    cells = []
    for pairing in pairings:
        for spec in models:
            possible, impossible = _split_pairings(spec, pairing)
            for sized in each_size(settings, pairing.train, spec.name):
                options, variant = trial_options(spec, sized, pairing.train)
                cells += [
                    _cell(
                        plugins, spec, pairing.train, possible, seed, options, variant, sized, store
                    )
                    for seed in seeds
                ]
            cells += impossible
    return cells


def _split_pairings(spec: ModelSpec, pairing: TrainedOn) -> tuple[list[LoadedDataset], list[Cell]]:
    possible, impossible = [], []
    for test in pairing.tests:
        missing = [name for name in test.classes if name not in pairing.train.classes]
        if missing:
            reason = f"{pairing.train.name} has no class {', '.join(missing[:5])}"
            impossible.append(
                Cell(
                    model=spec.name,
                    train_dataset=pairing.train.name,
                    test_dataset=test.name,
                    state=CellState.IMPOSSIBLE,
                    reason=reason + (" …" if len(missing) > 5 else ""),
                )
            )
        else:
            possible.append(test)
    return possible, impossible


def _cell(
    plugins: Plugins,
    spec: ModelSpec,
    train: LoadedDataset,
    tests: Sequence[LoadedDataset],
    seed: int,
    options: dict[str, OptionValue],
    variant: str,
    settings: Settings,
    store: Store,
) -> Cell:
    task = _task(plugins, spec, train, tests, seed, options, variant, settings, store)
    damaged = _damaged_folders(store, task)
    trial = store.trial(task.trial_id)
    is_there = trial.is_dir() and trial not in damaged
    changed = what_changed(store, task) if is_there and not settings.fresh else ()
    stored = is_there and not settings.fresh and not changed and not is_outgrown(store, task)
    missing = [
        evaluation
        for evaluation in task.evaluations
        if not stored or not _is_sound(store, task, evaluation, damaged)
    ]
    cell = Cell(
        model=spec.name,
        train_dataset=train.name,
        test_dataset=train.name if train.test else "",
        seed=seed,
        variant=variant,
        state=CellState.CACHED,
        trial_id=task.trial_id,
        damaged=damaged,
        changed=changed,
    )
    if stored and not missing:
        return cell
    return replace(
        cell,
        state=CellState.TO_EVALUATE if stored else CellState.TO_RUN,
        task=_with(task, missing, str(store.trial(task.trial_id)) if stored else ""),
    )


def what_changed(store: Store, task: TrialTask) -> tuple[str, ...]:
    """Name what a stored trial loaded and would find changed now; empty while its notes hold."""
    record = read_trial(store.trial(task.trial_id))
    if task.train is None:
        return ()
    if record.loaded:
        ground = ground_of(module=task.plugin.module, file=task.plugin.file)
        if name := first_change(ground, record.loaded):
            return (name,)
    now = versions(record.engines)
    return tuple(
        f"{name} {before} → {now.get(name, '–')}"
        for name, before in record.engines.items()
        if now.get(name) != before
    )


def is_outgrown(store: Store, task: TrialTask) -> bool:
    """Whether a trial asked for in full is stored under a smaller budget, which cut nothing of it.

    The two have one identity, but the stored one would stay a row that is not ranked.
    """
    return task.budget == "full" and read_trial(store.trial(task.trial_id)).budget != "full"


def _is_sound(
    store: Store, task: TrialTask, evaluation: EvaluationTask, damaged: Sequence[Path]
) -> bool:
    folder = store.evaluation(task.trial_id, evaluation.evaluation_id)
    return folder.is_dir() and folder not in damaged


def _damaged_folders(store: Store, task: TrialTask) -> tuple[Path, ...]:
    """Return the stored folders of a trial that cannot be read.

    Raises
    ------
    NewerFormatError
        If a newer digitbench wrote one.
    """
    trial = store.trial(task.trial_id)
    damaged = [trial] if trial.is_dir() and not _is_readable(read_trial, trial) else []
    for evaluation in task.evaluations:
        folder = store.evaluation(task.trial_id, evaluation.evaluation_id)
        if folder.is_dir() and not _is_readable(read_evaluation, folder):
            damaged.append(folder)
    return tuple(damaged)


def _is_readable(read: Callable[[Path], object], folder: Path) -> bool:
    try:
        read(folder)
    except NewerFormatError:
        raise
    except StoreError:
        return False
    return True


def _with(task: TrialTask, evaluations: Iterable[EvaluationTask], stored: str) -> TrialTask:
    return msgspec.structs.replace(task, evaluations=tuple(evaluations), stored=stored)


def _task(
    plugins: Plugins,
    spec: ModelSpec,
    train: LoadedDataset,
    tests: Sequence[LoadedDataset],
    seed: int,
    options: dict[str, OptionValue],
    variant: str,
    settings: Settings,
    store: Store,
) -> TrialTask:
    split = _training_split(train)
    home = plugins.homes[spec.name]
    options, weights = _initial_weights(options, store)
    precision = resolve_precision(settings.precision, spec)
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
    evaluations = told_apart(evaluations, trial, store)
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


def evaluation_of(
    trial: str,
    train_dataset: str,
    classes: Sequence[str],
    test: LoadedDataset,
    transform: Mapping[str, str | int | float] = MappingProxyType({}),
) -> EvaluationTask:
    """Return the task of evaluating a trial, whose columns are `classes`, on one test split."""
    if test.test is None:  # the caller has left those out
        raise BenchError(f"{test.name} has no test split")
    return EvaluationTask(
        evaluation_id=evaluation_id(trial, test.test.content_hash, transform),
        test_dataset=test.name,
        test_embedded=test.embedded,
        split=test.test,
        class_columns=tuple(classes.index(name) for name in test.classes),
        evaluation_only=test.is_evaluation_only,
        own=test.name == train_dataset,
        variant=str(transform.get("quantize", "")),
        transform=dict(transform),
        truths=dict(test.truths),
        label_errors=test.label_errors,
        label_errors_source=test.label_errors_source,
    )


def told_apart(
    evaluations: Iterable[EvaluationTask], trial: str, store: Store
) -> tuple[EvaluationTask, ...]:
    """Give datasets of one content evaluations of their own, so that each has its row.

    An evaluation is known by the content of its images. Where another dataset's evaluation has
    that identity already, in the store or before it, the dataset's name enters as well.
    """
    names: dict[str, str] = {}
    apart = []
    for each in evaluations:
        folder = store.evaluation(trial, each.evaluation_id)
        holder = names.setdefault(each.evaluation_id, _stored_name(folder) or each.test_dataset)
        if holder != each.test_dataset:
            extra = {**each.transform, "test_dataset": each.test_dataset}
            key = evaluation_id(trial, each.split.content_hash, extra)
            each = msgspec.structs.replace(each, evaluation_id=key)
        apart.append(each)
    return tuple(apart)


def _stored_name(folder: Path) -> str:
    try:
        return read_evaluation(folder).test_dataset if folder.is_dir() else ""
    except StoreError:  # damaged: it is set aside and made again
        return ""


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
