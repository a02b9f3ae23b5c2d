"""HDF5, and MATLAB's v7.3 files, which are HDF5 with all axes reversed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError
from bench_datasets._examples import Example
from bench_datasets._ladder.limits import check_size, one_line
from bench_datasets._ladder.raw import Raw
from bench_datasets._ladder.sources import DAMAGED, Source

__all__ = ["EXAMPLES", "hdf5_array", "open_hdf5", "read_hdf5"]

_DEPTH_MAX: Final = 5
_ARRAYS_MAX: Final = 64
_ROWS_AT_ONCE: Final = 2048
_MATLAB_OWN: Final = ("#refs#", "#subsystem#")


def read_hdf5(source: Source, skip: tuple[str, ...] = ()) -> list[Raw]:
    """Return every plain array of an HDF5 file by its path; keys in `skip` are left unread.

    Raises
    ------
    DataError
        If it is damaged, claims more than it stores, or an array is a link to elsewhere.
    """
    is_matlab = _is_matlab(source)
    with open_hdf5(source.seekable(), source.name) as file:
        keys = [key for key in _keys(file, source.name) if key not in skip]
        found = []
        for key in keys:
            dataset = hdf5_array(file, key, source.name)
            values = _read(dataset)
            if is_matlab:
                values = values.transpose()
            found.append(Raw(file=source.name, key=key, values=values, is_matlab=is_matlab))
    return found


def _is_matlab(source: Source) -> bool:
    with source.open() as stream:
        return stream.read(10) == b"MATLAB 7.3"


@contextmanager
def open_hdf5(path: Any, name: str) -> Iterator[Any]:
    """Open an HDF5 file for reading; what h5py raises becomes a one-line `DataError`."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except BenchError:
        raise
    except (*DAMAGED, TypeError) as error:
        raise DataError(
            f"{name} cannot be read as an HDF5 file",
            why=one_line(error),
            fix="is it complete? compare its size with the source's",
        ) from error


def _keys(group: Any, name: str, prefix: str = "", depth: int = 0) -> list[str]:
    """Return the paths of what may be arrays: hard links alone are followed into groups."""
    import h5py

    found: list[str] = []
    for key in sorted(group):
        if key in _MATLAB_OWN:
            continue
        path = f"{prefix}{key}"
        link = group.get(key, getlink=True)
        item = group[key] if isinstance(link, h5py.HardLink) else None
        if isinstance(item, h5py.Group):
            if depth < _DEPTH_MAX:
                found += _keys(item, name, f"{path}/", depth + 1)
        else:
            found.append(path)
        if len(found) > _ARRAYS_MAX:
            raise DataError(
                f"{name} holds more than {_ARRAYS_MAX} arrays",
                why="is each image an array of its own?",
                fix="save them as one array: numpy.stack(images)",
            )
    return found


def hdf5_array(file: Any, key: str, name: str) -> Any:
    """Return a dataset of an open file, unread, once it is known to be a plain array.

    Soft and external links, external storage and virtual datasets are refused: they may lead to
    other files.
    """
    import h5py

    group = file
    for part in key.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            found = ", ".join(sorted(map(str, file))[:8]) or "nothing"
            raise DataError(name, why=f"it has no key {key}; it holds {found}")
        if not isinstance(link, h5py.HardLink):
            raise DataError(
                name, why=f"{key} is a link to somewhere else", fix="copy the array into the file"
            )
        group = group[part]
    if not isinstance(group, h5py.Dataset) or group.external or group.is_virtual:
        raise DataError(
            name, why=f"{key} is not a plain array", fix="save it as one array of numbers"
        )
    size_bytes = int(group.size or 0) * group.dtype.itemsize
    check_size(f"{name}, {key}", size_bytes, held=int(group.id.get_storage_size()))
    return group


def _read(dataset: Any) -> npt.NDArray[Any]:
    """Read a dataset in pieces, doubles as float32 where all of them fit."""
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array([_text(each) for each in np.ravel(dataset[()])])
    if dataset.dtype.kind not in "uifb" or dataset.ndim == 0:
        raise DataError(
            dataset.name.lstrip("/"), why="it is not an array of numbers", fix="save it as numbers"
        )
    kind = np.float32 if dataset.dtype.kind == "f" and dataset.dtype.itemsize > 4 else dataset.dtype
    if dataset.ndim < 2:
        kind = dataset.dtype
    values: npt.NDArray[Any] = np.empty(dataset.shape, dtype=kind)
    for start in range(0, len(values), _ROWS_AT_ONCE):
        block = dataset[start : start + _ROWS_AT_ONCE]
        with np.errstate(over="ignore"):
            values[start : start + len(block)] = block
    return values


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _write(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Path:
    """Write an example: groups of flat rows, as USPS is often kept."""
    import h5py

    half = len(images) * 2 // 3
    with h5py.File(folder / "digits.h5", "w") as file:
        for split, rows in (("train", slice(0, half)), ("test", slice(half, None))):
            file[f"{split}/data"] = images[rows].reshape(len(images[rows]), -1) / np.float32(255)
            file[f"{split}/target"] = labels[rows]
    return folder / "digits.h5"


EXAMPLES: Final = (
    Example(
        title="An HDF5 file with a group a split",
        looks="train/data (n, 784) float32 0 to 1, train/target (n,)\ntest/data, test/target",
        write=_write,
    ),
)
"""HDF5 files that people have."""
