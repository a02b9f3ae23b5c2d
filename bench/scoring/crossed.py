"""What chance adds to an accuracy: seeds crossed with images, their parts kept apart.

Every classifier of a row (one a seed) reads the same test images, so each entry of the table
``correct[seed, image]`` varies with the seed, with the image, and with both together. The parts
are the method-of-moments estimates of a two-way random-effects table without replication.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """One row's readings over its seeds.

    Attributes
    ----------
    correct : ndarray of shape (n_images,), float64 in [0, 1]
        Share of the seeds that read each image right.
    n_seeds : int
        Number of seeds.
    accuracy : float
        Mean accuracy over the seeds.
    sd_seeds : float or None
        Standard deviation of the seeds' accuracies; None with one seed.
    seed_part : float
        Variance of the mean accuracy as the seeds' accuracies show it: retraining, and the share
        of the churn (seed times image) that is in them. 0 with one seed.
    churn_part : float
        Variance of the mean accuracy due to the churn alone; it is also part of `image_part`.
    image_part : float
        Variance of the mean accuracy that the choice of test images brings.
    is_deterministic : bool
        All seeds read every image alike (also true of one seed).
    """

    correct: "NDArray[np.float64]"
    n_seeds: int
    accuracy: float
    sd_seeds: float | None
    seed_part: float
    churn_part: float
    image_part: float
    is_deterministic: bool

    @property
    def n_images(self) -> int:
        """Number of test images."""
        return len(self.correct)

    @property
    def total(self) -> float:
        """Variance of the mean accuracy over new seeds and new images.

        Seed part and image part both hold the churn, so it is taken off once; never less than
        the larger part.
        """
        both = self.seed_part + self.image_part - self.churn_part
        return max(self.seed_part, self.image_part, both)


def crossed(correct: "Crossed | NDArray[np.bool_] | list[NDArray[np.bool_]]") -> Crossed:
    """Summarise which images each seed read right; what is summarised already passes through.

    Parameters
    ----------
    correct : ndarray of shape (n_images,) or (n_seeds, n_images), bool, or `Crossed`

    Raises
    ------
    BenchError
        When there is no image, or the seeds were not tested on equally many.
    """
    if isinstance(correct, Crossed):
        return correct
    is_table = isinstance(correct, np.ndarray)
    rows = [np.atleast_2d(correct)] if is_table else [np.atleast_2d(row) for row in correct]
    widths = {row.shape[1] for row in rows}
    if len(widths) > 1:
        raise BenchError("the seeds were not tested on the same images", why=f"{sorted(widths)}")
    if not widths or widths == {0}:
        raise BenchError("there is nothing to score", why="no test image")
    table = np.concatenate(rows).astype(bool)
    k, n = table.shape
    mean = table.mean(0)
    spread = float(table.mean(1).var(ddof=1)) if k > 1 else 0.0
    churn = 0.0
    if k > 1 and n > 1:
        within = k * float((mean * (1.0 - mean)).sum())
        churn = max(0.0, (within - n * (k - 1) * spread) / ((k - 1) * (n - 1)))
    return Crossed(
        correct=mean,
        n_seeds=k,
        accuracy=float(mean.mean()),
        sd_seeds=spread**0.5 if k > 1 else None,
        seed_part=spread / k,
        churn_part=churn / (k * n),
        image_part=float(mean.var()) / n,
        is_deterministic=bool((table == table[0]).all()),
    )
