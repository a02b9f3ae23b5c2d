"""Which training images a trial sees, in which shape, and how well it reads them afterwards."""

import numpy as np
import numpy.typing as npt

from bench.execution.contract import check_probabilities
from bench.images.shape import adapt
from bench.planning.task import TrialTask
from bench.spec import Classifier, ImageSet, Shape

__all__ = ["adapted", "choose_images", "measure_train_accuracy"]

TRAIN_ACCURACY_IMAGES = 5_000


def choose_images(
    labels: npt.NDArray[np.int64], n_wanted: int, seed: int
) -> npt.NDArray[np.intp] | None:
    """Return the images of a limited training set, or None for all of them.

    They are the first `n_wanted` of a permutation that `seed` decides, with the first image of
    every class before all others, so that no class is lost while there is room for it.

    Parameters
    ----------
    labels : ndarray of shape (n,), int64
    n_wanted : int
        0 for all.
    """
    if n_wanted <= 0 or n_wanted >= len(labels):
        return None
    order = np.random.default_rng(seed).permutation(len(labels))
    _, firsts = np.unique(labels[order], return_index=True)
    firsts.sort()
    rest = np.delete(np.arange(len(order)), firsts)
    chosen = np.sort(np.concatenate([firsts, rest])[:n_wanted])
    return np.asarray(order[chosen], dtype=np.intp)


def adapted(split: ImageSet, shape: Shape) -> ImageSet:
    """Return a split with images of `shape`; itself, still memory-mapped, where nothing differs."""
    if split.shape == tuple(shape):
        return split
    images = adapt(split.images, shape)
    return ImageSet(pixels=images, labels=split.labels, names=split.names, groups=split.groups)


def measure_train_accuracy(
    classifier: Classifier, task: TrialTask, train: ImageSet
) -> float | None:
    """Return the accuracy on at most 5,000 of the images trained on, evenly spread.

    Images that the model holds back for validation (its ``validation_fraction``, the last ones) are
    not among them.
    """
    if train.labels is None:
        return None
    held_back = float(task.options.get("validation_fraction", 0.0))
    n_fitted = max(1, len(train) - round(len(train) * held_back))
    chosen = np.unique(
        np.linspace(0, n_fitted - 1, min(n_fitted, TRAIN_ACCURACY_IMAGES)).astype(np.intp)
    )
    sample = train.take(chosen)
    probabilities = check_probabilities(
        classifier.predict_proba(sample.images), len(chosen), len(task.classes)
    )
    predict = getattr(classifier, "predict", None)
    predicted = predict(sample.images) if callable(predict) else probabilities.argmax(axis=1)
    return float(np.mean(np.asarray(predicted) == sample.labels))
