"""What lies in a folder that nobody vouches for: every file, as a picture, a table, or a reason."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench.images.decode import count_pages, is_image_name
from bench.images.kinds import is_dropping
from bench.images.sample_names import page_name

__all__ = [
    "MOST_FILES",
    "TEXT_SUFFIXES",
    "Listing",
    "Unread",
    "is_silent",
    "natural_key",
    "scan_folder",
]

_SILENT: Final = frozenset(
    {"thumbs.db", ".ds_store", "desktop.ini", "__macosx", ".ipynb_checkpoints"}
)
_TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods", ".numbers"})
_DATA_SUFFIXES: Final = frozenset({".json", ".jsonl", ".xml", ".yaml", ".yml", ".sql"})
_PAGED: Final = frozenset({".tif", ".tiff"})
TEXT_SUFFIXES: Final = _TABLE_SUFFIXES | {".txt"}
_DEEPEST: Final = 8
MOST_FILES: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A file or folder that was not read, why, and what to do; ``code`` says of which kind."""

    name: str
    code: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A folder's pictures and tables, as paths relative to it, in natural order.

    A picture of a file of several pages has a path of its own (`bench.sample_names.page_name`).
    ``id_texts`` are the ``id.txt`` files, ``texts`` other text files, which may be tables,
    ``data`` files such as JSON, whose labels are not read;
    ``twins`` names, for a picture that is the same file as one before it, that one.
    """

    root: Path
    images: tuple[Path, ...]
    tables: tuple[Path, ...] = ()
    id_texts: tuple[Path, ...] = ()
    texts: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    unread: tuple[Unread, ...] = ()
    twins: dict[Path, Path] = field(default_factory=dict)


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Return a key by which ``2.jpg`` comes before ``10.jpg``."""
    return tuple(_natural(part) for part in path.parts)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    fields = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    keyed = [(0, int(f), f) if f[0] in "0123456789" else (1, 0, f) for f in fields]
    return (*keyed, (2, 0, text))


@dataclass(slots=True, kw_only=True)
class _Found:
    """State: what the walk has met so far."""

    root: Path
    images: list[Path] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    id_texts: list[Path] = field(default_factory=list)
    texts: list[Path] = field(default_factory=list)
    data: list[Path] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    folders: dict[tuple[int, int], Path] = field(default_factory=dict)
    links: list[tuple[Path, int]] = field(default_factory=list)
    n_files: int = 0

    def leave(self, name: str, code: str, why: str, fix: str) -> None:
        self.unread.append(Unread(name=name, code=code, why=why, fix=fix))


def is_silent(name: str) -> bool:
    """Whether a file or folder is nobody's: what a system or a notebook leaves behind."""
    return name.casefold() in _SILENT or name.startswith("._")


def scan_folder(root: Path) -> Listing:
    """List a folder; a folder that is reached twice is read where it lies, not by the link.

    Raises
    ------
    DataError
        If it is no folder, cannot be opened, or holds far too many files.
    """
    if not root.is_dir():
        why = "it is a file" if root.exists() else "there is no such folder"
        raise DataError(str(root.name or root), why=why, fix="name a folder of photos")
    found = _Found(root=root)
    _visit(found, root, 0)
    while found.links:  # after what lies here: a link to it is another name of the same pictures
        _visit(found, *found.links.pop(0))
    if any(each.name == "." for each in found.unread):
        raise DataError(root.name, why="no permission to open the folder")
    images = sorted(found.images, key=natural_key)
    return Listing(
        root=root,
        images=tuple(_each_page(root, images)),
        tables=tuple(sorted(found.tables, key=natural_key)),
        id_texts=tuple(sorted(found.id_texts, key=natural_key)),
        texts=tuple(sorted(found.texts, key=natural_key)),
        data=tuple(sorted(found.data, key=natural_key)),
        unread=tuple(found.unread),
        twins=_twins(root, images),
    )


def _visit(found: _Found, folder: Path, depth: int) -> None:
    name = _shown(folder, found.root)
    try:
        status = folder.stat()
        with os.scandir(folder) as found_there:  # far too many are refused before they are all read
            entries = sorted(islice(found_there, MOST_FILES + 1), key=lambda entry: entry.name)
    except OSError:
        found.leave(name, "unreadable", "no permission to open this folder", "change it")
        return
    # The same folder reached twice is a link; following it might never end.
    known = found.folders.setdefault((status.st_dev, status.st_ino), folder)
    if known != folder:
        why = f"the same folder as {_shown(known, found.root)}, whose pictures are read once"
        found.leave(name, "same-folder", why, "take the link away")
        return
    if depth > _DEEPEST:
        found.leave(name, "too-deep", f"it lies more than {_DEEPEST} folders deep", "move it up")
        return
    for entry in entries:
        if not is_silent(entry.name):
            _take(found, entry, depth)


def _take(found: _Found, entry: "os.DirEntry[str]", depth: int) -> None:
    path = Path(entry.path)
    if any("\ud800" <= character <= "\udfff" for character in entry.name):
        why = "its name is not in this system's encoding; left out"
        found.leave(_shown(path, found.root), "misnamed", why, "rename it")
        return
    name = path.relative_to(found.root)
    if is_dropping(entry.name):
        whose = "a hidden" if entry.name.startswith(".") else "a system's"
        what = "folder, not looked into" if _is_folder(entry) else "file, not read"
        fix = "rename it if it belongs here"
        found.leave(name.as_posix(), "hidden", f"{whose} {what}", fix)
        return
    if is_image_name(entry.name) and not _is_folder(entry):
        _count(found)
        found.images.append(name)  # one that cannot be read keeps its place
        return
    try:
        status = path.stat()
    except OSError as error:
        why = "a link to nothing" if entry.is_symlink() else error.strerror or "it cannot be read"
        found.leave(name.as_posix(), "unreadable", why, "take it away")
        return
    if stat.S_ISDIR(status.st_mode):
        if entry.is_symlink():
            found.links.append((path, depth + 1))
        else:
            _visit(found, path, depth + 1)
        return
    _count(found)
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        why = "it is no ordinary file but a pipe, a socket or a device"
        found.leave(name.as_posix(), "unreadable", why, "take it away")
        return
    if entry.name.casefold() == "id.txt":
        found.id_texts.append(name)
    elif name.suffix.lower() in _TABLE_SUFFIXES:
        found.tables.append(name)
    elif name.suffix.lower() == ".txt":
        found.texts.append(name)
    else:
        _leave_other(found, name)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _count(found: _Found) -> None:
    found.n_files += 1
    if found.n_files > MOST_FILES:
        raise DataError(
            found.root.name,
            why=f"it holds more than {MOST_FILES:,} files",
            fix="name a part of it, or make one file of arrays of them",
        )


def _leave_other(found: _Found, name: Path) -> None:
    if name.suffix.lower() in _DATA_SUFFIXES:
        found.data.append(name)
    ending = f"files ending in {name.suffix}" if name.suffix else "files without an ending"
    found.leave(
        name.as_posix(),
        "no-picture",
        f"{ending} are not read as pictures",
        "if it holds the labels, save them as CSV or .xlsx"
        if name.suffix.lower() in _DATA_SUFFIXES
        else "if it is one, save it as JPEG or PNG",
    )


def _each_page(root: Path, images: list[Path]) -> Iterator[Path]:
    for image in images:
        pages = count_pages(root / image) if image.suffix.lower() in _PAGED else 1
        if pages == 1:
            yield image
        else:
            yield from (image.with_name(page_name(image.name, n)) for n in range(1, pages + 1))


def _twins(root: Path, images: list[Path]) -> dict[Path, Path]:
    """Return the pictures that are links to one before them."""
    first: dict[tuple[int, int], Path] = {}
    twins: dict[Path, Path] = {}
    for image in images:
        try:
            status = (root / image).stat()
        except OSError:
            continue
        known = first.setdefault((status.st_dev, status.st_ino), image)
        if known != image:
            twins[image] = known
    return twins


def _shown(path: Path, root: Path) -> str:
    return os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
