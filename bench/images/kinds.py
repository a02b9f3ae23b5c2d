"""What a file is, by its first bytes and never by its name; and whether it is a file at all."""

import re
import stat
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.errors import DataError

__all__ = [
    "HEAD_BYTES",
    "PICTURES",
    "READABLE",
    "Kind",
    "check_is_file",
    "is_dropping",
    "kind_of",
    "kind_of_file",
    "refused_kind",
    "why_no_picture",
]

HEAD_BYTES: Final = 4096
# What file managers, network disks, editors and Python leave anywhere.
_DROPPING: Final = re.compile(
    r"\.|.*~$|(?:(?:eh)?thumbs[^.]*\.db|desktop\.ini|icon\r|@eadir|#recycle|\$recycle\.bin"
    r"|__macosx|__pycache__|lost\+found)$",
    re.IGNORECASE,
)


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
    JPEG = "a JPEG picture"
    PNG = "a PNG picture"
    GIF = "a GIF picture"
    TIFF = "a TIFF picture"
    BMP = "a BMP picture"
    WEBP = "a WebP picture"
    PPM = "a PPM picture"
    HEIF = "a HEIC photo"
    AVIF = "an AVIF picture"
    SVG = "a drawing (SVG)"
    POSTSCRIPT = "PostScript"
    PDF = "a PDF"
    EMPTY = "empty"
    PAGE = "a web page"
    LFS = "a Git LFS pointer"
    PICKLE = "a pickle"
    UTF16 = "text in UTF-16"
    JSON = "JSON"
    ARFF = "an ARFF table (Weka, OpenML)"
    SPARSE = "a sparse table (LIBSVM)"
    OLD_EXCEL = "an Excel workbook"
    ARROW = "an Arrow or Feather file"
    ARCHIVE = "an archive of a kind that is not unpacked here"
    BINARY = "not text: it holds zero bytes"


READABLE: Final = frozenset(
    {
        *(Kind.TEXT, Kind.UTF16, Kind.NPY, Kind.IDX, Kind.HDF5, Kind.MAT, Kind.PARQUET),
        *(Kind.ZIP, Kind.GZIP),
    }
)
PICTURES: Final = frozenset(
    {
        *(Kind.JPEG, Kind.PNG, Kind.GIF, Kind.TIFF, Kind.BMP, Kind.WEBP),
        *(Kind.PPM, Kind.HEIF, Kind.AVIF),
    }
)
_UNKNOWN: Final = frozenset({Kind.TEXT, Kind.BINARY})

_MAGICS: Final = (
    (b"\x1f\x8b", Kind.GZIP),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\x89HDF\r\n\x1a\n", Kind.HDF5),
    (b"MATLAB 7.3", Kind.HDF5),
    (b"MATLAB 5.0", Kind.MAT),
    (b"\x93NUMPY", Kind.NPY),
    (b"PAR1", Kind.PARQUET),
    (b"\x89PNG", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"II+\0", Kind.TIFF),
    (b"MM\0+", Kind.TIFF),
    (b"version https://git-lfs", Kind.LFS),
    (b"%PDF", Kind.PDF),
    (b"%!PS", Kind.POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", Kind.POSTSCRIPT),
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
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_BMP_HEADERS: Final = frozenset((12, 40, 52, 56, 64, 108, 124))
_NETPBM: Final = re.compile(rb"P[1-6]\s+[\d#]")
_JSON: Final = re.compile(rb"[\[{]\s*[\[{\"\d]")
_ARFF: Final = re.compile(rb"(?:%[^\n]*\n|\s)*@relation\b", re.IGNORECASE)
_SPARSE: Final = re.compile(rb"[-+.\d]+(?: +\d+:[-+.\deE]+){2}")
_MARKUP: Final = re.compile(rb"<[a-z!?]", re.IGNORECASE)

_REMEDIES: Final = {
    Kind.EMPTY: "download or save it again",
    Kind.PAGE: "log in on the site, then download it again",
    Kind.LFS: "run git lfs pull where it came from, or download it from the site's file page",
    Kind.PICKLE: "a pickle can run any code and is never read: save it with numpy.savez",
    Kind.JSON: "save its images and labels as arrays: numpy.savez",
    Kind.ARFF: "save the rows below @data as CSV, or read it with scipy.io.arff",
    Kind.SPARSE: "read it with sklearn.datasets.load_svmlight_file and save it with numpy.savez",
    Kind.OLD_EXCEL: "open it and save the sheet as CSV",
    Kind.PDF: "save its pages as pictures, or the table as CSV",
    Kind.SVG: "save it as PNG",
    Kind.POSTSCRIPT: "save it as PNG",
    Kind.AVIF: "save it as JPEG or PNG",
    Kind.ARROW: "save it as Parquet, CSV or .npz",
    Kind.ARCHIVE: "unpack it and name what it holds",
    Kind.BINARY: "is it the right file? save it as CSV or .npz, or download it again",
}
_REMEDY_PICTURE: Final = "name the folder of pictures, or read it with bench predict"
_FETCHED: Final = frozenset({Kind.PAGE, Kind.LFS, Kind.SVG, Kind.POSTSCRIPT, Kind.PDF})
_WHY: Final = {
    Kind.PAGE: "the download was probably answered by a log-in page",
    Kind.LFS: "it holds three lines of text that say where the file is",
}


def is_dropping(name: str) -> bool:
    """Whether a file or folder was left by a file manager or the like, by its name."""
    return _DROPPING.match(name) is not None


def kind_of(head: bytes) -> Kind:
    """Return what a file is whose first bytes are `head` (a few hundred, or all there are)."""
    if not head:
        return Kind.EMPTY
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    return _by_structure(head) or _of_text(head)


def _by_structure(head: bytes) -> Kind | None:
    if len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _IDX_TYPES and 1 <= head[3] <= 8:
        return Kind.IDX
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return Kind.PICKLE
    if head[257:262] == b"ustar":
        return Kind.ARCHIVE
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp":
        if head[8:11] == b"avi":
            return Kind.AVIF
        return Kind.HEIF if head[8:12] in _HEIF_BRANDS else Kind.BINARY
    # Two letters are too few for a magic number: a table may begin with BMI.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return Kind.BMP
    return Kind.PPM if _NETPBM.match(head) else None


def _of_text(head: bytes) -> Kind:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return Kind.EMPTY
    if _MARKUP.match(text):
        return Kind.SVG if b"<svg" in text[:300] else Kind.PAGE
    if b"\0" in head:
        return Kind.BINARY
    forms = ((_JSON, Kind.JSON), (_ARFF, Kind.ARFF), (_SPARSE, Kind.SPARSE))
    return next((kind for form, kind in forms if form.match(text)), Kind.TEXT)


def kind_of_file(path: Path) -> Kind:
    """Return what a file's first bytes say that it is; the caller knows that it is a plain file."""
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES))


def refused_kind(name: str, kind: Kind) -> DataError:
    """Say of a file that is no data what it is, and what to do."""
    fix = _REMEDIES.get(kind, _REMEDY_PICTURE if kind in PICTURES else "")
    what = f"{name} is {kind}"
    if kind in (Kind.PAGE, Kind.LFS):
        what += ", not data" if kind is Kind.PAGE else ", not the file itself"
    return DataError(what, why=_WHY.get(kind, ""), fix=fix)


def why_no_picture(head: bytes) -> tuple[str, str]:
    """Say why a file that no decoder of pictures knows is none, by its first bytes; and a remedy.

    The remedy is empty where only the usual one is known.
    """
    if not head:
        return "the file is empty (0 bytes)", "copy it again: a copy broke off"
    kind = kind_of(head)
    if kind is Kind.AVIF:
        return "it is an AVIF picture, a format that is not read", _REMEDIES[kind]
    if kind in PICTURES or kind in _UNKNOWN:
        return "it is not a picture", ""
    fix = _REMEDIES.get(kind, "") if kind in _FETCHED else ""
    return f"it is {kind}, not {'the picture itself' if kind is Kind.LFS else 'a picture'}", fix


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
