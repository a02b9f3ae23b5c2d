"""A folder that several processes read and one may empty, only while nobody reads it.

Readers hold a shared ``flock`` on a small file in the folder, whoever empties it an exclusive one;
the system releases both when their holder dies, however it dies. Where a system or file system has
no ``flock``, nothing is held and nobody is kept away.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if os.name == "posix":
    import fcntl

__all__ = ["held"]

_NAME = ".in-use"


@contextmanager
def held(folder: Path, *, alone: bool = False) -> Iterator[bool]:
    """Hold a folder with others, which waits for who empties it, or alone, which does not wait.

    Yields
    ------
    bool
        False where it is wanted alone and another process, or this one, holds it.
    """
    descriptor = _open(folder, os.O_RDWR if alone else os.O_RDONLY)
    try:
        yield descriptor is None or _lock(descriptor, alone=alone)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _open(folder: Path, mode: int) -> int | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / _NAME, mode | os.O_CREAT, 0o644)
    except OSError:  # who needs to write there will say so
        return None


def _lock(descriptor: int, *, alone: bool) -> bool:
    if os.name == "posix":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except BlockingIOError:
            return False
        except OSError:  # a file system without flock
            pass
    return True
