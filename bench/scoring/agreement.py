"""Several models on the same images: where they agree, what is hard, which labels look wrong."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class HardImage:
    """An image that many models misread.

    `n_wrong` of `n_models` models were wrong; `read_as` is the class most of these gave, by
    number, and `n_read_as` how many did.
    """

    image: int
    label: int
    n_wrong: int
    n_models: int
    read_as: int
    n_read_as: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectLabel:
    """An image whose label every model confidently contradicts with one and the same class.

    `confidence` is the least confidence among the models.
    """

    image: int
    label: int
    suggested: int
    confidence: float
    n_models: int


def agreement_matrix(predicted: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """Return the share of images on which each pair of models predicts the same.

    Parameters
    ----------
    predicted : ndarray of shape (n_models, n), int64

    Returns
    -------
    ndarray of shape (n_models, n_models), float64
        1 on the diagonal.
    """
    table = _checked(predicted)
    return np.stack([(table == row).mean(1) for row in table])


def error_overlap(correct: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    """Return, of the errors either model of a pair makes, the share both make (Jaccard).

    NaN where neither errs. Shape (n_models, n_models).
    """
    wrong = (~np.asarray(correct, bool)).astype(np.float64)
    both = wrong @ wrong.T
    alone = wrong.sum(1)
    either = alone[:, None] + alone[None, :] - both
    overlap: NDArray[np.float64] = both / np.where(either > 0, either, np.nan)
    return overlap


def hardest_images(
    predicted: "NDArray[np.int64]", labels: "NDArray[np.int64]", *, limit: int | None = None
) -> list[HardImage]:
    """List the images that most models misread, the hardest first; of one model, all its errors.

    An image is listed when at least half the models misread it.
    """
    table = _checked(predicted, labels)
    wrong = table != labels
    n_wrong = wrong.sum(0)
    order = np.argsort(-n_wrong, kind="stable")
    order = order[n_wrong[order] * 2 >= len(table)]
    order = order[n_wrong[order] > 0][:limit]
    found = []
    for i in order:
        counts = np.bincount(table[wrong[:, i], i])
        found.append(
            HardImage(
                image=int(i),
                label=int(labels[i]),
                n_wrong=int(n_wrong[i]),
                n_models=len(table),
                read_as=int(counts.argmax()),
                n_read_as=int(counts.max()),
            )
        )
    return found


def likely_label_errors(
    predicted: "NDArray[np.int64]",
    labels: "NDArray[np.int64]",
    confidence: "NDArray[np.floating]",
    *,
    min_confidence: float = 0.9,
    min_models: int = 3,
) -> list[SuspectLabel]:
    """List images that all models read as one other class, each confidently, the surest first.

    Parameters
    ----------
    predicted : ndarray of shape (n_models, n), int64
    labels : ndarray of shape (n,), int64
    confidence : ndarray of shape (n_models, n), float in [0, 1]
        Of each model in its prediction; NaN for a model without calibrated probabilities, which
        then only has to agree.
    min_confidence : float
        What every known confidence must reach.
    min_models : int
        With fewer models that know their confidence, nothing is listed: one model's error is no
        evidence against a label.
    """
    table = _checked(predicted, labels)
    sure = np.asarray(confidence, np.float64)
    is_known = np.isfinite(sure)
    least = np.where(is_known, sure, np.inf).min(0)
    is_suspect = (table == table[0]).all(0) & (table[0] != labels) & (least >= min_confidence)
    is_suspect &= is_known.sum(0) >= min_models
    images = np.flatnonzero(is_suspect)
    return [
        SuspectLabel(
            image=int(i),
            label=int(labels[i]),
            suggested=int(table[0, i]),
            confidence=float(least[i]),
            n_models=len(table),
        )
        for i in images[np.argsort(-least[images], kind="stable")]
    ]


def only_one_right(
    predicted: "NDArray[np.int64]", labels: "NDArray[np.int64]"
) -> "list[NDArray[np.int64]]":
    """Return for each model the images that it alone reads right; of one model, none."""
    table = _checked(predicted, labels)
    right = table == labels
    alone = (right.sum(0) == 1) & (len(table) > 1)
    return [np.flatnonzero(row & alone) for row in right]


def oracle(predicted: "NDArray[np.int64]", labels: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return the truth where some model gives it, else the majority vote, shape (n,).

    Its accuracy is what a perfect choice among the models would reach.
    """
    table = _checked(predicted, labels)
    return np.where((table == labels).any(0), labels, majority_vote(table))


def majority_vote(
    predicted: "NDArray[np.int64]", probabilities: "Sequence[NDArray[np.floating]] | None" = None
) -> "NDArray[np.int64]":
    """Return what most models predict, shape (n,).

    A tie goes to the tied class with the largest summed probability where `probabilities` (one
    array (n, n_classes) a model) are given, else to the class of the first of the models.
    """
    table = _checked(predicted)
    n_classes = int(table.max()) + 1
    votes = np.stack([(table == c).sum(0) for c in range(n_classes)], axis=1).astype(np.float64)
    if probabilities is not None:
        summed = np.sum([np.asarray(p, np.float64)[:, :n_classes] for p in probabilities], axis=0)
        weight = np.nan_to_num(summed) / (len(probabilities) + 1.0)
    else:
        rank = np.arange(len(table), 0, -1)[:, None] / (len(table) + 1.0)
        weight = np.stack(
            [np.where(table == c, rank, 0.0).max(0) for c in range(n_classes)], axis=1
        )
    # Weights stay below one vote: they only decide ties.
    winner: NDArray[np.int64] = np.argmax(votes + weight, axis=1).astype(np.int64)
    return winner


def _checked(
    predicted: "NDArray[np.int64]", labels: "NDArray[np.int64] | None" = None
) -> "NDArray[np.int64]":
    table = np.asarray(predicted, np.int64)
    if table.ndim != 2 or 0 in table.shape:
        raise BenchError("there are no predictions to compare", why=f"shape {table.shape}")
    if labels is not None and table.shape[1] != len(labels):
        raise BenchError(
            "the models were not tested on the same images",
            why=f"{table.shape[1]:,} predictions, {len(labels):,} labels",
        )
    return table
