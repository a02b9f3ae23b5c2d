"""From what a person asks for to models, settings and loaded datasets; every mistake is named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from bench.config import Config
from bench.errors import (
    BenchError,
    DataError,
    DataMissingError,
    OptionError,
    UndecidedError,
)
from bench.images.corruptions import choose_corruptions
from bench.loading.load import load_dataset
from bench.loading.mnist_c import MNIST_C, corrupted_files
from bench.loading.refs import LoadedDataset
from bench.loading.sniff import Own, name_of, sniff
from bench.options import OptionValue, parse_setting
from bench.planning.grid import Cell, CellState, TrainedOn
from bench.planning.trial_options import HARNESS_OPTIONS, Settings
from bench.plugins.discovery import Plugins
from bench.spec import DatasetSpec, ModelSpec, Style
from bench.store.layout import Store

__all__ = ["Request", "Selected", "Session", "select"]

FOLDER_DATASET = "image-folder"
ARRAY_DATASET = "arrays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for; the fields are the options of ``bench run``.

    An empty selection of models or datasets means all of them.
    """

    models: tuple[str, ...] = ()
    """Names and globs."""
    datasets: tuple[str, ...] = ()
    """Names, globs, NAME=PATH, and own files or folders to train on: PATH or NAME=PATH."""
    folders: tuple[str, ...] = ()
    """Own folders, DIR or NAME=DIR."""
    folder_options: Mapping[str, OptionValue] = field(default_factory=dict)
    """Options of image-folder for each of these folders and for the one of ``fine_tune``."""
    seeds: tuple[int, ...] = (42,)
    settings: tuple[str, ...] = ()
    """NAME.option=value; NAME may be a glob over models."""
    budget: str = "full"
    precision: str = "auto"
    cross: bool = False
    fresh: bool = False
    track_test: bool = False
    fine_tune: str = ""
    """An own folder, DIR or NAME=DIR: trained models go on from there in folds by person."""
    quantize: str = ""
    corruptions: str = ""
    """"all" or names with commas: the stored models are tested on corrupted images too."""
    train_sizes: tuple[int, ...] = ()
    """A trial for each number of training images, for the learning curve."""
    exclude_duplicates: bool = False
    """Score without the test images that are, or nearly are, training images."""
    store: Path | None = None
    data_dir: Path | None = None
    cache_dir: Path | None = None
    plugins: tuple[str, ...] = ()
    jobs: int | Literal["auto"] | None = None
    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    retries: int = 0
    isolate: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a request resolves against: configuration, plugins, store, search folders."""

    config: Config
    plugins: Plugins
    store: Store
    search: tuple[Path, ...]


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


def select(session: Session, request: Request) -> Selected:
    """Resolve names, globs, paths and settings, and load the datasets.

    Raises
    ------
    BenchError
        If nothing matches, a named dataset is missing or wrong, or an option does not exist.
    """
    models = _select_models(session.plugins, request.models)
    request = _with_own_data(session, request)
    catalogue = _catalogue(session, request)
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
        pairings=_pairings(catalogue, loaded, request, load),
        failed=tuple(replace(cell, model=spec.name) for cell in loaded.failed for spec in models),
        settings=replace(settings, corrupted=corrupted),
        fine_tune=_fine_tuned_on(catalogue, request, load),
        evaluation_only=_evaluation_only(catalogue, loaded.present, load) if shipped else {},
    )


def _select_models(plugins: Plugins, patterns: Sequence[str]) -> list[ModelSpec]:
    for name in patterns:
        plugins.refuse_unsettled(name)
    names = _match(patterns, list(plugins.models), "model", "bench list models")
    return [plugins.models[name] for name in names]


def _match(patterns: Sequence[str], names: Sequence[str], kind: str, where: str) -> list[str]:
    """Return the names that any pattern matches, in the patterns' order; all without a pattern."""
    if not patterns:
        return sorted(names)
    chosen: dict[str, None] = {}
    for pattern in patterns:
        matched = [pattern] if pattern in names else [n for n in names if fnmatchcase(n, pattern)]
        if not matched:
            close = get_close_matches(pattern, names, n=3)
            hint = f"did you mean {', '.join(close)}? " if close else ""
            raise BenchError(f"unknown {kind} '{pattern}'", why=f"{hint}All names: {where}")
        chosen.update(dict.fromkeys(sorted(matched)))
    return list(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A dataset that can be asked for, and where it was named to be."""

    spec: DatasetSpec
    path: Path | None = None
    base: str = ""
    """The dataset that reads own data, whose options hold for it too; empty for a registered
    one."""
    trains: bool = False
    """An own folder that was named with ``-d``: it is split, and trained on."""


def _catalogue(session: Session, request: Request) -> dict[str, _Entry]:
    """Return every dataset by name: registered ones, paths named, own folders."""
    entries = {
        name: _Entry(spec=spec)
        for name, spec in session.plugins.datasets.items()
        if name not in (FOLDER_DATASET, ARRAY_DATASET)
    }
    folders = {**{n: str(p) for n, p in session.config.folders.items()}}
    folders |= dict(map(_named_folder, request.folders))
    if request.fine_tune:
        folders |= dict([_named_folder(request.fine_tune)])
    for name, folder in folders.items():
        if name in entries:
            raise BenchError(
                f"--folder {folder}", why=f"'{name}' is a dataset already", fix="use NAME=DIR"
            )
        spec = session.plugins.datasets.get(FOLDER_DATASET)
        if spec is None:
            raise BenchError("--folder", why="the image-folder plugin did not load: bench doctor")
        entries[name] = _Entry(
            spec=replace(spec, name=name), path=Path(folder), base=FOLDER_DATASET
        )
    for text in request.datasets:
        name, equals, path = text.partition("=")
        if name in entries and entries[name].base:
            entries[name] = replace(entries[name], trains=True)
        if equals and name in entries:
            entries[name] = replace(entries[name], path=Path(path).expanduser())
        elif equals:
            entries[name] = _own_arrays(session, name, path, list(entries))
    return entries


def _own_arrays(session: Session, name: str, path: str, known: Sequence[str]) -> _Entry:
    """Return the entry of a file or folder of arrays under a name of its own."""
    spec = session.plugins.datasets.get(ARRAY_DATASET)
    place = Path(path).expanduser()
    if spec is None or not place.exists():
        _match([name], known, "dataset", "bench list datasets")
    if spec is None or sniff(place) is not Own.ARRAYS:
        raise DataError(
            f"{path} is a picture",
            why="a dataset is a folder of them, or a file of arrays",
            fix=f"bench predict {path}, or name the folder",
        )
    return _Entry(spec=replace(spec, name=name), path=place, base=ARRAY_DATASET)


def _with_own_data(session: Session, request: Request) -> Request:
    """Return the request with own data named: ``-d [NAME=]DIR`` of photos as ``--folder`` too."""
    own = {*session.config.folders, *(_named_folder(text)[0] for text in request.folders)}
    known = {*session.plugins.datasets, *own} - {FOLDER_DATASET, ARRAY_DATASET}
    datasets, folders = list(request.datasets), list(request.folders)
    for place, text in enumerate(datasets):
        name, _, path = text.rpartition("=")
        there = Path(path).expanduser()
        if text in known or name in known or not there.exists():
            continue
        is_named = name not in ("", FOLDER_DATASET, ARRAY_DATASET)
        if name == FOLDER_DATASET or (there.is_dir() and sniff(there) is Own.PHOTOS):
            folders.append(text if is_named else path)
            datasets[place] = _named_folder(folders[-1])[0]
        else:
            datasets[place] = f"{name if is_named else name_of(there)}={path}"
    return replace(request, datasets=tuple(datasets), folders=tuple(folders))


def _named_folder(text: str) -> tuple[str, str]:
    name, equals, folder = text.partition("=")
    if not equals:
        name, folder = "", text
    return name or Path(folder).expanduser().resolve().name, folder


def _settings(session: Session, request: Request, catalogue: Mapping[str, _Entry]) -> Settings:
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
    return {_named_folder(text)[0]: dict(request.folder_options) for text in folders}


def _made_corruptions(names: str) -> tuple[tuple[str, int], ...]:
    """Return the corruptions that are made here, at each strength."""
    made = ",".join(name for name in names.split(",") if name.strip() != MNIST_C)
    chosen = choose_corruptions(made) if made else ()
    return tuple((each.name, strength) for each in chosen for strength in each.strengths)


def _declared_options(
    plugins: Plugins, catalogue: Mapping[str, _Entry]
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
    if owner in declared:
        return [owner]
    matched = [name for name in declared if fnmatchcase(name, owner)]
    if not matched:
        close = get_close_matches(owner, declared, n=2)
        hint = f"did you mean {' or '.join(close)}?" if close else "see bench list"
        raise OptionError(f"--set {text}", why=f"no model or dataset is named '{owner}'; {hint}")
    knowing = [name for name in matched if option in declared[name]]
    if not knowing:
        raise OptionError(f"--set {text}", why=f"none of {', '.join(matched)} has that option")
    return knowing


_Loader = Callable[[str, Style | None], LoadedDataset]


def _load(
    session: Session,
    entry: _Entry,
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


def _load_datasets(catalogue: Mapping[str, _Entry], request: Request, load: _Loader) -> _Loaded:
    """Load what is asked for; what is missing or broken becomes a cell, or an error if named."""
    patterns = [text.partition("=")[0] for text in request.datasets]
    chosen = _match(patterns, list(catalogue), "dataset", "bench list datasets")
    named = {text for text in patterns if text in catalogue}
    named |= {name for name, entry in catalogue.items() if entry.base}
    present: dict[str, LoadedDataset] = {}
    failed: list[Cell] = []
    others = [name for name in catalogue if name not in chosen]
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
    catalogue: Mapping[str, _Entry], loaded: _Loaded, request: Request, load: _Loader
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
    catalogue: Mapping[str, _Entry], request: Request, load: _Loader
) -> dict[Style, LoadedDataset]:
    if not request.fine_tune:
        return {}
    name, _ = _named_folder(request.fine_tune)
    views = catalogue[name].spec.views
    return {style: load(name, style if style in views else None) for style in Style}


def _evaluation_only(
    catalogue: Mapping[str, _Entry], present: Mapping[str, LoadedDataset], load: _Loader
) -> dict[Style, tuple[LoadedDataset, ...]]:
    names = [name for name, dataset in present.items() if dataset.train is None]
    return {
        style: tuple(
            load(name, style) if style in catalogue[name].spec.views else present[name]
            for name in names
        )
        for style in Style
    }


def _failed(name: str, error: DataError) -> Cell:
    is_missing = isinstance(error, DataMissingError)
    state = CellState.DATA_MISSING if is_missing else CellState.FAILED
    return Cell(model="", train_dataset=name, test_dataset=name, state=state, reason=str(error))


def _tests(
    train: str,
    catalogue: Mapping[str, _Entry],
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
