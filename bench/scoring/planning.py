"""What a difference needs: how many more test images or seeds, and what a paired test can see."""

import math
from dataclasses import dataclass

from bench.errors import BenchError
from bench.scoring.crossed import Crossed
from bench.scoring.intervals import normal_quantile

POWER = 0.8
_MOST_SEEDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A row's readings, and what its seeds add to chance: variance of one training, its churn."""

    row: Crossed
    variance: float = 0.0
    churn: float = 0.0

    @property
    def lasting(self) -> float:
        """Variance of the mean that more images would not remove."""
        return max(self.variance - self.churn, 0.0) / self.row.n_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What would separate two rows as different as they now look.

    `more_images` and `more_seeds` (for each row that the seed changes) would do alone; None where
    no number would, and `reason` says why where neither does. The figures are for a chance of
    `power` at a single test of level `alpha`.
    """

    more_images: int | None
    more_seeds: int | None
    reason: str
    power: float
    alpha: float


def what_it_takes(a: Chance, b: Chance, *, alpha: float = 0.05, power: float = POWER) -> Needed:
    """Estimate how many more test images, or seeds, would separate two rows.

    Images after Connor (1987) for McNemar's test. Taken at face value the observed difference is
    the true one: where it is luck, nothing would show it, so this is a lower bound, to be read as
    "at least about".

    Raises
    ------
    BenchError
        When the rows were tested on different numbers of images.
    """
    n, gap = a.row.n_images, a.row.accuracy - b.row.accuracy
    if n != b.row.n_images:
        raise BenchError(
            "the rows were not tested on the same images", why=f"{n:,} and {b.row.n_images:,}"
        )
    images = seeds = None
    reason = "they read equally many right"
    if abs(gap) > 1e-12:
        images, seeds = _images(a, b, gap, alpha, power), _seeds(a, b, gap, alpha, power)
        reason = "" if images or seeds else _why_neither(a, b)
    return Needed(more_images=images, more_seeds=seeds, reason=reason, power=power, alpha=alpha)


def _images(a: Chance, b: Chance, gap: float, alpha: float, power: float) -> int | None:
    """Return how many more images would do with the seeds at hand; at least 1."""
    z_alpha, z_power = normal_quantile(1 - alpha), normal_quantile(2 * power - 1)
    per_image, lasting = _per_image(a, b), a.lasting + b.lasting
    room = gap**2 / (z_alpha + z_power) ** 2 - lasting
    if room <= 0:
        return None
    if lasting > 0:
        total = per_image / room
    else:
        spread = max(per_image - gap**2, 0.0)
        total = (z_alpha * per_image**0.5 + z_power * spread**0.5) ** 2 / gap**2
    # Mid-p of m discordant images is 2^-m at the least: below 5 % from the fifth on.
    total = max(total, (math.floor(-math.log2(alpha)) + 1) / per_image)
    return max(math.ceil(total) - a.row.n_images, 1)


def _seeds(a: Chance, b: Chance, gap: float, alpha: float, power: float) -> int | None:
    """Return how many more seeds a row would do on the images at hand; at least 1."""
    if not a.variance and not b.variance:
        return None
    most = gap**2 / (normal_quantile(1 - alpha) + normal_quantile(2 * power - 1)) ** 2
    fixed = _of_the_images(a, b)
    for more in range(1, _MOST_SEEDS + 1):
        seeds = sum(max(c.variance, c.churn) / (c.row.n_seeds + more) for c in (a, b))
        if seeds + fixed <= most:
            return more
    return None


def _per_image(a: Chance, b: Chance) -> float:
    return float(((a.row.correct - b.row.correct) ** 2).mean())


def _of_the_images(a: Chance, b: Chance) -> float:
    """Return the variance that no number of seeds would remove."""
    churn = sum(c.churn / c.row.n_seeds for c in (a, b))
    return max(_per_image(a, b) / a.row.n_images - churn, 0.0)


def _why_neither(a: Chance, b: Chance) -> str:
    if a.lasting + b.lasting == 0:
        return "they differ by too little"
    return "it takes both together"
