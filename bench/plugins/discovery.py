"""Plugins loaded one by one, and what they register, by name.

A plugin that fails is a row with its reason, never an exception.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from bench import hookspecs
from bench.errors import PluginError
from bench.plugins.finding import BUILT_IN_PACKAGES, Candidate, find_plugins, may_hold
from bench.plugins.guarding import guarded, hearing_ctrl_c, undisturbed
from bench.plugins.imported import forget_changed
from bench.plugins.registering import (
    KINDS,
    Offer,
    Settled,
    announced,
    check_hooks,
    check_spec,
    settle,
)
from bench.plugins.sources import without_bytecode
from bench.spec import API_VERSION, DatasetSpec, ModelSpec, ReporterSpec

__all__ = [
    "Candidate",
    "Plugin",
    "Plugins",
    "find_plugins",
    "load_model",
    "load_plugins",
    "local_module_name",
]

_DECIDE = "rename one, or say whose it is under [prefer] in bench.toml"


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
    """Names registered twice, with a sentence that names both plugins; neither has the name."""

    @property
    def broken(self) -> list[Plugin]:
        """The plugins that could not be loaded."""
        return [plugin for plugin in self.plugins if plugin.state == "broken"]

    def warnings(self) -> list[str]:
        """Say in a line each what is broken, and which names nobody has because two claim them."""
        return [
            *map(_broken_words, self.broken),
            *(f"{sentence}; {_DECIDE}" for sentence in self.conflicts.values()),
            *(said for spec in self.reporters.values() if (said := announced(spec))),
        ]

    def refuse_unsettled(self, name: str) -> None:
        """Say why nothing has this name, where plugins are the reason.

        Raises
        ------
        PluginError
            If two plugins claim it, or none has it and a broken one probably would.
        """
        if name in self.conflicts:
            raise PluginError(self.conflicts[name], fix=_DECIDE)
        likely = [each for each in self.broken if may_hold(each.candidate, name)]
        if likely and name not in self.models and name not in self.datasets:
            raise PluginError(f"nothing is called '{name}'", why=_broken_words(likely[0]))

    def observers(self) -> list[ModuleType]:
        """Return the loaded modules, in order, whose observer hooks may be called."""
        return [plugin.module for plugin in self.plugins if plugin.module is not None]


def _broken_words(plugin: Plugin) -> str:
    return f"plugin {plugin.candidate.where} is broken: {plugin.reason}"


def load_plugins(
    local: Iterable[str] = (),
    disable: Iterable[str] = (),
    prefer: Mapping[str, str] | None = None,
    *,
    only_built_in: bool = False,
) -> Plugins:
    """Import every plugin and collect what it registers; failures become rows.

    Parameters
    ----------
    local, only_built_in
        As in `find_plugins`.
    disable : iterable of str
        Names of plugins that are only listed.
    prefer : mapping or None
        Of ``bench.toml``: whose a name is where several plugins register it.
    """
    manager = _manager()
    plugins, disabled, offers = Plugins(), set(disable), list[Offer]()
    # Guarding costs milliseconds: once for all of ours, once for each of the others.
    for _, together in groupby(
        enumerate(find_plugins(local, only_built_in=only_built_in)),
        lambda each: each[1].origin == "built-in" or each[0],
    ):
        with undisturbed():
            for _, candidate in together:
                if candidate.name in disabled:
                    reason = "disabled in bench.toml"
                    plugin = Plugin(candidate=candidate, state="disabled", reason=reason)
                else:
                    plugin = _load(candidate, manager, offers)
                plugins.plugins.append(plugin)
    _take(plugins, settle(offers, prefer or {}))
    return plugins


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("bench")
    manager.add_hookspecs(hookspecs)
    return manager


def _take(plugins: Plugins, settled: Settled) -> None:
    for offer in settled.taken:
        getattr(plugins, offer.kind)[offer.spec.name] = offer.spec
        plugins.homes[offer.spec.name] = offer.home
    plugins.conflicts.update(settled.conflicts)


def _load(candidate: Candidate, manager: pluggy.PluginManager, offers: list[Offer]) -> Plugin:
    found: list[Offer] = []
    with hearing_ctrl_c() as is_pressed:
        try:
            module = _import(candidate)
            if manager.is_registered(module):  # it is named twice
                return Plugin(candidate=candidate, module=module)
            check_hooks(module)
            manager.register(module, f"{candidate.origin}:{candidate.where}")
            for hook in KINDS:
                found += _offers(candidate, manager, module, hook, found)
        # Foreign code may raise anything, even exit: it must cost this plugin only.
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and is_pressed():
                raise
            return Plugin(candidate=candidate, state="broken", reason=_reason(error, candidate))
    offers += found
    names = {kind: tuple(o.spec.name for o in found if o.kind == kind) for kind in KINDS.values()}
    return Plugin(
        candidate=candidate,
        module=module,
        models=names["models"],
        datasets=names["datasets"],
        metrics=names["metrics"],
        reporters=names["reporters"],
    )


def _reason(error: BaseException, candidate: Candidate) -> str:
    """Return one line: what was raised, and where in the plugin."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, TypeError) and "Spec.__init__() got an unexpected keyword" in said:
        said += f"; this digitbench has plugin API {API_VERSION}: it may be written for another"
    if isinstance(error, ModuleNotFoundError) and _lies_beside(candidate, error.name):
        said += (
            "; it lies beside the plugin: sys.path.insert(0, os.path.dirname(__file__)) finds it"
        )
    own = candidate.file or f"{candidate.module.replace('.', '/')}.py"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename.replace(os.sep, "/").endswith(own)]
    # A syntax error says its line by itself.
    if not lines or isinstance(error, SyntaxError):
        return said
    return f"{said} ({own.rpartition('/')[2]}, line {lines[-1]})"


def _lies_beside(candidate: Candidate, name: str | None) -> bool:
    """Whether a lone file's own folder, which Python does not search by itself, has a module."""
    return bool(name and candidate.file) and (Path(candidate.file).parent / f"{name}.py").is_file()


def _offers(
    candidate: Candidate,
    manager: pluggy.PluginManager,
    module: ModuleType,
    hook: str,
    before: list[Offer],
) -> list[Offer]:
    """Return what one hook of a plugin registers."""
    specs: list[Any] = []
    _call(manager, module, hook, specs.append)
    found: list[Offer] = []
    for spec in specs:
        check_spec(hook, spec)
        offer = Offer(
            kind=KINDS[hook],
            spec=_guarded(spec),
            plugin=(candidate.name, candidate.module, candidate.file),
            where=candidate.where,
            home=candidate,
        )
        if any((offer.space, spec.name) == (o.space, o.spec.name) for o in (*before, *found)):
            raise PluginError(f"{candidate.where} registers '{spec.name}' twice", fix="rename one")
        found.append(offer)
    return found


def _guarded(spec: Any) -> Any:
    """Return a spec whose functions are called in the harness's own process so that none disturbs.

    Models and datasets are guarded where they are called: a worker wants to hear what they print.
    """
    if isinstance(spec, ModelSpec | DatasetSpec):
        return spec
    functions = {
        each.name: guarded(value)
        for each in fields(spec)
        if callable(value := getattr(spec, each.name))
    }
    return replace(spec, **functions)


def _import(candidate: Candidate) -> ModuleType:
    if candidate.fault:
        raise PluginError(candidate.fault)
    name = local_module_name(candidate.file) if candidate.file else candidate.module
    forget_changed(candidate, name)
    if candidate.module.partition(".")[0] in BUILT_IN_PACKAGES:
        return import_module(candidate.module)
    with without_bytecode():
        return _import_own(candidate)


def _import_own(candidate: Candidate) -> ModuleType:
    if not candidate.file:
        return import_module(candidate.module)
    path = Path(candidate.file)
    if not path.is_file():
        kind = "is no file" if os.path.lexists(path) else "does not exist"
        raise PluginError(f"no such plugin file {path}: it {kind}")
    name = local_module_name(candidate.file)
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


def local_module_name(file: str) -> str:
    """Return the name under which a plugin's file is imported."""
    return f"bench_local_{Path(file).stem}_{blake2b(file.encode(), digest_size=4).hexdigest()}"


def _call(
    manager: pluggy.PluginManager, module: ModuleType, hook: str, argument: Callable[[Any], None]
) -> None:
    others = [plugin for plugin in manager.get_plugins() if plugin is not module]
    manager.subset_hook_caller(hook, remove_plugins=others)(register=argument)


def load_model(module: str, file: str, name: str) -> ModelSpec:
    """Return the model `name` of one plugin, as a worker does.

    Raises
    ------
    PluginError
        If the plugin cannot be imported or does not register that model.
    """
    offers: list[Offer] = []
    candidate = Candidate(name=name, origin="worker", module=module, file=file)
    plugin = _load(candidate, _manager(), offers)
    for offer in offers:
        if offer.kind == "models" and offer.spec.name == name:
            spec: ModelSpec = offer.spec
            return spec
    why = plugin.reason or "it registers no such model"
    raise PluginError(f"model '{name}' of plugin {module or file}", why=why)
