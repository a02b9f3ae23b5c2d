"""What a path on the command line is, before a plugin reads it: arrays, photos or a photo."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench.images.decode import is_image_name
from bench.loading.kinds import HEAD_BYTES, READABLE, Kind, check_is_file, kind_of

__all__ = ["Own", "name_of", "sniff"]

_FILES_MAX: Final = 2000
_DEPTH_MAX: Final = 3
_LOOKED_INTO_MAX: Final = 64
_SILENT: Final = (".", "__MACOSX", "Thumbs.db", "desktop.ini")


class Own(StrEnum):
    """What a person's own file or folder is."""

    ARRAYS = "arrays"
    PHOTOS = "photos"
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
    if is_image_name(path.name) or _kind(path) is Kind.PICTURE:
        return Own.PHOTO
    return Own.ARRAYS


def name_of(path: Path) -> str:
    """Return the name a file or folder goes by as a dataset: its own, without endings."""
    resolved = path.expanduser().resolve()
    return resolved.name if resolved.is_dir() else resolved.name.split(".")[0] or resolved.name


def _kind(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            return kind_of(file.read(HEAD_BYTES))
    except OSError:
        return Kind.BINARY


def _folder(folder: Path) -> Own:
    """Return arrays where files of arrays lie and no picture does; else it is one of photos."""
    others: list[Path] = []
    seen = 0
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = (
            [] if depth >= _DEPTH_MAX else [f for f in folders if not f.startswith(_SILENT)]
        )
        for name in names:
            seen += 1
            if is_image_name(name) and not name.startswith(_SILENT):
                return Own.PHOTOS
            others.append(Path(place) / name)
        if seen > _FILES_MAX:
            break
    looked_at = [path for path in others if not path.name.startswith(_SILENT)][:_LOOKED_INTO_MAX]
    kinds = {_kind(path) for path in looked_at if path.is_file()}
    return Own.ARRAYS if kinds & READABLE and Kind.PICTURE not in kinds else Own.PHOTOS
