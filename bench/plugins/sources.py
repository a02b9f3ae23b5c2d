"""The source files of a plugin: its module, and what that imports of its own package or folder.

Everything here reads files only; nothing is imported, so that it can be asked before and after.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    PathFinder,
)
from importlib.util import cache_from_source, find_spec
from pathlib import Path

from bench.plugins.definitions import HARNESS
from bench.plugins.parsed import parsed

__all__ = [
    "Sources",
    "drop_old_bytecode",
    "hash_of_sources",
    "imported_names",
    "is_installed",
    "read_once",
    "read_sources",
    "without_bytecode",
]

_FILES_MAX = 2_000
_SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)  # as Python looks for them
_INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """A plugin's files as they are now."""

    root: Path
    """The folder that relative names begin at: a package's parent, or a file's folder."""
    files: Mapping[str, bytes]
    """Name relative to the root -> content."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the files lie."""
        return tuple(self.root / name for name in self.files)


def read_sources(*, module: str = "", file: str = "") -> Sources:
    """Return the files that decide what a plugin computes, as far as imports show.

    A file that cannot be read as Python is part of it by its bytes.
    """
    kept = _kept.get()
    if kept is None:
        return _read_sources(module, file)
    if (module, file) not in kept:
        kept[module, file] = _read_sources(module, file)
    return kept[module, file]


_kept: ContextVar[dict[tuple[str, str], Sources] | None] = ContextVar("kept", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Let `read_sources` read each plugin once in here: all that is planned has one state of it."""
    before = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(before)


def _read_sources(module: str, file: str) -> Sources:
    walk = _of_file(Path(file)) if file else _of_module(module)
    if walk is None:
        return Sources(root=Path(), files={})
    walk.follow()
    named = {_name(path, walk.places): data for path, data in walk.found.items()}
    return Sources(root=walk.root, files=dict(sorted(named.items())))


def hash_of_sources(sources: Sources) -> str:
    """Return one hash of what these files compute, each under its name."""
    digest = sha256()
    for name, data in sources.files.items():
        is_python = name.endswith(".py")
        content = parsed(data).definitions if is_python else sha256(data).hexdigest()
        digest.update(f"{name}:{content}\n".encode())
    return digest.hexdigest()


def drop_old_bytecode(sources: Sources) -> None:
    """Remove compiled files that are older than their source, which Python might not notice.

    It compares whole seconds and sizes: an edit of one character within a second escapes it.
    """
    for path in sources.paths:
        if path.suffix != ".py":
            continue
        with suppress(OSError, NotImplementedError):
            compiled = Path(cache_from_source(str(path)))
            if compiled.stat().st_mtime_ns <= path.stat().st_ctime_ns:
                compiled.unlink()


@contextmanager
def without_bytecode() -> Iterator[None]:
    """Import in here without leaving compiled files: an edit within a second would go unnoticed.

    That holds for what only running shows, too: `drop_old_bytecode` knows no such file.
    """
    earlier, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = earlier


def imported_names(sources: Sources) -> set[str]:
    """Return the first part of every module, and every name, that these files import."""
    found: set[str] = set()
    for data in sources.files.values():
        for level, module, names in parsed(data).imports:
            found.update(names)
            if not level:
                found.add(module.partition(".")[0])
    return found


def is_installed(path: Path) -> bool:
    """Whether a file belongs to the standard library or to an installed distribution."""
    parts = path.parts
    return bool(_INSTALLED.intersection(parts)) or any(
        path.is_relative_to(place) for place in _standard_library()
    )


@cache
def _standard_library() -> tuple[Path, ...]:
    # As `sysconfig` says it, whose import takes longer than all else here.
    own = Path(os.__file__).parent
    return tuple({own, Path(sys.base_exec_prefix, *own.parts[-2:])})


def _name(path: Path, places: Iterable[Path]) -> str:
    for place in places:
        if path.is_relative_to(place):
            return path.relative_to(place).as_posix()
    return path.name


@dataclass(slots=True, kw_only=True)
class _Walk:
    """State: files found, and those whose imports are still to be followed."""

    root: Path
    places: tuple[Path, ...]
    """Folders in which absolute imports are looked for."""
    package: str
    """The only package followed by absolute imports; empty: whatever lies in the places."""
    todo: list[tuple[Path, str]]
    """Files with the package that their relative imports begin at."""
    found: dict[Path, bytes]
    listed: dict[Path, frozenset[str]] = field(default_factory=dict)
    """Folder -> names in it, so that each is looked at once."""

    def follow(self) -> None:
        while self.todo and len(self.found) < _FILES_MAX:
            path, package = self.todo.pop()
            if path in self.found:
                continue
            data = _read(path)
            self.found[path] = data
            imports = parsed(data).imports if path.suffix == ".py" else ()
            for level, module, names in imports:
                self._follow_import(package, level, module, names)

    def _follow_import(self, package: str, level: int, module: str, names: Iterable[str]) -> None:
        if level:
            parts = package.split(".") if package else []
            if level - 1 > len(parts):
                return
            parts = parts[: len(parts) - (level - 1)]
            absolute = ".".join([*parts, *([module] if module else [])])
        else:
            absolute = module
            top = absolute.partition(".")[0]
            if top == HARNESS or (self.package and top != self.package):
                return
        self.add(absolute)
        for name in names:
            if name != "*":
                self.add(f"{absolute}.{name}" if absolute else name)

    def add(self, module: str) -> None:
        """Queue the file of a module and of every package it lies in; nothing for what is none."""
        parts = module.split(".")
        folders = self.places
        for depth, part in enumerate(parts, start=1):
            if not part.isidentifier():
                return
            files, folders = self._look(folders, part)
            name = ".".join(parts[:depth])
            for path, is_package in files:
                inside = name if is_package else name.rpartition(".")[0]
                self.todo.append((path, inside))
            if not folders:
                return

    def _look(
        self, folders: Iterable[Path], name: str
    ) -> tuple[list[tuple[Path, bool]], tuple[Path, ...]]:
        """Find a module in these folders: its file, if it has one, and the folders below it."""
        below = []
        for folder in folders:
            package = folder / name
            is_folder = name in self._names(folder) and package.is_dir()
            for suffix in _SUFFIXES:
                inside = f"__init__{suffix}"
                if is_folder and inside in self._names(package) and (package / inside).is_file():
                    return [(package / inside, True)], (package,)
            for suffix in _SUFFIXES:
                file = f"{name}{suffix}"
                if file in self._names(folder) and (folder / file).is_file():
                    return [(folder / file, False)], ()
            if is_folder:
                below.append(package)
        return [], tuple(below)

    def _names(self, folder: Path) -> frozenset[str]:
        if folder not in self.listed:
            try:
                self.listed[folder] = frozenset(os.listdir(folder))  # noqa: PTH208  # names alone
            except OSError:
                self.listed[folder] = frozenset()
        return self.listed[folder]


def _of_file(file: Path) -> _Walk | None:
    if not file.is_file():
        return None
    path = file.resolve()
    own = path.stem if is_installed(path) else ""
    return _Walk(root=path.parent, places=(path.parent,), package=own, todo=[(path, "")], found={})


def _of_module(module: str) -> _Walk | None:
    top = module.partition(".")[0]
    places = _places(top)
    if not places:
        return None
    own = top if is_installed(places[0]) else ""
    walk = _Walk(root=places[0], places=places, package=own, todo=[], found={})
    walk.add(module)
    return walk


def _places(top: str) -> tuple[Path, ...]:
    """Return the folders that hold a top-level module or the parts of a namespace package."""
    try:
        # What was imported once may have been given another search path since.
        spec = find_spec(top) if top in sys.modules else PathFinder.find_spec(top) or find_spec(top)
    except (ImportError, ValueError):
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(Path(place).absolute().parent for place in spec.submodule_search_locations)
    return (Path(spec.origin).absolute().parent,) if spec.origin else ()


def _read(path: Path) -> bytes:
    """Return a file's bytes; of one that cannot be read, a sign that it could not."""
    try:
        return path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.errno}".encode()
