"""MATLAB's v5 files: variables, and the fields of nested structs such as EMNIST's."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError
from bench_datasets._examples import Example
from bench_datasets._ladder.limits import limit_bytes, one_line, too_large
from bench_datasets._ladder.raw import Raw
from bench_datasets._ladder.sources import Source

__all__ = ["EXAMPLES", "read_mat"]

_COMPRESSED: Final = 15
_DEPTH_MAX: Final = 5
_BLOCK_BYTES: Final = 1 << 20


def read_mat(source: Source) -> list[Raw]:
    """Return every numeric array of a v5 file by its path through the structs.

    Raises
    ------
    DataError
        If it is damaged, or unpacks to more than the limit.
    """
    from scipy.io import loadmat

    try:
        with source.open() as stream:
            _check_unpacked(stream, source.name)
        content = loadmat(source.seekable(), verify_compressed_data_integrity=False)
    except BenchError:
        raise
    # A parser of an old binary format on an untrusted file: it may raise anything.
    except Exception as error:
        raise DataError(
            f"{source.name} cannot be read as a MATLAB file",
            why=one_line(error),
            fix="is it complete? save it again, with -v7 or -v7.3",
        ) from error
    found: list[Raw] = []
    for key in sorted(content):
        if not key.startswith("__"):
            for path, values in _arrays(content[key], key, 0):
                found.append(Raw(file=source.name, key=path, values=values, is_matlab=True))
    return found


def _arrays(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, np.ndarray) or depth > _DEPTH_MAX:
        return
    if value.dtype.names:
        if value.size == 1:
            for name in value.dtype.names:
                yield from _arrays(value.reshape(-1)[0][name], f"{path}/{name}", depth + 1)
    elif value.dtype.kind == "O":
        if value.size == 1:
            yield from _arrays(value.reshape(-1)[0], path, depth + 1)
    elif value.dtype.kind in "uifbU" and value.size:
        yield path, value


def _check_unpacked(stream: IO[bytes], name: str) -> None:
    """Unpack every packed variable once, keeping nothing, so that a bomb is met with the limit."""
    limit, total = limit_bytes(), 0
    header = stream.read(128)
    order = ">" if header[126:128] == b"MI" else "<"
    while len(tag := stream.read(8)) == 8:
        kind, left = struct.unpack(f"{order}II", tag)
        unpacker = zlib.decompressobj()
        while left > 0:
            piece = stream.read(min(left, _BLOCK_BYTES))
            if not piece:
                return  # loadmat says what is missing
            left -= len(piece)
            while kind == _COMPRESSED and piece:
                total += len(unpacker.decompress(piece, _BLOCK_BYTES))
                piece = unpacker.unconsumed_tail
                if total > limit:
                    raise too_large(name)


def _write(folder: Path, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Path:
    """Write an example: the samples last, label 10 for the digit 0."""
    from scipy.io import savemat

    content = {"X": images.transpose(1, 2, 0).astype(np.float64)}
    content["y"] = np.where(labels == 0, 10, labels)[:, np.newaxis].astype(np.float64)
    savemat(folder / "digits.mat", content)
    return folder / "digits.mat"


EXAMPLES: Final = (
    Example(
        title="A MATLAB file, images last, label 10 for the digit 0",
        looks="X (28, 28, n) double\ny (n, 1) double, 1 to 10",
        write=_write,
    ),
)
"""MATLAB files that people have."""
