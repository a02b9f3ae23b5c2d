"""What a plugin was seen to load: modules, files and listings of its own folder, with hashes.

An audit hook sees what Python opens, lists and executes; libraries that open files below Python
are asked for their paths by `wrap_native_readers`. Only what lies in the plugin's folder, package
or project is noted; the names are relative to it.
"""

import os
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from bench.plugins.definitions import definitions_hash
from bench.plugins.finding import BUILT_IN_PACKAGES
from bench.plugins.native_readers import wrap_native_readers
from bench.plugins.sources import is_installed, read_sources, without_bytecode

__all__ = ["Ground", "Watcher", "facts_of", "first_change", "ground_of", "watching"]

_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git", "bench.toml")
_PACKAGE_BYTES_MAX: Final = 50 * 1024 * 1024
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_OPENERS: Final = frozenset({"sqlite3.connect", "ctypes.dlopen"})
_LISTERS: Final = frozenset({"os.listdir", "os.scandir"})
_LISTING: Final = "/"
_IMPORTLIB: Final = "<frozen importlib"
_NOT_OWN: Final = frozenset({"__pycache__", ".git", "site-packages", "dist-packages"})
_INSTALLED_HERE: Final = (sys.prefix + os.sep, sys.base_prefix + os.sep)
_busy = threading.local()
"""Whether this thread is in the hook: what the hook itself opens is not the plugin's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a plugin is at home."""

    anchor: Path
    """Names are relative to it."""
    own: Path
    """What lies below it is the plugin's."""
    package: Path | None
    """A package of the plugin's own, all of whose data files count; None for a lone file."""


def ground_of(*, module: str = "", file: str = "") -> Ground | None:
    """Return where a plugin is at home; None for one that cannot be found."""
    sources = read_sources(module=module, file=file)
    if not sources.files:
        return None
    top = module.partition(".")[0]
    if not file and (sources.root / top).is_dir():
        package = sources.root / top
        if top in BUILT_IN_PACKAGES:
            return Ground(anchor=sources.root, own=package, package=None)
        if is_installed(package):
            return Ground(anchor=sources.root, own=package, package=package)
        project = _project(sources.root)
        return Ground(anchor=project, own=project, package=package)
    if is_installed(sources.root):
        only = sources.root / next(iter(sources.files))
        return Ground(anchor=sources.root, own=only, package=None)
    project = _project(sources.root)
    return Ground(anchor=project, own=project, package=None)


def _project(folder: Path) -> Path:
    """Return the nearest folder upwards that is marked as a project; else the folder itself."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # never raises
    for place in (folder, *folder.parents):
        if place == home or place == place.parent or home.is_relative_to(place):
            break
        if any((place / marker).exists() for marker in _MARKERS):
            return place
    return folder


@dataclass(slots=True, kw_only=True)
class Watcher:
    """State: what was opened, listed and executed since watching began."""

    ground: Ground
    excluded: tuple[str, ...]
    """Folders whose files are the harness's or the trial's own."""
    seen: set[str] = field(default_factory=set)
    opened: dict[str, tuple[int, int, int] | None] = field(default_factory=dict)
    """Path -> size, modification time and inode when it was first opened."""
    written: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    executed: dict[str, str] = field(default_factory=dict)
    """Path of a source -> hash of its definitions when it was executed."""

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Take one audit event."""
        if event == "open":
            path, mode, flags = args
            writes = bool(isinstance(flags, int) and flags & _WRITES)
            if writes or not isinstance(path, str) or path not in self.seen:
                self.note(path, writes=writes or (isinstance(mode, str) and "+" in mode))
        elif event == "exec":
            name = getattr(args[0], "co_filename", "")
            if name.endswith(".py") and (own := self._own(name)):
                self.executed.setdefault(own, _hash_now(own))
        elif event in _OPENERS:
            self.note(args[0])
        elif event in _LISTERS and not sys._getframe(2).f_code.co_filename.startswith(_IMPORTLIB):
            own = self._own(args[0] if args[0] is not None else ".")
            if own:
                self.listed.add(own)

    def note(self, path: Any, *, writes: bool = False) -> None:
        """Note one file that is opened."""
        if isinstance(path, str):
            self.seen.add(path)
        own = self._own(path)
        if not own:
            return
        if writes:
            self.written.add(own)
        elif own not in self.opened:
            self.opened[own] = facts_of(own)

    def _own(self, path: Any) -> str:
        """Return the absolute path of what is the plugin's own; empty for anything else."""
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        elif isinstance(path, os.PathLike):
            path = os.fspath(path)
        if not isinstance(path, str) or not path:
            return ""
        full = self.places.get(path)
        if full is None:
            full = os.path.realpath(path)
            if os.path.isabs(path):  # noqa: PTH117  # another folder may be the working one soon
                self.places[path] = full
        own = str(self.ground.own)
        if full != own and not full.startswith(own + os.sep):
            return ""
        if not _NOT_OWN.isdisjoint(Path(full[len(own) :]).parts):
            return ""
        return "" if any(full.startswith(folder) for folder in self.excluded) else full

    def notes(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return the hash of each thing noted, by name, and the names that changed meanwhile."""
        found = dict(self.executed)  # what was executed counts: a later save is another trial's
        changed = []
        with _unheard():
            for module in list(sys.modules.values()):
                file = getattr(module, "__file__", None) or ""
                if file.startswith(_INSTALLED_HERE) and "site-packages" in file:
                    continue
                own = self._own(file)
                if own.endswith(".py"):
                    found.setdefault(own, _hash_now(own))
            for path, before in self.opened.items():
                if path in found or path in self.written or not Path(path).is_file():
                    continue
                if facts_of(path) != before:
                    changed.append(path)
                found[path] = _hash_now(path)
            for path in _data_files(self.ground.package):
                if path not in self.written and self._own(path):
                    found.setdefault(path, _hash_now(path))
            for folder in self.listed:
                found[folder + _LISTING] = _hash_now(folder + _LISTING)
        named = {self._name(path): content for path, content in found.items()}
        return dict(sorted(named.items())), tuple(sorted(map(self._name, changed)))

    def read_only(self) -> dict[str, tuple[int, int, int]]:
        """Return size, modification time and inode of each file that was opened to be read."""
        return {
            path: facts
            for path, facts in self.opened.items()
            if facts is not None and path not in self.written and not path.endswith(".py")
        }

    def _name(self, path: str) -> str:
        name = os.path.relpath(path, self.ground.anchor)
        return name + _LISTING if path.endswith(_LISTING) else name

    def differs_from(self, sources: Mapping[str, bytes], root: Path) -> tuple[str, ...]:
        """Return the names of executed sources that were not what `sources` holds of them."""
        held = {str(root / name): definitions_hash(data) for name, data in sources.items()}
        names = [
            path for path, content in self.executed.items() if held.get(path, content) != content
        ]
        return tuple(sorted(map(self._name, names)))


def first_change(ground: Ground | None, notes: Mapping[str, str]) -> str:
    """Return the first name noted whose content is another now; empty where all still hold."""
    for name, content in notes.items():
        path = "" if ground is None else os.path.join(ground.anchor, name)  # noqa: PTH118  # a "/"
        if _hash_now(path) != content:
            return name
    return ""


def facts_of(path: str) -> tuple[int, int, int] | None:
    """Return size, modification time and inode of a regular file; None for anything else."""
    try:
        status = os.stat(path)  # noqa: PTH116  # called from an audit hook: no more than needed
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _hash_now(path: str) -> str:
    """Return the hash of a source's definitions, a file's bytes or a folder's file names."""
    if path.endswith(_LISTING):
        return _hash_of_listing(path)
    facts = facts_of(path)
    return "" if facts is None else _hash_of_file(path, facts)


def _hash_of_listing(path: str) -> str:
    try:
        with os.scandir(path) as entries:
            names = sorted(e.name for e in entries if e.is_file() and not e.name.startswith("."))
    except OSError:
        return ""
    return sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()


@lru_cache(maxsize=4096)
def _hash_of_file(path: str, facts: tuple[int, int, int]) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # called from an audit hook
            if path.endswith(".py"):
                return definitions_hash(file.read())
            digest = sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return ""


def _data_files(package: Path | None) -> Iterator[str]:
    """Yield the files of a package that are no Python, as long as they are 50 MB together."""
    room = _PACKAGE_BYTES_MAX
    for folder, folders, names in os.walk(package) if package else ():
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
        for name in sorted(names):
            path = os.path.join(folder, name)  # noqa: PTH118  # as os.walk gives it
            facts = None if name.endswith((".py", ".pyc")) else facts_of(path)
            if facts is not None and Path(path).is_file() and facts[0] <= room:
                room -= facts[0]
                yield os.path.realpath(path)


_watcher: Watcher | None = None
_is_hooked = False


@contextmanager
def watching(ground: Ground | None, excluded: Iterable[str] = ()) -> Iterator[Watcher | None]:
    """Note what the plugin loads in here; None for a plugin without a home."""
    global _watcher, _is_hooked
    if ground is None:
        yield None
        return
    harness = str(Path(__file__).resolve().parents[1])
    folders = tuple(os.path.realpath(folder) + os.sep for folder in (*excluded, harness) if folder)
    mine = Watcher(ground=ground, excluded=folders)
    if not _is_hooked:  # it stays for the process's life
        sys.addaudithook(_hook)
        _is_hooked = True
    earlier, _watcher = _watcher, mine
    try:
        with without_bytecode(), wrap_native_readers(mine.note):
            yield mine
    finally:
        _watcher = earlier


@contextmanager
def _unheard() -> Iterator[None]:
    earlier, _busy.is_set = getattr(_busy, "is_set", False), True
    try:
        yield
    finally:
        _busy.is_set = earlier


def _hook(event: str, args: tuple[Any, ...]) -> None:
    watcher = _watcher
    if watcher is None or event not in _EVENTS or getattr(_busy, "is_set", False):
        return
    _busy.is_set = True
    try:
        watcher.hear(event, args)
    except Exception:  # noqa: BLE001  # it would end the plugin's own call
        return
    finally:
        _busy.is_set = False


_EVENTS: Final = frozenset({"open", "exec"}) | _OPENERS | _LISTERS
