"""What a path on the command line is, before a plugin reads it: arrays, photos or a photo."""

import os
import zipfile
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from bench.errors import DataError
from bench.images.decode import is_image_name
from bench.images.kinds import PICTURES, READABLE, Kind, check_is_file, is_dropping, kind_of_file

__all__ = ["Own", "name_of", "sniff"]

_FILES_MAX: Final = 2000
_DEPTH_MAX: Final = 3
_LOOKED_INTO_MAX: Final = 64
_ARRAY_ENDINGS: Final = (".csv", ".npy", ".npz", ".parquet", ".h5", ".hdf5", ".mat", ".gz", "ubyte")


class Own(StrEnum):
    """What a person's own file or folder is."""

    ARRAYS = "arrays"
    PHOTOS = "photos"
    """A folder of them, or a zip archive."""
    PHOTO = "photo"


def sniff(path: Path) -> Own:
    """Return what a file or folder is, by what it holds.

    Raises
    ------
    DataError
        If it is not there, or neither a file nor a folder; it is not opened then.
    """
    path = path.expanduser()
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise DataError(f"{path} does not exist")
    check_is_file(path)
    kind = _kind(path)
    if kind is Kind.ZIP and _holds_pictures(path):
        return Own.PHOTOS
    if kind in PICTURES or is_image_name(path.name):
        return Own.PHOTO
    return Own.ARRAYS


def name_of(path: Path) -> str:
    """Return the name a file or folder goes by as a dataset: its own, without endings."""
    resolved = path.expanduser().resolve()
    is_file = resolved.is_file()
    return (resolved.name.split(".")[0] if is_file else "") or resolved.name


def _kind(path: Path) -> Kind:
    try:
        return kind_of_file(path)
    except OSError:
        return Kind.BINARY


def _holds_pictures(path: Path) -> bool:
    """Whether an archive holds pictures rather than tables or arrays, by the names in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    except (OSError, ValueError, zipfile.BadZipFile):
        return False  # who reads it says what is wrong
    if PurePosixPath("[Content_Types].xml") in names:  # an office file; its pictures are decoration
        return False
    names = [name for name in names if not any(map(is_dropping, name.parts))]
    pictures = sum(is_image_name(name.name) for name in names)
    arrays = sum(name.name.lower().endswith(_ARRAY_ENDINGS) for name in names)
    return pictures > 0 and pictures >= arrays


def _folder(folder: Path) -> Own:
    """Return arrays where files of arrays lie and no picture does; else it is one of photos."""
    others: list[Path] = []
    seen = 0
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = [] if depth >= _DEPTH_MAX else [f for f in folders if not is_dropping(f)]
        for name in names:
            seen += 1
            if is_image_name(name) and not is_dropping(name):
                return Own.PHOTOS
            others.append(Path(place) / name)
        if seen > _FILES_MAX:
            break
    looked_at = [path for path in others if not is_dropping(path.name)][:_LOOKED_INTO_MAX]
    kinds = {_kind(path) for path in looked_at if path.is_file()}
    return Own.ARRAYS if kinds & READABLE and not kinds & PICTURES else Own.PHOTOS
