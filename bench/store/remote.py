"""Stores and exports at an address, such as ``s3://bucket/results``, through fsspec.

A store there is read from a copy in the user's cache: folders of records never change, so that only
what is new comes over the wire. What a merge adds to the copy is sent back, each record after its
files. What lies at an address was written by others; of what went wrong there only the
kind is said, since a library's own words may hold an address with a password, or a key.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from bench.config import Config, user_cache_folder
from bench.errors import StoreError
from bench.store.atomic import readable_failure, write_bytes
from bench.store.inside import make_folder, parts_below
from bench.store.layout import MODEL, RECORD, Store, chosen_store, is_address, is_member

__all__ = ["address_of", "fetched", "mirrored", "readable_store", "sending", "sent", "shown_place"]

_FILE_BYTES_MAX: Final = 4 << 30
_KNOWN: Final = ".remote.json"
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]+):/+")
_USER: Final = re.compile(r"//[^/@]*@")
_QUERY: Final = re.compile(r"[?#].*")
_S3: Final = {"config_kwargs": {"connect_timeout": 10, "retries": {"max_attempts": 2}}}
_OTHER_PARTS: Final = ("trials", "evaluations", "splits", "superseded")


def address_of(path: Path) -> str:
    """Return the address that a path was made from: of two slashes a path keeps one."""
    text = path.as_posix()
    return _SCHEME.sub(r"\1:///" if text.startswith("file:") else r"\1://", text, count=1)


def shown_place(path: Path) -> str:
    """Return a path, or an address without what it may hold of a user, a password or a token."""
    if not is_address(path):
        return str(path)
    return _QUERY.sub("", _USER.sub("//", address_of(path)))


def readable_store(
    explicit: Path | None, config: Config, *, with_models: bool = False
) -> tuple[Store, str]:
    """Return the store to read, and its place for messages; of one at an address, a copy."""
    path = chosen_store(explicit, config)
    if not is_address(path):
        return Store(path), str(path)
    return mirrored(path, with_models=with_models), shown_place(path)


def mirrored(path: Path, *, with_models: bool) -> Store:
    """Return a copy, brought up to date, of the store at an address.

    Parameters
    ----------
    with_models : bool
        Trained models as well, which no view reads.

    Raises
    ------
    StoreError
        If it cannot be read, or holds what no store can.
    """
    address = address_of(path)
    copy = Store(user_cache_folder() / "stores" / sha256(address.encode()).hexdigest()[:24])
    with _told(path):
        system, root = _opened(address)
        there = _listed(system, root, path)
    wanted = {name: tag for name, tag in there.items() if with_models or not _is_model(name)}
    known = _known(copy)
    coming = [n for n, tag in wanted.items() if known.get(n) != tag or not (copy.root / n).exists()]
    with readable_failure(copy.root):
        make_folder(copy.root)
        make_folder(copy.work)
        _fetch(system, root, path, coming, copy)
        gone = known.keys() - there.keys()
        for name in gone:
            _remove(copy, name)
        if gone or known.keys() & set(coming):  # scores of what is not so any more
            shutil.rmtree(copy.index, ignore_errors=True)
        kept = {n: t for n, t in known.items() if n in there and n not in wanted}
        write_bytes(copy.root / _KNOWN, msgspec.json.encode(kept | wanted))
    return copy


def _opened(address: str) -> tuple[Any, str]:
    import fsspec

    settings: dict[str, Any] = _S3 if address.startswith(("s3:", "s3a:")) else {}
    system, root = fsspec.core.url_to_fs(address, **settings)
    system.invalidate_cache()
    return system, str(root).rstrip("/")


def _listed(system: Any, root: str, path: Path) -> dict[str, str]:
    """Return a tag of each file of the store, by its name: another tag, another content."""
    found = {}
    for name, facts in system.find(root, detail=True).items():
        within = str(name).removeprefix(root).lstrip("/")
        if not is_member(within):
            continue
        size = int(facts.get("size") or 0)
        if size > _FILE_BYTES_MAX:
            why = f"{within[:120]!r} is {size / 2**30:,.0f} GiB"
            raise StoreError(f"store {shown_place(path)}", why=why)
        tags = (facts.get(each) for each in ("ETag", "etag", "mtime", "LastModified", "created"))
        found[within] = f"{size} {next((str(tag) for tag in tags if tag), '')}"
    return found


def _is_model(name: str) -> bool:
    return name.split("/")[2:3] == [MODEL]


def _known(copy: Store) -> dict[str, str]:
    try:
        return msgspec.json.decode((copy.root / _KNOWN).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def _fetch(system: Any, root: str, path: Path, names: list[str], copy: Store) -> None:
    """Copy files beside their places, then into them."""
    beside = copy.work / uuid4().hex
    try:
        for name in names:
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
        with _told(path):
            if names:
                places = [str(beside / name) for name in names]
                system.get([f"{root}/{name}" for name in names], places)
        for name in names:
            make_folder((copy.root / name).parent)
            (beside / name).replace(copy.root / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _remove(copy: Store, name: str) -> None:
    file = copy.root / name
    file.unlink(missing_ok=True)
    for folder in list(file.parents)[: len(Path(name).parents) - 2]:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def sending(path: Path) -> Iterator[Store]:
    """Give a copy of the store at an address to be added to; what is new in it is sent there."""
    copy = mirrored(path, with_models=True)
    before = _state(copy)
    yield copy
    after = _state(copy)
    # A folder counts once its record is there: that goes last.
    new = [name for name in after if after[name] != before.get(name)]
    with _told(path):
        system, root = _opened(address_of(path))
        for is_record in (False, True):
            names = [name for name in new if name.endswith(f"/{RECORD}") == is_record]
            if names:
                places = [f"{root}/{name}" for name in names]
                system.put([str(copy.root / name) for name in names], places)
        gone = [f"{root}/{name}" for name in before.keys() - after.keys()]
        if gone:
            system.rm(gone)
        system.invalidate_cache()
        there = _listed(system, root, path)
    write_bytes(copy.root / _KNOWN, msgspec.json.encode(there))


def _state(copy: Store) -> dict[str, tuple[int, int, int]]:
    found = {}
    for part in _OTHER_PARTS:
        for file in parts_below(copy.root / part):
            facts = file.lstat()
            name = file.relative_to(copy.root).as_posix()
            found[name] = facts.st_size, facts.st_mtime_ns, facts.st_ino
    return found


@contextmanager
def fetched(path: Path, near: Path) -> Iterator[Path]:
    """Give a file, copied from an address where it lies at one."""
    if not is_address(path):
        yield path
        return
    copy = near / f"fetched-{uuid4().hex}.zip"
    try:
        with _told(path):
            system, root = _opened(address_of(path))
            system.get_file(root, str(copy))
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def sent(file: Path, path: Path) -> None:
    """Copy a file to an address where there is none yet."""
    with _told(path):
        system, root = _opened(address_of(path))
        if system.exists(root):
            what = shown_place(path)
            raise StoreError(what, why="is there already", fix="name another file, or remove it")
        system.put_file(str(file), root)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one line what an address comes to that cannot be used."""
    place = shown_place(path)
    try:
        yield
    except StoreError:
        raise
    except ImportError as error:
        fix = "pip install 'digitbench[remote]', or the package of fsspec's that knows it"
        raise StoreError(place, why="what speaks to it is not installed", fix=fix) from error
    except FileNotFoundError as error:
        raise StoreError(place, why="there is nothing") from error
    except PermissionError as error:
        fix = "name an account that has them, as the service's own tools take it"
        raise StoreError(place, why="you have no rights there", fix=fix) from error
    # Foreign code, of any service.
    except Exception as error:
        raise StoreError(place, why=f"cannot be used ({type(error).__name__})") from error
