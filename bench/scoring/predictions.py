"""The predictions of one evaluation, checked once, as every metric reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.confusion import confusion_matrix
from bench.spec import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray


def predictions(
    labels: "NDArray[np.integer]",
    predicted: "NDArray[np.integer]",
    probabilities: "NDArray[np.floating] | None",
    class_names: Sequence[str],
    *,
    groups: "NDArray[np.generic] | None" = None,
    ids: "NDArray[np.generic] | None" = None,
    is_calibrated: bool = True,
) -> Predictions:
    """Check the arrays of one evaluation and count its confusion matrix.

    Probabilities that cannot be used (NaN, outside [0, 1], rows that do not sum to 1 within 1 %)
    are set aside with the reason; what needs none of them is scored all the same.

    Raises
    ------
    BenchError
        When there is no image, lengths differ, or a label or prediction is not a class.
    """
    truth, guess = np.asarray(labels, np.int64), np.asarray(predicted, np.int64)
    names = tuple(class_names)
    if len(truth) == 0:
        raise BenchError("there is nothing to score", why="no test image")
    confusion = confusion_matrix(truth, guess, len(names))
    for word, keys in (("writers", groups), ("IDs", ids)):
        if keys is not None and len(keys) != len(labels):
            raise BenchError(
                f"the {word} do not belong to these images",
                why=f"{len(keys):,} {word}, {len(labels):,} images",
            )
    reason = "the evaluation holds no probabilities"
    if probabilities is not None:
        probabilities = np.asarray(probabilities)
        if probabilities.shape != (len(labels), len(names)):
            raise BenchError(
                "the probabilities do not belong to these images",
                why=f"shape {probabilities.shape}, not {(len(labels), len(names))}",
            )
        reason = _unfit(probabilities, is_calibrated)
    return Predictions(
        labels=truth,
        predicted=guess,
        probabilities=None if reason or probabilities is None else probabilities,
        class_names=names,
        groups=None if groups is None else np.asarray(groups),
        ids=None if ids is None else np.asarray(ids),
        is_calibrated=is_calibrated,
        confusion=confusion,
        no_probabilities=reason,
    )


def _unfit(probabilities: "NDArray[np.floating]", is_calibrated: bool) -> str:
    """Say why probabilities cannot be used, or "" when they can."""
    sums = probabilities.sum(1, dtype=np.float64)
    n_broken = int((~np.isfinite(sums)).sum())
    if n_broken:
        return f"{n_broken:,} of {len(sums):,} rows of probabilities are not finite"
    if not is_calibrated:
        return ""
    if probabilities.min() < 0 or probabilities.max() > 1 + 1e-6:
        return "probabilities outside 0 to 1"
    n_off = int((np.abs(sums - 1) > 0.01).sum())
    return f"{n_off:,} of {len(sums):,} rows of probabilities do not sum to 1" if n_off else ""
