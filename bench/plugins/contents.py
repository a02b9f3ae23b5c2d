"""What lies under a path now: its facts, and the hash of what it holds."""

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from bench.plugins.parsed import parsed

__all__ = [
    "LISTING",
    "LISTING_BELOW",
    "as_path",
    "as_text",
    "data_files",
    "facts_now",
    "facts_of",
    "hash_now",
]

LISTING: Final = "/"
"""At the end of a name: what is meant is which files lie in this folder."""
LISTING_BELOW: Final = "//"
"""The same, with the folders in it: what looks into them as well meets a new one."""
_TEXT: Final = {0xDC00 + byte: 0x10F700 + byte for byte in range(0x80, 0x100)}
"""For bytes of a name that are no text in UTF-8: a character that a record can hold."""
_PATH: Final = {character: byte for byte, character in _TEXT.items()}
_BYTES_MAX: Final = 50 * 1024 * 1024


def as_text(path: str) -> str:
    """Return a path as a record holds it, whatever its bytes are."""
    return path.translate(_TEXT)


def as_path(text: str) -> str:
    """Return the path that `as_text` wrote down."""
    return text.translate(_PATH)


def facts_of(path: str) -> tuple[int, int, int] | None:
    """Return size, modification time and inode of a regular file; None for anything else."""
    try:
        status = os.stat(path)  # noqa: PTH116  # called from an audit hook: no more than needed
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def facts_now(path: str) -> tuple[int, int, int] | None:
    """Return those of a file, or of a folder whose name ends as a listing's does."""
    if not path.endswith(LISTING):
        return facts_of(path)
    try:
        status = os.stat(path)  # noqa: PTH116  # as above
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def hash_now(path: str) -> str:
    """Return the hash of a source's definitions, a file's bytes or a folder's file names."""
    if path.endswith(LISTING):
        return _hash_of_listing(path)
    facts = facts_of(path)
    return "" if facts is None else _hash_of_file(path, facts)


def _hash_of_listing(path: str) -> str:
    is_below = path.endswith(LISTING_BELOW)
    try:
        with os.scandir(path) as entries:
            names = [e.name + LISTING * e.is_dir() for e in entries if _counts(e, is_below)]
    except OSError:
        return ""
    names.sort()
    return sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()


def _counts(entry: os.DirEntry[str], is_below: bool) -> bool:
    if entry.name.startswith(".") or entry.name == "__pycache__":
        return False
    return entry.is_file() or (is_below and entry.is_dir())


@lru_cache(maxsize=4096)
def _hash_of_file(path: str, facts: tuple[int, int, int]) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # called from an audit hook
            if path.endswith(".py"):
                return parsed(file.read()).definitions
            digest = sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return ""


def data_files(folder: Path | None, *, code: bool = False) -> Iterator[str]:
    """Yield the files below a folder, as long as they are 50 MB together.

    code : bool
        Python's sources as well.
    """
    room = _BYTES_MAX
    for here, folders, names in os.walk(folder) if folder else ():
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
        for name in sorted(names):
            path = os.path.join(here, name)  # noqa: PTH118  # as os.walk gives it
            if name.endswith(".pyc") or (name.endswith(".py") and not code):
                continue
            facts = facts_of(path)
            if facts is not None and facts[0] <= room:
                room -= facts[0]
                yield path
