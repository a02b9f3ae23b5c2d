"""How steady a board's order is: which row would be first on half of the test images."""

from collections.abc import Sequence

import numpy as np

from bench.scoring.crossed import Crossed

__all__ = ["HALVES", "first_in_halves"]

HALVES = 50
_SEED = 42


def first_in_halves(rows: Sequence[Crossed], *, seed: int = _SEED) -> tuple[int, ...]:
    """Return in how many of `HALVES` random halves of the images each row reads most right.

    Of rows that are first together one is drawn by lot, so that the counts add up to `HALVES` and
    rows that read alike share them. Empty for fewer than two images.

    Parameters
    ----------
    rows : sequence of Crossed
        Tested on the same images.
    """
    if not rows or rows[0].n_images < 2:
        return ()
    n, rng = rows[0].n_images, np.random.default_rng(seed)
    is_in = np.zeros((n, HALVES))
    for half in range(HALVES):
        is_in[rng.permutation(n)[: n // 2], half] = 1.0
    right = np.stack([row.correct for row in rows]) @ is_in
    is_first = right > right.max(axis=0) - 1e-6  # sums of thirds differ by rounding
    lots = np.where(is_first, rng.random(right.shape), -1.0)
    counts = np.bincount(lots.argmax(axis=0), minlength=len(rows))
    return tuple(counts.tolist())
