"""Built-in, entry-point and local plugins, found without importing any."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib import metadata

__all__ = ["BUILT_IN_PACKAGES", "Candidate", "find_plugins", "may_hold", "named_plugins"]

BUILT_IN_PACKAGES = ("bench_plugins", "bench_datasets")
ENTRY_POINT_GROUP = "bench"
_ENTRIES = "entry_points.txt"
_SECTION = f"[{ENTRY_POINT_GROUP}]"
_TEXT_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plugin that was found, not yet imported."""

    name: str
    origin: str
    """"built-in", a distribution with its version, or "file"."""
    module: str = ""
    file: str = ""
    fault: str = ""
    """Why it cannot even be looked for."""

    @property
    def where(self) -> str:
        """The plugin in words: its file, or its module and distribution."""
        return self.file or f"{self.module or self.name} ({self.origin})"


def find_plugins(local: Iterable[str] = (), *, only_built_in: bool = False) -> list[Candidate]:
    """List every plugin without importing any: built-in, installed, then `local` ones in order.

    Parameters
    ----------
    local : iterable of str
        Module names, or paths that end in ``.py``.
    only_built_in : bool
        Leave out all but digitbench's own.
    """
    if only_built_in:
        return [*_built_in()]
    return [*_built_in(), *_installed(), *named_plugins(local)]


def named_plugins(local: Iterable[str]) -> list[Candidate]:
    """Return the plugins that a person names, as `find_plugins` takes them, each once."""
    return [*dict.fromkeys(_file(t) if t.endswith(".py") else _module(t) for t in local)]


def _file(text: str) -> Candidate:
    name = Path(text).stem
    try:
        return Candidate(name=name, origin="file", file=str(Path(text).expanduser().resolve()))
    # A loop of links, a home that nobody has, a character that no path has.
    except (OSError, RuntimeError, ValueError) as error:
        return Candidate(name=name, origin="file", file=text, fault=f"no such plugin file: {error}")


def _module(text: str) -> Candidate:
    return Candidate(name=text, origin="module", module=text)


def _built_in() -> Iterator[Candidate]:
    for package in BUILT_IN_PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            yield Candidate(name=package, origin="built-in", module=package)
            continue
        for module in sorted(iter_modules(spec.submodule_search_locations), key=lambda m: m.name):
            if not module.name.startswith("_") and not module.ispkg:
                yield Candidate(
                    name=module.name, origin="built-in", module=f"{package}.{module.name}"
                )


def _installed() -> Iterator[Candidate]:
    if not _any_registers():
        return
    from importlib import metadata

    try:
        entries = list(metadata.entry_points(group=ENTRY_POINT_GROUP))
    # One distribution's torn files end the listing of all: then each is asked by itself.
    except Exception:  # noqa: BLE001
        yield from _installed_one_by_one()
        return
    for entry in sorted(entries, key=lambda each: each.name):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "entry point"
        yield _entry(entry, origin)


def _any_registers() -> bool:
    """Whether an installed distribution may have an entry point of ours.

    Most often none has, and `importlib.metadata` need not be imported to say so: it costs more than
    all the rest of a short command. Where a distribution may be kept in another way than as a
    folder on the search path, the answer is yes.
    """
    if any(hasattr(f, "find_distributions") for f in sys.meta_path if f is not PathFinder):
        return True
    for place in sys.path:
        try:
            with os.scandir(place or ".") as entries:
                described = [
                    e for e in entries if e.name.endswith((".dist-info", ".egg-info", ".egg"))
                ]
        except NotADirectoryError:
            return True  # an archive
        except OSError:
            continue
        for entry in described:
            if entry.name.endswith(".egg"):
                return True
            with suppress(OSError), Path(entry.path, _ENTRIES).open("rb") as file:
                if _SECTION.encode() in file.read():
                    return True
    return False


def _installed_one_by_one() -> Iterator[Candidate]:
    from importlib import metadata

    seen: set[str] = set()
    for each in metadata.distributions():
        name = ""
        try:
            name = each.name
            if name in seen or _SECTION not in (each.read_text(_ENTRIES) or ""):
                continue
            seen.add(name)
            for entry in each.entry_points:
                if entry.group == ENTRY_POINT_GROUP:
                    yield _entry(entry, f"{name} {each.version}")
        # The files of foreign distributions may hold anything.
        except Exception as error:  # noqa: BLE001
            fault = f"its {_ENTRIES} cannot be read: {type(error).__name__}: {error}"
            yield Candidate(name=name or "?", origin="entry point", fault=fault)


def _entry(entry: "metadata.EntryPoint", origin: str) -> Candidate:
    try:
        return Candidate(name=entry.name, origin=origin, module=entry.module)
    # It is of no form that names a module: newer readers refuse what older ones took for given.
    except (AttributeError, AssertionError, ValueError):
        fault = f"its entry point '{entry.value}' names no module"
        return Candidate(name=entry.name, origin=origin, fault=fault)


def may_hold(candidate: Candidate, name: str) -> bool:
    """Whether a plugin that cannot be loaded would probably register this name, by its text."""
    if name in (candidate.name, candidate.name.replace("_", "-")):
        return True
    try:
        text = Path(candidate.file).read_bytes()[:_TEXT_BYTES_MAX] if candidate.file else b""
    except OSError:
        return False
    return any(f"{quote}{name}{quote}".encode() in text for quote in "\"'")
