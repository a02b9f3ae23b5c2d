"""Writing a report to a file: whole or not at all, and nothing of somebody else's is replaced."""

from pathlib import Path
from typing import Final

from bench.errors import BenchError
from bench.store.atomic import write_bytes

__all__ = ["MARK", "refuse_others", "write_text"]

MARK: Final = '<meta name="generator" content="digitbench">'
_HEAD: Final = 2_000


def refuse_others(path: Path) -> None:
    """Refuse a page's place where another file lies; an earlier page of ours may be replaced.

    Raises
    ------
    BenchError
        If it holds something else, or its folder cannot be written.
    """
    try:
        if path.is_file() and MARK in path.read_text("utf-8", "replace")[:_HEAD]:
            return
    except OSError as error:
        raise unwritable(path, error) from error
    if path.exists():
        raise BenchError(f"{path} exists already", why="no page of ours", fix="name another")


def write_text(path: Path, text: str) -> None:
    """Write a text whole, or not at all.

    Raises
    ------
    BenchError
        If it cannot be written.
    """
    try:
        # Unlike a store's, a link among the user's own folders is followed.
        place = path.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(place, text.encode())
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> BenchError:
    """Return what is said of a place that cannot be written."""
    return BenchError(f"{path} cannot be written", why=error.strerror or str(error))
