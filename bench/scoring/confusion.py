"""Confusion matrices and what scikit-learn derives from them, for one matrix or a stack of them."""

from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.spec import UNREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray


def confusion_matrix(
    labels: "NDArray[np.integer]", predicted: "NDArray[np.integer]", n_classes: int
) -> "NDArray[np.int64]":
    """Count the pairs of truth and prediction.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n,), integers in [0, n_classes)
        A prediction may also be `bench.spec.UNREAD`.
    n_classes : int

    Returns
    -------
    ndarray of shape (n_classes, n_classes), int64
        Row = truth, column = prediction, as in scikit-learn. Where an image was not read there is
        one column more, the last, that counts those: they are wrong, and no class's prediction.

    Raises
    ------
    BenchError
        When the shapes differ or a value is not a class.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise BenchError(
            "labels and predictions do not belong together",
            why=f"shapes {labels.shape} and {predicted.shape}",
        )
    for name, values, least in (("a label", labels, 0), ("a prediction", predicted, UNREAD)):
        if values.size and (values.min() < least or values.max() >= n_classes):
            raise BenchError(
                f"{name} is outside the {n_classes} classes",
                why=f"values run from {values.min()} to {values.max()}",
            )
    width = n_classes + bool((predicted == UNREAD).any())
    pairs = labels.astype(np.int64) * width + unread_last(predicted, n_classes)
    return np.bincount(pairs, minlength=n_classes * width).reshape(n_classes, width)


def unread_last(predicted: "NDArray[np.integer]", n_classes: int) -> "NDArray[np.int64]":
    """Return the column of each prediction: what was not read has the one after the classes."""
    return np.where(predicted == UNREAD, n_classes, predicted).astype(np.int64)


def per_class(
    matrix: "NDArray[np.integer]",
) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]":
    """Return precision, recall and F1 per class, 0 where scikit-learn's ``zero_division=0`` says 0.

    Parameters
    ----------
    matrix : ndarray of shape (..., n_classes, n_classes), or one column wider
        As `confusion_matrix` makes it.

    Returns
    -------
    three ndarrays of shape (..., n_classes), float64 in [0, 1]
    """
    hits = _hits(matrix)
    support, n_predicted = matrix.sum(-1), times_predicted(matrix)
    return (
        _ratio(hits, n_predicted),
        _ratio(hits, support),
        _ratio(2.0 * hits, support + n_predicted),
    )


def accuracy(matrix: "NDArray[np.integer]") -> "NDArray[np.float64]":
    """Return the share read right, shape (...)."""
    return _ratio(_hits(matrix).sum(-1), matrix.sum((-2, -1)))


def balanced_accuracy(matrix: "NDArray[np.integer]") -> "NDArray[np.float64]":
    """Return the mean recall over the classes present in truth, shape (...)."""
    support = matrix.sum(-1)
    return _ratio((per_class(matrix)[1]).sum(-1), (support > 0).sum(-1))


def macro_f1(matrix: "NDArray[np.integer]") -> "NDArray[np.float64]":
    """Return the mean F1 over the classes present in truth or in predictions, shape (...)."""
    present = (matrix.sum(-1) + times_predicted(matrix)) > 0
    return _ratio(per_class(matrix)[2].sum(-1), present.sum(-1))


def weighted_f1(matrix: "NDArray[np.integer]") -> "NDArray[np.float64]":
    """Return the mean F1 weighted by support, shape (...)."""
    support = matrix.sum(-1)
    return _ratio((per_class(matrix)[2] * support).sum(-1), support.sum(-1))


def times_predicted(matrix: "NDArray[np.integer]") -> "NDArray[np.int64]":
    """Return how often each class was predicted, shape (..., n_classes)."""
    counts: NDArray[np.int64] = matrix.sum(-2)[..., : matrix.shape[-2]]
    return counts


def _hits(matrix: "NDArray[np.integer]") -> "NDArray[np.float64]":
    return np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)


def _ratio(
    numerator: "NDArray[np.float64]", denominator: "NDArray[np.integer]"
) -> "NDArray[np.float64]":
    """Divide, with 0 where nothing was counted."""
    quotient: NDArray[np.float64] = numerator / np.maximum(denominator, 1)
    return quotient
