"""From what a person asks for to models, settings and loaded datasets; every mistake is named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import (
    BenchError,
    DataError,
    DataMissingError,
    OptionError,
    UndecidedError,
    choose,
)
from bench.loading.load import load_dataset
from bench.loading.mnist_c import MNIST_C, corrupted_files
from bench.loading.refs import LoadedDataset
from bench.options import OptionValue, parse_setting
from bench.planning.catalogue import (
    ARRAY_DATASET,
    FOLDER_DATASET,
    Entry,
    catalogue_of,
    named_folder,
    with_own_data,
)
from bench.planning.grid import Cell, CellState, TrainedOn
from bench.planning.request import Request, Session
from bench.planning.trial_options import HARNESS_OPTIONS, Settings
from bench.plugins.discovery import Plugins
from bench.spec import ModelSpec, Style

__all__ = ["Selected", "select"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What a request comes to: models, loaded datasets, settings, and what could not be loaded."""

    models: tuple[ModelSpec, ...]
    pairings: tuple[TrainedOn, ...]
    failed: tuple[Cell, ...]
    settings: Settings
    fine_tune: dict[Style, LoadedDataset]
    """The folder to fine-tune on, as models trained on data of each style need to see it."""
    evaluation_only: dict[Style, tuple[LoadedDataset, ...]]
    """For each style, the evaluation-only datasets as models trained on it need to see them."""
    read_by_files: tuple[LoadedDataset, ...] = ()
    """The datasets that model files read: those named, and own folders."""


def select(session: Session, request: Request) -> Selected:
    """Resolve names, globs, paths and settings, and load the datasets.

    Raises
    ------
    BenchError
        If nothing matches, a named dataset is missing or wrong, or an option does not exist.
    """
    is_trained = not request.is_of_files_only
    models = _select_models(session.plugins, request.models) if is_trained else []
    request = with_own_data(session, request)
    catalogue = catalogue_of(session, request)
    settings = _settings(session, request, catalogue)

    def load(name: str, style: Style | None) -> LoadedDataset:
        return _load(session, catalogue[name], settings, request.cache_dir, style)

    loaded = _load_datasets(catalogue, request, load)
    shipped = any(spec.shipped for spec in models)
    trained_on = [loaded.present[name] for name in loaded.chosen if name in loaded.present]
    beside = [Path(path).parent for dataset in trained_on for path in dataset.paths]
    corrupted = corrupted_files(
        request.corruptions,
        trained_on,
        [*session.search, *beside],
        session.plugins.datasets.get(MNIST_C),
        cache_dir=request.cache_dir,
    )
    return Selected(
        models=tuple(models),
        pairings=_pairings(catalogue, loaded, request, load) if is_trained else (),
        failed=tuple(replace(cell, model=spec.name) for cell in loaded.failed for spec in models),
        settings=replace(settings, corrupted=corrupted),
        fine_tune=_fine_tuned_on(catalogue, request, load),
        evaluation_only=_evaluation_only(catalogue, loaded.present, load) if shipped else {},
        read_by_files=_read_by_files(catalogue, loaded, request, load),
    )


def _select_models(plugins: Plugins, patterns: Sequence[str]) -> list[ModelSpec]:
    for name in patterns:
        plugins.refuse_unsettled(name)
    names = choose(patterns, plugins.models, "model", where="bench list models")
    return [plugins.models[name] for name in names]


def _settings(session: Session, request: Request, catalogue: Mapping[str, Entry]) -> Settings:
    declared = _declared_options(session.plugins, catalogue)
    given = _folder_options(request)
    for text in request.settings:
        owner, option, value = parse_setting(text)
        for name in _owners(text, owner, option, declared):
            given.setdefault(name, {})[option] = value
    if request.quantize not in ("", "int8"):
        raise OptionError(f"--quantize {request.quantize}", why="int8 is the only choice")
    if request.timeout_seconds is not None and request.timeout_seconds <= 0:
        raise OptionError("--timeout 0", why="a trial needs some time", fix="leave it out for none")
    if any(size < 1 for size in request.train_sizes):
        raise OptionError("--train-sizes", why="a training takes at least 1 image")
    if request.train_sizes and any("train_images" in each for each in given.values()):
        raise OptionError("--train-sizes and --set train_images", why="say the same thing twice")
    return Settings(
        budget=request.budget,
        train_sizes=request.train_sizes,
        precision=request.precision,
        configured=session.config.options,
        given=given,
        fresh=request.fresh,
        track_test=request.track_test,
        quantize=request.quantize,
        corruptions=_made_corruptions(request.corruptions),
        timeout_seconds=request.timeout_seconds,
    )


def _folder_options(request: Request) -> dict[str, dict[str, OptionValue]]:
    """Return the options that all own folders of a request share, for each of them."""
    folders = [*request.folders, *([request.fine_tune] if request.fine_tune else [])]
    if request.folder_options and not folders:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in request.folder_options)
        raise OptionError(flags, why="this is for --folder DIR")
    return {named_folder(text)[0]: dict(request.folder_options) for text in folders}


def _made_corruptions(names: str) -> tuple[tuple[str, int], ...]:
    """Return the corruptions that are made here, at each strength."""
    made = ",".join(name for name in names.split(",") if name.strip() != MNIST_C)
    if not made:
        return ()
    from bench.images.corruptions import choose_corruptions

    chosen = choose_corruptions(made)
    return tuple((each.name, strength) for each in chosen for strength in each.strengths)


def _declared_options(
    plugins: Plugins, catalogue: Mapping[str, Entry]
) -> dict[str, frozenset[str]]:
    declared = {name: {*HARNESS_OPTIONS, *spec.options} for name, spec in plugins.models.items()}
    declared |= {name: {*entry.spec.options} for name, entry in catalogue.items()}
    for base in {FOLDER_DATASET, ARRAY_DATASET} & plugins.datasets.keys():
        declared[base] = {*plugins.datasets[base].options}
    return {name: frozenset(options) for name, options in declared.items()}


def _owners(
    text: str, owner: str, option: str, declared: Mapping[str, frozenset[str]]
) -> list[str]:
    """Return whom a setting is for: the one named, or those a glob matches that know the option."""
    named = choose([owner], declared, "model or dataset", where="bench list")
    knowing = named if owner in declared else [name for name in named if option in declared[name]]
    if not knowing:
        raise OptionError(f"--set {text}", why=f"none of {', '.join(named)} has that option")
    return knowing


_Loader = Callable[[str, Style | None], LoadedDataset]


def _load(
    session: Session,
    entry: Entry,
    settings: Settings,
    cache_dir: Path | None,
    style: Style | None,
) -> LoadedDataset:
    """Load a dataset as models trained on data of `style` need to see it."""
    name = entry.spec.name
    owners = (entry.base, name) if entry.base else (name,)
    options: dict[str, OptionValue] = {"train": True} if entry.trains else {}
    if style is not None:
        options |= entry.spec.views.get(style, {})
    for source in (settings.configured, settings.given):
        for owner in owners:
            options |= source.get(owner, {})
    loaded = load_dataset(
        entry.spec,
        settings=options,
        path=entry.path,
        search=session.search,
        cache_dir=cache_dir,
        fresh=settings.fresh,
    )
    if loaded.doubt:  # nothing is trained on such labels, or scored
        raise UndecidedError(f"{name}: are these its labels?", why=loaded.doubt)
    return loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The names asked for, the datasets that are there, a cell for each that is not."""

    chosen: tuple[str, ...]
    present: dict[str, LoadedDataset]
    failed: tuple[Cell, ...]


def _load_datasets(catalogue: Mapping[str, Entry], request: Request, load: _Loader) -> _Loaded:
    """Load what is asked for; what is missing or broken becomes a cell, or an error if named."""
    patterns = [text.partition("=")[0] for text in request.datasets]
    own = [name for name, entry in catalogue.items() if entry.base]
    if request.is_of_files_only and not patterns:
        patterns = own  # what they are to read; without any, what is there to be trained on
    chosen = choose(patterns, catalogue, "dataset", where="bench list datasets")
    named = {text for text in patterns if text in catalogue}
    named |= {name for name, entry in catalogue.items() if entry.base}
    present: dict[str, LoadedDataset] = {}
    failed: list[Cell] = []
    others = own if request.is_of_files_only else list(catalogue)
    others = [name for name in others if name not in chosen]
    for name in [*chosen, *others]:
        evaluates = "train" not in catalogue[name].spec.provides
        if name not in chosen and not (evaluates or request.cross):
            continue
        try:
            present[name] = load(name, None)
        except DataError as error:
            if name in named:
                raise
            if name in chosen:
                failed.append(_failed(name, error))
    return _Loaded(chosen=tuple(chosen), present=present, failed=tuple(failed))


def _pairings(
    catalogue: Mapping[str, Entry], loaded: _Loaded, request: Request, load: _Loader
) -> tuple[TrainedOn, ...]:
    present = loaded.present
    training = [n for n in loaded.chosen if n in present and present[n].train is not None]
    if not training:
        raise _nothing_to_train_on(loaded.chosen, present, loaded.failed)
    return tuple(
        TrainedOn(train=present[name], tests=_tests(name, catalogue, present, request, load))
        for name in training
    )


def _fine_tuned_on(
    catalogue: Mapping[str, Entry], request: Request, load: _Loader
) -> dict[Style, LoadedDataset]:
    if not request.fine_tune:
        return {}
    name, _ = named_folder(request.fine_tune)
    views = catalogue[name].spec.views
    return {style: load(name, style if style in views else None) for style in Style}


def _evaluation_only(
    catalogue: Mapping[str, Entry], present: Mapping[str, LoadedDataset], load: _Loader
) -> dict[Style, tuple[LoadedDataset, ...]]:
    names = [name for name, dataset in present.items() if dataset.train is None]
    return {
        style: tuple(
            load(name, style) if style in catalogue[name].spec.views else present[name]
            for name in names
        )
        for style in Style
    }


def _read_by_files(
    catalogue: Mapping[str, Entry], loaded: _Loaded, request: Request, load: _Loader
) -> tuple[LoadedDataset, ...]:
    """Return what model files read: datasets that are named, and own folders, never all."""
    if not request.model_files:
        return ()
    named = loaded.chosen if request.datasets else ()
    own = (name for name, entry in catalogue.items() if entry.base)
    style = Style.HANDWRITTEN
    found = []
    for name in dict.fromkeys((*named, *own)):
        dataset = loaded.present.get(name)
        if dataset is None or dataset.test is None:
            continue
        is_seen_so = dataset.train is None and style in catalogue[name].spec.views
        found.append(load(name, style) if is_seen_so else dataset)
    return tuple(found)


def _failed(name: str, error: DataError) -> Cell:
    is_missing = isinstance(error, DataMissingError)
    state = CellState.DATA_MISSING if is_missing else CellState.FAILED
    return Cell(model="", train_dataset=name, test_dataset=name, state=state, reason=str(error))


def _tests(
    train: str,
    catalogue: Mapping[str, Entry],
    present: Mapping[str, LoadedDataset],
    request: Request,
    load: _Loader,
) -> tuple[LoadedDataset, ...]:
    """Return the test splits for `train`: its own, evaluation-only ones, and with cross all."""
    style = present[train].style
    tests = [present[train]] if present[train].test is not None else []
    for name, dataset in present.items():
        if name == train or dataset.test is None:
            continue
        if dataset.train is None or request.cross:
            tests.append(load(name, style) if style in catalogue[name].spec.views else dataset)
    return tuple(tests)


def _nothing_to_train_on(
    chosen: Sequence[str], present: Mapping[str, LoadedDataset], failed: Sequence[Cell]
) -> BenchError:
    only = [name for name in chosen if name in present]
    if only:
        return BenchError(
            f"{', '.join(only)}: nothing to train on",
            why="it has no training split",
            fix="name a dataset to train on as well, for example -d mnist",
        )
    reasons = "; ".join(cell.reason for cell in failed)
    return BenchError("no dataset to train on", why=reasons or "nothing matched")
