"""Which rows of a board compete, the places they take, and the order they stand in."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from bench.board.ranking import Ranked, Ranking, rank
from bench.board.rows import Row
from bench.scoring.ranks import rank_text
from bench.store.record import State

__all__ = ["board_order", "place_rows", "seconds_to_separate"]


def place_rows(
    rows: Sequence[Row], correct: dict[str, list[npt.NDArray[np.bool_]]], split_hash: str
) -> tuple[list[Row], Ranking]:
    """Return all rows, those that compete with their places, and how these were decided."""
    competing = sorted(_competing(rows, split_hash), key=board_order)
    result = rank(
        [
            Ranked(row.evaluations[0], correct[row.evaluations[0]], row.deterministic)
            for row in competing
        ]
    )
    best_of = _best_of(competing)
    found = []
    for row in rows:
        place = result.places.get(row.evaluations[0])
        found.append(
            row
            if place is None
            else msgspec.structs.replace(
                row,
                rank=rank_text(place.rank_low, place.rank_high),
                rank_low=place.rank_low,
                rank_high=place.rank_high,
                first_in_halves=place.first_in_halves,
                spreads_far=place.spreads_far,
                best_of=best_of.get(row.evaluations[0], 0),
            )
        )
    return found, result


def seconds_to_separate(rows: Sequence[Row], result: Ranking) -> float | None:
    """Return how long the seeds would train that would separate the first two, as they did."""
    if result.needed is None or result.needed.more_seeds is None or result.first_two is None:
        return None
    two = [row for row in rows if row.evaluations[:1] and row.evaluations[0] in result.first_two]
    again = [row.fit_seconds for row in two if not row.deterministic]
    known = [seconds for seconds in again if seconds is not None]
    return sum(known) * result.needed.more_seeds if len(known) == len(again) else None


def board_order(row: Row) -> tuple[int, int, int, float, str, str, str]:
    """Ranked rows first, then leaks, smaller budgets, failures; by accuracy within each."""
    return (
        int(row.state is not State.OK),
        _budget_order(row.budget),
        int(row.rank_low is None),
        -round(row.accuracy or 0.0, 12),
        row.model,
        row.variant,
        row.train_dataset,
    )


def _best_of(competing: Sequence[Row]) -> dict[str, int]:
    """Return of how many rows of one model, trained on one dataset, each best one is the best."""
    alike: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in competing:
        alike[row.model, row.train_dataset].append(row)
    return {rows[0].evaluations[0]: len(rows) for rows in alike.values() if len(rows) > 1}


def _competing(rows: Sequence[Row], split_hash: str) -> list[Row]:
    """Return the rows that are ranked: on the current images, without a leak, of one budget."""
    fair = [row for row in rows if row.labelled and not row.leaked and row.split_hash == split_hash]
    budget = min((row.budget for row in fair), key=_budget_order, default="full")
    equal = [row for row in fair if row.budget == budget]
    # Points of a learning curve compete only where nothing was trained on all images.
    return [row for row in equal if not row.is_partial] or equal


def _budget_order(budget: str) -> int:
    order = ("full", "quick", "smoke")
    return order.index(budget) if budget in order else len(order)
