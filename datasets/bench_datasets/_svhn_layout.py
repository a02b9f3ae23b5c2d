"""The ``.h5`` layout of the source notebook, read in pieces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.spec import ImageSet
from bench_datasets._arrays import hdf5_array, open_hdf5

__all__ = ["read_layout", "read_pair"]

Float32s = npt.NDArray[np.float32]
_ROWS_AT_ONCE = 2048
_ROUNDING = 1.0001  # a pixel this little above 1, or 255, is 1, or 255


def read_layout(path: Path, splits: tuple[str, ...]) -> dict[str, ImageSet]:
    """Read splits such as ``train`` (keys ``X_train``, ``y_train``) of one file.

    Pixels are float32 in [0, 1]; a file with pixels above 1 is taken as 0 to 255.

    Raises
    ------
    DataError
        If the file is truncated, lacks a key, holds something else, or one split's pixels are 0 to
        1 and another's 0 to 255.
    """
    with open_hdf5(path) as file:
        pairs = {split: read_pair(file, path.name, split) for split in splits}
    if _are_bytes({f"X_{split}": images for split, (images, _) in pairs.items()}, path.name):
        for images, _ in pairs.values():
            images *= np.float32(1 / 255)
    # 255 × (1/255) in float32 may end one rounding step above 1.
    for images, _ in pairs.values():
        np.minimum(images, 1, out=images, where=images < _ROUNDING)
    return {split: ImageSet(pixels=images, labels=y) for split, (images, y) in pairs.items()}


def _are_bytes(arrays: dict[str, Float32s], name: str) -> bool:
    """Tell 0 to 255 from 0 to 1, by the file's own values, the same for all of its arrays."""
    ranges = {key: (float(images.min()), float(images.max())) for key, images in arrays.items()}
    # Anything but a number is left to the check that names its image.
    numbers = {key: both for key, both in ranges.items() if np.isfinite(both).all()}
    for key, (low, high) in numbers.items():
        if low < 0 or high > 255 * _ROUNDING:
            raise DataError(
                f"{name}, {key}",
                why=f"its pixels reach from {low:g} to {high:g}, neither 0 to 1 nor 0 to 255",
            )
    are_bytes = {high > _ROUNDING for _, high in numbers.values()}
    if len(are_bytes) > 1:
        listed = ", ".join(f"{key} {low:g} to {high:g}" for key, (low, high) in numbers.items())
        raise DataError(f"{name}: its splits differ in range", why=listed, fix="scale them alike")
    return are_bytes == {True}


def read_pair(file: Any, name: str, split: str) -> tuple[Float32s, npt.NDArray[np.int64]]:
    """Return images (n, height, width, channels), float32 as stored, and labels (n,), int64."""
    images = hdf5_array(file, f"X_{split}", name)
    labels = hdf5_array(file, f"y_{split}", name)
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise DataError(
            f"{name}, X_{split}", why=f"shape {images.shape} is not (n, height, width[, channels])"
        )
    if len(labels) != len(images):
        raise DataError(
            name,
            why=f"X_{split} holds {len(images):,} images but y_{split} {len(labels):,} labels",
        )
    pixels = np.empty(images.shape, dtype=np.float32)
    for rows in _blocks(len(images)):
        pixels[rows] = images[rows]
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    return pixels, _class_numbers(labels[()], f"{name}, y_{split}")


def _blocks(n: int) -> Iterator[slice]:
    for start in range(0, n, _ROWS_AT_ONCE):
        yield slice(start, min(start + _ROWS_AT_ONCE, n))


def _class_numbers(labels: npt.NDArray[Any], where: str) -> npt.NDArray[np.int64]:
    """Return integer labels from integers, whole floats, a column, or one-hot rows."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2:
        one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        if not one_hot:
            raise DataError(where, why="its rows are not one-hot: one 1, all others 0")
        if labels.shape[1] > 10:
            raise DataError(where, why=f"it has {labels.shape[1]} classes; digits have 10")
        return np.asarray(labels.argmax(axis=1), dtype=np.int64)
    if labels.ndim != 1:
        raise DataError(where, why=f"shape {labels.shape} is neither (n,) nor (n, 10)")
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise DataError(where, why="its labels are not whole numbers")
    return np.asarray(labels, dtype=np.int64)
