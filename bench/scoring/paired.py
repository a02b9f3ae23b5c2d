"""Is the difference real: paired tests on the same images.

One classifier a side: McNemar's test, mid-p by default (Fagerland, Lydersen and Laake 2013), with
Tango's score interval (1998). Several seeds: a test over seeds and images (`crossed`), the
reader-by-case analysis of Obuchowski and Rockette (1995) with seeds as readers nested in their
model and Hillis's (2007) degrees of freedom.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.crossed import Crossed, crossed
from bench.scoring.intervals import normal_quantile, t_quantile
from bench.spec import Interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ONE_SEED = "one seed a side: this speaks of these two trained classifiers, not of training again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A against B on the same images.

    `difference` is accuracy A − accuracy B and `interval` bounds it. `only_a`, `only_b`,
    `both_right` and `both_wrong` count images; over several seeds they are means over the pairs of
    seeds and need not be whole.
    """

    n_images: int
    seeds_a: int
    seeds_b: int
    accuracy_a: float
    accuracy_b: float
    difference: float
    interval: Interval
    p_value: float
    method: str
    only_a: float
    only_b: float
    both_right: float
    both_wrong: float
    note: str = ""

    def is_real(self, alpha: float = 0.05) -> bool:
        """Tell whether the difference is more than luck at level `alpha`."""
        return self.p_value < alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The chance in a difference of two rows' accuracies, elementwise over pairs.

    `variance` is for new seeds and new images if the two rows were equally good, `df` its degrees
    of freedom.
    """

    variance: "NDArray[np.float64]"
    df: "NDArray[np.float64]"


def mcnemar(
    only_a: "ArrayLike", only_b: "ArrayLike", *, exact: bool = False
) -> "NDArray[np.float64]":
    """Return McNemar's two-sided p-value, elementwise: mid-p, or the exact binomial one.

    Mid-p is the exact p-value less the probability of the observed table: it keeps 5 % without
    being as timid. Without a discordant image it is 1.

    Parameters
    ----------
    only_a, only_b : array_like of int, the same shape
        Images that only A, only B read right.
    """
    from scipy.special import bdtr, gammaln

    a, b = np.asarray(only_a).astype(np.int64), np.asarray(only_b).astype(np.int64)
    n, k = a + b, np.minimum(a, b)
    tail = bdtr(k, n, 0.5)
    if exact:
        return np.where(a == b, 1.0, np.minimum(1.0, 2.0 * tail))
    log_point = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2.0)
    mid = np.where(a == b, 1.0, 2.0 * tail - np.exp(log_point))
    return np.clip(np.where(n == 0, 1.0, mid), 0.0, 1.0)


def compare(
    correct_a: "NDArray[np.bool_] | Crossed",
    correct_b: "NDArray[np.bool_] | Crossed",
    *,
    exact: bool = False,
    level: float = 0.95,
) -> Comparison:
    """Compare two rows on the same images, in the same order.

    McNemar where each side is one classifier (or seeds that all read alike); else the test over
    seeds and images. A side with one seed borrows the other's seed variance; the note says so.

    Parameters
    ----------
    correct_a, correct_b : ndarray of shape (n,) or (n_seeds, n), bool, or `Crossed`
    exact : bool
        McNemar's exact p-value instead of mid-p.

    Raises
    ------
    BenchError
        When the two sides have different numbers of images, or none.
    """
    a, b = crossed(correct_a), crossed(correct_b)
    if a.n_images != b.n_images:
        raise BenchError(
            "A and B were not tested on the same images",
            why=f"{a.n_images:,} and {b.n_images:,}",
            fix="compare evaluations on one test split",
        )
    only_a = float((a.correct * (1 - b.correct)).sum())
    only_b = float((b.correct * (1 - a.correct)).sum())
    if a.is_deterministic and b.is_deterministic:
        p_value = float(mcnemar(round(only_a), round(only_b), exact=exact))
        interval = difference_interval(
            round(only_a), round(only_b), a.n_images, level=level, exact=exact
        )
        method = "McNemar, exact" if exact else "McNemar, mid-p"
    else:
        p_value, interval = _over_seeds(a, b, level)
        method = "paired test over seeds and images"
    return Comparison(
        n_images=a.n_images,
        seeds_a=a.n_seeds,
        seeds_b=b.n_seeds,
        accuracy_a=a.accuracy,
        accuracy_b=b.accuracy,
        difference=a.accuracy - b.accuracy,
        interval=interval,
        p_value=p_value,
        method=method,
        only_a=only_a,
        only_b=only_b,
        both_right=float((a.correct * b.correct).sum()),
        both_wrong=float(((1 - a.correct) * (1 - b.correct)).sum()),
        note=_seed_note(a, b),
    )


def difference_interval(
    only_a: int,
    only_b: int,
    n: int,
    *,
    level: float = 0.95,
    agree_with_test: bool = True,
    exact: bool = False,
) -> Interval:
    """Return Tango's score interval of accuracy A − accuracy B for one classifier a side.

    Tango inverts McNemar's asymptotic test, which rejects a little more often than mid-p: with
    `agree_with_test` the interval is then extended to 0, so that it holds 0 exactly when the mid-p
    test (or the `exact` one) does not reject.
    """
    if n < 1 or min(only_a, only_b) < 0 or only_a + only_b > n:
        raise BenchError("no interval of this difference", why=f"{only_a} and {only_b} of {n}")
    z, point = normal_quantile(level), (only_a - only_b) / n
    low = _solve_tango(only_a, only_b, n, -1.0, point, z)
    high = _solve_tango(only_a, only_b, n, point, 1.0, -z)
    if agree_with_test and float(mcnemar(only_a, only_b, exact=exact)) >= 1 - level:
        low, high = min(low, 0.0), max(high, 0.0)
    return Interval(low=low, high=high, method="Tango score, paired", level=level)


def variance_parts(
    image_part: "ArrayLike",
    side_a: "tuple[ArrayLike, ArrayLike, ArrayLike]",
    side_b: "tuple[ArrayLike, ArrayLike, ArrayLike]",
) -> Parts:
    """Join the parts of two rows' chance, elementwise.

    The degrees of freedom of the seeds are Welch's, at most twice the smaller side's, and grow with
    the share of the images in the variance. Satterthwaite's would grow with its square: with 2 or
    3 seeds that calls up to 7 % of equal models different where seeds and images weigh alike. Where
    one side alone shows a spread they grow more slowly: by all of the share, 2 seeds against a
    model without any spread would call up to 9 % of equal models different.

    Parameters
    ----------
    image_part : array_like
        Sum over images of the squared difference, over n squared.
    side_a, side_b : tuples (seed part, churn part, seeds − 1), each array_like
        The last is 0 for a side whose seeds bring no variance of their own: none, or a borrowed
        one, which is known no better than the lender's.
    """
    image = np.asarray(image_part, np.float64)
    seed_a, churn_a, df_a = (np.asarray(x, np.float64) for x in side_a)
    seed_b, churn_b, df_b = (np.asarray(x, np.float64) for x in side_b)
    seed, churn = seed_a + seed_b, churn_a + churn_b
    variance = np.maximum(np.maximum(seed, image), seed + image - churn)
    own_a = np.where(df_a > 0, seed_a**2 / np.maximum(df_a, 1), 0.0)
    own_b = np.where(df_b > 0, seed_b**2 / np.maximum(df_b, 1), 0.0)
    spread = own_a + own_b
    smaller = np.where((df_a > 0) & (df_b > 0), 2 * np.minimum(df_a, df_b), np.maximum(df_a, df_b))
    has_spread = spread > 0
    welch = np.minimum(seed**2 / np.where(has_spread, spread, 1.0), smaller)
    # One estimate alone is often far too small, and then would not know it: it grows more slowly.
    is_alone = (df_a > 0) != (df_b > 0)
    share = np.where(is_alone, welch**2 / (welch**2 + 4.0), 1.0)
    others = np.maximum(variance / np.where(has_spread, seed, 1.0) - 1.0, 0.0)
    df = np.where(has_spread, welch * (1.0 + share * others), np.inf)
    return Parts(variance=variance, df=df)


def p_from_parts(difference: "ArrayLike", parts: Parts) -> "NDArray[np.float64]":
    """Return the two-sided p-value of a difference, elementwise; 1 where there is none."""
    from scipy.special import stdtr

    gap = np.abs(np.asarray(difference, np.float64))
    scale = np.sqrt(np.where(parts.variance > 0, parts.variance, 1.0))
    p_value = 2.0 * stdtr(np.minimum(parts.df, 1e9), -gap / scale)
    return np.where(parts.variance > 0, p_value, 1.0)


def pair_parts(a: Crossed, b: Crossed) -> Parts:
    """Return the chance in the difference of two rows."""
    image = float(((a.correct - b.correct) ** 2).sum()) / a.n_images**2
    return variance_parts(image, side(a, b), side(b, a))


def side(row: Crossed, other: Crossed) -> tuple[float, float, int]:
    """Return what a row's seeds bring to a comparison: seed part, churn part, seeds − 1.

    A row of one seed borrows the spread of the other side: taking it for none would call one
    lucky training a better model. Its last figure is 0: both spreads are one estimate then.
    """
    if row.n_seeds == 1 and not other.is_deterministic:
        k = other.n_seeds
        return other.seed_part * k, other.churn_part * k, 0
    return row.seed_part, row.churn_part, 0 if row.is_deterministic else row.n_seeds - 1


def holm(p_values: "ArrayLike") -> "NDArray[np.float64]":
    """Return Holm's (1979) adjusted p-values, in the order given.

    Parameters
    ----------
    p_values : array_like of shape (n_tests,)
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _over_seeds(a: Crossed, b: Crossed, level: float) -> tuple[float, Interval]:
    parts = pair_parts(a, b)
    gap = a.accuracy - b.accuracy
    half = t_quantile(level, float(parts.df)) * float(parts.variance) ** 0.5
    interval = Interval(
        low=max(-1.0, gap - half),
        high=min(1.0, gap + half),
        method="t over seeds and images, paired",
        level=level,
    )
    return float(p_from_parts(gap, parts)), interval


def _solve_tango(only_a: int, only_b: int, n: int, low: float, high: float, target: float) -> float:
    """Find by bisection the difference at which Tango's z statistic, which falls, is `target`."""
    for _ in range(80):
        middle = (low + high) / 2
        if _tango_z(only_a, only_b, n, middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _tango_z(only_a: int, only_b: int, n: int, difference: float) -> float:
    """Tango's (1998) score statistic for a difference of paired proportions."""
    linear = -only_a - only_b + (2 * n - only_a + only_b) * difference
    constant = -only_b * difference * (1 - difference)
    root = max(linear**2 - 8 * n * constant, 0.0) ** 0.5
    nuisance = (root - linear) / (4 * n)
    variance = n * (2 * nuisance + difference * (1 - difference))
    return float((only_a - only_b - n * difference) / max(variance, 1e-300) ** 0.5)


def _seed_note(a: Crossed, b: Crossed) -> str:
    if a.n_seeds == 1 and b.n_seeds == 1:
        return ONE_SEED
    if a.is_deterministic and b.is_deterministic:
        for name, row in (("A", a), ("B", b)):
            if row.n_seeds == 1:
                return f"{name} has one seed: nothing is known about training it again"
        return "the seeds of a side read every image alike"
    for name, row, other in (("A", a, "B"), ("B", b, "A")):
        if row.n_seeds == 1:
            return f"{name} has one seed: its spread over training again is taken to be {other}'s"
    return ""
