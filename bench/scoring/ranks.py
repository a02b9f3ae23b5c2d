"""The places each row of a board may hold: "1", "1–3", from all pairwise decisions.

A row's best place is one below the rows surely more accurate, its worst one above those surely
less (as Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for ranks"): the ranges hold together
for all rows. The order is accuracy's. All pairs are tested: testing each row against the observed
best only would split 11 equal models in 16 % of boards, since the best is picked by the same luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.crossed import Crossed
from bench.scoring.moderation import SeedSpread, moderated_spread
from bench.scoring.paired import mcnemar, p_from_parts, variance_parts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RankRanges:
    """The ranks of a board's rows, in the order the rows were given.

    Attributes
    ----------
    low, high : tuple of int
        Best and worst place, from 1.
    order : tuple of int
        Row numbers from the most to the least accurate.
    p_values, adjusted : ndarray of shape (n_rows, n_rows), float64
        Of each pair, alone and over the whole board; 1 on the diagonal.
    spread : SeedSpread
        What training again changes, as moderated.
    level : float
        The level at which the nearest pair that is not separated was tested.
    method : str
        What was done, for the legend.
    """

    low: tuple[int, ...]
    high: tuple[int, ...]
    order: tuple[int, ...]
    p_values: "NDArray[np.float64]"
    adjusted: "NDArray[np.float64]"
    spread: SeedSpread
    level: float
    method: str


def rank_text(low: int, high: int) -> str:
    """Return "1" or "1–3"."""
    return f"{low}" if low == high else f"{low}–{high}"


def rank_ranges(
    rows: Sequence[Crossed], deterministic: Sequence[bool] = (), *, alpha: float = ALPHA
) -> RankRanges:
    """Rank rows that were tested on the same images.

    Parameters
    ----------
    rows : sequence of Crossed
        At least one.
    deterministic : sequence of bool
        Rows that the seed is known not to change; none if empty.

    Raises
    ------
    BenchError
        When there is no row, or they were tested on different numbers of images.
    """
    _check(rows, deterministic)
    spread = moderated_spread(rows, deterministic)
    p_values = pairwise_p_values(rows, spread)
    pairs = np.triu_indices(len(rows), 1)
    adjusted = np.ones_like(p_values)
    adjusted[pairs] = shaffer(p_values[pairs], len(rows))
    adjusted = np.minimum(adjusted, adjusted.T)
    accuracies = np.array([round(row.accuracy, 12) for row in rows])
    is_apart = adjusted < alpha
    above = (is_apart & (accuracies[None, :] > accuracies[:, None])).sum(axis=1)
    below = (is_apart & (accuracies[None, :] < accuracies[:, None])).sum(axis=1)
    n_apart = int(is_apart[pairs].sum())
    return RankRanges(
        low=tuple((1 + above).tolist()),
        high=tuple((len(rows) - below).tolist()),
        order=tuple(np.argsort(-accuracies, kind="stable").tolist()),
        p_values=p_values,
        adjusted=adjusted,
        spread=spread,
        level=alpha / _still_true(len(rows))[n_apart] if n_apart < len(pairs[0]) else alpha,
        method=f"paired tests of all pairs, {100 * alpha:.0f} %" if len(rows) > 1 else "",
    )


def pairwise_p_values(rows: Sequence[Crossed], spread: SeedSpread) -> "NDArray[np.float64]":
    """Test every pair of rows: McNemar mid-p, or over seeds and images where a seed matters.

    Returns
    -------
    ndarray of shape (n_rows, n_rows), float64
        Symmetric, 1 on the diagonal.
    """
    correct = np.stack([row.correct for row in rows])
    n, seeds = correct.shape[1], np.array([row.n_seeds for row in rows], np.float64)
    overlap = correct @ correct.T
    right, totals = np.diag(overlap), correct.sum(axis=1)
    only = totals[:, None] - overlap
    apart = right[:, None] + right[None, :] - 2 * overlap
    apart[apart < 1e-7] = 0.0  # identical rows differ by rounding
    seed, churn = spread.variance / seeds, spread.churn / seeds
    parts = variance_parts(
        apart / n**2,
        (seed[:, None], churn[:, None], spread.df[:, None]),
        (seed[None, :], churn[None, :], spread.df[None, :]),
    )
    seeded = p_from_parts((totals[:, None] - totals) / n, parts)
    fixed = spread.df == 0
    exact = mcnemar(np.rint(only), np.rint(only.T))
    p_values = np.where(fixed[:, None] & fixed[None, :], exact, seeded)
    np.fill_diagonal(p_values, 1.0)
    return p_values


def shaffer(p_values: "ArrayLike", n_rows: int) -> "NDArray[np.float64]":
    """Return Shaffer's (1986) adjusted p-values of all pairs of rows, in the order given.

    Holm's step-down, but each step counts only the pairs that can still be equal together: of three
    rows, once two differ, at most one pair is left that does not.

    Parameters
    ----------
    p_values : array_like of shape (n_rows * (n_rows - 1) / 2,)
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.array(_still_true(n_rows)))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


@cache
def _still_true(n_rows: int) -> tuple[int, ...]:
    """Return for each number of pairs known to differ how many others can be equal at most."""
    # Bit b of the k-th: k rows can be grouped so that b pairs lie within groups.
    possible = [1]
    for k in range(1, n_rows + 1):
        bits = 0
        for first in range(1, k + 1):
            bits |= possible[k - first] << (first * (first - 1) // 2)
        possible.append(bits)
    n_pairs = n_rows * (n_rows - 1) // 2
    counts, last = [], 0
    for remaining in range(n_pairs + 1):
        last = remaining if possible[n_rows] >> remaining & 1 else last
        counts.append(max(last, 1))
    return tuple(reversed(counts[1:]))


def _check(rows: Sequence[Crossed], deterministic: Sequence[bool]) -> None:
    if not rows:
        raise BenchError("there is nothing to rank", why="no row")
    widths = {row.n_images for row in rows}
    if len(widths) > 1:
        raise BenchError("the rows were not tested on the same images", why=f"{sorted(widths)}")
    if len(deterministic) not in (0, len(rows)):
        raise BenchError("cannot tell which rows are deterministic", why="one claim a row")
