"""The interval of a metric's mean over seeds, where no formula gives its variance."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.confusion import confusion_matrix
from bench.scoring.intervals import BOOTSTRAP_DRAWS, bootstrap_intervals, t_quantile
from bench.spec import UNREAD, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["metric_interval"]

Statistic = Callable[["NDArray[np.int64]"], "NDArray[np.float64]"]


def metric_interval(
    labels: "NDArray[np.int64]",
    predicted: "NDArray[np.int64]",
    n_classes: int,
    statistic: Statistic,
    *,
    level: float = 0.95,
    draws: int = BOOTSTRAP_DRAWS,
    seed: int = 42,
) -> tuple[float, Interval]:
    """Return a metric's mean over seeds and its interval, for other seeds and other images.

    One seed: the percentile bootstrap of its confusion matrix. Several: the images are drawn for
    all seeds at once, which gives their variance, and the variance of the seeds' mean is added; a
    t interval on the sum, its degrees of freedom as in `bench.scoring.intervals.seed_intervals`.
    Images and seeds both hold what changes with the two together, so it is a little too wide.

    Parameters
    ----------
    labels : ndarray of shape (n,), int64
    predicted : ndarray of shape (n_seeds, n), int64
    statistic : callable
        The metric of a stack of confusion matrices (..., n_classes, n_classes).
    """
    if predicted.ndim != 2 or predicted.shape[1:] != labels.shape or not labels.size:
        raise BenchError(
            "there is nothing to score", why=f"shapes {labels.shape} and {predicted.shape}"
        )
    matrices = [confusion_matrix(labels, line, n_classes) for line in predicted]
    values = np.array([float(statistic(matrix)) for matrix in matrices])
    mean, k = float(values.mean()), len(values)
    if k == 1:
        return mean, bootstrap_intervals(
            matrices[0], {"": statistic}, level=level, draws=draws, seed=seed
        )[""]
    of_seeds = float(values.var(ddof=1)) / k
    of_images = float(_drawn(labels, predicted, statistic, n_classes, draws, seed).var(ddof=1))
    total = of_seeds + of_images
    if total == 0:  # every seed reads every image alike, and rightly or wrongly without exception
        alone = bootstrap_intervals(matrices[0], {"": statistic}, level=level, draws=draws)[""]
        return mean, alone
    df = (k - 1) * total / of_seeds if of_seeds > 0 else np.inf
    half = t_quantile(level, df) * total**0.5
    return mean, Interval(
        low=max(0.0, mean - half),
        high=min(1.0, mean + half),
        method=f"t over seeds and images, images by bootstrap, {draws:,} draws",
        level=level,
    )


def _drawn(
    labels: "NDArray[np.int64]",
    predicted: "NDArray[np.int64]",
    statistic: Statistic,
    n_classes: int,
    draws: int,
    seed: int,
) -> "NDArray[np.float64]":
    """Return the mean over seeds on images drawn anew, shape (draws,)."""
    read = np.where(predicted == UNREAD, n_classes, predicted)
    cells, counts = np.unique(np.vstack([labels, read]), axis=1, return_counts=True)
    n = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=draws)
    width = max(n_classes, int(cells[1:].max()) + 1)
    means = np.zeros(draws)
    for line in cells[1:]:
        onto = np.zeros((cells.shape[1], n_classes * width))
        onto[np.arange(cells.shape[1]), cells[0] * width + line] = 1.0
        stack = np.rint(drawn @ onto).astype(np.int64).reshape(draws, n_classes, width)
        means += statistic(stack) / len(predicted)
    return means
