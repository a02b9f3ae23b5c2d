"""What is there: models, datasets, plugins and metrics; or everything about one of them."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from rich.text import Text

from bench.errors import unknown
from bench.loading.files import find_files
from bench.options import resolve_options
from bench.plugins.discovery import Plugin, Plugins
from bench.plugins.finding import named_plugins
from bench.plugins.guarding import undisturbed
from bench.render.console import plain
from bench.render.hints import prog
from bench.spec import BuildContext, Description, ModelSpec, Shape
from bench.views import Screen, View
from bench.views.list.lines import (
    dataset_lines,
    metric_lines,
    model_lines,
    plugin_lines,
    version_of,
)
from bench.views.list.one import dataset_view, model_as_dict, model_view

__all__ = ["VIEW", "Catalogue", "Options"]

_Thing = TypeVar("_Thing")

_CLASSES = tuple("0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What can be listed, and where data is looked for.

    A catalogue holds it too, but costs as much to import as all of a short command.
    """

    plugins: Plugins
    search: tuple[Path, ...]
    config: Path | None = None
    """The ``bench.toml`` that was read."""
    configured: tuple[str, ...] = ()
    """The plugins that it names."""

    def decided_by(self, plugin: Plugin) -> str:
        """Say what has a plugin loaded, or keeps it from that: a file, or an option."""
        candidate = plugin.candidate
        if plugin.state == "disabled" or candidate in named_plugins(self.configured):
            return str(self.config)
        if candidate.origin == "built-in":
            return "digitbench"
        return "--plugin" if candidate.origin in ("file", "module") else "its entry point"


def _found_files(catalogue: Catalogue) -> dict[str, list[str] | None]:
    """Return the files of each dataset; None for one that is not on this machine."""
    found: dict[str, list[str] | None] = {}
    for name, spec in catalogue.plugins.datasets.items():
        files = find_files(spec, catalogue.search) if spec.files else ()
        found[name] = None if files is None else [str(path) for path in files]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which kind of thing (None: models and datasets), and which one of it (empty: all)."""

    kind: str | None = None
    name: str = ""
    shape: Shape = (28, 28, 1)
    """Of the images for which a model is built, to ask its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is there of a kind, or one thing of it."""

    plugins: Plugins
    metrics: tuple[Any, ...]
    files: dict[str, list[str] | None]
    """Of each dataset; None of one that is not on this machine."""
    searched: tuple[str, ...]
    kind: str | None
    name: str
    shape: Shape
    decided_by: tuple[str, ...] = ()
    """Of each plugin, what has it loaded or keeps it from that."""
    described: Description | None = None
    reason: str = ""
    """Why a model that was asked for by name cannot be built."""

    def asked(self, known: Mapping[str, _Thing]) -> dict[str, _Thing]:
        """Return those of some things that are asked for."""
        return {name: each for name, each in sorted(known.items()) if self.name in ("", name)}

    def lists(self, kind: str) -> bool:
        """Whether a kind is listed."""
        return kind == self.kind or (self.kind is None and kind in ("models", "datasets"))


def compute(source: Catalogue, options: Options) -> Listing:
    """Return what is there.

    Raises
    ------
    BenchError
        If nothing of the kind has that name; with the close ones.
    """
    plugins, kind, name = source.plugins, options.kind, options.name
    value = Listing(
        plugins=plugins,
        metrics=_metrics(plugins) if kind == "metrics" else (),
        files=_found_files(source) if kind in (None, "datasets") else {},
        searched=tuple(map(str, source.search)),
        kind=kind,
        name=name,
        shape=options.shape,
        decided_by=tuple(map(source.decided_by, plugins.plugins)),
    )
    if not name or kind is None:
        return value
    if kind in ("models", "datasets"):
        plugins.refuse_unsettled(name)
    known = [each["name"] for each in _records(replace(value, name=""), kind)]
    if name not in known:
        raise unknown(kind[:-1], name, known, where=f"bench list {kind}")
    if kind != "models":
        return value
    from bench.planning.missing import missing_engine
    from bench.planning.trial_options import image_shape

    shape = image_shape(plugins.models[name], options.shape)
    if missing := missing_engine(plugins.models[name], plugins.homes[name]):
        return replace(value, shape=shape, reason=missing)
    described, reason = _describe(plugins.models[name], shape)
    return replace(value, shape=shape, described=described, reason=reason)


def draw(value: Listing, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield a line a thing; of one model or dataset everything."""
    found, width = value.plugins, screen.width
    if value.name and value.kind in ("models", "datasets"):
        yield from _one_lines(value, width)
        return
    if value.lists("models"):
        yield from model_lines(found.models, width)
    if value.kind is None:
        yield Text()
    if value.lists("datasets"):
        yield from dataset_lines(found.datasets, value.files, width)
    if value.kind == "plugins":
        yield from plugin_lines(_plugins(value), width)
        if not value.name:
            yield from (plain(sentence, "bad") for sentence in found.conflicts.values())
    if value.kind == "metrics":
        yield from metric_lines(_asked_metrics(value), width)
    if value.kind is None:
        yield Text()
        yield Text(f"More: {prog()} list models NAME · {prog()} list plugins")


def _one_lines(value: Listing, width: int) -> list[Text]:
    name, found = value.name, value.plugins
    home = found.homes[name]
    origin = f"{home.file or home.module} ({home.origin})"
    if value.kind == "models":
        spec = found.models[name]
        return model_view(spec, value.shape, value.described, value.reason, origin, width)
    return dataset_view(found.datasets[name], value.files[name], value.searched, origin, width)


def document(value: Listing) -> Any:
    """Return the records of a kind, of models and datasets, or the one of one thing."""
    if value.kind is None:
        return {kind: _records(value, kind) for kind in ("models", "datasets")}
    records = _records(value, value.kind)
    # Of a plugin, which may be several under one name, and of a metric the list is what there was.
    return records[0] if value.name and value.kind in ("models", "datasets") else records


def rows_of(value: Listing) -> list[dict[str, Any]]:
    """Return what JSON has; models and datasets in one table, told apart by their kind."""
    value = replace(value, described=None)  # layers are no cells
    if value.kind is not None:
        return _records(value, value.kind)
    return [
        {"kind": kind.removesuffix("s")} | each
        for kind in ("models", "datasets")
        for each in _records(value, kind)
    ]


def columns_of(value: Listing) -> list[str]:
    """Return the columns: what is a single cell."""
    cells = (
        name for row in rows_of(value) for name, cell in row.items() if not isinstance(cell, dict)
    )
    return list(dict.fromkeys(cells))


def _plugins(value: Listing) -> list[tuple[Plugin, str]]:
    """Return the plugins asked for, each with what decided over it."""
    together = zip(value.plugins.plugins, value.decided_by, strict=True)
    return [(p, by) for p, by in together if value.name in ("", p.candidate.name)]


def _asked_metrics(value: Listing) -> list[Any]:
    return [each for each in value.metrics if value.name in ("", each.name)]


def _metrics(plugins: Plugins) -> tuple[Any, ...]:
    from bench.scoring.metrics import BUILT_IN_METRICS

    return (*BUILT_IN_METRICS, *plugins.metrics.values())


def _records(value: Listing, kind: str) -> list[dict[str, Any]]:
    if kind == "plugins":
        return [_plugin_as_dict(plugin, by) for plugin, by in _plugins(value)]
    if kind == "metrics":
        return [{"name": each.name, "summary": each.summary} for each in _asked_metrics(value)]
    if kind == "models":
        models = value.asked(value.plugins.models)
        return [model_as_dict(spec, value.described) for spec in models.values()]
    return [
        model_as_dict(spec)
        | {
            "present": value.files[name] is not None,
            "paths": value.files[name] or [],
            "provides": list(spec.provides),
            "embedded": spec.embedded,
            "licence": spec.licence,
            "source": spec.source,
            "how_to_get": spec.how_to_get,
        }
        for name, spec in value.asked(value.plugins.datasets).items()
    ]


def _plugin_as_dict(plugin: Plugin, decided_by: str) -> dict[str, Any]:
    return {
        "name": plugin.candidate.name,
        "origin": plugin.candidate.origin,
        "version": version_of(plugin.candidate),
        "module": plugin.candidate.module,
        "file": plugin.candidate.file,
        "state": plugin.state,
        "enabled": plugin.state != "disabled",
        "decided_by": decided_by,
        "reason": plugin.reason,
        "n_models": len(plugin.models),
        "n_datasets": len(plugin.datasets),
        "models": list(plugin.models),
        "datasets": list(plugin.datasets),
        "metrics": list(plugin.metrics),
        "reporters": list(plugin.reporters),
    }


def _describe(spec: ModelSpec, shape: Shape) -> tuple[Description | None, str]:
    """Build the model to ask its size; the only place of ``bench list`` that loads an engine."""
    try:
        with undisturbed(), _quiet_stderr():
            context = BuildContext(
                image_shape=shape,
                classes=_CLASSES,
                options=resolve_options(spec.name, spec.options, {}),
            )
            classifier = spec.build(context)
    # A plugin's code may raise anything; the rest of the page is still of use.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return None, f"it cannot be built: {type(error).__name__}: {error}"
    try:
        with undisturbed(), _quiet_stderr():
            return classifier.describe(), ""  # type: ignore[attr-defined]  # optional: caught below
    # Optional, and many models know their size only once they are trained.
    except Exception:  # noqa: BLE001
        return Description(), ""


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send the process's standard error nowhere: engines greet there from native code."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


VIEW = View(
    name="list",
    summary="List models, datasets, plugins and metrics; with a NAME, everything about one.",
    options=Options,
    compute=compute,
    columns=("kind", "name", "summary"),
    columns_of=columns_of,
    rows=rows_of,
    document=document,
    draw=draw,
)
