"""The ``.h5`` layout of house numbers: written, and converted from SVHN's official files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError
from bench.images.exact import luma

__all__ = ["convert_svhn", "read_cropped_mat", "write_house_numbers"]

_TRAIN_SHARE = 0.7  # 42,000 of 60,000, as in the source notebook's file
_ROWS_AT_ONCE = 2048


def convert_svhn(sources: tuple[Path, ...], target: Path) -> dict[str, int]:
    """Write `target` in the layout that ``svhn-h5`` reads, from one or two official files.

    Parameters
    ----------
    sources : tuple of Path
        The training and the test file; of a single one the first 70 % become the training split.
    target : Path
        The ``.h5`` file to write; not there yet.

    Returns
    -------
    dict of str to int
        The images of each split.

    Raises
    ------
    DataError
        If a source is not such a file.
    BenchError
        If `target` exists or cannot be written.
    """
    if target.exists():
        raise BenchError(f"{target} is there already", fix="name another file with --out")
    images, labels = zip(*(read_cropped_mat(path) for path in sources), strict=True)
    if len(sources) == 1:
        n_train = int(len(images[0]) * _TRAIN_SHARE)
        if not 0 < n_train < len(images[0]):
            raise DataError(sources[0].name, why="too few images for two splits")
        images = (images[0][:n_train], images[0][n_train:])
        labels = (labels[0][:n_train], labels[0][n_train:])
    arrays = {
        f"{kind}_{split}": array
        for kind, pair in (("X", images), ("y", labels))
        for split, array in zip(("train", "test"), pair, strict=True)
    }
    try:
        write_house_numbers(target, arrays)
    except OSError as error:
        raise BenchError(f"cannot write {target}", why=error.strerror or str(error)) from error
    return {split: len(arrays[f"y_{split}"]) for split in ("train", "test")}


def read_cropped_mat(path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return SVHN's cropped digits, made grey, and their labels, 10 read as 0.

    Returns
    -------
    images : ndarray of shape (n, 32, 32), float32, 0 to 255
        0.2989 R + 0.5870 G + 0.1140 B.
    labels : ndarray of shape (n,), int64
    """
    colour, labels = _load_mat(path)
    if colour.ndim != 4 or colour.shape[2] != 3 or colour.dtype != np.uint8:
        raise DataError(
            f"{path.name}, X", why=f"shape {colour.shape} is not (32, 32, 3, n) of uint8"
        )
    labels = labels.reshape(-1)
    if len(labels) != colour.shape[3] or labels.dtype.kind not in "ui":
        raise DataError(
            path.name, why=f"X holds {colour.shape[3]:,} images but y {len(labels):,} labels"
        )
    if not len(labels) or labels.min() < 1 or labels.max() > 10:
        raise DataError(f"{path.name}, y", why="its labels are not 1 to 10")
    height, width, _, n = colour.shape
    grey = np.empty((n, height, width), dtype=np.float32)
    for start in range(0, n, _ROWS_AT_ONCE):
        block = np.moveaxis(colour[..., start : start + _ROWS_AT_ONCE], 3, 0)
        grey[start : start + len(block)] = luma(block.astype(np.float32))
    return grey, np.asarray(labels % 10, dtype=np.int64)


def _load_mat(path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    from scipy.io import loadmat

    if not path.is_file():
        raise DataError(f"{path} does not exist")
    try:
        content = loadmat(path, variable_names=["X", "y"])
    # A parser of an old binary format on an untrusted file: it may raise anything.
    except Exception as error:
        raise DataError(
            f"{path.name} cannot be read as a .mat file", why=" ".join(str(error).split())[:160]
        ) from error
    if not {"X", "y"} <= set(content):
        raise DataError(path.name, why="it has no X and y: is it a cropped-digits file?")
    return content["X"], content["y"]


def write_house_numbers(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write X_train, y_train, … beside `path`, then rename it into place."""
    import h5py

    scratch = path.with_name(f".{path.name}.new")
    try:
        with h5py.File(scratch, "w") as file:
            for key, array in arrays.items():
                chunks = (min(500, len(array)), *array.shape[1:]) if array.ndim > 1 else None
                compression = "gzip" if chunks else None
                file.create_dataset(key, data=array, chunks=chunks, compression=compression)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
