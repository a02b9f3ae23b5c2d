"""Accuracy and cost against the number of training images, with a power law fitted to each."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from bench.board.leaderboard import leaderboards
from bench.board.rows import Row
from bench.errors import BenchError
from bench.scoring.intervals import Interval
from bench.scoring.learning import PowerLaw, fit_power_law
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import State

__all__ = ["CostLaw", "LearningCurve", "LearningPoint", "learning_curves"]

_OPTION = "train_images="
_TIMES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPoint:
    """One training size: mean accuracy over seeds with its interval, and the training's cost."""

    size: int
    accuracy: float
    low: float | None
    high: float | None
    seeds: int
    fit_seconds: float | None
    method: str = ""
    """How the interval was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLaw:
    """fit seconds = scale · size^exponent, by least squares in logarithms."""

    scale: float
    exponent: float

    def seconds_at(self, size: float) -> float:
        """Return the seconds the law expects at a training size."""
        return float(self.scale * size**self.exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """A model's points, smallest first; ``law`` is None where none can be fitted, for `reason`."""

    dataset: str
    model: str
    variant: str
    n_test: int
    points: tuple[LearningPoint, ...]
    law: PowerLaw | None
    cost: CostLaw | None
    reason: str = ""

    @property
    def more(self) -> int:
        """Ten times the largest size."""
        return _TIMES * self.points[-1].size

    @property
    def expected(self) -> tuple[float, Interval] | None:
        """Accuracy at ten times the largest size as the law expects it; None without a law."""
        if self.law is None:
            return None
        return self.law.accuracy_at(self.more), self.law.interval_at(self.more)


def learning_curves(
    store: Store, datasets: Sequence[str] = (), models: Sequence[str] = ()
) -> list[LearningCurve]:
    """Return the curve of each model that was trained on at least two sizes of a dataset.

    Parameters
    ----------
    datasets : sequence of str
        Only these; all if empty.
    models : sequence of str
        Only these, names and globs; all if empty.

    Raises
    ------
    BenchError
        If there is none.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for board in leaderboards(store, test_datasets=datasets or None):
        for row in board.rows:
            is_own = row.train_dataset == row.test_dataset
            is_asked = not models or any(fnmatchcase(row.model, name) for name in models)
            if row.state is State.OK and row.labelled and is_own and is_asked and not row.leaked:
                groups[row.test_dataset, row.model, _without_size(row.variant)].append(row)
    curves = [curve for key, rows in groups.items() if (curve := _curve(store, key, rows))]
    if not curves:
        raise BenchError(
            "no model was trained on several sizes",
            fix="make them: bench run -m NAME -d NAME --train-sizes 100,1000,10000",
        )
    return sorted(
        curves, key=lambda curve: (curve.dataset, -curve.points[-1].accuracy, curve.model)
    )


def _without_size(variant: str) -> str:
    return ", ".join(part for part in variant.split(", ") if not part.startswith(_OPTION))


def _curve(store: Store, key: tuple[str, str, str], rows: list[Row]) -> LearningCurve | None:
    """Return the curve over the rows tested on the same images, None of fewer than two sizes."""
    (split, _), *_ = Counter(row.split_hash for row in rows).most_common(1)
    by_size: dict[int, Row] = {}
    for row in rows:
        if row.split_hash == split:
            by_size.setdefault(read_trial(store.trial(row.trials[0])).n_train, row)
    if len(by_size) < 2:
        return None
    points = tuple(_point(size, by_size[size]) for size in sorted(by_size))
    n_test = rows[0].n_test or 0
    law, reason = None, ""
    try:
        law = fit_power_law(
            [point.size for point in points], [point.accuracy for point in points], n_test
        )
        reason = law.note
    except BenchError as error:
        reason = str(error)
    return LearningCurve(
        dataset=key[0],
        model=key[1],
        variant=key[2],
        n_test=n_test,
        points=points,
        law=law,
        cost=_cost_law(points),
        reason=reason,
    )


def _point(size: int, row: Row) -> LearningPoint:
    return LearningPoint(
        size=size,
        accuracy=row.accuracy or 0.0,
        low=row.accuracy_low,
        high=row.accuracy_high,
        seeds=row.seeds,
        fit_seconds=row.fit_seconds,
        method=row.interval_method,
    )


def _cost_law(points: Sequence[LearningPoint]) -> CostLaw | None:
    known = [(p.size, p.fit_seconds) for p in points if p.fit_seconds]
    if len(known) < 2:
        return None
    sizes, seconds = np.log(np.array(known, dtype=np.float64)).T
    exponent, intercept = np.polyfit(sizes, seconds, 1)
    return CostLaw(scale=float(np.exp(intercept)), exponent=float(exponent))
