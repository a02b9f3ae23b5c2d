"""Index files of the data cache: what a dataset's files were parsed to, by their facts."""

import os
import tempfile
from pathlib import Path

import msgspec

from bench.loading.cache import cache_error, is_whole, sweep
from bench.loading.refs import LoadedDataset, SplitRef

__all__ = ["read_index", "write_index"]


def read_index(index: Path, cache: Path) -> LoadedDataset | None:
    """Return what an index file names; None where it, or a split of it, is not whole."""
    try:
        loaded = msgspec.json.decode(index.read_bytes(), type=LoadedDataset)
    except (OSError, msgspec.MsgspecError):  # absent, torn or of another version: made anew
        return None
    train, test = (_relocate(split, cache) for split in (loaded.train, loaded.test))
    if any(split is not None and not is_whole(split) for split in (train, test)):
        return None
    return msgspec.structs.replace(loaded, train=train, test=test)


def _relocate(split: SplitRef | None, cache: Path) -> SplitRef | None:
    if split is None:
        return None
    return msgspec.structs.replace(split, folder=str(cache / "splits" / split.content_hash))


def write_index(index: Path, loaded: LoadedDataset, cache: Path) -> None:
    """Write an index file, whole or not at all.

    Raises
    ------
    BenchError
        If the cache cannot be written.
    """
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        sweep(index.parent)
        handle, scratch = tempfile.mkstemp(prefix=".new-", dir=index.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(loaded))
        Path(scratch).replace(index)
    except OSError as error:
        raise cache_error(cache, error) from error
