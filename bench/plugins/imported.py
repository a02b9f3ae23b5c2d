"""What a long-lived process has imported of a plugin, and whether the files are others now."""

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import invalidate_caches
from pathlib import Path

from bench.errors import PluginError
from bench.plugins.contents import facts_of
from bench.plugins.finding import BUILT_IN_PACKAGES, Candidate
from bench.plugins.ground import Finder, ground_of
from bench.plugins.sources import drop_old_bytecode, hash_of_sources, is_installed, read_sources
from bench.plugins.unheard import unheard

__all__ = ["forget_changed", "remember"]

Facts = tuple[int, int, int] | None
_hashes: dict[str, str] = {}
"""Plugin's module -> hash of its sources when it was imported."""
_files: dict[str, Facts] = {}
"""File that only running showed to be a plugin's module -> its facts when it was imported."""


def remember(files: Mapping[str, Facts]) -> None:
    """Keep what these files were when they were imported."""
    _files.update(files)


@unheard()  # that a plugin's folder is looked through for its modules is not the plugin's doing
def forget_changed(candidate: Candidate, name: str) -> None:
    """Let a plugin whose files changed since it was imported here be imported again.

    Raises
    ------
    PluginError
        If a part of it is compiled: Python keeps such a module until it ends.
    """
    if candidate.module.partition(".")[0] in BUILT_IN_PACKAGES:
        return
    sources = read_sources(module=candidate.module, file=candidate.file)
    if not sources.files or is_installed(sources.root):
        return
    paths = {os.path.realpath(path) for path in sources.paths}
    now = hash_of_sources(sources)
    if name in _hashes:
        is_changed = _hashes[name] != now
    else:
        is_changed = _is_edited_meanwhile(_loaded_from(paths).values())
    shown = _shown_by_running(candidate)
    if is_changed or any(facts_of(path) != _files[path] for path in shown):
        loaded = _loaded_from(paths.union(shown))
        if any(not file.endswith(".py") for file in loaded.values()):
            raise PluginError(f"{candidate.where} was changed", fix="restart Python to load it")
        for key in loaded:
            del sys.modules[key]
        for path in shown:
            del _files[path]
        invalidate_caches()
        drop_old_bytecode(sources)
    _hashes[name] = now


def _loaded_from(paths: Iterable[str]) -> dict[str, str]:
    """Return the modules that were imported from these files, with their file."""
    wanted = frozenset(map(os.path.realpath, paths))
    return {
        key: file
        for key, module in list(sys.modules.items())
        if key != "__main__"
        and (file := os.path.realpath(getattr(module, "__file__", None) or "")) in wanted
    }


def _shown_by_running(candidate: Candidate) -> list[str]:
    ground = ground_of(module=candidate.module, file=candidate.file) if _files else None
    if ground is None:
        return []
    finder = Finder(ground=ground, excluded=())
    return [path for path in _files if finder.own(path)]


def _is_edited_meanwhile(files: Iterable[str]) -> bool:
    """Whether one of these, which somebody else imported here, was edited since Python started."""
    edited = max((Path(file).stat().st_mtime for file in files if Path(file).exists()), default=0.0)
    if not edited:
        return False
    import psutil

    return bool(edited > psutil.Process().create_time())
