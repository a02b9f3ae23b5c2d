"""A comparison taken apart and put in words: per class, over datasets, as a gate, as a sentence."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.errors import BenchError
from bench.scoring.confusion import unread_last
from bench.scoring.intervals import BOOTSTRAP_DRAWS
from bench.scoring.paired import Comparison, compare, holm
from bench.spec import UNREAD, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GATE = re.compile(r"\s*([a-z][a-z0-9_]*)\s*>=\s*([+\-−]?\d*\.?\d+)\s*(pp|%)?\s*")

_ROUNDING = 1e-9  # .975 − .98 is a little less than −.005 in binary


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDifference:
    """A against B on the images of one class; `adjusted` is the p-value after Holm over classes.

    `comparison` is None for a class without a test image.
    """

    name: str
    n_test: int
    comparison: Comparison | None
    adjusted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetsVerdict:
    """A against B over several datasets: each by its own test, Holm over all of them.

    A dataset is a win or a loss of A only where its adjusted p-value is below `alpha`.
    """

    wins: tuple[str, ...]
    ties: tuple[str, ...]
    losses: tuple[str, ...]
    adjusted: dict[str, float]
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A floor under B − A of a metric: ``accuracy >= -0.5pp`` has margin −0.005."""

    metric: str
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Whether B holds the floor; `bound` is what was held against it."""

    is_passed: bool
    gate: Gate
    estimate: float
    bound: float
    reason: str


def per_class_differences(
    labels: "NDArray[np.int64]",
    correct_a: "NDArray[np.bool_]",
    correct_b: "NDArray[np.bool_]",
    class_names: Sequence[str],
) -> list[ClassDifference]:
    """Compare A and B on each class's images, p-values corrected for the number of classes.

    Parameters
    ----------
    labels : ndarray of shape (n,), int64
    correct_a, correct_b : ndarray of shape (n,) or (n_seeds, n), bool
    """
    labels = np.asarray(labels)
    a, b = np.atleast_2d(correct_a), np.atleast_2d(correct_b)
    found: list[Comparison | None] = []
    for i in range(len(class_names)):
        of_class = labels == i
        is_there = bool(of_class.any())
        found.append(compare(a[:, of_class], b[:, of_class]) if is_there else None)
    adjusted = iter(holm([c.p_value for c in found if c is not None]))
    return [
        ClassDifference(
            name=name,
            n_test=0 if c is None else c.n_images,
            comparison=c,
            adjusted=1.0 if c is None else float(next(adjusted)),
        )
        for name, c in zip(class_names, found, strict=True)
    ]


def over_datasets(comparisons: Mapping[str, Comparison], *, alpha: float = 0.05) -> DatasetsVerdict:
    """Count A's wins, ties and losses over datasets, Holm-corrected.

    Accuracies are not averaged over datasets: a point on an easy one is not a point on a hard one.
    """
    adjusted = holm([c.p_value for c in comparisons.values()])
    by_name = {name: float(p) for name, p in zip(comparisons, adjusted, strict=True)}
    real = [name for name, p in by_name.items() if p < alpha]
    wins = tuple(name for name in real if comparisons[name].difference > 0)
    losses = tuple(name for name in real if comparisons[name].difference < 0)
    ties = tuple(name for name in comparisons if name not in wins and name not in losses)
    return DatasetsVerdict(wins=wins, ties=ties, losses=losses, adjusted=by_name, alpha=alpha)


def metric_difference(
    labels: "NDArray[np.int64]",
    predicted_a: "NDArray[np.int64]",
    predicted_b: "NDArray[np.int64]",
    n_classes: int,
    statistic: "Callable[[NDArray[np.int64]], NDArray[np.float64]]",
    *,
    level: float = 0.95,
    draws: int = BOOTSTRAP_DRAWS,
    seed: int = 42,
) -> tuple[float, Interval]:
    """Return metric A − metric B on the same images with its paired bootstrap interval.

    Parameters
    ----------
    statistic : callable
        The metric of a stack of confusion matrices (..., n_classes, n_classes).
    """
    width = n_classes + bool(min(predicted_a.min(), predicted_b.min()) == UNREAD)
    columns = unread_last(predicted_a, n_classes), unread_last(predicted_b, n_classes)
    triples = (np.asarray(labels) * width + columns[0]) * width + columns[1]
    cells, counts = np.unique(triples, return_counts=True)
    n = int(counts.sum())
    if n == 0:
        raise BenchError("there is nothing to compare", why="no test image")
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=draws)
    drawn = np.concatenate([counts[None, :], drawn])
    truth, read_a, read_b = cells // width**2, cells // width % width, cells % width
    values = []
    for read in (read_a, read_b):
        # One column a confusion cell: the sum of the joint cells that fall into it.
        onto = np.zeros((len(cells), n_classes * width), np.float64)
        onto[np.arange(len(cells)), truth * width + read] = 1.0
        stack = np.rint(drawn @ onto).astype(np.int64)
        values.append(statistic(stack.reshape(-1, n_classes, width)))
    gaps = values[0] - values[1]
    low, high = np.quantile(gaps[1:], [(1 - level) / 2, (1 + level) / 2])
    method = f"paired bootstrap, {draws:,} draws"
    return float(gaps[0]), Interval(low=float(low), high=float(high), method=method, level=level)


def parse_gate(text: str) -> Gate:
    """Read ``METRIC >= MARGIN``, the margin in points (``pp`` or ``%``) or as a share.

    Raises
    ------
    BenchError
        When the text is something else.
    """
    match = _GATE.fullmatch(text)
    if match is None:
        raise BenchError(f"cannot read the gate {text!r}", fix='write it like "accuracy >= -0.5pp"')
    metric, number, unit = match.groups()
    margin = float(number.replace("−", "-"))
    return Gate(metric=metric, margin=margin / 100 if unit else margin)


def check_gate(
    gate: Gate,
    difference: float,
    interval: Interval,
    *,
    on: Literal["interval", "point"] = "interval",
) -> GateResult:
    """Hold B against the gate: it fails when even the upper end of B − A lies below the margin.

    Parameters
    ----------
    difference, interval
        Of A − B, as `compare` and `metric_difference` give them.
    on : {"interval", "point"}
        What must reach the margin: the upper end of the interval, or the estimate.
    """
    estimate = -difference
    bound = -interval.low if on == "interval" else estimate
    is_passed = bound >= gate.margin - _ROUNDING
    upper_end = f"upper end of the {100 * interval.level:.0f} % interval"
    what = upper_end if on == "interval" else "estimate"
    words = "reaches" if is_passed else "lies below"
    reason = (
        f"{gate.metric} of B − A: {what} {100 * bound:+.2f} points "
        f"{words} the margin {100 * gate.margin:+.2f}"
    ).replace("-", "−")
    return GateResult(is_passed=is_passed, gate=gate, estimate=estimate, bound=bound, reason=reason)


def effect_in_words(
    comparison: Comparison,
    *,
    a: str = "A",
    b: str = "B",
    alpha: float = 0.05,
    p_value: float | None = None,
) -> str:
    """Say what a difference amounts to: "A reads 12 more of 10,000; could be luck: p = .18".

    `p_value` is the one that decides, the comparison's own if None.
    """
    decides = comparison.p_value if p_value is None else p_value
    n = comparison.n_images
    more = abs(comparison.difference) * n
    if more < 1e-6:
        return f"{a} and {b} read equally many of {n:,} right"
    better = a if comparison.difference > 0 else b
    amount = f"{round(more):,}" if round(more) >= 1 else "less than 1"
    luck = "more than luck" if decides < alpha else "could be luck"
    return f"{better} reads {amount} more of {n:,}; {luck}: {p_in_words(decides)}"


def p_in_words(p_value: float) -> str:
    """Write a p-value as in papers: "p = .18", "p = .003", "p < .001"."""
    if p_value < 0.001:
        return "p < .001"
    text = f"{p_value:.3f}" if p_value < 0.0995 else f"{p_value:.2f}"
    # Never round across 5 %: "p = .050" beside "could be luck" would contradict itself.
    if 0.0495 <= p_value < 0.0505:
        text = f"{p_value:.4f}"
    return f"p = {text.removeprefix('0')}"
