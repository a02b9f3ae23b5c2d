"""What is there: tables of models, datasets, plugins and metrics."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from bench.plugins.discovery import Candidate, Plugin
from bench.render.console import clean, plain
from bench.render.hints import as_typed
from bench.render.table import Column, Line, lay_out
from bench.spec import DatasetSpec, ModelSpec

if TYPE_CHECKING:
    from bench.spec import MetricSpec

__all__ = ["dataset_lines", "metric_lines", "model_lines", "plugin_lines", "version_of"]

_NAMED: Final = (
    Column(name="name", heading="", align="left"),
    Column(name="summary", heading="", align="left", wraps_at=24),
)
_DATASETS: Final = (
    Column(name="name", heading="", align="left"),
    Column(name="state", heading="", align="left"),
    Column(name="summary", heading="", align="left", wraps_at=24),
)


def model_lines(models: Mapping[str, ModelSpec], width: int) -> list[Text]:
    """Return one line a model."""
    lines = [
        Line(cells={"name": plain(name), "summary": plain(spec.summary)})
        for name, spec in sorted(models.items())
    ]
    return [Text("models", style="heading"), *lay_out(_NAMED, lines, width, indent=1)]


def dataset_lines(
    datasets: Mapping[str, DatasetSpec], found: Mapping[str, Sequence[str] | None], width: int
) -> list[Text]:
    """Return each dataset: there or not, and what to put where.

    Parameters
    ----------
    found : mapping
        The files of each dataset; None for one that is not on this machine.
    """
    lines = []
    for name, spec in sorted(datasets.items()):
        state = _state(spec, found[name])
        style = "warn" if state == "missing" else "good"
        cells = {"name": plain(name), "state": Text(state, style=style)}
        lines.append(Line(cells={**cells, "summary": plain(_summary(spec))}))
        if state == "missing":
            lines.append(Line(cells={"summary": Text(as_typed(clean(_how_to_get(spec))))}))
    return [Text("datasets", style="heading"), *lay_out(_DATASETS, lines, width, indent=1)]


def _state(spec: DatasetSpec, files: Sequence[str] | None) -> str:
    if spec.embedded:
        return "embedded"
    if not spec.files:
        return "-d FILE" if spec.reads_folders else "--folder"
    return "missing" if files is None else "present"


def _summary(spec: DatasetSpec) -> str:
    embedded = f" ({spec.embedded})" if spec.embedded else ""
    only = " · evaluation only" if "train" not in spec.provides else ""
    return f"{spec.summary}{embedded}{only}"


def _how_to_get(spec: DatasetSpec) -> str:
    named = f"-d {spec.name}=PATH"
    if not spec.how_to_get:
        return f"→ put {' + '.join(spec.files[0])} in a data folder, or name it: {named}"
    ending = "" if named in spec.how_to_get else f"; or name it: {named}"
    return f"→ {spec.how_to_get.rstrip('.')}{ending}"


def version_of(candidate: Candidate) -> str:
    """Return the version of what brought a plugin; empty for a file of one's own."""
    if candidate.origin == "built-in":
        from bench import __version__

        return __version__
    name, _, version = candidate.origin.rpartition(" ")
    return version if name and candidate.origin != "entry point" else ""


def plugin_lines(plugins: Sequence[tuple[Plugin, str]], width: int) -> list[Text]:
    """Return each plugin: its origin, state and counts, what decided over it, why it is broken."""
    columns = (
        Column(name="name", heading="plugin", align="left"),
        Column(name="origin", heading="origin", align="left", keep=1),
        Column(name="version", heading="version", align="left", keep=2),
        Column(name="state", heading="state", align="left"),
        Column(name="models", heading="models"),
        Column(name="datasets", heading="datasets"),
        Column(name="by", heading="by", align="left", wraps_at=16),
    )
    lines, faults = [], []
    styles = {"loaded": "good", "broken": "bad"}
    for plugin, decided_by in plugins:
        candidate = plugin.candidate
        version = version_of(candidate)
        lines.append(
            Line(
                cells={
                    "name": plain(candidate.name),
                    "origin": plain(candidate.origin.removesuffix(f" {version}")),
                    "version": plain(version),
                    "state": Text(plugin.state, style=styles.get(plugin.state, "warn")),
                    "models": Text(str(len(plugin.models) or "")),
                    "datasets": Text(str(len(plugin.datasets) or "")),
                    "by": plain(decided_by),
                }
            )
        )
        if plugin.reason and plugin.state == "broken":
            faults.append(plain(f"{candidate.name} is broken: {plugin.reason}", "bad"))
    return [*lay_out(columns, lines, width), *faults]


def metric_lines(metrics: "Sequence[MetricSpec]", width: int) -> list[Text]:
    """Return each metric with what it needs."""
    columns = (
        Column(name="name", heading="metric", align="left"),
        Column(name="needs", heading="needs", align="left"),
        Column(name="summary", heading="", align="left", wraps_at=24),
    )
    lines = [
        Line(
            cells={
                "name": plain(metric.name),
                "needs": Text(_needs(metric)),
                "summary": plain(metric.summary),
            }
        )
        for metric in metrics
    ]
    return lay_out(columns, lines, width)


def _needs(metric: "MetricSpec") -> str:
    if metric.needs_calibrated:
        return "calibrated probabilities"
    if metric.needs_probabilities:
        return "probabilities or scores"
    return "persons or IDs" if metric.needs_groups else "labels"
