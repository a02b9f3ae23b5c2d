"""Which rows of a leaderboard cannot be told apart: ranks such as "1=", "1=", "3".

All pairs of rows are tested and Holm's correction runs over all of them. Testing each row against
the observed best only would split 11 equal models in 16 % of leaderboards, since the best is picked
by the same luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.crossed import Crossed
from bench.scoring.paired import holm, mcnemar, p_from_parts, side, variance_parts
from bench.scoring.planning import ImagesNeeded, images_needed

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """The tied groups of a table's rows, in the order the rows were given.

    Attributes
    ----------
    ranks : tuple of str
        "1=" where the rank is shared, "3" where not.
    order : tuple of int
        Row numbers from first to last: by rank, then by accuracy.
    p_values, adjusted : ndarray of shape (n_rows, n_rows), float64
        Of each pair, before and after Holm over all pairs; 1 on the diagonal.
    needed : ImagesNeeded or None
        What would separate the first two rows of `order`; None when they are separated already,
        or there is one row.
    method : str
        What was done, for the legend.
    """

    ranks: tuple[str, ...]
    order: tuple[int, ...]
    p_values: "NDArray[np.float64]"
    adjusted: "NDArray[np.float64]"
    needed: ImagesNeeded | None
    method: str


def tied_groups(rows: Sequence[Crossed], *, alpha: float = 0.05) -> Ties:
    """Rank rows that were tested on the same images, ties shared.

    A row shares rank 1 if no test separates it from the best; the next group starts at the first
    row left. A row that is separated from the best though a less accurate one is not (it errs on
    other images) stands below that one: `order` says how to print them.

    Raises
    ------
    BenchError
        When the rows were tested on different numbers of images.
    """
    if not rows:
        return Ties(
            ranks=(),
            order=(),
            p_values=np.ones((0, 0)),
            adjusted=np.ones((0, 0)),
            needed=None,
            method="",
        )
    widths = {row.n_images for row in rows}
    if len(widths) > 1:
        raise BenchError("the rows were not tested on the same images", why=f"{sorted(widths)}")
    p_values = pairwise_p_values(rows)
    adjusted = _holm_over_pairs(p_values)
    accuracies = np.array([row.accuracy for row in rows])
    left = [int(i) for i in np.argsort(-accuracies, kind="stable")]
    ranks, order = [""] * len(rows), list[int]()
    while left:
        group = [i for i in left if i == left[0] or adjusted[left[0], i] >= alpha]
        for i in group:
            ranks[i] = f"{len(order) + 1}{'=' if len(group) > 1 else ''}"
        order += group
        left = [i for i in left if i not in group]
    return Ties(
        ranks=tuple(ranks),
        order=tuple(order),
        p_values=p_values,
        adjusted=adjusted,
        needed=_needed(rows, order, p_values, adjusted, alpha),
        method=f"paired tests of all pairs on the same images, Holm, {100 * alpha:.0f} %",
    )


def pairwise_p_values(rows: Sequence[Crossed]) -> "NDArray[np.float64]":
    """Test every pair of rows: McNemar mid-p, or over seeds and images where seeds differ.

    Returns
    -------
    ndarray of shape (n_rows, n_rows), float64
        Symmetric, 1 on the diagonal.
    """
    n, size = rows[0].n_images, len(rows)
    correct = np.stack([row.correct for row in rows])
    overlap = correct @ correct.T
    right = np.diag(overlap)
    totals = correct.sum(1)
    only = totals[:, None] - overlap
    p_values = mcnemar(np.rint(only), np.rint(only.T))
    image = np.maximum(right[:, None] + right[None, :] - 2 * overlap, 0.0) / n**2
    sides = np.array([[side(a, b) for b in rows] for a in rows], np.float64).reshape(size, size, 3)
    mine = (sides[..., 0], sides[..., 1], sides[..., 2])
    other = (sides[..., 0].T, sides[..., 1].T, sides[..., 2].T)
    seeded = p_from_parts((totals[:, None] - totals) / n, variance_parts(image, mine, other))
    fixed = np.array([row.is_deterministic for row in rows])
    p_values = np.where(fixed[:, None] & fixed[None, :], p_values, seeded)
    np.fill_diagonal(p_values, 1.0)
    return p_values


def _holm_over_pairs(p_values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    upper = np.triu_indices(len(p_values), 1)
    adjusted = np.ones_like(p_values)
    adjusted[upper] = holm(p_values[upper])
    return np.minimum(adjusted, adjusted.T)


def _needed(
    rows: Sequence[Crossed],
    order: list[int],
    p_values: "NDArray[np.float64]",
    adjusted: "NDArray[np.float64]",
    alpha: float,
) -> ImagesNeeded | None:
    if len(order) < 2 or adjusted[order[0], order[1]] < alpha:
        return None
    # At the level that Holm leaves this pair: at 5 % it may look separated already.
    pairs = p_values[np.triu_indices(len(p_values), 1)]
    n_tests = int((pairs >= p_values[order[0], order[1]]).sum())
    return images_needed(rows[order[0]], rows[order[1]], alpha=alpha / n_tests)
