"""The data cache: each split once, by content hash, as ``.npy`` files that are memory-mapped.

``splits/<content-hash>/`` holds ``pixels.npy``, ``labels.npy``, ``looks.npy`` (further pictures),
``samples.json`` (names, groups) and, once asked for, ``hashes.npy``. A split is written beside its
final name and renamed, so that a reader never sees half of one and two writers of the same split do
not disturb each other. It is not flushed to the disk: a split that a power cut tore has the wrong
size, and is made again.
"""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from bench.config import user_cache_folder
from bench.errors import BenchError, DataError
from bench.loading.in_use import held
from bench.loading.refs import SplitRef
from bench.spec import ImageSet

__all__ = [
    "cache_folder",
    "cache_in_use",
    "image_hashes",
    "kept_array",
    "open_split",
    "write_split",
]

_STALE_SECONDS = 3600.0


class _Samples(msgspec.Struct, frozen=True):
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    unread: tuple[int, ...] = ()  # places


def cache_folder(explicit: Path | None = None) -> Path:
    """Return the cache's folder: `explicit`, else ``BENCH_CACHE_DIR``, else the user's cache."""
    return user_cache_folder() if explicit is None else explicit


@contextmanager
def cache_in_use(cache: Path | None = None) -> Iterator[None]:
    """Keep everybody from emptying the cache: for the whole of a run, its planning included."""
    with held(cache_folder(cache)):
        yield


def cache_error(folder: Path, error: OSError) -> BenchError:
    """Say in one line that the cache cannot be written."""
    return BenchError(
        f"cannot write the data cache in {folder}",
        why=error.strerror or str(error),
        fix="make room, or name another folder in BENCH_CACHE_DIR",
    )


def write_split(split: ImageSet, classes: tuple[str, ...], cache: Path) -> SplitRef:
    """Store a checked split unless it is there, and return where.

    Raises
    ------
    BenchError
        If the cache cannot be written (a full disk, no permission).
    """
    pixels = np.ascontiguousarray(split.pixels)
    if pixels.dtype != np.uint8:
        pixels = np.asarray(pixels, dtype=np.float32)
    labels = None if split.labels is None else np.ascontiguousarray(split.labels, dtype=np.int64)
    looks = None if split.looks is None else np.ascontiguousarray(split.looks, dtype=pixels.dtype)
    unread = () if split.unread is None else tuple(np.flatnonzero(split.unread).tolist())
    samples = _Samples(names=split.names, groups=split.groups, unread=unread)
    content_hash = _content_hash(pixels, labels, looks, classes, samples)
    _, height, width, channels = pixels.shape
    ref = SplitRef(
        content_hash=content_hash,
        folder=str(cache / "splits" / content_hash),
        n=len(pixels),
        shape=(height, width, channels),
        dtype=str(pixels.dtype),
        labelled=labels is not None,
        has_names=bool(split.names),
        has_groups=split.groups is not None,
        n_unread=len(unread),
        n_looks=0 if looks is None else looks.shape[1],
    )
    if not is_whole(ref):
        try:
            _write_folder(Path(ref.folder), pixels, labels, looks, samples)
        except OSError as error:
            raise cache_error(cache, error) from error
    return ref


def _content_hash(
    pixels: npt.NDArray[np.uint8 | np.float32],
    labels: npt.NDArray[np.int64] | None,
    looks: npt.NDArray[np.uint8 | np.float32] | None,
    classes: tuple[str, ...],
    samples: _Samples,
) -> str:
    about: dict[str, object] = {"names": samples.names, "groups": samples.groups}
    if samples.unread:
        about |= {"unread": samples.unread}
    header = (str(pixels.dtype.newbyteorder("<")), pixels.shape, classes, about)
    digest = blake2b(msgspec.json.encode(header), digest_size=20)
    digest.update(pixels.data)
    if labels is not None:
        digest.update(labels.data)
    if looks is not None:
        digest.update(looks.data)
    return digest.hexdigest()


def _write_folder(
    final: Path,
    pixels: npt.NDArray[np.uint8 | np.float32],
    labels: npt.NDArray[np.int64] | None,
    looks: npt.NDArray[np.uint8 | np.float32] | None,
    samples: _Samples,
) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    sweep(final.parent)
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=final.parent))
    try:
        np.save(scratch / "pixels.npy", pixels)
        if labels is not None:
            np.save(scratch / "labels.npy", labels)
        if looks is not None:
            np.save(scratch / "looks.npy", looks)
        (scratch / "samples.json").write_bytes(msgspec.json.encode(samples))
        _move_into_place(scratch, final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _move_into_place(scratch: Path, final: Path) -> None:
    """Rename; where a folder of that name is there it is another writer's, or a torn one."""
    if final.exists() and not _is_torn(final, scratch):
        return
    if final.exists():
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=final.parent))
        final.rename(aside / "torn")
        shutil.rmtree(aside, ignore_errors=True)
    try:
        scratch.rename(final)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.EACCES} or not final.exists():
            raise


def _is_torn(final: Path, scratch: Path) -> bool:
    return any(
        not (final / part.name).is_file()
        or (final / part.name).stat().st_size != part.stat().st_size
        for part in scratch.iterdir()
    )


def sweep(folder: Path) -> None:
    """Remove what a killed writer left."""
    for left in folder.glob(".new-*"):
        try:
            if time.time() - left.stat().st_mtime <= _STALE_SECONDS:
                continue
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()
        except OSError:  # another process swept it first
            continue


def is_whole(ref: SplitRef) -> bool:
    """Whether the cache holds all of a split; looks at sizes alone."""
    folder = Path(ref.folder)
    pixel_bytes = ref.n * int(np.prod(ref.shape)) * np.dtype(ref.dtype).itemsize
    try:
        whole = (folder / "pixels.npy").stat().st_size - pixel_bytes in {128, 192}
        if ref.labelled:
            whole &= (folder / "labels.npy").stat().st_size - 8 * ref.n == 128
        if ref.n_looks:
            whole &= (folder / "looks.npy").stat().st_size - ref.n_looks * pixel_bytes in {128, 192}
        return whole and (folder / "samples.json").stat().st_size > 0
    except OSError:
        return False


def open_split(ref: SplitRef) -> ImageSet:
    """Open a split; its pixels are memory-mapped, read-only.

    Raises
    ------
    DataError
        If the cache was deleted or damaged since the dataset was loaded.
    """
    folder = Path(ref.folder)
    try:
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        labels = np.load(folder / "labels.npy") if ref.labelled else None
        looks = np.load(folder / "looks.npy", mmap_mode="r") if ref.n_looks else None
        samples = _Samples()
        if ref.has_names or ref.has_groups or ref.n_unread:
            data = (folder / "samples.json").read_bytes()
            samples = msgspec.json.decode(data, type=_Samples)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"split {ref.content_hash[:12]} cannot be read from the data cache",
            why=str(error),
            fix="run the command again: it is made anew",
        ) from error
    unread = None
    if samples.unread:
        unread = np.zeros(ref.n, dtype=np.bool_)
        unread[list(samples.unread)] = True
    return ImageSet(
        pixels=pixels,
        labels=labels,
        names=samples.names,
        groups=samples.groups,
        unread=unread,
        looks=looks,
    )


def image_hashes(ref: SplitRef) -> npt.NDArray[np.uint64]:
    """Return a hash per image, for counting exact duplicates; computed once, then stored.

    Float pixels are rounded to 0 … 255 first, so that one image in two formats counts as one.

    Returns
    -------
    ndarray of shape (n,), uint64
    """
    return kept_array(
        Path(ref.folder) / "hashes.npy",
        lambda hashes: hashes.shape == (ref.n,) and hashes.dtype == np.uint64,
        lambda: _hash_each(open_split(ref)),
    )


def kept_array(
    stored: Path,
    is_right: Callable[[npt.NDArray[Any]], bool],
    make: Callable[[], npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    """Return an array that is kept beside a split; made where it is not there, or torn."""
    try:
        found = np.load(stored)
        if is_right(found):
            return np.asarray(found)
    except (OSError, ValueError, EOFError):
        pass
    made = make()
    scratch = stored.with_name(f".{stored.stem}-{os.getpid()}.npy")
    try:
        np.save(scratch, made)
        scratch.replace(stored)
    except OSError:  # a cache that cannot be written costs time, not the result
        scratch.unlink(missing_ok=True)
    return made


def _hash_each(split: ImageSet) -> npt.NDArray[np.uint64]:
    salt = repr(split.shape).encode()[:16]
    digests = bytearray()
    for start in range(0, len(split), 4096):
        block = split.pixels[start : start + 4096]
        if block.dtype != np.uint8:
            block = np.rint(block * np.float32(255)).astype(np.uint8)
        for image in block.reshape(len(block), -1):
            digests += blake2b(image.data, digest_size=8, salt=salt).digest()
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
