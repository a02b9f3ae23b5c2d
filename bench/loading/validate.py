"""What every dataset must satisfy before anything is trained on it, whoever wrote its plugin."""

import numpy as np

from bench.errors import DataError
from bench.spec import Dataset, Images, ImageSet

__all__ = ["check_dataset"]

_ROWS_AT_ONCE = 4096
_MAX_CHANNELS = 4


def check_dataset(dataset: Dataset, source: str) -> None:
    """Check shapes, counts, labels and pixel values.

    Parameters
    ----------
    dataset : Dataset
        What a plugin's ``load`` returned.
    source : str
        The file or dataset to name in the message.

    Raises
    ------
    DataError
        On the first thing that is wrong.
    """
    if dataset.train is None and dataset.test is None:
        raise DataError(source, why="it holds neither a training nor a test split")
    if not dataset.classes or len(set(dataset.classes)) != len(dataset.classes):
        raise DataError(source, why="its class names are missing or not unique")
    if dataset.train is not None:
        _check_split(dataset.train, dataset.classes, f"{source}, training split")
        _check_trainable(dataset.train, f"{source}, training split")
    if dataset.test is not None:
        _check_split(dataset.test, dataset.classes, f"{source}, test split")
        if dataset.test.labels is None and dataset.train is not None:
            raise DataError(f"{source}, test split", why="it has no labels")


def _check_split(split: ImageSet, classes: tuple[str, ...], where: str) -> None:
    _check_shape(split.pixels, where)
    _check_values(split.pixels, where)
    n = len(split.pixels)
    if split.looks is not None:
        if split.looks.shape[:1] + split.looks.shape[2:] != split.pixels.shape:
            raise DataError(where, why=f"further pictures of shape {split.looks.shape} fit none")
        for look in np.moveaxis(split.looks, 1, 0):
            _check_values(look, where)
    for what, count in (
        ("labels", n if split.labels is None else len(split.labels)),
        ("sample names", len(split.names) or n),
        ("groups", n if split.groups is None else len(split.groups)),
        ("marks of what was not read", n if split.unread is None else len(split.unread)),
    ):
        if count != n:
            raise DataError(where, why=f"it has {n:,} images but {count:,} {what}")
    if split.labels is not None:
        _check_labels(split.labels, classes, where)


def _check_shape(pixels: Images, where: str) -> None:
    if pixels.ndim != 4:
        raise DataError(
            where,
            why=f"images of shape {pixels.shape} are not (n, height, width, channels)",
        )
    if not len(pixels):
        raise DataError(where, why="it holds no image")
    if 0 in pixels.shape or pixels.shape[3] > _MAX_CHANNELS:
        raise DataError(where, why=f"images of shape {pixels.shape[1:]} cannot be used")


def _check_values(pixels: Images, where: str) -> None:
    if pixels.dtype == np.uint8:
        return
    if pixels.dtype.kind != "f":
        raise DataError(where, why=f"pixels are {pixels.dtype}, neither uint8 nor floating point")
    low, high = np.inf, -np.inf
    for start in range(0, len(pixels), _ROWS_AT_ONCE):
        block = pixels[start : start + _ROWS_AT_ONCE]
        # NaN passes through min and max, so that one look at both finds it.
        low, high = np.minimum(low, block.min()), np.maximum(high, block.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = ~np.isfinite(block).all(axis=(1, 2, 3))
            raise DataError(
                where, why=f"image {start + int(bad.argmax())} has NaN or infinite pixels"
            )
    if low < 0 or high > 1:
        raise DataError(where, why=f"pixels reach from {low:g} to {high:g}, outside [0, 1]")


def _check_labels(labels: np.ndarray, classes: tuple[str, ...], where: str) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(where, why=f"labels of shape {labels.shape} and type {labels.dtype}")
    outside = (labels < 0) | (labels >= len(classes))
    if outside.any():
        first = int(outside.argmax())
        raise DataError(
            where,
            why=f"label {labels[first]} of image {first} is outside the {len(classes)} classes"
            f" ({classes[0]} to {classes[-1]})",
        )


def _check_trainable(split: ImageSet, where: str) -> None:
    if split.labels is None:
        raise DataError(where, why="it has no labels")
    if (split.labels == split.labels[0]).all():
        raise DataError(where, why="it holds only one class; nothing can be learnt from it")
