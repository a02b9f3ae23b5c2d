"""What a file is, by its first bytes and never by its name; and whether it is a file at all."""

import stat
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.errors import DataError

__all__ = ["HEAD_BYTES", "READABLE", "Kind", "check_is_file", "kind_of", "refused_kind"]

HEAD_BYTES: Final = 4096


class Kind(StrEnum):
    """What the first bytes of a file say that it is."""

    TEXT = "text"
    NPY = "an .npy array"
    IDX = "an IDX file"
    HDF5 = "an HDF5 file"
    MAT = "a MATLAB file"
    PARQUET = "a Parquet file"
    ZIP = "a zip archive"
    GZIP = "a gzip file"
    PICTURE = "a picture"
    EMPTY = "empty"
    PAGE = "a web page"
    LFS = "a Git LFS pointer, not the file itself"
    PICKLE = "a pickle"
    UTF16 = "text in UTF-16"
    OLD_EXCEL = "an Excel workbook"
    PDF = "a PDF"
    ARROW = "an Arrow or Feather file"
    ARCHIVE = "an archive of a kind that is not unpacked here"
    BINARY = "not text: it holds zero bytes"


READABLE: Final = frozenset(
    {Kind.TEXT, Kind.NPY, Kind.IDX, Kind.HDF5, Kind.MAT, Kind.PARQUET, Kind.ZIP, Kind.GZIP}
)

_MAGICS: Final = (
    (b"\x1f\x8b", Kind.GZIP),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (b"MATLAB 7.3", Kind.HDF5),
    (b"MATLAB 5.0", Kind.MAT),
    (b"\x93NUMPY", Kind.NPY),
    (b"PAR1", Kind.PARQUET),
    (b"\x89PNG", Kind.PICTURE),
    (b"\xff\xd8\xff", Kind.PICTURE),
    (b"GIF8", Kind.PICTURE),
    (b"II*\0", Kind.PICTURE),
    (b"MM\0*", Kind.PICTURE),
    (b"version https://git-lfs", Kind.LFS),
    (b"%PDF", Kind.PDF),
    (b"\xff\xfe", Kind.UTF16),
    (b"\xfe\xff", Kind.UTF16),
    (b"\xd0\xcf\x11\xe0", Kind.OLD_EXCEL),
    (b"ARROW1", Kind.ARROW),
    (b"FEA1", Kind.ARROW),
    (b"BZh", Kind.ARCHIVE),
    (b"\xfd7zXZ", Kind.ARCHIVE),
    (b"7z\xbc\xaf", Kind.ARCHIVE),
    (b"Rar!", Kind.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Kind.ARCHIVE),
)
_IDX_TYPES: Final = frozenset((0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E))

_REMEDIES: Final = {
    Kind.EMPTY: "download or save it again",
    Kind.PAGE: "log in on the site, then download it again",
    Kind.LFS: "run git lfs pull where it came from, or download it from the site's file page",
    Kind.PICKLE: "a pickle can run any code and is never read: save it with numpy.savez",
    Kind.UTF16: "save it as UTF-8 (in Excel: CSV UTF-8)",
    Kind.OLD_EXCEL: "open it and save the sheet as CSV",
    Kind.PDF: "save its pages as pictures, or the table as CSV",
    Kind.ARROW: "save it as Parquet, CSV or .npz",
    Kind.ARCHIVE: "unpack it and name what it holds",
    Kind.BINARY: "is it the right file? save it as CSV or .npz, or download it again",
    Kind.PICTURE: "name the folder of pictures, or read it with bench predict",
}
_WHY: Final = {
    Kind.PAGE: "the download was probably answered by a log-in page",
    Kind.LFS: "it holds three lines of text that say where the file is",
}


def kind_of(head: bytes) -> Kind:
    """Return what a file is whose first bytes are `head` (a few thousand, or all there are)."""
    if not head:
        return Kind.EMPTY
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    if len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _IDX_TYPES and 1 <= head[3] <= 8:
        return Kind.IDX
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return Kind.PICKLE
    if head[257:262] == b"ustar":
        return Kind.ARCHIVE
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.PICTURE
    if head[4:8] == b"ftyp":
        return Kind.PICTURE
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return Kind.PAGE
    if not head.strip():
        return Kind.EMPTY
    return Kind.BINARY if b"\0" in head else Kind.TEXT


def refused_kind(name: str, kind: Kind) -> DataError:
    """Say of a file that is of no use what it is, and what to do."""
    what = f"{name} is {kind}{', not data' * (kind is Kind.PAGE)}"
    return DataError(what, why=_WHY.get(kind, ""), fix=_REMEDIES.get(kind, ""))


def check_is_file(path: Path, name: str = "") -> None:
    """Refuse, unopened, what is there but neither a regular file nor a link to one.

    Raises
    ------
    DataError
        Reading from a pipe would wait for ever, from a device it may never end.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        why = error.strerror or str(error)
        raise DataError(f"{name or path.name} cannot be read", why=why) from error
    if stat.S_ISREG(mode):
        return
    kinds = {
        stat.S_ISFIFO: "a pipe",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
        stat.S_ISSOCK: "a socket",
        stat.S_ISDIR: "a folder",
    }
    what = next((word for test, word in kinds.items() if test(mode)), "something else")
    raise DataError(
        f"{name or path.name} is {what}, not a file",
        fix="save what it gives to a file and name that",
    )
