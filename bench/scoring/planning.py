"""How many test images a difference needs, and what a paired test can see."""

import math
from dataclasses import dataclass

from bench.errors import BenchError
from bench.scoring.crossed import Crossed
from bench.scoring.intervals import normal_quantile
from bench.scoring.paired import pair_parts

POWER = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesNeeded:
    """How many test images, in all, would separate two rows as different as they now look.

    `total` and `more` are None where no number would do; `reason` then says why. The figure is for
    a chance of `power` at a single test of level `alpha`.
    """

    total: int | None
    more: int | None
    reason: str
    power: float
    alpha: float


def images_needed(
    a: Crossed, b: Crossed, *, alpha: float = 0.05, power: float = POWER
) -> ImagesNeeded:
    """Estimate how many test images would separate two rows (Connor 1987, for McNemar's test).

    Taken at face value the observed difference is the true one: where it is luck, no number of
    images would show it, so this is a lower bound, to be read as "at least about".
    """
    n, gap = a.n_images, a.accuracy - b.accuracy
    if a.n_images != b.n_images:
        raise BenchError(
            "the rows were not tested on the same images", why=f"{a.n_images:,} and {b.n_images:,}"
        )
    if abs(gap) < 1e-12:
        return _none("they read equally many right", alpha, power)
    parts = pair_parts(a, b)
    per_image = float(((a.correct - b.correct) ** 2).mean())
    z_alpha, z_power = normal_quantile(1 - alpha), normal_quantile(2 * power - 1)
    room = gap**2 / (z_alpha + z_power) ** 2 - float(parts.seed_variance)
    if room <= 0:
        return _none("their seeds differ too much: more seeds, not more images", alpha, power)
    if parts.seed_variance > 0:
        total = per_image / room
    else:
        spread = max(per_image - gap**2, 0.0)
        total = (z_alpha * per_image**0.5 + z_power * spread**0.5) ** 2 / gap**2
    # Mid-p of m discordant images is 2^-m at the least: below 5 % from the fifth on.
    total = max(total, (math.floor(-math.log2(alpha)) + 1) / per_image)
    whole = int(-(-total // 1))
    return ImagesNeeded(total=whole, more=max(whole - n, 0), reason="", power=power, alpha=alpha)


def paired_power(
    accuracy_a: float, accuracy_b: float, n: int, *, shared: float = 0.5, alpha: float = 0.05
) -> float:
    """Return the chance that McNemar's test calls two classifiers different on `n` images.

    Parameters
    ----------
    accuracy_a, accuracy_b : float in [0, 1]
    n : int
        Test images.
    shared : float in [0, 1]
        Share of the more accurate classifier's errors that the other makes too.
    """
    from scipy.special import ndtr

    wrong_a, wrong_b = 1 - accuracy_a, 1 - accuracy_b
    both = shared * min(wrong_a, wrong_b)
    discordant, gap = wrong_a + wrong_b - 2 * both, abs(wrong_a - wrong_b)
    if discordant <= 0:
        return 0.0
    shift = gap * n**0.5 - normal_quantile(1 - alpha) * discordant**0.5
    spread = max(discordant - gap**2, 1e-300) ** 0.5
    return float(ndtr(shift / spread))


def _none(reason: str, alpha: float, power: float) -> ImagesNeeded:
    return ImagesNeeded(total=None, more=None, reason=reason, power=power, alpha=alpha)
