"""What a file is by its first bytes, whatever its name says."""

import re
from pathlib import Path
from typing import Final

__all__ = ["kind_of", "kind_of_bytes", "why_no_picture"]

_HEAD_BYTES: Final = 512
_MAGIC: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"PK\x03\x04", "zip"),
    (b"version https://git-lfs", "LFS"),
)
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_PAGE: Final = re.compile(rb"<(!doctype\s+html|html|head|body|script)\b", re.IGNORECASE)
_REASONS: Final = {
    "LFS": (
        "it is a Git LFS pointer, not the picture itself",
        "fetch the pictures with git lfs pull",
    ),
    "web page": (
        "it is a saved web page, not a picture",
        "download it again with the site's download button; you may have to log in",
    ),
    "PDF": ("it is a PDF, not a picture", "save its pages as PNG"),
    "PostScript": ("it is PostScript, not a picture", "save it as PNG"),
    "zip": ("it is a zip archive, not a picture", "unpack it"),
    "SVG": ("it is a drawing (SVG), not a picture", "save it as PNG"),
}


def kind_of_bytes(head: bytes) -> str:
    """Return ``JPEG``, ``PNG``, ``HEIF``, … ``web page``, ``LFS``; empty where it is unknown."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        return "HEIF" if head[8:12] in _HEIF_BRANDS else "AVIF" if head[8:11] == b"avi" else ""
    if (
        head[:1] == b"P"
        and head[1:2] in (b"1", b"2", b"3", b"4", b"5", b"6")
        and head[2:3].isspace()
    ):
        return "PPM"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<svg" in text[:300]:
        return "SVG"
    return "web page" if _PAGE.match(text) else ""


def kind_of(path: Path) -> str:
    """Return what a file's first bytes say that it is; the caller knows that it is a plain file."""
    with path.open("rb") as file:
        return kind_of_bytes(file.read(_HEAD_BYTES))


def why_no_picture(path: Path, size_bytes: int) -> tuple[str, str] | None:
    """Return why a file named like a picture is none, and what to do; None where it may be one."""
    if size_bytes == 0:
        return "the file is empty (0 bytes)", "copy it again: a copy broke off"
    try:
        kind = kind_of(path)
    except OSError as error:
        why = "no permission to read it" if isinstance(error, PermissionError) else error.strerror
        return why or "it cannot be read", "change its permissions, or take it away"
    return _REASONS.get(kind)
