"""What is left to a person when the classifier may say "I don't know"."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.intervals import accuracy_interval
from bench.spec import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """What is answered at one confidence threshold.

    `coverage` is the share answered, `accuracy` and its `interval` hold for those; both are None
    where nothing is.
    """

    threshold: float
    n_answered: int
    coverage: float
    accuracy: float | None
    interval: Interval | None


def abstention_curve(
    confidence: "NDArray[np.floating]",
    correct: "NDArray[np.bool_]",
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    level: float = 0.95,
) -> list[Abstention]:
    """Return coverage and accuracy of the answers at least as confident as each threshold.

    Parameters
    ----------
    confidence : ndarray of shape (n,), float in [0, 1]
        The probability of the predicted class; for calibrated probabilities only.
    correct : ndarray of shape (n,), bool
    """
    confidence, correct = _checked(confidence, correct)
    return [_at(confidence, correct, threshold, level) for threshold in thresholds]


def _at(
    confidence: "NDArray[np.float64]", correct: "NDArray[np.bool_]", threshold: float, level: float
) -> Abstention:
    is_answered = confidence >= threshold
    n_answered, n_right = int(is_answered.sum()), int((is_answered & correct).sum())
    return Abstention(
        threshold=threshold,
        n_answered=n_answered,
        coverage=n_answered / len(correct),
        accuracy=n_right / n_answered if n_answered else None,
        interval=accuracy_interval(n_right, n_answered, level=level) if n_answered else None,
    )


def _checked(
    confidence: "NDArray[np.floating]", correct: "NDArray[np.bool_]"
) -> "tuple[NDArray[np.float64], NDArray[np.bool_]]":
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    if sure.shape != right.shape or not len(sure):
        raise BenchError("confidences do not fit", why=f"shapes {sure.shape} and {right.shape}")
    if not np.isfinite(sure).all():
        raise BenchError("confidences are not finite", why=f"{(~np.isfinite(sure)).sum()} of them")
    return sure, right
