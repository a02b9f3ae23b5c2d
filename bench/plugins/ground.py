"""Where a plugin is at home: what it opens there decides its results."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.plugins.finding import BUILT_IN_PACKAGES
from bench.plugins.sources import is_installed, read_sources

__all__ = ["INSTALLED_HERE", "Finder", "Ground", "ground_of"]

INSTALLED_HERE: Final = (sys.prefix + os.sep, sys.base_prefix + os.sep)
_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git", "bench.toml")
_NOT_OWN: Final = frozenset({"__pycache__", ".git", "site-packages", "dist-packages"})


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
class Finder:
    """State: which paths are the plugin's own, found once each."""

    ground: Ground
    excluded: tuple[str, ...]
    """Folders whose files are the harness's or the trial's own."""
    found: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    """Folder as named -> where that really is."""
    roots: tuple[str, ...] = field(init=False)
    """The plugin's own folder as it is named, and where that really is."""
    is_installed: bool = field(init=False)
    """Whether the plugin itself lies where Python's libraries do."""

    def __post_init__(self) -> None:
        """Find out what is asked for each path."""
        own = str(self.ground.own)
        self.roots = own, os.path.realpath(own)
        self.is_installed = own.startswith(INSTALLED_HERE)

    def own(self, path: Any) -> str:
        """Return the absolute path of what is the plugin's own; empty for anything else.

        A link of the plugin's counts under its own name, wherever it leads.
        """
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        elif isinstance(path, os.PathLike):
            path = os.fspath(path)
        if not isinstance(path, str) or not path:
            return ""
        if path.startswith(INSTALLED_HERE) and not self.is_installed:
            return ""
        own = self.found.get(path)
        if own is None:
            own = self._find(path)
            if os.path.isabs(path):  # noqa: PTH117  # another folder may be the working one soon
                self.found[path] = own
        return own

    def _find(self, path: str) -> str:
        named = os.path.abspath(path)  # noqa: PTH100  # as named
        real = self._real(path if ".." in path else named)
        if ".." in path:  # what that leads to is told by the links before it
            named = real
        if any(each.startswith(folder) for each in (named, real) for folder in self.excluded):
            return ""
        for full in (named, real):
            for root in self.roots:
                if full == root or full.startswith(root + os.sep):
                    rest = full[len(root) :]
                    is_own = _NOT_OWN.isdisjoint(Path(rest).parts)
                    return self.roots[0] + rest if is_own else ""
        return ""

    def _real(self, path: str) -> str:
        folder, name = os.path.split(path)
        if not os.path.isabs(path) or name in {"", ".", ".."}:  # noqa: PTH117
            return os.path.realpath(path)
        if folder not in self.folders:
            self.folders[folder] = os.path.realpath(folder)
        full = os.path.join(self.folders[folder], name)  # noqa: PTH118
        return os.path.realpath(full) if os.path.islink(full) else full  # noqa: PTH114
