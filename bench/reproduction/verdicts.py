"""Published against measured: the verdict on one figure, with the interval it rests on."""

from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev
from typing import Any

import numpy as np

from bench.reproduction.data import Figure
from bench.reproduction.trials import Measured, SeedRun
from bench.scoring.crossed import crossed
from bench.scoring.intervals import accuracy_interval, seed_intervals, t_quantile, wilson_limits
from bench.scoring.metrics import BUILT_IN_METRICS
from bench.spec import Interval

__all__ = ["Finding", "Verdict", "judge_figure", "value_of"]

_LOSSES = ("loss", "val_loss", "test_loss")
_METRICS = {"test_loss": "log_loss"} | {
    f"test_{metric.name}": metric.name for metric in BUILT_IN_METRICS
}


class Verdict(StrEnum):
    """What a published figure or claim comes to."""

    REPRODUCED = "reproduced"
    BETTER = "better"
    WORSE = "worse"
    NOT_REPRODUCED = "not reproduced"  # a claim, or an exact figure, that does not hold here
    CONTRADICTED = "contradicted by its own log"
    UNDECIDED = "undecided"
    NOT_COMPARABLE = "not comparable"
    MISSING = "data missing"
    NOT_RUN = "not run"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the answer; shares are 0 to 1, ``low`` and ``high`` a 95 % interval."""

    name: str
    kind: str
    """"figure", "table", "claim" or "check"."""
    source: str
    where: str
    published: str
    measured: str = ""
    published_value: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    seeds: int = 0
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A quantity over the seeds: its mean, the interval of it, and half of a new run's spread."""

    values: list[float]
    interval: Interval | None
    spread: tuple[float, float] | None
    """How far below and above the mean another single run may lie; None: nothing is known."""

    @property
    def mean(self) -> float:
        return fmean(self.values)


def value_of(run: SeedRun, quantity: str) -> float | None:
    """Return what a trial gave for a quantity of the data file; None where it kept none."""
    if quantity in _METRICS:
        return run.score.metrics.get(_METRICS[quantity])
    if not run.history:
        return None
    if quantity == "seconds_per_epoch":
        return fmean(epoch.seconds for epoch in run.history)
    if not quantity.startswith("best_"):
        value = getattr(run.history[-1], quantity)
        return None if value is None else float(value)
    name = quantity.removeprefix("best_").removesuffix("_epoch")
    known = [(getattr(e, name), e.epoch) for e in run.history if getattr(e, name) is not None]
    if not known:
        return None
    best = min(known) if name in _LOSSES else max(known, key=lambda pair: (pair[0], -pair[1]))
    return float(best[1] if quantity.endswith("_epoch") else best[0])


def judge_figure(figure: Figure, measured: Measured, source: str) -> Finding:
    """Hold a published number against what the trials of its experiment gave."""
    name = f"{figure.experiment} {figure.quantity}"
    words = _words(figure.published, figure.quantity, figure.digits)
    facts: dict[str, Any] = {
        "name": name,
        "kind": "figure",
        "source": source,
        "where": figure.where,
        "published": words,
        "published_value": figure.published,
    }
    if not measured.runs:
        return Finding(**facts, verdict=Verdict(measured.state), reason=measured.missing)
    values = [value_of(run, figure.quantity) for run in measured.runs]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        reason = f"the trial kept no {figure.quantity}"
        return Finding(**facts, verdict=Verdict.UNDECIDED, reason=reason)
    reading = _read(figure, measured, known)
    verdict, reason = _verdict(figure, measured, reading)
    return Finding(
        **facts,
        measured=_words(reading.mean, figure.quantity, 4),
        value=reading.mean,
        low=reading.interval.low if reading.interval else None,
        high=reading.interval.high if reading.interval else None,
        method=reading.interval.method if reading.interval else "",
        seeds=len(known),
        verdict=verdict,
        reason=reason,
    )


def _words(value: float, quantity: str, digits: int) -> str:
    if quantity.endswith("epoch") and "seconds" not in quantity:
        return f"{value:.3g}"
    if quantity == "seconds_per_epoch":
        return f"{value:.1f} s"
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def _read(figure: Figure, measured: Measured, values: list[float]) -> _Reading:
    if len(values) > 1:
        return _over_seeds(figure, measured, values)
    run, value = measured.runs[0], values[0]
    if figure.quantity in _METRICS:
        found = run.score.intervals.get(_METRICS[figure.quantity])
        interval = None if found is None else Interval(low=found[0], high=found[1], method=found[2])
    elif figure.quantity.endswith("accuracy"):
        n = _n_behind(run, figure.quantity)
        interval = accuracy_interval(round(value * n), n) if n else None
    else:
        interval = None
    spread = None if interval is None else (value - interval.low, interval.high - value)
    return _Reading(values=values, interval=interval, spread=spread)


def _n_behind(run: SeedRun, quantity: str) -> int:
    """Return how many images a share of the history is of."""
    held_back = float(run.record.identity.options.get("validation_fraction", 0.0))
    n_val = round(run.record.n_train * held_back)
    if quantity.startswith(("val_", "best_val_")):
        return n_val
    if "test_" in quantity:
        return len(run.labels)
    return run.record.n_train - n_val


def _over_seeds(figure: Figure, measured: Measured, values: list[float]) -> _Reading:
    k, mean = len(values), fmean(values)
    t = t_quantile(0.95, k - 1)
    half = t * stdev(values) / k**0.5
    interval = Interval(low=mean - half, high=mean + half, method=f"t over {k} seeds")
    if figure.quantity == "test_accuracy":
        interval = seed_intervals(crossed(measured.correct)).both
    new = t * stdev(values) * (1 + 1 / k) ** 0.5  # where one more seed would lie
    images = (mean - interval.low, interval.high - mean)
    return _Reading(
        values=values, interval=interval, spread=(max(new, images[0]), max(new, images[1]))
    )


def _verdict(figure: Figure, measured: Measured, reading: _Reading) -> tuple[Verdict, str]:
    if figure.quantity == "seconds_per_epoch":
        return Verdict.NOT_COMPARABLE, "another machine"
    if measured.not_comparable:
        return Verdict.NOT_COMPARABLE, measured.not_comparable
    if reading.spread is None:
        return Verdict.UNDECIDED, "one seed shows no spread: --seeds 42,43,44"
    below, above = reading.spread
    rounding = 0.5 * 10**-figure.digits
    p_low, p_high = figure.published, figure.published
    if figure.n:
        if figure.quantity.endswith("accuracy"):
            limits = wilson_limits(round(figure.published * figure.n), figure.n)
            p_low, p_high = float(limits[0]), float(limits[1])
        else:  # of a loss only our own spread is known: a single run is taken to spread alike
            p_low, p_high = figure.published - below, figure.published + above
    gap = reading.mean - figure.published
    low = gap - float(np.hypot(below, p_high - figure.published)) - rounding
    high = gap + float(np.hypot(above, figure.published - p_low)) + rounding
    if low <= 0 <= high:
        return Verdict.REPRODUCED, ""
    if figure.quantity.endswith("epoch"):
        return Verdict.NOT_REPRODUCED, "another epoch was best"
    is_loss = "loss" in figure.quantity
    return (Verdict.BETTER if (gap > 0) != is_loss else Verdict.WORSE), ""
