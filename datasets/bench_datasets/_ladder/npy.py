"""``.npy`` and ``.npz``: never unpickled, never more read than the header and the limit allow."""

from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench_datasets._examples import Example
from bench_datasets._ladder.limits import check_size
from bench_datasets._ladder.raw import Raw
from bench_datasets._ladder.sources import Source, reading

__all__ = ["EXAMPLES", "filled", "read_npy"]

_BLOCK_BYTES: Final = 1 << 22
_KINDS: Final = "uifbUS"


def read_npy(source: Source) -> list[Raw]:
    """Return the array of an ``.npy`` file, or of one member of an ``.npz``.

    Raises
    ------
    DataError
        If it holds objects, is cut off, or claims more than it holds.
    """
    member = source.member
    is_npz = member.endswith(".npy") and "/" not in member and source.path.suffix.lower() != ".zip"
    file = source.path.name if is_npz else source.name
    key = member.removesuffix(".npy") if is_npz else ""
    where = f"{file}, {key}" if key else file
    with reading(where, "a NumPy array"), source.open() as stream:
        values = _read(stream, where)
    return [Raw(file=file, key=key, values=values)]


def _read(stream: IO[bytes], where: str) -> npt.NDArray[Any]:
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise DataError(where, why=f"format {version} is not known", fix="save it with numpy.save")
    shape, is_fortran, dtype = readers[version](stream)
    if dtype.kind not in _KINDS:
        objects = "Python objects, which are never unpickled" if dtype.hasobject else str(dtype)
        raise DataError(
            where,
            why=f"it holds {objects}, not numbers",
            fix="save images as one array of numbers: numpy.stack(images)",
        )
    size_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    check_size(where, size_bytes)
    flat = filled(stream, size_bytes, where)
    values = flat.view(dtype).reshape(shape, order="F" if is_fortran else "C")
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def filled(stream: IO[bytes], size_bytes: int, where: str) -> npt.NDArray[np.uint8]:
    """Read so many bytes; room is only taken as they come."""
    flat = np.empty(0, dtype=np.uint8)
    at = 0
    while at < size_bytes:
        piece = stream.read(min(_BLOCK_BYTES, size_bytes - at))
        if not piece:
            raise DataError(
                where, why="it is larger than the file says; truncated?", fix="save it again"
            )
        if at + len(piece) > len(flat):
            flat.resize(min(size_bytes, max(at + len(piece), len(flat) * 2)), refcheck=False)
        flat[at : at + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
        at += len(piece)
    return flat


def _write_npz(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Path:
    """Write an example: two splits, channels first, -1 to 1."""
    half = len(images) * 2 // 3
    scaled = (images[:, np.newaxis] / np.float32(127.5) - 1).astype(np.float32)
    np.savez(
        folder / "digits.npz", x_train=scaled[:half], y_train=labels[:half],
        x_test=scaled[half:], y_test=labels[half:],
    )  # fmt: skip
    return folder / "digits.npz"


def _write_npy(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Path:
    """Write an example: a folder of two arrays, the labels one-hot."""
    (folder / "digits").mkdir()
    np.save(folder / "digits" / "images.npy", images.reshape(len(images), -1))
    np.save(folder / "digits" / "labels.npy", np.eye(10)[labels])
    return folder / "digits"


EXAMPLES: Final = (
    Example(
        title="An .npz archive with two splits, as PyTorch shapes them",
        looks="x_train (n, 1, 28, 28) float32 -1 to 1, y_train (n,)\nx_test, y_test",
        write=_write_npz,
    ),
    Example(
        title="A folder of .npy files, labels one-hot",
        looks="digits/images.npy (n, 784) uint8\ndigits/labels.npy (n, 10)",
        write=_write_npy,
    ),
)
"""Arrays that people have."""
