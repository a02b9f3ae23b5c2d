"""Arrays from untrusted files: ``.npz`` without pickles, IDX, single datasets of an HDF5 file."""

import gzip
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import DataError

__all__ = ["hdf5_array", "open_hdf5", "read_idx", "read_npz"]

BYTES_MAX = 8 << 30
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_npz(path: Path, keys: tuple[str, ...]) -> tuple[npt.NDArray[Any], ...]:
    """Return the arrays of these keys.

    Raises
    ------
    DataError
        If the file is not an ``.npz``, lacks a key, or holds objects instead of numbers.
    """
    name = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            _check_archive(archive, keys, name)
        with np.load(path, allow_pickle=False) as arrays:
            loaded = tuple(arrays[key] for key in keys)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        raise DataError(
            f"{name} cannot be read as an .npz file", why=" ".join(str(error).split())[:160]
        ) from error
    return loaded


def _check_archive(archive: zipfile.ZipFile, keys: tuple[str, ...], name: str) -> None:
    """Check that the keys are there and that their headers promise no more than they hold."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    missing = [key for key in keys if key not in members]
    if missing:
        found = ", ".join(sorted(members)[:8]) or "nothing"
        raise DataError(name, why=f"it has no key {missing[0]}; it holds {found}")
    for key in keys:
        info = members[key]
        with archive.open(info) as member:
            version = np.lib.format.read_magic(member)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version if version == (1, 0) else (2, 0)]
            shape, _, dtype = read_header(member)
        size_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.kind not in "uifb":
            raise DataError(f"{name}, {key}", why=f"it holds {dtype}, not numbers")
        if size_bytes > min(info.file_size, BYTES_MAX):
            raise DataError(f"{name}, {key}", why="it is larger than the file says; truncated?")


def read_idx(path: Path) -> npt.NDArray[Any]:
    """Return the array of an IDX file, plain or gzipped.

    The format: two zero bytes, a type, the number of dimensions, each as a big-endian 32-bit
    number, then the values, big-endian (LeCun, http://yann.lecun.com/exdb/mnist).
    """
    name = path.name
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if is_gzipped else path.open("rb") as file:
            magic = file.read(4)
            dtype = _IDX_TYPES.get(magic[2]) if len(magic) == 4 and magic[:2] == b"\0\0" else None
            if dtype is None:
                raise DataError(f"{name} is not an IDX file")
            shape = struct.unpack(f">{magic[3]}I", file.read(4 * magic[3]))
            size_bytes = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
            if size_bytes > BYTES_MAX:
                raise DataError(f"{name} claims {size_bytes:,} bytes; that cannot be digits")
            content = file.read(size_bytes + 1)
    except (OSError, EOFError, struct.error) as error:
        raise DataError(f"{name} cannot be read", why=str(error)) from error
    if len(content) != size_bytes:
        amount = "less" if len(content) < size_bytes else "more"
        raise DataError(f"{name} holds {amount} than its header says", why="is it complete?")
    return (
        np.frombuffer(content, dtype=dtype).reshape(shape).astype(np.dtype(dtype).newbyteorder("="))
    )


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading; what h5py raises becomes a one-line `DataError`."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise DataError(
            f"{path.name} cannot be read as an HDF5 file",
            why=" ".join(str(error).split())[:160],
            fix="is it complete? compare its size with the source's",
        ) from error


def hdf5_array(file: Any, key: str, name: str) -> Any:
    """Return a dataset of an open file, unread, once it is known to be a plain array of numbers.

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
            raise DataError(name, why=f"{key} is a link to somewhere else")
        group = group[part]
    if not isinstance(group, h5py.Dataset) or group.external or group.is_virtual:
        raise DataError(name, why=f"{key} is not a plain array")
    if group.dtype.kind not in "uif" or group.ndim == 0:
        raise DataError(name, why=f"{key} is not an array of numbers")
    if group.size * 4 > BYTES_MAX:
        raise DataError(name, why=f"{key} claims {group.size:,} numbers; that cannot be digits")
    return group
