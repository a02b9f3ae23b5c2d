"""What a plugin was seen to load: modules, files and listings of its own folder, with hashes.

An audit hook sees what Python opens, lists and executes; what no audit event tells of is heard by
`hear_the_rest`. Only what lies in the plugin's folder, package or project is noted, and what was
looked for there in vain; the names are relative to it. Processes that the plugin starts note as
well.
"""

import importlib
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.plugins.contents import (
    LISTING,
    LISTING_BELOW,
    as_path,
    as_text,
    data_files,
    facts_now,
    facts_of,
    hash_now,
)
from bench.plugins.descendants import SharedNotes
from bench.plugins.ground import INSTALLED_HERE, Finder, Ground
from bench.plugins.imported import remember
from bench.plugins.native_readers import hear_the_rest
from bench.plugins.parsed import parsed
from bench.plugins.sources import without_bytecode
from bench.plugins.unheard import busy, is_unheard, unheard

__all__ = ["Watcher", "first_change", "watch_for_life", "watching"]

_WRITES: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_ANY_WRITE: Final = _WRITES | os.O_RDWR
_OPENERS: Final = frozenset({"sqlite3.connect", "ctypes.dlopen"})
_LISTERS: Final = frozenset({"os.listdir", "os.scandir"})
_STARTERS: Final = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn"})
_ABOUT_VERSIONS: Final = frozenset({"git", "hg", "svn"})  # asked for a name, mostly
# Looking for a module or a version lists every folder of Python's path.
_IMPORTLIB: Final = ("<frozen importlib", os.path.dirname(importlib.__file__))  # noqa: PTH120
_READ, _WRITTEN, _LISTED, _STARTED = "r", "w", "l", "s"


@dataclass(slots=True, kw_only=True)
class Watcher:
    """State: what was opened, listed and executed since watching began."""

    finder: Finder
    shared: SharedNotes
    seen: set[str] = field(default_factory=set)
    opened: dict[str, tuple[int, int, int] | None] = field(default_factory=dict)
    """Path -> its facts when it was first opened; None for what was not there."""
    written: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    """What was opened to be read and perhaps written."""
    listed: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    """Folders in which other programs were started, whose files are not heard."""
    executed: dict[str, str] = field(default_factory=dict)
    """Path of a source -> hash of its definitions when it was executed."""

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Take one audit event."""
        if event == "open":
            path, _, flags = args
            flags = flags if isinstance(flags, int) else 0
            if flags & _ANY_WRITE or not isinstance(path, str) or path not in self.seen:
                self.note(path, flags=flags)
        elif event == "exec":
            name = getattr(args[0], "co_filename", "")
            own = self.finder.own(name) if name.endswith(".py") else ""
            if own and own not in self.executed:
                self.executed[own] = hash_now(own)
                self._tell(_READ, own)
        elif event in _OPENERS:
            self.note(args[0], flags=os.O_RDWR)
        elif event in _STARTERS:
            self._note_command(args[1], args[2] if event == "subprocess.Popen" else None)
        elif event == "os.system":
            self._note_command(os.fsdecode(args[0]), None)
        elif event in _LISTERS and not sys._getframe(2).f_code.co_filename.startswith(_IMPORTLIB):
            self.note_listing(args[0] if args[0] is not None else ".")

    def note(self, path: Any, *, flags: int = 0) -> None:
        """Note one file that is opened, or looked for in vain."""
        if isinstance(path, str):
            self.seen.add(path)
        own = self.finder.own(path)
        if not own:
            return
        if flags & _WRITES:
            self.written.add(own)
            self._tell(_WRITTEN, own)
        elif own not in self.opened:
            self.opened[own] = facts_of(own)
            self._tell(_READ, own)
        if flags & os.O_RDWR:
            self.updated.add(own)

    def note_apart(self, path: Any) -> None:
        """Note one file as `note` does, called by what is no audit event."""
        with unheard(), suppress(Exception):  # as in the hook
            self.note(path)

    def note_listing(self, folder: Any) -> None:
        """Note that somebody looked which files a folder holds."""
        own = self.finder.own(folder)
        if own and own not in self.listed:
            self.listed.add(own)
            self._tell(_LISTED, own)

    def _tell(self, kind: str, own: str) -> None:
        if self.shared.is_elsewhere():
            self.shared.add(kind, own)

    def _hear_others(self) -> None:
        """Take what other processes have noted."""
        for kind, own in self.shared.read():
            if kind == _READ:
                self.opened.setdefault(own, facts_of(own))
            else:
                {_WRITTEN: self.written, _LISTED: self.listed, _STARTED: self.started}[kind].add(
                    own
                )

    def _note_command(self, words: Any, folder: Any) -> None:
        """Note the folders whose files a command may read: its own, and those of files it names.

        What another program opens is not heard.
        """
        texts = [os.fsdecode(word) for word in ([words] if isinstance(words, str) else words)]
        parts = [part for text in texts for part in {text, *_split(text)}]
        if not parts or os.path.basename(parts[0]) in _ABOUT_VERSIONS:  # noqa: PTH119
            return
        below = os.fspath(folder) if folder else ""
        places = [below]
        for path in {name for part in parts for name in (part, part.rpartition("=")[2])}:
            full = os.path.abspath(os.path.join(below, path))  # noqa: PTH100, PTH118  # as given
            if path and facts_of(full) is not None:
                places.append(os.path.dirname(full))  # noqa: PTH120
        for own in filter(None, map(self.finder.own, places)):
            self.started.add(own)
            self._tell(_STARTED, own)

    def notes(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return the hash of each thing noted, by name, and the names that changed meanwhile."""
        with unheard():
            self._hear_others()
            found = dict(self.executed)  # what was executed counts: a later save is another trial's
            for path in self._modules():
                found.setdefault(path, hash_now(path))
            changed = self._add_opened(found)
            for path in self._data_files():
                if path not in self.written:
                    found.setdefault(path, hash_now(path))
            for name in self._listings():
                found[name] = hash_now(name)
        named = {self._name(path): content for path, content in found.items()}
        return dict(sorted(named.items())), tuple(sorted(map(self._name, changed)))

    def _modules(self) -> Iterator[str]:
        is_installed = self.finder.is_installed
        for module in list(sys.modules.values()):
            # Asked otherwise, some would import what they stand for.
            file = getattr(module, "__dict__", {}).get("__file__") or ""
            if is_installed or not file.startswith(INSTALLED_HERE):
                own = self.finder.own(file)
                if own.endswith(".py"):
                    yield own

    def _add_opened(self, found: dict[str, str]) -> list[str]:
        """Add what was opened; return what has changed since."""
        changed = []
        for path, before in self.opened.items():
            if path in found or path in self.written:
                continue
            is_there = Path(path).is_file()
            if not is_there and (before is not None or os.path.lexists(path)):
                continue  # a folder, or a file that was removed
            if before is not None and facts_of(path) != before:
                if path in self.updated:
                    continue
                changed.append(path)
            found[path] = hash_now(path)
        return changed

    def _data_files(self) -> Iterator[str]:
        package = self.finder.ground.package
        yield from filter(self.finder.own, data_files(package))
        for folder in self.started:
            yield from filter(self.finder.own, data_files(Path(folder), code=True))

    def _listings(self) -> Iterator[str]:
        above = {str(Path(folder).parent) for folder in self.listed}
        for folder in self.listed:
            yield folder + (LISTING_BELOW if folder in above else LISTING)

    def facts(self) -> dict[str, tuple[int, int, int] | None]:
        """Return the facts of each file that was read, looked for or imported, and each listing."""
        with unheard():
            self._hear_others()
            found = {path: facts_of(path) for path in (*self._modules(), *self.executed)}
            found |= {path: facts_now(path) for path in self._listings()}
            for path, facts in self.opened.items():
                if path not in self.written and path not in self.updated:
                    found[path] = facts or facts_of(path)
            return {as_text(path): facts for path, facts in found.items()}

    def _name(self, path: str) -> str:
        anchor = f"{self.finder.ground.anchor}{os.sep}"
        bare = path.rstrip(LISTING)
        if bare.startswith(anchor):
            return as_text(path[len(anchor) :])
        return as_text(os.path.relpath(bare, anchor) + path[len(bare) :])

    def differs_from(self, sources: Mapping[str, bytes], root: Path) -> tuple[str, ...]:
        """Return the names of executed sources that were not what `sources` holds of them."""
        held = {str(root / name): parsed(data).definitions for name, data in sources.items()}
        names = [
            path for path, content in self.executed.items() if held.get(path, content) != content
        ]
        return tuple(sorted(map(self._name, names)))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # it is no line of a shell
        return []


def first_change(ground: Ground | None, notes: Mapping[str, str]) -> str:
    """Return the first name noted whose content is another now; empty where all still hold."""
    for name, content in notes.items():
        path = "" if ground is None else os.path.join(ground.anchor, as_path(name))  # noqa: PTH118  # a "/"
        if hash_now(path) != content:
            return name
    return ""


_watcher: Watcher | None = None
_is_hooked = False
_for_life = ExitStack()


@contextmanager
def watching(
    ground: Ground | None, excluded: Iterable[str] = (), notes: Path | None = None
) -> Iterator[Watcher | None]:
    """Note what the plugin loads in here; None for a plugin without a home.

    Parameters
    ----------
    notes : Path or None
        The file by which processes that are no forks of this one tell what they load.
    """
    global _watcher
    if ground is None:
        yield None
        return
    mine = _make(ground, excluded, notes)
    earlier, _watcher = _watcher, mine
    try:
        with without_bytecode(), hear_the_rest(mine.note_apart, _is_heard):
            yield mine
    finally:
        _watcher = earlier
        mine.shared.close()
        remember({path: mine.opened.get(path) or facts_of(path) for path in mine.executed})


def watch_for_life(ground: Ground | None, excluded: Iterable[str], notes: Path) -> None:
    """Note from now on what this process loads for a plugin that another process runs."""
    global _watcher
    if ground is not None and _watcher is None:
        _watcher = _make(ground, excluded, notes)
        _watcher.shared.mine = 0
        _for_life.enter_context(hear_the_rest(_watcher.note_apart, _is_heard))


def _make(ground: Ground, excluded: Iterable[str], notes: Path | None) -> Watcher:
    global _is_hooked
    harness = str(Path(__file__).resolve().parents[1])
    folders = tuple(os.path.realpath(folder) + os.sep for folder in (*excluded, harness) if folder)
    if not _is_hooked:  # it stays for the process's life
        sys.addaudithook(_hook)
        _is_hooked = True
    return Watcher(finder=Finder(ground=ground, excluded=folders), shared=SharedNotes(notes))


def _is_heard() -> bool:
    return not is_unheard()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    watcher = _watcher
    if watcher is None or event not in _EVENTS or is_unheard():
        return
    busy.is_set = True  # by hand: this is called for every file that is opened
    try:
        watcher.hear(event, args)
    except Exception:  # noqa: BLE001  # it would end the plugin's own call
        return
    finally:
        busy.is_set = False


_EVENTS: Final = frozenset({"open", "exec", "os.system"}) | _OPENERS | _LISTERS | _STARTERS
