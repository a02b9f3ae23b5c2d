"""The predictions of one evaluation, checked once, as every metric reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.confusion import confusion_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """What one evaluation predicted; make it with `predictions`, which checks it.

    Attributes
    ----------
    labels, predicted : ndarray of shape (n,), int64
        A prediction is a class, or `bench.spec.UNREAD` where no digit could be made of the photo.
    probabilities : ndarray of shape (n, n_classes) or None, float32 in [0, 1]
        None where they are missing or unfit; `no_probabilities` says why.
    class_names : tuple of str
    groups : ndarray of shape (n,) or None
        The writer of each image.
    ids : ndarray of shape (n,) or None
        The ID each image is a digit of, empty where of none; None: a writer is an ID.
    is_calibrated : bool
        Whether the probabilities are that, not scores that merely rank the classes.
    confusion : ndarray of shape (n_classes, n_classes), int64
        Row = truth, column = prediction; one column wider where an image was not read.
    no_probabilities : str
        Why there are no usable probabilities; "" where there are.
    """

    labels: "NDArray[np.int64]"
    predicted: "NDArray[np.int64]"
    probabilities: "NDArray[np.float32] | None"
    class_names: tuple[str, ...]
    groups: "NDArray[np.generic] | None"
    ids: "NDArray[np.generic] | None"
    is_calibrated: bool
    confusion: "NDArray[np.int64]"
    no_probabilities: str

    @property
    def correct(self) -> "NDArray[np.bool_]":
        """Which images were read right, shape (n,)."""
        is_right: NDArray[np.bool_] = self.labels == self.predicted
        return is_right


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


def check_same_images(
    a: "tuple[NDArray[np.integer], str, Sequence[str]]",
    b: "tuple[NDArray[np.integer], str, Sequence[str]]",
    *,
    name_a: str = "A",
    name_b: str = "B",
) -> None:
    """Raise unless two evaluations read the same test images in the same order.

    Parameters
    ----------
    a, b : tuples (labels, content hash of the test split, sample names)
        An empty hash or an empty list of names is not compared.

    Raises
    ------
    BenchError
        Naming what differs: the split, the number, the order, or a label.
    """
    what = f"{name_a} and {name_b} cannot be compared image by image"
    fix = "evaluate both on one test split"
    labels_a, labels_b = np.asarray(a[0]), np.asarray(b[0])
    names_a, names_b = list(a[2]), list(b[2])
    if len(labels_a) != len(labels_b):
        why = f"{len(labels_a):,} and {len(labels_b):,} test images"
        raise BenchError(what, why=why, fix=fix)
    if names_a and names_b and names_a != names_b:
        if sorted(names_a) == sorted(names_b):
            raise BenchError(what, why="the same images in another order", fix=fix)
        raise BenchError(what, why="the sample names differ", fix=fix)
    if a[1] and b[1] and a[1] != b[1]:
        raise BenchError(what, why="different test splits (their content differs)", fix=fix)
    different = np.flatnonzero(labels_a != labels_b)
    if different.size:
        why = f"{different.size:,} labels differ, first at image {different[0]}"
        raise BenchError(what, why=why, fix=fix)


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
