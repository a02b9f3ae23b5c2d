"""From predictions on the same images to intervals and ranks: where the store meets scoring."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bench.scoring.crossed import Crossed, crossed
from bench.scoring.halves import first_in_halves
from bench.scoring.intervals import (
    MIN_WRITERS,
    THESE_IMAGES_ONLY,
    accuracy_interval,
    seed_intervals,
    writers_interval,
)
from bench.scoring.planning import Chance, Needed, what_it_takes
from bench.scoring.ranks import ALPHA, RankRanges, rank_ranges
from bench.spec import Interval

__all__ = ["Place", "Ranked", "Ranking", "interval_of", "rank"]

Correct = Sequence[npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row that may be ranked: for each seed, which test images it got right."""

    key: str
    correct: Correct
    deterministic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A row on its board: the best and the worst rank it can have, and how steadily it leads.

    `first_in_halves` is None where the images cannot be halved; `spreads_far` says that its seeds
    differ far more than those of the other rows.
    """

    rank_low: int
    rank_high: int
    first_in_halves: int | None
    spreads_far: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The places by key, from the first row given, and what would separate the first two.

    `p_values` are the pairs', over all of them: (0, 1), (0, 2), …, (1, 2), … of the rows given.
    `is_of_recipes` says whether the ranks speak of training again; else they speak of these
    trained models. `borrowed` are the keys whose spread is taken from the other rows.
    """

    places: dict[str, Place] = field(default_factory=dict)
    p_values: tuple[float, ...] = ()
    first_two: tuple[str, str] | None = None
    needed: Needed | None = None
    method: str = ""
    is_of_recipes: bool = True
    borrowed: tuple[str, ...] = ()


def interval_of(
    correct: Correct, writers: Sequence[str] | None, *, is_own: bool = False
) -> Interval:
    """Return the 95 % interval of accuracy that fits what is known.

    Between writers where at least five are known, over seeds and images where there are several
    seeds, else Wilson's. With fewer writers, or an own folder (`is_own`) without any known, it is
    marked as one of these images only.
    """
    if writers is not None and len(set(writers)) >= MIN_WRITERS:
        return writers_interval(crossed(list(correct)), np.array(writers))
    note = THESE_IMAGES_ONLY if writers or is_own else ""
    if len(correct) > 1:
        both = seed_intervals(crossed(list(correct))).both
        return replace(both, note=note or both.note)
    return accuracy_interval(int(correct[0].sum()), len(correct[0]), note=note)


def rank(rows: Sequence[Ranked]) -> Ranking:
    """Rank rows tested on the same images: the one decision that board and comparison show."""
    if not rows:
        return Ranking()
    tables = [crossed(list(row.correct)) for row in rows]
    known = [row.deterministic for row in rows]
    found = rank_ranges(tables, known)
    steady = first_in_halves(tables)
    is_open = [
        table.n_seeds == 1 and not is_known for table, is_known in zip(tables, known, strict=True)
    ]
    has_spread = bool((found.spread.df > 0).any())
    return Ranking(
        places={
            row.key: Place(
                rank_low=found.low[i],
                rank_high=found.high[i],
                first_in_halves=steady[i] if steady else None,
                spreads_far=bool(found.spread.is_far[i]),
            )
            for i, row in enumerate(rows)
        },
        p_values=tuple(found.adjusted[np.triu_indices(len(rows), 1)].tolist()),
        first_two=(rows[found.order[0]].key, rows[found.order[1]].key) if len(rows) > 1 else None,
        needed=_needed(tables, found),
        method=found.method,
        is_of_recipes=has_spread or not any(is_open),
        borrowed=tuple(
            row.key for row, each in zip(rows, is_open, strict=True) if each and has_spread
        ),
    )


def _needed(tables: Sequence[Crossed], found: RankRanges) -> Needed | None:
    """Return what would separate the first two rows; None where they are, or there is one row."""
    if len(tables) < 2:
        return None
    first, second = found.order[:2]
    if found.adjusted[first, second] < ALPHA:
        return None
    a, b = (
        Chance(
            row=tables[i],
            variance=float(found.spread.variance[i]),
            churn=float(found.spread.churn[i]),
        )
        for i in (first, second)
    )
    return what_it_takes(a, b, alpha=found.level)
