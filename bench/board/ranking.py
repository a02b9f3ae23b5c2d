"""From predictions on the same images to intervals and ranks: where the store meets scoring."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bench.scoring.crossed import crossed
from bench.scoring.intervals import (
    MIN_WRITERS,
    THESE_IMAGES_ONLY,
    Interval,
    accuracy_interval,
    seed_intervals,
    writers_interval,
)
from bench.scoring.ties import tied_groups

__all__ = ["Ranked", "Ranking", "interval_of", "rank"]

Correct = Sequence[npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row that may be ranked: for each seed, which test images it got right."""

    key: str
    correct: Correct


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Ranks such as ``1=`` and places from 0 by key, and what would tell the first two apart."""

    ranks: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    to_separate: int | None = None
    inseparable: str = ""
    method: str = ""


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
    """Rank rows tested on the same images; rows that no paired test separates share a rank."""
    if not rows:
        return Ranking()
    ties = tied_groups([crossed(list(row.correct)) for row in rows])
    return Ranking(
        ranks={row.key: text for row, text in zip(rows, ties.ranks, strict=True)},
        places={rows[index].key: place for place, index in enumerate(ties.order)},
        to_separate=ties.needed.more if ties.needed else None,
        inseparable=ties.needed.reason if ties.needed else "",
        method=ties.method if len(rows) > 1 else "",
    )
