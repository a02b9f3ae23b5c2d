"""Intervals: every one says how it was made.

Wilson (1927) for a share of independent images, with the one-sided Poisson limit of Brown, Cai and
DasGupta (2001, "Interval estimation for a binomial proportion") where three or fewer images are
wrong or right: without it Wilson's coverage falls to .89 at n = 24 to 50.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.crossed import Crossed, crossed
from bench.spec import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

MIN_WRITERS = 5
BOOTSTRAP_DRAWS = 1_000
THESE_IMAGES_ONLY = "these images only"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedIntervals:
    """A mean accuracy over seeds with its two kinds of chance kept apart.

    `seeds` (None with one seed) says where the mean over more seeds would lie on these test
    images; `images` where these trained classifiers would lie on other test images; `both` where
    other seeds would lie on other images, which is what a reader usually means.
    """

    mean: float
    n_seeds: int
    sd_seeds: float | None
    se_images: float
    seeds: Interval | None
    images: Interval
    both: Interval


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval for a share, exactly as statsmodels' ``wilson``.

    Raises
    ------
    BenchError
        When `n` is 0 or `successes` is not in [0, n].
    """
    _check_counts(successes, n)
    low, high = wilson_limits(successes, n, level=level)
    return Interval(low=float(low), high=float(high), method="Wilson", level=level)


def accuracy_interval(n_right: int, n: int, *, level: float = 0.95, note: str = "") -> Interval:
    """Return the interval of an accuracy on one test split: Wilson, mended where few are wrong.

    Raises
    ------
    BenchError
        When `n` is 0 or `n_right` is not in [0, n].
    """
    _check_counts(n_right, n)
    low, high = accuracy_limits(n_right, n, level=level)
    is_mended = 0 < min(n_right, n - n_right) <= _few(n)
    method = "Wilson, Poisson limit as few are wrong" if is_mended else "Wilson"
    if is_mended and n_right < n - n_right:
        method = "Wilson, Poisson limit as few are right"
    return Interval(low=float(low), high=float(high), method=method, level=level, note=note)


def wilson_limits(
    successes: "ArrayLike", n: "ArrayLike", *, level: float = 0.95, quantile: float | None = None
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return Wilson's limits, elementwise; `quantile` replaces the normal one (for a t)."""
    z = normal_quantile(level) if quantile is None else quantile
    k, size = np.asarray(successes, np.float64), np.asarray(n, np.float64)
    share = k / size
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2)) / (1 + z**2 / size)
    low = np.where(k <= 0, 0.0, np.clip(centre - half, 0.0, 1.0))
    high = np.where(k >= size, 1.0, np.clip(centre + half, 0.0, 1.0))
    return low, high


def accuracy_limits(
    n_right: "ArrayLike", n: int, *, level: float = 0.95
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return the limits of `accuracy_interval`, elementwise over `n_right`."""
    from scipy.special import gammaincinv

    right = np.asarray(n_right, np.float64)
    low, high = wilson_limits(right, n, level=level)
    wrong = n - right
    few = _few(n)
    for count, few_of in ((right, "right"), (wrong, "wrong")):
        is_few = (count > 0) & (count <= few)
        limit = gammaincinv(np.where(is_few, count, 1.0), 1.0 - level) / n
        if few_of == "right":
            low = np.where(is_few, limit, low)
        else:
            high = np.where(is_few, 1.0 - limit, high)
    return low, high


def seed_intervals(row: Crossed, *, level: float = 0.95) -> SeedIntervals:
    """Return the intervals of a mean accuracy over seeds: seeds, images, and both together.

    With one seed, or seeds that all read every image alike, the seeds add nothing and `images`
    and `both` are the plain interval of one test split; the note says so.
    """
    n, p = row.n_images, row.accuracy
    if row.is_deterministic:
        note = (
            "one seed: nothing is known about retraining"
            if row.n_seeds == 1
            else (f"the {row.n_seeds} seeds read every image alike")
        )
        plain = accuracy_interval(round(p * n), n, level=level, note=note)
        seeds = (
            None
            if row.n_seeds == 1
            else Interval(low=p, high=p, method="t over seeds", level=level, note=note)
        )
        return SeedIntervals(
            mean=p,
            n_seeds=row.n_seeds,
            sd_seeds=row.sd_seeds,
            se_images=row.image_part**0.5,
            seeds=seeds,
            images=plain,
            both=plain,
        )
    df = row.n_seeds - 1
    # No variance is less than that of as many independent readings.
    least = p * (1.0 - p) / (n * row.n_seeds)
    total, image_part = max(row.total, least), max(row.image_part, least)
    both_df = df * total / row.seed_part if row.seed_part > 0 else np.inf
    # An accuracy is a multiple of 1/n: seeds that agree by rounding still differ by that much.
    floor = 1.0 / (12.0 * n**2 * row.n_seeds)
    half = t_quantile(level, df) * max(row.seed_part, floor) ** 0.5
    return SeedIntervals(
        mean=p,
        n_seeds=row.n_seeds,
        sd_seeds=row.sd_seeds,
        se_images=row.image_part**0.5,
        seeds=Interval(
            low=max(0.0, p - half),
            high=min(1.0, p + half),
            method="t over seeds",
            level=level,
            note=THESE_IMAGES_ONLY,
        ),
        images=_score_interval(p, image_part, None, "Wilson, effective n", level),
        both=_score_interval(p, total, both_df, "t over seeds and images", level),
    )


def writers_interval(
    correct: "NDArray[np.bool_] | Crossed", groups: "NDArray[np.generic]", *, level: float = 0.95
) -> Interval:
    """Return the interval of the accuracy on further writers, or of these images alone.

    A t interval on the writers' means in Wilson's form (Dean and Pagano 2015: the effective n that
    their variance implies, a t for the normal quantile), nowhere narrower than the interval of the
    pooled images. Symmetric about the mean it would cover 86 % of what it says where 5 writers are
    near 97 %, as writers' means are skewed there. With fewer than 5 writers the pooled interval
    alone, marked "these images only": nothing made of 3 or 4 writers covers what it says.

    Parameters
    ----------
    correct : ndarray of shape (n,) or (n_seeds, n), bool, or `Crossed`
    groups : ndarray of shape (n,)
        The writer of each image.
    """
    row, groups = crossed(correct), np.asarray(groups)
    n = row.n_images
    if groups.shape != (n,):
        raise BenchError("every image needs its writer", why=f"{n} images, {groups.size} writers")
    pooled = dataclasses.replace(seed_intervals(row, level=level).images, note=THESE_IMAGES_ONLY)
    means = group_means(row.correct, groups)
    if len(means) < MIN_WRITERS:
        return pooled
    low, high, method = pooled.low, pooled.high, "t on writers' means, Wilson's form"
    centre = float(means.mean())
    if 0 < centre < 1:
        variance = max(float(means.var(ddof=1)) / len(means), centre * (1 - centre) / n)
        found = _score_interval(centre, variance, len(means) - 1, method, level)
        low, high = min(low, found.low), max(high, found.high)
    return Interval(low=low, high=high, method=method, level=level)


def group_means(
    correct: "NDArray[np.bool_] | NDArray[np.float64]", groups: "NDArray[np.generic]"
) -> "NDArray[np.float64]":
    """Return each group's accuracy, in the order of the sorted group names, shape (n_groups,)."""
    _, index = np.unique(groups, return_inverse=True)
    return np.bincount(index, weights=correct.astype(np.float64)) / np.bincount(index)


def mean_interval(values: "NDArray[np.floating]", *, level: float = 0.95) -> Interval | None:
    """Return the t interval of a mean over images (a loss); None for one image."""
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return None
    half = t_quantile(level, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
    centre = float(values.mean())
    return Interval(low=centre - half, high=centre + half, method="t over images", level=level)


def bootstrap_intervals(
    matrix: "NDArray[np.int64]",
    statistics: "Mapping[str, Callable[[NDArray[np.int64]], NDArray[np.float64]]]",
    *,
    level: float = 0.95,
    draws: int = BOOTSTRAP_DRAWS,
    seed: int = 42,
) -> dict[str, Interval]:
    """Return percentile bootstrap intervals of statistics of one confusion matrix.

    Drawing a multinomial confusion matrix is drawing the images again, without touching them.
    Without an error there is nothing to draw: Wilson on accuracy stands in and the note says so.

    Parameters
    ----------
    matrix : ndarray of shape (n_classes, n_classes), int64
    statistics : mapping of name to a function of a stack (draws, n_classes, n_classes)
    """
    n, n_right = int(matrix.sum()), int(np.trace(matrix))
    if n == 0:
        raise BenchError("there is nothing to score", why="no test image")
    if n_right in (0, n):
        word = "wrong" if n_right else "right"
        stand_in = accuracy_interval(
            n_right, n, level=level, note=f"none {word}, so none to draw: Wilson on accuracy"
        )
        return dict.fromkeys(statistics, stand_in)
    cells = np.flatnonzero(matrix)
    stack = np.zeros((draws, matrix.size), np.int64)
    shares = matrix.ravel()[cells] / n
    stack[:, cells] = np.random.default_rng(seed).multinomial(n, shares, size=draws)
    stack = stack.reshape(draws, *matrix.shape)
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = {}
    for name, statistic in statistics.items():
        low, high = np.quantile(statistic(stack), tails)
        found[name] = Interval(
            low=float(low), high=float(high), method=f"bootstrap, {draws:,} draws", level=level
        )
    return found


@functools.cache
def normal_quantile(level: float) -> float:
    """Return the two-sided normal quantile: 1.96 at .95."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def t_quantile(level: float, df: float) -> float:
    """Return the two-sided t quantile with `df` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + level) / 2)) if df < 1e9 else normal_quantile(level)


def _score_interval(
    share: float, variance: float, df: float | None, method: str, level: float
) -> Interval:
    """Wilson's interval with the effective n that a variance implies, and a t where it has `df`."""
    size = share * (1 - share) / variance
    quantile = None if df is None else t_quantile(level, df)
    low, high = wilson_limits(share * size, size, level=level, quantile=quantile)
    return Interval(low=float(low), high=float(high), method=method, level=level)


def _few(n: int) -> int:
    """Up to how many errors the Poisson limit is used (Brown, Cai and DasGupta, section 4.1.1)."""
    if n < 10:  # below, right and wrong would both be few
        return 0
    return 2 if n <= 50 else 3


def _check_counts(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise BenchError("no interval of this share", why=f"{successes} of {n}")
