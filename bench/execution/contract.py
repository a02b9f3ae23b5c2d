"""What a classifier must return; anything else fails its trial with a line that says what came."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.spec import Labels, Probabilities

__all__ = ["ContractError", "check_predicted", "check_probabilities"]

ROW_SUM_TOLERANCE = 1e-3


class ContractError(BenchError):
    """A classifier returned something that is not what it promised."""


def check_probabilities(returned: Any, n: int, n_classes: int) -> Probabilities:
    """Return what ``predict_proba`` returned as (n, n_classes) float32.

    Raises
    ------
    ContractError
        If it is not an array of numbers of that shape, finite, within [0, 1], rows summing to 1.
    """
    what = "predict_proba"
    array = _numbers(returned, what)
    if array.shape != (n, n_classes):
        raise ContractError(
            f"{what} returned an array of shape {array.shape} for {n:,} images of {n_classes} "
            f"classes",
            why=f"it must be ({n}, {n_classes})",
        )
    if not np.isfinite(array).all():
        kind = "NaN" if np.isnan(array).any() else "infinite values"
        count = int((~np.isfinite(array)).any(axis=1).sum())
        raise ContractError(f"{what} returned {kind} for {count:,} of {n:,} images")
    if array.size and (array.min() < -ROW_SUM_TOLERANCE or array.max() > 1 + ROW_SUM_TOLERANCE):
        raise ContractError(
            f"{what} returned values from {array.min():.4g} to {array.max():.4g}",
            why="probabilities are within 0 and 1",
        )
    sums = array.sum(axis=1, dtype=np.float64)
    worst = int(np.abs(sums - 1).argmax()) if n else 0
    if n and abs(sums[worst] - 1) > ROW_SUM_TOLERANCE:
        raise ContractError(
            f"{what} returned rows that do not sum to 1", why=f"row {worst} sums to {sums[worst]:g}"
        )
    return array.astype(np.float32, copy=False)


def check_predicted(returned: Any, n: int, n_classes: int) -> Labels:
    """Return what ``predict`` returned as (n,) int64.

    Raises
    ------
    ContractError
        If it is not n indices of classes.
    """
    array = _numbers(returned, "predict")
    if array.shape != (n,):
        raise ContractError(
            f"predict returned an array of shape {array.shape} for {n:,} images",
            why=f"it must be ({n},)",
        )
    labels: npt.NDArray[np.int64] = array.astype(np.int64)
    if (labels != array).any() or (n and (labels.min() < 0 or labels.max() >= n_classes)):
        raise ContractError(
            "predict returned values that are not classes",
            why=f"they must be whole numbers from 0 to {n_classes - 1}",
        )
    return labels


def _numbers(returned: Any, what: str) -> npt.NDArray[Any]:
    if returned is None:
        raise ContractError(f"{what} returned None", why="it must return an array")
    array = np.asarray(returned)
    if array.dtype.kind not in "fiu":
        raise ContractError(
            f"{what} returned {type(returned).__name__} of {array.dtype}",
            why="it must return an array of numbers",
        )
    return array
