"""What a plugin may register: through hooks that exist, sound specs, each name once."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any, Final

from bench import hookspecs
from bench.errors import PluginError
from bench.options import Option
from bench.spec import API_VERSION, REPORTER_API, DatasetSpec, ModelSpec, ReporterSpec

__all__ = ["KINDS", "Offer", "Settled", "announced", "check_hooks", "check_spec", "settle"]

KINDS: Final = {
    "bench_register_models": "models",
    "bench_register_datasets": "datasets",
    "bench_register_metrics": "metrics",
    "bench_register_reporters": "reporters",
}
_HOOKS: Final = {
    name: tuple(inspect.signature(hook).parameters)
    for name, hook in vars(hookspecs).items()
    if name.startswith("bench_")
}
_CLOSE: Final = 0.75
_OLDEST_API: Final = 1
_TYPES: Final = (bool, int, float, str)
# They would be read as a glob, a path, a pairing or a setting.
_NOT_IN_A_NAME: Final = frozenset("*?[]=:/\\,;\"'")
_NOT_IN_AN_OPTION: Final = frozenset(" \t\n.=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One spec that a plugin registered.

    ``plugin`` are the texts that name it in ``[prefer]``, ``where`` names it for people.
    """

    kind: str
    spec: Any
    plugin: tuple[str, ...]
    where: str
    home: Any

    @property
    def space(self) -> str:
        """Where its name must be the only one: models and datasets are asked for alike."""
        return "models and datasets" if self.kind in ("models", "datasets") else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The offers that are taken, and for each name that several plugins claim, a sentence."""

    taken: tuple[Offer, ...]
    conflicts: Mapping[str, str]


def check_hooks(module: ModuleType) -> None:
    """See that every function meant as a hook is one.

    Raises
    ------
    PluginError
        If a hook's name is misspelt, its argument has another name or ``@hookimpl`` is missing.
    """
    for attribute, function in list(vars(module).items()):
        mark = getattr(function, "bench_impl", None)
        # What is imported from elsewhere to be used is no hook of this plugin's.
        if not inspect.isfunction(function) or hasattr(function, "bench_spec"):
            continue
        name = (mark or {}).get("specname") or attribute
        if name in _HOOKS and mark is None:
            raise PluginError(
                f"{name} has no @hookimpl above it",
                why="it would never be called",
                fix="from bench import hookimpl, and write @hookimpl above the function",
            )
        if name in _HOOKS:
            _check_arguments(name, function)
        elif mark is not None or name.startswith("bench_"):
            _check_name(name, is_marked=mark is not None)


def _check_arguments(name: str, function: Callable[..., Any]) -> None:
    unknown = [each for each in inspect.signature(function).parameters if each not in _HOOKS[name]]
    if unknown:
        raise PluginError(
            f"{name}({unknown[0]})",
            why=f"the argument of this hook is called {', '.join(_HOOKS[name])}",
        )


def _check_name(name: str, *, is_marked: bool) -> None:
    close = get_close_matches(name, _HOOKS, n=1, cutoff=_CLOSE)
    if close:
        raise PluginError(f"{name} is no hook", why=f"did you mean {close[0]}?")
    if is_marked:
        raise PluginError(f"{name} is no hook", why=f"the hooks are {', '.join(_HOOKS)}")


def check_spec(hook: str, spec: Any) -> None:
    """See that what was registered can be used.

    Raises
    ------
    PluginError
        If it is of another type, of a newer interface, or holds what no command could use.
    """
    wanted = _type_of(KINDS[hook])
    if not isinstance(spec, wanted):
        raise PluginError(
            f"{hook} registered a {type(spec).__name__}", why=f"it takes a {wanted.__name__}"
        )
    what = f"{KINDS[hook][:-1]} {spec.name!r}"
    is_text = isinstance(spec.name, str) and spec.name.strip() == spec.name != ""
    if not is_text or not spec.name.isprintable() or _NOT_IN_A_NAME & set(spec.name):
        raise PluginError(f"{what} cannot be typed", why="a name is letters, digits and hyphens")
    _check_api(spec)
    for field in ("build", "load", "write"):
        if callable(getattr(spec, field, None)) or (field == "load" and wanted is ModelSpec):
            continue
        if hasattr(spec, field):
            raise PluginError(f"{what}: {field} is no function")
    if isinstance(spec, ModelSpec | DatasetSpec):
        _check_options(what, spec.options)
    if isinstance(spec, ModelSpec):
        _check_declares(what, spec.declares)


def _check_api(spec: Any) -> None:
    newest = REPORTER_API if isinstance(spec, ReporterSpec) else API_VERSION
    api = getattr(spec, "api", newest)
    if isinstance(api, bool) or not isinstance(api, int):
        raise PluginError(f"{spec.name}: api is {api!r}", why="it is a whole number")
    if api > newest:
        raise PluginError(
            f"{spec.name} needs plugin API {api}",
            why=f"this digitbench has {newest}",
            fix="install a newer digitbench",
        )
    if api < _OLDEST_API:
        raise PluginError(
            f"{spec.name} was written for plugin API {api}",
            why=f"this digitbench has {_OLDEST_API} to {newest}",
            fix="ask its author for a newer version; CHANGELOG.md says what changed",
        )


def announced(spec: Any) -> str:
    """Say what of a spec will go with the next minor version; empty where nothing will."""
    if isinstance(spec, ReporterSpec) and spec.api < REPORTER_API:
        return (
            f"report format {spec.name!r} uses api={spec.api}, which goes with the next minor "
            f"version; api={REPORTER_API} is given every view: see the hooks' page"
        )
    return ""


def _type_of(kind: str) -> type[Any]:
    if kind == "metrics":
        # Only a plugin that has imported it registers one.
        from bench.spec import MetricSpec

        return MetricSpec
    types = {"models": ModelSpec, "datasets": DatasetSpec, "reporters": ReporterSpec}
    return types[kind]


def _check_options(what: str, options: Any) -> None:
    if not isinstance(options, Mapping):
        raise PluginError(f"{what}: options are a {type(options).__name__}", why="give a mapping")
    for name, value in options.items():
        default = value.default if isinstance(value, Option) else value
        if not isinstance(name, str) or not name or set(name) & _NOT_IN_AN_OPTION:
            raise PluginError(f"{what}: option {name!r}", why="a name is letters, digits and _")
        if type(default) not in _TYPES:
            said = "None" if default is None else f"a {type(default).__name__}"
            raise PluginError(
                f"{what}: the default of option '{name}' is {said}",
                why="it must be true or false, a whole number, a number or a text",
                fix='"" is a text that is not set',
            )


def _check_declares(what: str, declares: Any) -> None:
    is_mapping = isinstance(declares, Mapping)
    if not is_mapping or not all(isinstance(t, str) for pair in declares.items() for t in pair):
        raise PluginError(f"{what}: declares", why='give a mapping: {"name-of-check": "reason"}')


def settle(offers: Iterable[Offer], prefer: Mapping[str, str]) -> Settled:
    """Give each name to the one plugin that registered it, or that ``[prefer]`` names.

    Parameters
    ----------
    prefer : mapping
        Of ``bench.toml``: a model, dataset, metric or reporter -> its plugin: name, module or file.
    """
    claims: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    for offer in offers:
        claims[offer.space, offer.spec.name].append(offer)
    taken, conflicts = [], {}
    for (_, name), rivals in claims.items():
        wanted = prefer.get(name)
        chosen = [each for each in rivals if wanted in each.plugin] if len(rivals) > 1 else rivals
        if len(chosen) == 1:
            taken.append(chosen[0])
            continue
        places = " and by ".join(each.where for each in rivals)
        neither = f", and [prefer] names neither but {wanted!r}" if wanted else ""
        conflicts[name] = f"'{name}' is registered by {places}{neither}"
    return Settled(taken=tuple(taken), conflicts=conflicts)
