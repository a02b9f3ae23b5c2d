"""A zip archive of pictures, unpacked while it is read; nobody vouches for it."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from bench.errors import DataError
from bench.images.decode import is_image_name
from bench_datasets._folder.scan import MOST_FILES, TEXT_SUFFIXES, Unread, is_silent

__all__ = ["unpacked"]

_MOST_BYTES: Final = 4 << 30
_SHARE_OF_FREE: Final = 0.5
_PIECE_BYTES: Final = 1 << 20
# What zipfile raises on a damaged member.
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError)
_OUTSIDE: Final = "its name leads out of the archive; it was left there"
_LINK: Final = "it is a link, and links in archives are not followed"


@contextmanager
def unpacked(archive: Path, work_dir: Path) -> Iterator[tuple[Path, tuple[Unread, ...]]]:
    """Yield a folder with the archive's files, named like it, and what was left out and why.

    Only pictures and tables are written; other files lie there empty, so as to be reported.

    Raises
    ------
    DataError
        If it is damaged as a whole, locked, holds too many files, or unpacks to too much.
    """
    with tempfile.TemporaryDirectory(dir=work_dir, prefix="zip-") as place:
        folder = Path(place) / (archive.name.split(".")[0] or "archive")
        folder.mkdir()
        try:
            with zipfile.ZipFile(archive) as opened:
                unread = tuple(_unpack(opened, archive.name, folder))
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(
                f"{archive.name} cannot be unpacked",
                why=" ".join(str(error).split())[:160] or type(error).__name__,
                fix="is it complete? download it again, or unpack it and name the folder",
            ) from error
        yield folder, unread


def _unpack(archive: zipfile.ZipFile, name: str, folder: Path) -> Iterator[Unread]:
    members = [each for each in archive.infolist() if not each.is_dir() and not _is_junk(each)]
    if len(members) > MOST_FILES:
        raise DataError(
            f"{name} holds more than {MOST_FILES:,} files",
            fix="name a part of it, or make one file of arrays of them",
        )
    if any(each.flag_bits & 1 for each in members):
        raise DataError(f"{name} is locked with a password", fix="unpack it and name the folder")
    left = limit = min(_MOST_BYTES, int(shutil.disk_usage(folder).free * _SHARE_OF_FREE))
    for member in members:
        shown = member.filename
        target = _target(folder, shown)
        mode = member.external_attr >> 16
        if target is None or stat.S_ISLNK(mode):
            why = _LINK if target is not None else _OUTSIDE
            yield Unread(name=shown, code="outside", why=why, fix="unpack it by hand if it is safe")
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                if _is_wanted(shown):
                    left = _copy(archive, member, file, left)
        except FileExistsError:
            why = "the archive holds two files of this name; the first one is read"
            yield Unread(name=shown, code="unreadable", why=why, fix="rename one of them")
        except _DAMAGED as error:
            target.unlink(missing_ok=True)
            why = f"it is damaged in the archive ({type(error).__name__})"
            yield Unread(name=shown, code="unreadable", why=why, fix="make the archive again")
        except OSError as error:
            why = f"it cannot be unpacked ({error.strerror or type(error).__name__})"
            yield Unread(name=shown, code="unreadable", why=why, fix="unpack it by hand")
        if left < 0:
            raise DataError(
                f"{name} is refused",
                why=f"it unpacks to more than {limit / (1 << 30):.3g} GiB (4 GiB, and half of the "
                "free room on the disk)",
                fix="unpack a part of it and name the folder",
            )


def _is_junk(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    return any(map(is_silent, parts))


def _target(folder: Path, name: str) -> Path | None:
    """Return where a member belongs; None for one that would lie elsewhere."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
        return None
    return folder.joinpath(*parts)


def _is_wanted(name: str) -> bool:
    return is_image_name(name) or PurePosixPath(name).suffix.lower() in TEXT_SUFFIXES


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: IO[bytes], left: int) -> int:
    """Write a member's bytes as far as there is room; return the room left, below 0 for none."""
    with archive.open(member) as source:
        while left >= 0 and (piece := source.read(_PIECE_BYTES)):
            left -= len(piece)
            file.write(piece)
    return left
