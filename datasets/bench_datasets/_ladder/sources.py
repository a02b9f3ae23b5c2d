"""The files to read: one, a folder's, a zip's; opened as streams without their layers of gzip."""

import codecs
import gzip
import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from bench.errors import BenchError, DataError
from bench.images.kinds import (
    HEAD_BYTES,
    PICTURES,
    READABLE,
    Kind,
    check_is_file,
    is_dropping,
    kind_of,
    refused_kind,
)
from bench_datasets._ladder.limits import limit_bytes, one_line, too_large

__all__ = ["Source", "expand", "reading"]

_LAYERS_MAX: Final = 2
_FILES_MAX: Final = 256
_DEPTH_MAX: Final = 3
_DOCUMENT: Final = re.compile(
    r"\.(md|rst|html?|json|ya?ml|py|ipynb|cff|bib|log|toml)$|^(licen[cs]e|read.?me|notes?|about)",
    re.IGNORECASE,
)
# What readers raise on a damaged file.
DAMAGED: Final = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error,
                  struct.error, RuntimeError, MemoryError, NotImplementedError,
                  OverflowError)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file with data, or one member of a zip archive."""

    path: Path
    member: str = ""
    name: str = ""
    kind: Kind = Kind.TEXT
    is_packed: bool = False

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Yield its bytes, unpacked; more than the limit of them is refused."""
        with _opened(self.path, self.member) as file:
            stream: Any = file
            for _ in range(_LAYERS_MAX):
                stream = (
                    io.BufferedReader(stream, 1 << 16) if not hasattr(stream, "peek") else stream
                )
                if stream.peek(2)[:2] != b"\x1f\x8b":
                    break
                stream = gzip.GzipFile(fileobj=stream, mode="rb")
            if self.kind is Kind.TEXT and _in_utf16(stream):
                stream = io.BufferedReader(_Utf8(stream), 1 << 16)
            limited: Any = _Limited(stream, self.name) if self.is_packed else stream
            yield limited

    def seekable(self) -> Any:
        """Return the path, or for a packed file its whole content as a seekable stream."""
        if not self.is_packed:
            return self.path
        with self.open() as stream:
            return io.BytesIO(stream.read())

    @property
    def stem(self) -> str:
        """Its name without folder and endings, for telling roles and splits."""
        return PurePosixPath(self.member or self.path.name).name


def _in_utf16(stream: Any) -> bool:
    head: bytes = stream.peek(2)[:2]
    return head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Utf8(io.RawIOBase):
    """State: text in UTF-16 as it is read in UTF-8."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = self._stream.read(1 << 16)
            self._left = self._decoder.decode(piece, not piece).encode()
            if not piece:
                break
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


class _Limited(io.RawIOBase):
    """State: a stream that may be read up to the limit."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream, name
        self._left = limit_bytes()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size >= 0:
            return self._take(size)
        pieces = []
        while piece := self._take(1 << 22):
            pieces.append(piece)
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        piece = self._take(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _take(self, size: int) -> bytes:
        piece: bytes = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise too_large(self._name)
        return piece


@contextmanager
def _opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    if not member:
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        yield file


@contextmanager
def reading(name: str, what: str = "") -> Iterator[None]:
    """Turn what a library raises on a damaged file into one line that names it."""
    try:
        yield
    except BenchError:
        raise
    except DAMAGED as error:
        shown = f"{name} cannot be read{f' as {what}' if what else ''}"
        fix = "is it complete? compare its size with the source's, or download it again"
        raise DataError(shown, why=one_line(error), fix=fix) from error


def expand(path: Path) -> list[Source]:
    """Return what a named file or folder holds that may be data.

    Raises
    ------
    DataError
        If it is no file, or of a kind that is not read; the message says what it is instead.
    """
    if path.is_dir():
        return _in_folder(path)
    check_is_file(path)
    return _one(path, path.name)


def _one(path: Path, name: str) -> list[Source]:
    kind, is_packed = _kind(path, "", name)
    if kind is Kind.ZIP:
        return _in_zip(path, name)
    if kind is Kind.GZIP:
        raise DataError(f"{name} is packed more than twice", fix="unpack it and name what it holds")
    source = Source(path=path, name=name, kind=kind, is_packed=is_packed)
    if kind in _READ:
        return [source]
    raise refused_kind(name, kind)


_READ: Final = READABLE - {Kind.ZIP, Kind.GZIP, Kind.UTF16}


def _kind(path: Path, member: str, name: str) -> tuple[Kind, bool]:
    with reading(name):
        with _opened(path, member) as file:
            kind, is_packed = kind_of(file.read(HEAD_BYTES)), bool(member)
        if kind is Kind.GZIP:
            packed = Source(path=path, member=member, name=name, kind=kind, is_packed=True)
            with packed.open() as stream:
                kind, is_packed = kind_of(stream.read(HEAD_BYTES)), True
        return (Kind.TEXT if kind is Kind.UTF16 else kind), is_packed


def _in_folder(folder: Path) -> list[Source]:
    found: list[Source] = []
    refused: list[DataError] = []
    for path in _files(folder):
        name = os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")
        try:
            found += _one(path, name)
        except DataError as error:
            refused.append(error)
    if not found:
        if refused:
            raise refused[0]
        raise DataError(f"{folder.name} holds no data file", fix="name the file itself")
    return found


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = [] if depth >= _DEPTH_MAX else sorted(f for f in folders if not is_dropping(f))
        for name in sorted(names):
            if not is_dropping(name) and not _DOCUMENT.search(name):
                path = Path(place) / name
                if path.is_file():
                    found.append(path)
        if len(found) > _FILES_MAX:
            raise DataError(
                f"{folder.name} holds more than {_FILES_MAX} files",
                why="arrays of images lie in a few",
                fix="name the file itself",
            )
    return found


def _in_zip(path: Path, name: str) -> list[Source]:
    with reading(name, "a zip archive"), zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
    listed = [info.filename for info in members]
    if "[Content_Types].xml" in listed:
        raise DataError(
            f"{name} is an Excel workbook or another office file", fix="open it and save it as CSV"
        )
    if len(members) > 4096:
        raise DataError(f"{name} holds {len(members):,} files", fix="unpack it and name the folder")
    found, others = [], []
    for info in members:
        base = PurePosixPath(info.filename).name
        if any(map(is_dropping, PurePosixPath(info.filename).parts)):
            continue
        if info.flag_bits & 1:
            raise DataError(f"{name} is locked with a password", fix="unpack it and name the files")
        kind, _ = _kind(path, info.filename, f"{name}, {info.filename}")
        if kind in _READ and not _DOCUMENT.search(base):
            found.append(
                Source(path=path, member=info.filename, name=f"{name}, {info.filename}", kind=kind,
                       is_packed=True)
            )  # fmt: skip
        else:
            others.append((base, kind))
    if not found:
        raise _of_no_use(name, others)
    return found


def _of_no_use(name: str, others: list[tuple[str, Kind]]) -> DataError:
    pictures = sum(kind in PICTURES for _, kind in others)
    if pictures:
        return DataError(
            f"{name} holds {pictures:,} pictures",
            fix="name the archive itself: bench data inspect FILE",
        )
    held = ", ".join(base for base, _ in others[:5]) or "nothing"
    inner = next((kind for _, kind in others if kind is Kind.ZIP), None)
    return DataError(
        f"{name} holds no train.csv or other table or array of images",
        why=f"it holds {held}",
        fix="unpack it and name what is in it"
        if inner
        else "is it the right archive? name the file itself",
    )


def line_at(source: Source, is_it: Callable[[int, bytes], bool], skip: int) -> int | None:
    """Return the number, from 1, of the first line with data that is the wanted one."""
    row = -skip
    with source.open() as stream:
        packed: Any = stream
        lines: Any = io.BufferedReader(packed) if source.is_packed else stream
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            if row >= 0 and is_it(row, line):
                return number
            row += 1
    return None
