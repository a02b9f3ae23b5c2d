"""Do the probabilities mean what they say: reliability, expected calibration error, Brier."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BINS = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """A reliability diagram: equal-width bins of confidence.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,), float64
        A bin holds confidences in (low, high]; the first also holds 0.
    counts : ndarray of shape (n_bins,), int64
    confidence, accuracy : ndarray of shape (n_bins,), float64
        Means over the bin's images; NaN in an empty bin.
    ece : float
        Expected calibration error: the mean of |accuracy − confidence| weighted by counts.
    """

    edges: "NDArray[np.float64]"
    counts: "NDArray[np.int64]"
    confidence: "NDArray[np.float64]"
    accuracy: "NDArray[np.float64]"
    ece: float


def reliability(
    confidence: "NDArray[np.floating]", correct: "NDArray[np.bool_]", *, n_bins: int = N_BINS
) -> Reliability:
    """Compare what a classifier claims with how often it is right (Guo et al. 2017).

    Parameters
    ----------
    confidence : ndarray of shape (n,), float in [0, 1]
        The probability of the predicted class.
    correct : ndarray of shape (n,), bool
    n_bins : int
        15, as in Guo et al.
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    bins = np.clip(np.ceil(np.asarray(confidence, np.float64) * n_bins).astype(int) - 1, 0, None)
    bins = np.minimum(bins, n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    claimed = np.bincount(bins, weights=confidence, minlength=n_bins)
    right = np.bincount(bins, weights=correct, minlength=n_bins)
    size = np.where(counts > 0, counts, np.nan)
    return Reliability(
        edges=edges,
        counts=counts,
        confidence=claimed / size,
        accuracy=right / size,
        ece=float(np.abs(right - claimed).sum() / max(len(bins), 1)),
    )


def confidence_of(
    probabilities: "NDArray[np.floating]", predicted: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    """Return the probability given to the predicted class, shape (n,)."""
    return probabilities[np.arange(len(predicted)), predicted].astype(np.float64)


def image_brier(
    probabilities: "NDArray[np.floating]", labels: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    """Return each image's Brier score, 0 to 2: the squared distance to the true class, shape (n,).

    Over all classes, not halved, as scikit-learn's ``brier_score_loss`` for several classes.
    """
    p = probabilities.astype(np.float64)
    of_truth = p[np.arange(len(labels)), labels]
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", p, p)
    return squares - 2.0 * of_truth + 1.0


def image_log_loss(
    probabilities: "NDArray[np.floating]", labels: "NDArray[np.int64]"
) -> "NDArray[np.float64]":
    """Return each image's negative log-likelihood, shape (n,).

    Clipped at the machine epsilon of the probabilities' own dtype, as scikit-learn's ``log_loss``.
    """
    eps = np.finfo(probabilities.dtype).eps
    of_truth = probabilities[np.arange(len(labels)), labels]
    losses: NDArray[np.float64] = -np.log(np.clip(of_truth, eps, 1 - eps)).astype(np.float64)
    return losses
