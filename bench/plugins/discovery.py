"""Built-in, entry-point and local plugins: found without an import, loaded one by one.

A plugin that fails is a row with its reason, never an exception.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import import_module, metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Protocol, TypeVar

import pluggy

from bench import hookspecs
from bench.errors import PluginError
from bench.spec import API_VERSION, DatasetSpec, ModelSpec, ReporterSpec

__all__ = ["Candidate", "Plugin", "Plugins", "find_plugins", "load_model", "load_plugins"]

BUILT_IN_PACKAGES = ("bench_plugins", "bench_datasets")
ENTRY_POINT_GROUP = "bench"
_REGISTER_HOOKS = {
    "bench_register_models": "models",
    "bench_register_datasets": "datasets",
    "bench_register_metrics": "metrics",
    "bench_register_reporters": "reporters",
}


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Spec = TypeVar("_Spec", bound=_Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plugin that was found, not yet imported."""

    name: str
    origin: str
    """"built-in", a distribution with its version, or "file"."""
    module: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin after loading; a broken one has its reason."""

    candidate: Candidate
    module: ModuleType | None = None
    reason: str = ""
    state: str = "loaded"
    """"loaded", "broken" or "disabled"."""
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Plugins:
    """Everything that plugins registered, by name."""

    plugins: list[Plugin] = field(default_factory=list)
    models: dict[str, ModelSpec] = field(default_factory=dict)
    datasets: dict[str, DatasetSpec] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    reporters: dict[str, ReporterSpec] = field(default_factory=dict)
    homes: dict[str, Candidate] = field(default_factory=dict)
    """The plugin that registered each model or dataset."""
    conflicts: dict[str, str] = field(default_factory=dict)
    """Names registered twice, with a sentence that names both plugins."""

    def observers(self) -> list[ModuleType]:
        """Return the loaded modules, in order, whose observer hooks may be called."""
        return [plugin.module for plugin in self.plugins if plugin.module is not None]


def find_plugins(local: Iterable[str] = ()) -> list[Candidate]:
    """List every plugin without importing any: built-in, installed, then `local` ones in order.

    Parameters
    ----------
    local : iterable of str
        Module names, or paths that end in ``.py``.
    """
    found = [*_built_in(), *_installed()]
    for text in local:
        if text.endswith(".py"):
            path = Path(text).expanduser().resolve()
            found.append(Candidate(name=path.stem, origin="file", file=str(path)))
        else:
            found.append(Candidate(name=text, origin="module", module=text))
    return found


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
    for entry in sorted(metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "entry point"
        yield Candidate(name=entry.name, origin=origin, module=entry.module)


def load_plugins(local: Iterable[str] = (), disable: Iterable[str] = ()) -> Plugins:
    """Import every plugin and collect what it registers; failures become rows."""
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(hookspecs)
    plugins, disabled = Plugins(), set(disable)
    for candidate in find_plugins(local):
        if candidate.name in disabled:
            plugins.plugins.append(
                Plugin(candidate=candidate, state="disabled", reason="disabled in bench.toml")
            )
        else:
            plugins.plugins.append(_load(candidate, manager, plugins))
    return plugins


def _load(candidate: Candidate, manager: pluggy.PluginManager, plugins: Plugins) -> Plugin:
    registered: dict[str, list[Any]] = {kind: [] for kind in _REGISTER_HOOKS.values()}
    try:
        module = _import(candidate)
        if manager.is_registered(module):
            return Plugin(candidate=candidate, module=module)
        manager.register(module, f"{candidate.origin}:{candidate.name}")
        for hook, kind in _REGISTER_HOOKS.items():
            _call(manager, module, hook, registered[kind].append)
        names = {kind: _accept(candidate, kind, registered[kind], plugins) for kind in registered}
    # Foreign code may raise anything, even exit: it must cost this plugin only.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return Plugin(candidate=candidate, state="broken", reason=reason)
    return Plugin(
        candidate=candidate,
        module=module,
        models=names["models"],
        datasets=names["datasets"],
        metrics=names["metrics"],
        reporters=names["reporters"],
    )


def _import(candidate: Candidate) -> ModuleType:
    if not candidate.file:
        return import_module(candidate.module)
    path = Path(candidate.file)
    if not path.is_file():
        raise PluginError(f"no such plugin file {path}")
    name = f"bench_local_{path.stem}_{blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _call(
    manager: pluggy.PluginManager, module: ModuleType, hook: str, argument: Callable[[Any], None]
) -> None:
    others = [plugin for plugin in manager.get_plugins() if plugin is not module]
    manager.subset_hook_caller(hook, remove_plugins=others)(register=argument)


def _accept(
    candidate: Candidate, kind: str, specs: list[_Spec], plugins: Plugins
) -> tuple[str, ...]:
    """Add a plugin's specs of one kind; a name that is taken is a conflict naming both."""
    known: dict[str, Any] = getattr(plugins, kind)
    for spec in specs:
        if getattr(spec, "api", API_VERSION) > API_VERSION:
            raise PluginError(
                f"{spec.name} needs plugin API {spec.api}",  # type: ignore[attr-defined]  # checked above
                why=f"this digitbench has {API_VERSION}",
                fix="install a newer digitbench",
            )
        if spec.name in known:
            first = plugins.homes.get(spec.name)
            where = _where(first) if first else "another plugin"
            sentence = f"'{spec.name}' is registered by {where} and by {_where(candidate)}"
            plugins.conflicts[spec.name] = sentence
            raise PluginError(sentence, fix="rename one or disable a plugin in bench.toml")
    for spec in specs:
        known[spec.name] = spec
        plugins.homes[spec.name] = candidate
    return tuple(spec.name for spec in specs)


def _where(candidate: Candidate) -> str:
    return candidate.file or f"{candidate.module} ({candidate.origin})"


def load_model(module: str, file: str, name: str) -> ModelSpec:
    """Return the model `name` of one plugin, as a worker does.

    Raises
    ------
    PluginError
        If the plugin cannot be imported or does not register that model.
    """
    plugins = Plugins()
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(hookspecs)
    plugin = _load(
        Candidate(name=name, origin="worker", module=module, file=file), manager, plugins
    )
    if name not in plugins.models:
        why = plugin.reason or "it registers no such model"
        raise PluginError(f"model '{name}' of plugin {module or file}", why=why)
    return plugins.models[name]
