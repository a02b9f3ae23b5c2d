"""Which metrics evaluations are scored with: the built-in ones and those of plugins.

The index must know them all, even where a view loads no plugin by itself: then those that can
register metrics, every one but the built-in plugins, are loaded here.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from bench.config import find_config, read_config
from bench.errors import BenchError
from bench.plugins.discovery import find_plugins, load_plugins

if TYPE_CHECKING:
    from bench.spec import MetricSpec

__all__ = ["PluginMetrics", "plugin_metrics", "use_metrics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginMetrics:
    """Metrics of plugins by name, each with a hash of its code, and those that cannot be used."""

    metrics: "Mapping[str, MetricSpec]" = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


_named: list[PluginMetrics] = []


def use_metrics(metrics: "Iterable[MetricSpec]") -> None:
    """Score with these metrics of plugins from now on, in this process."""
    _named[:] = [_checked(metrics)]


def plugin_metrics() -> PluginMetrics:
    """Return the metrics that plugins have registered."""
    if not _named:
        use_metrics(_discover())
    return _named[0]


def _checked(metrics: "Iterable[MetricSpec]") -> PluginMetrics:
    listed = list(metrics)
    if not listed:  # as most often: the built-in ones need not be imported to say so
        return PluginMetrics()
    from bench.scoring.metrics import BUILT_IN_METRICS

    built_in = {metric.name for metric in BUILT_IN_METRICS}
    chosen = {metric.name: metric for metric in listed if metric.name not in built_in}
    return PluginMetrics(
        metrics=chosen,
        versions={name: _version(metric) for name, metric in chosen.items()},
        refused=tuple(metric.name for metric in listed if metric.name in built_in),
    )


def _version(metric: "MetricSpec") -> str:
    """Return the hash of the file that holds a metric: a changed one is computed anew."""
    try:
        file = inspect.getsourcefile(metric.function)
        content = Path(file).read_bytes() if file else b""
    except (TypeError, OSError):
        content = b""
    return blake2b(content, digest_size=8).hexdigest()


def _discover() -> "list[MetricSpec]":
    try:
        config = read_config(find_config())
    except BenchError:
        return []  # the verb that reads it for its own sake says what is wrong
    candidates = find_plugins(config.plugins)
    built_in = [each.name for each in candidates if each.origin == "built-in"]
    if len(built_in) == len(candidates):
        return []
    return list(
        load_plugins(config.plugins, [*config.disable, *built_in], config.prefer).metrics.values()
    )
