"""IDX: two zero bytes, a type, the number of dimensions, each big-endian, then the values."""

import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench_datasets._examples import Example
from bench_datasets._ladder.limits import BYTES_MAX, check_size
from bench_datasets._ladder.npy import filled
from bench_datasets._ladder.raw import Raw
from bench_datasets._ladder.sources import Source, reading

__all__ = ["EXAMPLES", "read_idx"]

_TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(source: Source) -> list[Raw]:
    """Return the array of an IDX file (LeCun, http://yann.lecun.com/exdb/mnist)."""
    name = source.name
    with reading(name), source.open() as stream:
        magic = stream.read(4)
        dtype = _TYPES.get(magic[2]) if len(magic) == 4 and magic[:2] == b"\0\0" else None
        if dtype is None:
            raise DataError(f"{name} is not an IDX file", fix="download it again")
        shape = struct.unpack(f">{magic[3]}I", stream.read(4 * magic[3]))
        size_bytes = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        if size_bytes > BYTES_MAX:
            raise DataError(
                f"{name} claims {size_bytes:,} bytes; that cannot be digits",
                fix="download it again",
            )
        check_size(name, size_bytes)
        try:
            flat = filled(stream, size_bytes, name)
        except DataError:
            raise _wrong_size(name, "less") from None
        if stream.read(1):
            raise _wrong_size(name, "more")
    values: npt.NDArray[Any] = flat.view(dtype).reshape(shape)
    if values.dtype.itemsize > 1:
        values = values.astype(values.dtype.newbyteorder("="))
    return [Raw(file=name, values=values, rows_first=True)]


def _wrong_size(name: str, amount: str) -> DataError:
    return DataError(
        f"{name} holds {amount} than its header says",
        why="is it complete?",
        fix="download it again",
    )


def _write(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Path:
    """Write an example: four files, half unpacked, named as 7-Zip names them."""
    import gzip

    half = len(images) * 2 // 3
    place = folder / "mnist"
    place.mkdir()
    for split, rows in (("train", slice(0, half)), ("t10k", slice(half, None))):
        for kind, array in (("images.idx3", images[rows]), ("labels.idx1", labels[rows])):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            packed = gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)
            (place / f"{split}-{kind}-ubyte.gz").write_bytes(packed)
    return place


EXAMPLES: Final = (
    Example(
        title="A folder of IDX files under other names, packed or not",
        looks="mnist/train-images.idx3-ubyte.gz, mnist/train-labels.idx1-ubyte.gz\n"
        "mnist/t10k-images.idx3-ubyte.gz, mnist/t10k-labels.idx1-ubyte.gz",
        write=_write,
    ),
)
"""IDX files that people have."""
