"""Every hook of digitbench: the whole extension surface on one page.

A plugin is a module. It implements any of these functions, marked ``@hookimpl``. The ``register``
hooks hand the plugin a function to call once for each thing it adds; the observers are told what
happens and return nothing. A hook that raises is reported and never ends a run.
"""

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import (
        DatasetSpec,
        EpochEnded,
        MetricSpec,
        ModelSpec,
        ReporterSpec,
        TrialFinished,
        TrialStarted,
    )

hookspec = pluggy.HookspecMarker("bench")
hookimpl = pluggy.HookimplMarker("bench")


@hookspec
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register models; called once for each plugin when plugins are loaded."""


@hookspec
def bench_register_datasets(register: "Callable[[DatasetSpec], None]") -> None:
    """Register datasets; called once for each plugin when plugins are loaded."""


@hookspec
def bench_register_metrics(register: "Callable[[MetricSpec], None]") -> None:
    """Register metrics; called once for each plugin before predictions are scored."""


@hookspec
def bench_register_reporters(register: "Callable[[ReporterSpec], None]") -> None:
    """Register report formats; called once for each plugin before a report is written."""


@hookspec
def bench_trial_started(event: "TrialStarted") -> None:
    """Observe a trial's start; called in the harness process, not in the worker."""


@hookspec
def bench_epoch_ended(event: "EpochEnded") -> None:
    """Observe the end of an epoch; called in the harness process, not in the worker."""


@hookspec
def bench_trial_finished(event: "TrialFinished") -> None:
    """Observe a trial's end, whatever its state; called once its record is stored."""
