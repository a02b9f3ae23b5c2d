"""Atomic writing: a reader sees a whole file or folder, or none.

A file is written beside its final name, flushed to disk and renamed over it. A folder is filled
under ``.work`` in the same store and renamed into place; where the name is taken already the first
one stays. Accepted cost: one fsync a file; a kill leaves at most a folder under ``.work``, which
``bench results clean`` removes.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from bench.errors import StoreError
from bench.store.inside import follow_folder, make_folder, refuse_link

__all__ = ["publish_folder", "readable_failure", "write_bytes"]


@contextmanager
def readable_failure(place: Path) -> Iterator[None]:
    """Turn a full disk or a read-only store into one clear line.

    Raises
    ------
    StoreError
        Instead of the operating system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            why, fix = "the disk is full", "free some space and run the same command again"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            why, fix = "it cannot be written", "name another one with --store FOLDER"
        else:
            why, fix = error.strerror or str(error), "name another one with --store FOLDER"
        raise StoreError(f"store {place}", why=why, fix=fix) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that it is there whole or not at all."""
    refuse_link(path.parent)
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with beside.open("xb") as file:
            follow_folder(beside)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def publish_folder(work: Path, final: Path) -> bool:
    """Rename a finished folder into place; False, and `work` is removed, if it is there already."""
    make_folder(final.parent)
    try:
        work.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(work, ignore_errors=True)
        return False
    return True
