"""What ``bench list`` prints."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.config import find_config, read_config
from bench.errors import BenchError
from bench.loading.files import data_dirs, find_files
from bench.options import resolve_options
from bench.plugins.discovery import Candidate, Plugins, load_plugins
from bench.render.console import make_console, plain
from bench.render.export import as_csv, as_json
from bench.render.hints import prog
from bench.render.lists import dataset_lines, metric_lines, model_lines, plugin_lines
from bench.render.model import dataset_view, model_as_dict, model_view
from bench.render.notices import tell_once
from bench.spec import BuildContext, Description, ModelSpec, Shape

__all__ = ["Catalogue", "found_files", "open_catalogue", "show_list", "show_named"]

_CLASSES = tuple("0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What can be listed, and where data is looked for.

    A catalogue holds it too, but costs as much to import as all of a short command.
    """

    plugins: Plugins
    search: tuple[Path, ...]


def open_catalogue(data_dir: Path | None, local: tuple[str, ...]) -> Catalogue:
    """Load every plugin and the `local` ones; a broken one is in the catalogue as such.

    Raises
    ------
    BenchError
        If ``bench.toml`` is wrong.
    """
    config = read_config(find_config())
    plugins = load_plugins([*config.plugins, *local], config.disable, config.prefer)
    return Catalogue(plugins=plugins, search=data_dirs(data_dir, config.data_dir))


def found_files(catalogue: Catalogue) -> dict[str, list[str] | None]:
    """Return the files of each dataset; None for one that is not on this machine."""
    found: dict[str, list[str] | None] = {}
    for name, spec in catalogue.plugins.datasets.items():
        files = find_files(spec, catalogue.search) if spec.files else ()
        found[name] = None if files is None else [str(path) for path in files]
    return found


def show_list(
    kind: str | None,
    *,
    is_json: bool,
    is_csv: bool,
    data_dir: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Print one kind of thing, or models and datasets."""
    catalogue = open_catalogue(data_dir, plugins)
    if kind != "plugins":
        tell_once(catalogue.plugins.warnings())
    if is_json:
        print(as_json(_records(catalogue, kind)))
        return
    if is_csv:
        _print_csv(catalogue, kind)
        return
    console = make_console()
    found = catalogue.plugins
    texts: list[Text] = []
    if kind in (None, "models"):
        texts += model_lines(found.models, console.width)
    if kind is None:
        texts.append(Text())
    if kind in (None, "datasets"):
        texts += dataset_lines(found.datasets, found_files(catalogue), console.width)
    if kind == "plugins":
        texts += plugin_lines(found.plugins, console.width)
    if kind == "metrics":
        texts += metric_lines(_metrics(catalogue), console.width)
    if kind is None:
        texts += [Text(), Text(f"More: {prog()} list models NAME · {prog()} list plugins")]
    for text in texts:
        console.print(text)
    if kind == "plugins":
        for sentence in found.conflicts.values():
            console.print(plain(sentence, "bad"))


def _print_csv(catalogue: Catalogue, kind: str | None, name: str = "") -> None:
    """Print what JSON has, without what is no single cell; models and datasets in one table."""
    records = _records(catalogue, kind)
    if kind is None:
        named = [("model", records["models"]), ("dataset", records["datasets"])]
        records = [{"kind": what} | each for what, listed in named for each in listed]
    records = [each for each in records if name in ("", each["name"])]
    columns = dict.fromkeys(
        key for each in records for key, value in each.items() if not isinstance(value, dict)
    )
    print(as_csv(records, list(columns)), end="")


def _metrics(catalogue: Catalogue) -> list[Any]:
    from bench.scoring.metrics import BUILT_IN_METRICS

    return [*BUILT_IN_METRICS, *catalogue.plugins.metrics.values()]


def _records(catalogue: Catalogue, kind: str | None) -> Any:
    found = catalogue.plugins
    if kind == "plugins":
        return [
            {
                "name": plugin.candidate.name,
                "origin": plugin.candidate.origin,
                "module": plugin.candidate.module,
                "file": plugin.candidate.file,
                "state": plugin.state,
                "reason": plugin.reason,
                "models": list(plugin.models),
                "datasets": list(plugin.datasets),
                "metrics": list(plugin.metrics),
                "reporters": list(plugin.reporters),
            }
            for plugin in found.plugins
        ]
    if kind == "metrics":
        return [{"name": each.name, "summary": each.summary} for each in _metrics(catalogue)]
    models = [model_as_dict(spec) for _, spec in sorted(found.models.items())]
    if kind == "models":
        return models
    files = found_files(catalogue)
    datasets = [
        model_as_dict(spec)
        | {
            "present": files[name] is not None,
            "paths": files[name] or [],
            "provides": list(spec.provides),
            "embedded": spec.embedded,
            "licence": spec.licence,
            "source": spec.source,
            "how_to_get": spec.how_to_get,
        }
        for name, spec in sorted(found.datasets.items())
    ]
    return datasets if kind == "datasets" else {"models": models, "datasets": datasets}


def show_named(
    kind: str,
    name: str,
    *,
    shape: Shape,
    is_json: bool,
    is_csv: bool,
    data_dir: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Print everything about one model, dataset, plugin or metric.

    Raises
    ------
    BenchError
        If there is none of that name.
    """
    catalogue = open_catalogue(data_dir, plugins)
    console = make_console()
    found = catalogue.plugins
    if kind in ("models", "datasets"):
        found.refuse_unsettled(name)
        tell_once(found.warnings())
    texts: list[Text]
    if is_csv:
        _named({each["name"]: each for each in _records(catalogue, kind)}, name, kind[:-1])
        _print_csv(catalogue, kind, name)
        return
    if kind == "models":
        from bench.planning.trial_options import image_shape

        spec = _named(found.models, name, "model")
        _show_model(console, spec, image_shape(spec, shape), _origin(found.homes[name]), is_json)
        return
    if kind == "datasets":
        dataset = _named(found.datasets, name, "dataset")
        if is_json:
            print(as_json(next(r for r in _records(catalogue, "datasets") if r["name"] == name)))
            return
        searched = [str(folder) for folder in catalogue.search]
        files = found_files(catalogue)[name]
        texts = dataset_view(dataset, files, searched, _origin(found.homes[name]), console.width)
    elif kind == "plugins":
        chosen = [plugin for plugin in found.plugins if plugin.candidate.name == name]
        _named({plugin.candidate.name: plugin for plugin in found.plugins}, name, "plugin")
        texts = plugin_lines(chosen, console.width)
    else:
        metric = _named({each.name: each for each in _metrics(catalogue)}, name, "metric")
        texts = metric_lines([metric], console.width)
    for text in texts:
        console.print(text)


def _show_model(
    console: Console, spec: ModelSpec, shape: Shape, origin: str, is_json: bool
) -> None:
    described, reason = _describe(spec, shape)
    if is_json:
        print(as_json(model_as_dict(spec, described)))
        return
    for text in model_view(spec, shape, described, reason, origin, console.width):
        console.print(text)


def _named(known: Mapping[str, Any], name: str, kind: str) -> Any:
    if name in known:
        return known[name]
    close: Sequence[str] = get_close_matches(name, list(known), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else ""
    raise BenchError(f"unknown {kind} '{name}'", why=hint, fix=f"see {prog()} list {kind}s")


def _origin(home: Candidate) -> str:
    return f"{home.file or home.module} ({home.origin})"


def _describe(spec: ModelSpec, shape: Shape) -> tuple[Description | None, str]:
    """Build the model to ask its size; the only place of ``bench list`` that loads an engine."""
    try:
        with _quiet_stderr():
            context = BuildContext(
                image_shape=shape,
                classes=_CLASSES,
                options=resolve_options(spec.name, spec.options, {}),
            )
            classifier = spec.build(context)
    # A plugin's code may raise anything; the rest of the page is still of use.
    except Exception as error:  # noqa: BLE001
        return None, f"it cannot be built: {type(error).__name__}: {error}"
    try:
        with _quiet_stderr():
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
