"""What lies in a folder that nobody vouches for: pictures and tables, in natural order."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench.images.decode import is_image_name

__all__ = ["Listing", "natural_key", "scan_folder"]

_JUNK: Final = frozenset({"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "ehthumbs.db"})
_TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv"})
_DEEPEST: Final = 8
_MOST_FILES: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A folder's pictures and tables, as paths relative to it, in natural order.

    ``id_texts`` are the ``id.txt`` files; ``unreadable`` are folders that the system would not
    open, ``misnamed`` files and folders whose names are no text in the system's encoding.
    """

    root: Path
    images: tuple[Path, ...]
    tables: tuple[Path, ...] = ()
    id_texts: tuple[Path, ...] = ()
    unreadable: tuple[str, ...] = ()
    misnamed: tuple[str, ...] = ()


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Return a key by which ``2.jpg`` comes before ``10.jpg``."""
    return tuple(_natural(part) for part in path.parts)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    fields = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    keyed = [(0, int(f), f) if f[0] in "0123456789" else (1, 0, f) for f in fields]
    return (*keyed, (2, 0, text))


def scan_folder(root: Path) -> Listing:
    """List a folder; hidden files, junk and links that lead back are left out.

    Raises
    ------
    DataError
        If it is no folder, cannot be opened, or holds far too many files.
    """
    if not root.is_dir():
        why = "it is a file" if root.exists() else "there is no such folder"
        raise DataError(str(root.name or root), why=why, fix="name a folder of photos")
    images: list[Path] = []
    tables: list[Path] = []
    id_texts: list[Path] = []
    unreadable: list[str] = []
    misnamed: list[str] = []
    seen: set[tuple[int, int]] = set()

    def visit(folder: Path, depth: int) -> None:
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            unreadable.append(_shown(folder, root))
            return
        # The same folder reached twice is a link; following it might never end.
        if (status.st_dev, status.st_ino) in seen or depth > _DEEPEST:
            return
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if entry.name.startswith(".") or entry.name.casefold() in _JUNK:
                continue
            path = Path(entry.path)
            if _is_misnamed(entry.name):
                misnamed.append(_shown(path, root))
                continue
            if _is_folder(entry):
                visit(path, depth + 1)
            elif entry.name.casefold() == "id.txt":
                id_texts.append(path.relative_to(root))
            elif is_image_name(entry.name):
                images.append(path.relative_to(root))
            elif path.suffix.lower() in _TABLE_SUFFIXES:
                tables.append(path.relative_to(root))
            if len(images) > _MOST_FILES:
                raise DataError(root.name, why=f"it holds more than {_MOST_FILES:,} pictures")

    visit(root, 0)
    if str(root.name) in unreadable or "." in unreadable:
        raise DataError(root.name, why="no permission to open the folder")
    return Listing(
        root=root,
        images=tuple(sorted(images, key=natural_key)),
        tables=tuple(sorted(tables, key=natural_key)),
        id_texts=tuple(sorted(id_texts, key=natural_key)),
        unreadable=tuple(unreadable),
        misnamed=tuple(misnamed),
    )


def _is_misnamed(name: str) -> bool:
    """Whether a name has bytes that are no text: copied from a system of another encoding."""
    return any("\ud800" <= character <= "\udfff" for character in name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _shown(path: Path, root: Path) -> str:
    return os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
