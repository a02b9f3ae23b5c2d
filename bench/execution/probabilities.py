"""The probabilities of one test split: its images brought to the model, block by block."""

import time
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.execution.contract import check_predicted, check_probabilities
from bench.execution.latency import measure_latency
from bench.execution.variants import Variant
from bench.images.shape import adapt
from bench.loading.mnist_c import is_of_mnist_c
from bench.scoring.looks import pooled
from bench.spec import Images, ImageSet, Labels, Probabilities, Shape, as_float

__all__ = ["predict_split"]

_BLOCK_BYTES = 256 * 1024 * 1024
_WARM_UP_IMAGES = 256


def predict_split(
    split: ImageSet,
    variant: Variant,
    transform: Mapping[str, str | int | float],
    shape: Shape,
    n_classes: int,
) -> tuple[Probabilities, Labels, float]:
    """Return what a classifier says of each image, and the seconds it took.

    Parameters
    ----------
    transform : mapping
        What is done to the images first, e.g. a corruption.
    shape : tuple of int
        That the model was built for.

    Returns
    -------
    ndarray of shape (n, n_classes), float32
    ndarray of shape (n,), int64
    float

    Raises
    ------
    ContractError
        If the classifier breaks its contract.
    """
    step = max(1, _BLOCK_BYTES // (4 * int(np.prod(shape))))
    all_probabilities, all_predicted, seconds = [], [], 0.0
    for start in range(0, len(split), step):
        pictures = [
            adapt(_corrupted(as_float(block), transform, start), shape)
            for block in _blocks(split, start, step)
        ]
        if start == 0:
            _warm_up(variant, pictures[0])
        began = time.perf_counter()
        returned = [variant.predict_proba(images) for images in pictures]
        seconds += time.perf_counter() - began
        n = len(pictures[0])
        probabilities = pooled([check_probabilities(each, n, n_classes) for each in returned])
        if variant.predict is not None and len(pictures) == 1:
            predicted = check_predicted(variant.predict(pictures[0]), n, n_classes)
        else:
            predicted = probabilities.argmax(axis=1).astype(np.int64)
        all_probabilities.append(probabilities)
        all_predicted.append(predicted)
    if not all_probabilities:
        raise BenchError("the test split holds no image")
    return np.concatenate(all_probabilities), np.concatenate(all_predicted), seconds


def _blocks(split: ImageSet, start: int, step: int) -> list[Images]:
    """Return the pictures from `start` on, and further looks at the same samples."""
    part = slice(start, start + step)
    looks = [] if split.looks is None else list(np.moveaxis(split.looks[part], 1, 0))
    return [split.pixels[part], *looks]


def _corrupted(
    images: npt.NDArray[np.float32], transform: Mapping[str, str | int | float], first_image: int
) -> npt.NDArray[np.float32]:
    if "corruption" not in transform or is_of_mnist_c(transform["corruption"]):
        return images
    from bench.images.corruptions import corrupt

    name, strength = str(transform["corruption"]), int(transform.get("strength", 1))
    return corrupt(images, name, strength, first_image=first_image)


def _warm_up(variant: Variant, images: npt.NDArray[np.float32]) -> None:
    variant.predict_proba(images[:_WARM_UP_IMAGES])
    if variant.latency is None:
        variant.latency = measure_latency(variant.predict_proba, images)
