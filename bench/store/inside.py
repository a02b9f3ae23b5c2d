"""How all that is inside a store is opened, listed and made: no link is followed.

A store is shared, copied and unpacked from elsewhere: a link in it could point anywhere, a pipe
would be waited for without an end. `Store` gives out its places only where they are no links; here
a file's own folder is looked at, and the file is opened without following a link, without waiting,
and only where it is a regular one. What is made takes the group and the mode of the folder that it
lies in.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from bench.errors import DamagedError, StoreError
from bench.images.kinds import is_dropping

__all__ = [
    "follow_folder",
    "make_folder",
    "modes_of",
    "names_in",
    "open_file",
    "parts_below",
    "read_file",
    "reading",
    "refuse_link",
    "refuse_links_below",
]

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)
_OPEN: Final = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_LARGEST_BYTES: Final = 64 << 20


def refuse_link(path: Path) -> Path:
    """Return `path`, which may be missing, unless it is a link.

    Raises
    ------
    StoreError
        If it is one.
    """
    if path.is_symlink():
        raise _link(path)
    return path


def _link(path: Path) -> StoreError:
    return DamagedError(
        f"{path}",
        why="is a link, and none is followed in a store",
        fix="put what it points to in its place, or remove it",
    )


def open_file(path: Path, *, flags: int = os.O_RDONLY) -> int:
    """Return a descriptor of a regular file of a store.

    Raises
    ------
    StoreError
        If it, or the folder it lies in, is a link, or it is a folder, a pipe or a device.
    OSError
        If it is missing or may not be opened.
    """
    refuse_link(path.parent)
    refuse_link(path)  # for a clear message; the flag holds where it becomes one just now
    descriptor = os.open(path, flags | _OPEN, 0o666)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor
    os.close(descriptor)
    word = next((word for is_kind, word in _KINDS if is_kind(kind)), "no file")
    raise DamagedError(f"{path}", why=f"is {word}, not a file", fix="remove it")


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file of a store to be read; raises as `open_file`."""
    with os.fdopen(open_file(path), "rb") as file:
        yield file


def read_file(path: Path, limit_bytes: int = _LARGEST_BYTES) -> bytes:
    """Return a file's content.

    Raises
    ------
    StoreError
        As `open_file`, or if it is larger than the limit.
    OSError
        If it is missing or cannot be read.
    """
    with reading(path) as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise DamagedError(f"{path}", why=f"is larger than {limit_bytes >> 20:,} MiB")
    return data


def names_in(place: Path) -> list[str]:
    """Return the names in a folder of a store, without droppings; none if it is missing.

    Raises
    ------
    StoreError
        If it is a link or cannot be listed.
    """
    refuse_link(place)
    try:
        return [path.name for path in place.iterdir() if not is_dropping(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"store {place}", why=f"cannot be read: {error.strerror}") from error


def parts_below(folder: Path) -> Iterator[Path]:
    """Yield all that lies below a folder but folders and droppings: files, links, pipes."""
    for place, folders, files in os.walk(refuse_link(folder)):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        folders[:] = [name for name in folders if not is_dropping(name)]
        yield from (
            Path(place) / name for name in sorted([*files, *links]) if not is_dropping(name)
        )


def refuse_links_below(folder: Path) -> Path:
    """Return a folder in which there is no link at any depth; raises as `refuse_link`."""
    for path in parts_below(folder):
        refuse_link(path)
    return folder


def make_folder(path: Path) -> None:
    """Make a folder of a store unless it is there; it follows the one that it lies in.

    Raises
    ------
    StoreError
        If it is a link.
    OSError
        If it cannot be made.
    """
    if refuse_link(path).is_dir():
        return
    # A store of its own is made as its user makes folders.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(exist_ok=True)
    follow_folder(path)


def follow_folder(path: Path) -> None:
    """Give what this process has just made the group and mode of the folder that it lies in.

    A folder hands its group on to what comes to lie in it.
    """
    if os.name != "posix":
        return
    above, own = path.parent.stat(), path.lstat()
    is_folder = stat.S_ISDIR(own.st_mode)
    mode = stat.S_IMODE(above.st_mode) & ~stat.S_ISVTX
    if not is_folder:
        mode &= 0o666
    elif own.st_gid != above.st_gid:
        mode |= stat.S_ISGID
    # A file system may know neither; another user may have made it in the same moment.
    with suppress(OSError):
        if own.st_gid != above.st_gid:
            os.chown(path, -1, above.st_gid, follow_symlinks=False)
        if stat.S_IMODE(own.st_mode) != mode:
            path.chmod(mode)


@contextmanager
def modes_of(folder: Path) -> Iterator[None]:
    """Let all that this process and its children make meanwhile have the mode of `folder`."""
    before = os.umask(0o777 & ~stat.S_IMODE(folder.stat().st_mode))
    try:
        yield
    finally:
        os.umask(before)
