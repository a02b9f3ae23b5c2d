"""How much training again changes each row's accuracy, learnt from all rows of a board together.

Three seeds say little about a spread: their variance has two degrees of freedom. So each row's
variance is moderated, as is done for the genes of a microarray (Smyth 2004, "Linear models and
empirical Bayes methods"): it becomes the weighted mean of its own and of one pooled over the rows,
with the more prior degrees of freedom the more the rows are alike. Variances are divided by
p(1 − p) first, of which a row near 1 has less than one near one half.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.scoring.crossed import Crossed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MAX_PRIOR_DF = 3.0
"""For many rows; 2.25 for 11. With 4 or 8 there, rows of an odd kind split equal models."""

_FAR = 4.0  # a variance beyond so many times the typical one is pooled as that
_FAR_SD = 5.0  # and a standard deviation beyond so many times the others' is named


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSpread:
    """The moderated spread over seeds of a board's rows.

    Attributes
    ----------
    variance : ndarray of shape (n_rows,), float64
        Of one training's accuracy, its churn included; 0 where the seed changes nothing.
    churn : ndarray of shape (n_rows,), float64
        The part of `variance` that a test on more images would not show.
    df : ndarray of shape (n_rows,), float64
        Degrees of freedom of `variance`; 0 where it is 0.
    prior_df : float
        How many of them come from the other rows.
    is_far : ndarray of shape (n_rows,), bool
        Whose seeds differ far more than the others': one training in some may fail.
    """

    variance: "NDArray[np.float64]"
    churn: "NDArray[np.float64]"
    df: "NDArray[np.float64]"
    prior_df: float
    is_far: "NDArray[np.bool_]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What a set of variances says about one more: `df` degrees of freedom at `variance`."""

    df: float
    variance: float


def moderated_spread(rows: Sequence[Crossed], deterministic: Sequence[bool] = ()) -> SeedSpread:
    """Moderate the rows' variances over seeds.

    Rows whose seeds all read alike, and rows of one seed known to be `deterministic`, stay at zero
    and out of the fit. Another row of one seed takes the pooled variance, where any row shows a
    spread; where none does, nothing is known of training again and all stay at zero.
    """
    seeds = np.array([row.n_seeds for row in rows], np.float64)
    known = np.array(list(deterministic) or [False] * len(rows))
    scale = np.array([row.accuracy * (1 - row.accuracy) for row in rows])
    shown = np.array([not row.is_deterministic for row in rows])
    variance, churn, df = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows))
    is_far, prior_df = np.zeros(len(rows), bool), 0.0
    if shown.any():
        ratio = np.array([row.seed_part for row in rows])[shown] * seeds[shown] / scale[shown]
        churning = np.array([row.churn_part for row in rows])[shown] * seeds[shown] / scale[shown]
        own_df = seeds[shown] - 1
        # Accuracies are multiples of 1/n: seeds that agree by rounding still differ by that much.
        least = 1.0 / (12.0 * rows[0].n_images ** 2 * scale[shown])
        prior = fitted_prior(np.maximum(ratio, least), own_df)
        prior_df = prior.df
        df[shown] = prior.df + own_df
        variance[shown] = (prior.df * prior.variance + own_df * ratio) / df[shown]
        churn[shown], is_far[shown] = churning, _far(ratio)
        borrows = (seeds == 1) & ~known
        variance[borrows], churn[borrows] = prior.variance, churning.mean()
        # What one row alone lends is one estimate in two places: each has half of it.
        df[borrows] = prior.df or own_df.mean() / 2
        variance *= scale
        churn *= scale
        df[variance == 0] = 0.0
    return SeedSpread(variance=variance, churn=churn, df=df, prior_df=prior_df, is_far=is_far)


def fitted_prior(variances: "ArrayLike", df: "ArrayLike") -> Prior:
    """Fit the prior that a set of n variances comes from.

    Its degrees of freedom are Smyth's (2004, section 6.2): log variances scatter by
    trigamma(df / 2) where the true ones are equal, and what they scatter more is trigamma of half
    the prior's. They are at most `MAX_PRIOR_DF` times (n − 2) / (n + 1), since few variances do not
    show how alike they are: 0 for two. The prior's variance is the mean, where a row of another
    kind counts no more than `_FAR` times the typical one (robust, after Phipson and others 2016).
    Smyth's own lies near the harmonic mean: a row of wide spread whose seeds fell close together by
    luck would be taken for a steady one.

    Parameters
    ----------
    variances, df : array_like of shape (n,), n > 0
        Positive variances, and the degrees of freedom of each.
    """
    from scipy.special import digamma, polygamma

    s2, d = np.asarray(variances, np.float64), np.asarray(df, np.float64)
    n, logs = len(s2), np.log(s2) - digamma(d / 2) + np.log(d / 2)
    variance = float(np.minimum(s2, _FAR * np.exp(logs.mean())).mean())
    if n < 3:
        return Prior(df=0.0, variance=variance)
    most = MAX_PRIOR_DF * (n - 2) / (n + 1)
    more = float(logs.var(ddof=1) - polygamma(1, d / 2).mean())
    is_alike = more <= float(polygamma(1, most / 2))
    return Prior(df=most if is_alike else 2.0 * inverse_trigamma(more), variance=variance)


def inverse_trigamma(value: float) -> float:
    """Return y with trigamma(y) = value > 0, by Smyth's Newton iteration on 1 / trigamma."""
    from scipy.special import polygamma

    y = 0.5 + 1.0 / value
    for _ in range(50):
        trigamma = float(polygamma(1, y))
        step = trigamma * (1.0 - trigamma / value) / float(polygamma(2, y))
        y += step
        if abs(step) < 1e-14 * y:
            break
    return y


def _far(ratio: "NDArray[np.float64]") -> "NDArray[np.bool_]":
    """Tell which variances lie far beyond the median of the others; of fewer than 3, none."""
    if len(ratio) < 3:
        return np.zeros(len(ratio), bool)
    others = np.array([np.median(np.delete(ratio, i)) for i in range(len(ratio))])
    return np.asarray(ratio > _FAR_SD**2 * others)
