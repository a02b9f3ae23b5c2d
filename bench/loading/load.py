"""Loading: parse a dataset's files once, then find the splits by the files' facts alone.

An index file maps what decides the parsed content (the plugin's code, the resolved options, name,
size, modification time and inode of each data file) to the content hashes. A load that finds its
key there reads no data file and imports no engine.
"""

import functools
import inspect
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import BenchError, DataError, DataMissingError
from bench.images.kinds import check_is_file
from bench.loading.cache import cache_error, cache_folder, write_split
from bench.loading.files import data_dirs, find_files, named_files
from bench.loading.index import read_index, write_index
from bench.loading.plausibility import warnings_of
from bench.loading.refs import LoadedDataset
from bench.loading.validate import check_dataset
from bench.options import OptionValue, resolve_options
from bench.plugins.contents import as_path, facts_now
from bench.plugins.finding import BUILT_IN_PACKAGES
from bench.plugins.ground import Ground, ground_of
from bench.plugins.guarding import undisturbed
from bench.plugins.loaded import watching
from bench.plugins.sources import hash_of_sources, read_sources
from bench.spec import Dataset, DatasetSpec, LoadContext

__all__ = ["load_dataset"]

_FORMAT = 2  # of the index; a newer one makes all entries anew
_FOLDER_FILES_MAX = 200_000


def load_dataset(
    spec: DatasetSpec,
    *,
    settings: Mapping[str, OptionValue] | None = None,
    path: Path | None = None,
    search: Iterable[Path] | None = None,
    cache_dir: Path | None = None,
    fresh: bool = False,
    look_at: int | None = None,
) -> LoadedDataset:
    """Return a dataset whose splits are in the data cache.

    Parameters
    ----------
    spec : DatasetSpec
        The dataset's registration.
    settings : mapping
        Options that were set; the others have their defaults.
    path : Path or None
        The file or folder named on the command line; else files are searched for by name.
    search : iterable of Path or None
        The folders to search (default: `bench.loading.data_dirs`).
    cache_dir : Path or None
        The cache's folder (default: `bench.loading.cache.cache_folder`).
    fresh : bool
        Read the files again, whatever the cache holds.
    look_at : int or None
        A look is wanted, at so many images; a dataset may give them all. See `LoadContext.look_at`.

    Raises
    ------
    DataMissingError
        If no folder holds its files.
    DataError
        If a file cannot be read as this dataset, its content cannot be used, or a file is named
        for embedded data, which reads none.
    OptionError
        If an option does not exist or has a wrong value.
    BenchError
        If the cache cannot be written.
    """
    options = resolve_options(spec.name, spec.options, settings or {})
    spec = replace(spec, files=named_files(spec, options))
    paths = _resolve_paths(spec, path, data_dirs() if search is None else tuple(search))
    cache = cache_folder(cache_dir)
    key = _key(spec, options, paths)
    whole = cache / "index" / f"{_slug(spec.name)}-{key}.json"
    look = whole.with_name(f"{whole.stem}-look-{look_at}.json")
    for index in (whole, look) if look_at else (whole,):
        kept = read_index(index, cache) if key and not fresh else None
        if kept and all(facts_now(as_path(path)) == facts for path, facts in kept.opened.items()):
            return kept
    loaded = _load(spec, options, paths, cache, look_at)
    if key:
        write_index(look if loaded.whole else whole, loaded, cache)
    return loaded


def _slug(name: str) -> str:
    """Return a name, perhaps one that a user made up for a folder, as part of a file name."""
    return re.sub(r"[^\w-]", "_", name, flags=re.ASCII)[:40]


def _resolve_paths(
    spec: DatasetSpec, path: Path | None, search: tuple[Path, ...]
) -> tuple[Path, ...]:
    if path is None:
        if not spec.files:
            return ()
        found = find_files(spec, search)
        if found is None:
            raise _missing(spec)
        return tuple(each.absolute() for each in found)
    if spec.embedded:  # not merely one without `files`: an own folder is named by its path
        raise DataError(
            f"{spec.name} reads no file",
            why=f"it is {spec.embedded}",
            fix=f"leave {path} out: -d {spec.name}",
        )
    path = path.expanduser().absolute()
    if not path.exists():
        raise DataMissingError(f"{spec.name}: {path} does not exist")
    if not path.is_dir():
        check_is_file(path)
    elif spec.files:
        found = find_files(spec, (path,))
        if found is None and spec.reads_folders:
            return (path,)
        if found is None:
            raise DataMissingError(
                f"{spec.name}: {path} holds none of its files",
                why=f"they are {_alternatives(spec)}",
            )
        return found
    return (path,)


def _missing(spec: DatasetSpec) -> DataMissingError:
    # One line: `bench list datasets NAME` has all alternatives and the folders.
    first = " + ".join(spec.files[0])
    also = " or its other files" * (len(spec.files) > 1)
    return DataMissingError(
        f"{spec.name} is not on this machine",
        why=f"no {first}{also} in any data folder",
        fix=spec.how_to_get or f"name the file: -d {spec.name}=PATH",
    )


def _alternatives(spec: DatasetSpec) -> str:
    return " or ".join(" + ".join(names) for names in spec.files)


def _load(
    spec: DatasetSpec,
    options: dict[str, OptionValue],
    paths: tuple[Path, ...],
    cache: Path,
    look_at: int | None,
) -> LoadedDataset:
    work = _work_folder(cache, spec)
    context = LoadContext(
        paths=paths, options=options, work_dir=work, name=spec.name, look_at=look_at
    )
    with watching(_ground(spec.load), (str(cache),)) as watcher:
        dataset = _call_plugin(spec, context)
        opened = watcher.facts() if watcher else {}
    check_dataset(dataset, " + ".join(path.name for path in paths) or spec.name)
    doubts = warnings_of(dataset, spec.style)
    splits = {
        which: None if split is None else write_split(split, dataset.classes, cache)
        for which, split in (("train", dataset.train), ("test", dataset.test))
    }
    return LoadedDataset(
        name=spec.name,
        options=options,
        classes=dataset.classes,
        notes=(*dataset.notes, *(each.replace("NAME", spec.name) for each in doubts)),
        findings=dataset.findings,
        truths=dict(dataset.truths),
        submission=dataset.submission,
        details=dataset.details,
        doubt=dataset.doubt,
        whole=dataset.whole,
        style=spec.style,
        embedded=spec.embedded,
        label_errors={each.image: each.label for each in spec.label_errors},
        label_errors_source="; ".join(dict.fromkeys(each.source for each in spec.label_errors)),
        paths=tuple(map(str, paths)),
        folder=str(dataset.folder or ""),
        opened=opened,
        **splits,
    )


def _work_folder(cache: Path, spec: DatasetSpec) -> Path:
    work = cache / "work" / _slug(spec.name)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cache_error(cache, error) from error
    return work


def _call_plugin(spec: DatasetSpec, context: LoadContext) -> Dataset:
    try:
        with undisturbed():
            dataset = spec.load(context)
    except BenchError:
        raise
    # Foreign code on an untrusted file: whatever it raises is this dataset's failure.
    except Exception as error:
        named = " + ".join(path.name for path in context.paths) or spec.name
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"{spec.name}: reading {named} failed", why=f"{type(error).__name__}: {reason}"
        ) from error
    if not isinstance(dataset, Dataset):
        raise DataError(
            f"{spec.name}: its plugin returned {type(dataset).__name__}, not a bench Dataset"
        )
    return dataset


def _key(spec: DatasetSpec, options: Mapping[str, OptionValue], paths: tuple[Path, ...]) -> str:
    """Return a hash of all that decides the parsed content; empty if that cannot be known."""
    code = _code_hash(spec.load)
    if not code:
        return ""
    # An option may name a further file (a fixed test file, a table of labels).
    beside = [path if path.is_dir() else path.parent for path in paths]
    named = [
        candidate
        for value in options.values()
        if isinstance(value, str) and value
        for candidate in (Path(value).expanduser(), *(folder / value for folder in beside))
        if candidate.is_file()
    ]
    facts = [fact for path in (*paths, *named) for fact in _facts(path)]
    parts = (_FORMAT, spec.name, spec.style, spec.embedded, code, dict(options), facts)
    return blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def _facts(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, size, modification time and inode of a file, or of all files of a folder."""
    if not path.is_dir():
        status = path.stat()
        yield str(path), status.st_size, status.st_mtime_ns, status.st_ino
        return
    seen = 0
    visited: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(path, followlinks=True):
        here = Path(folder).stat()
        if (here.st_dev, here.st_ino) in visited:  # a link that leads back
            folders.clear()
            continue
        visited.add((here.st_dev, here.st_ino))
        folders.sort()
        for name in sorted(files):
            seen += 1
            if seen > _FOLDER_FILES_MAX:
                raise DataError(
                    f"{path} holds more than {_FOLDER_FILES_MAX:,} files",
                    fix="name a part of it, or make one file of arrays of them",
                )
            file = Path(folder) / name
            try:
                status = file.stat()
            except OSError:  # a dangling link; the plugin says so, if it matters
                continue
            # A name may be no text in this system's encoding.
            shown = os.fsencode(file).decode("utf-8", "backslashreplace")
            yield shown, status.st_size, status.st_mtime_ns, status.st_ino


def _code_hash(load: Any) -> str:
    """Hash the source a plugin's ``load`` depends on; empty for a function with hidden state."""
    if isinstance(load, functools.partial) or getattr(load, "__closure__", None):
        return ""
    module = sys.modules.get(getattr(load, "__module__", ""))
    file = getattr(module, "__file__", None)
    if file is None:
        try:
            return _digest([inspect.getsource(load).encode()])
        except (OSError, TypeError):
            return ""
    in_package = bool(getattr(module, "__package__", ""))
    name = str(getattr(module, "__name__", ""))
    if name.partition(".")[0] in BUILT_IN_PACKAGES:
        return _digest([load.__qualname__.encode(), _kept_source_hash(Path(file).parent).encode()])
    sources = read_sources(module=name) if in_package else read_sources(file=file)
    parts = (
        load.__qualname__,
        hash_of_sources(sources),
        _source_hash(Path(file).parent if in_package else Path(file)),
    )
    return _digest(part.encode() for part in parts)


def _ground(load: Any) -> Ground | None:
    """Return where a dataset's plugin is at home; None for one that is built in."""
    module = sys.modules.get(getattr(load, "__module__", ""))
    name, file = str(getattr(module, "__name__", "")), getattr(module, "__file__", None)
    if not file or name.partition(".")[0] in (*BUILT_IN_PACKAGES, "bench"):
        return None
    if getattr(module, "__package__", ""):
        return ground_of(module=name)
    return ground_of(file=file)


@functools.cache
def _kept_source_hash(place: Path) -> str:
    return _source_hash(place)


def _source_hash(place: Path) -> str:
    """Hash a plugin's file, or all of its folder for shared readers, and the harness's code."""
    own = sorted(place.rglob("*")) if place.is_dir() else [place]
    harness = Path(__file__).parents[1]
    doubts = Path(__file__).with_name("plausibility.py")
    shared = [
        *sorted((harness / "images").iterdir()),
        *sorted((harness / "spec").iterdir()),
        doubts,
    ]
    parts = []
    for path in (*own, *shared):
        if path.suffix == ".py":
            parts.append(path.read_bytes())
        elif path.is_file() and "__pycache__" not in path.parts:
            status = path.stat()
            parts.append(f"{path.name} {status.st_size} {status.st_mtime_ns}".encode())
    return _digest(parts)


def _digest(parts: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=12)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
