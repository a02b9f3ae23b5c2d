"""A store as one zip file, out and in: nothing in such a file is believed before it is checked.

Its members are what a store holds, under the same names. Reading one back copies the members that a
store can have into an empty store, by size limits that hold whatever the file says of itself, and
the rest is merging: a record or file that is not as it was written is left out.
"""

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

import msgspec

from bench.errors import StoreError
from bench.images.kinds import is_dropping
from bench.store.anonymous import Pseudonyms
from bench.store.atomic import readable_failure
from bench.store.inside import parts_below, reading
from bench.store.layout import LOG, MODEL, RECORD, Store, is_member
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_predictions,
    read_split,
    read_trial,
    trial_folders,
)
from bench.store.record import EvaluationRecord, TrialRecord
from bench.store.write import sealed, split_bytes, split_hash

__all__ = ["export_store", "opened"]

_MEMBER_BYTES_MAX: Final = 4 << 30
_MEMBERS_MAX: Final = 4_000_000
_RATIO_MAX: Final = 300
_ALWAYS_BYTES: Final = 64 << 20  # what any archive may unpack to, however well it is packed
_STORED: Final = (".npz", ".keras", ".skops", ".tflite", ".zip")
"""Ends of names of files that are packed already."""


def export_store(
    store: Store, file: Path, *, with_models: bool = True, names: Pseudonyms | None = None
) -> int:
    """Write a store's trials and evaluations into a zip file; return how many folders.

    Parameters
    ----------
    with_models : bool
        False leaves trained models out: an import of such a file is shown and compared, and would
        be trained again before it is evaluated on anything else.
    names : Pseudonyms or None
        What stands for persons and photos; logs, which may name them, are left out then.

    Raises
    ------
    StoreError
        If the store cannot be read, `file` exists or cannot be written.
    """
    if file.exists():
        raise StoreError(f"{file}", why="is there already", fix="name another file, or remove it")
    beside = file.with_name(f".{file.name}.{uuid4().hex[:8]}")
    n = 0
    try:
        with readable_failure(file), zipfile.ZipFile(beside, "x", allowZip64=True) as archive:
            for folder in sorted(trial_folders(store)):
                _add_trial(archive, store.trials / folder, with_models, names)
                n += 1
            splits: set[str] = set()
            for folder in sorted(evaluation_folders(store)):
                _add_evaluation(archive, store, folder, with_models, names, splits)
                n += 1
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return n


def _add_trial(
    archive: zipfile.ZipFile, folder: Path, with_models: bool, names: Pseudonyms | None
) -> None:
    record = read_trial(folder)
    written = record if names is None else names.trial(record)
    left_out = {
        name
        for name in record.files
        if (name.startswith(f"{MODEL}/") and not with_models) or (name == LOG and names is not None)
    }
    if left_out:
        kept = {name: sha for name, sha in record.files.items() if name not in left_out}
        written = msgspec.structs.replace(written, files=kept)
    _add(archive, folder, record, written, left_out)


def _add_evaluation(
    archive: zipfile.ZipFile,
    store: Store,
    folder: str,
    with_models: bool,
    names: Pseudonyms | None,
    splits: set[str],
) -> None:
    place = store.evaluations / folder
    record = written = read_evaluation(place)
    split = read_split(store, record.split_hash)
    if names is not None and (split.names or split.groups):
        split = names.split(split)
        labels = read_predictions(place).labels
        key = split_hash(labels, split.names, split.groups, record.n_test)
        written = names.evaluation(record, key)
    if (split.names or split.groups) and written.split_hash not in splits:
        splits.add(written.split_hash)
        data = split_bytes(split.names, split.groups)
        archive.writestr(_info(f"splits/{written.split_hash}.npz"), data)
    left_out = set() if with_models else {name for name in record.files if _is_model(name)}
    if left_out:
        kept = {name: sha for name, sha in record.files.items() if name not in left_out}
        written = msgspec.structs.replace(written, files=kept)
    _add(archive, place, record, written, left_out)


def _is_model(name: str) -> bool:
    return name.endswith((".tflite", ".keras", ".skops"))


def _add(
    archive: zipfile.ZipFile,
    folder: Path,
    record: TrialRecord | EvaluationRecord,
    written: TrialRecord | EvaluationRecord,
    left_out: Set[str],
) -> None:
    """Add a folder's files; its record anew where that says something else now."""
    for path in parts_below(folder):
        name = path.relative_to(folder).as_posix()
        if name in left_out:
            continue
        info = _info(f"{folder.parent.name}/{folder.name}/{name}")
        if name == RECORD and written != record:
            archive.writestr(info, sealed(msgspec.structs.replace(written, record_sha256="")))
            continue
        with reading(path) as file, archive.open(info, "w", force_zip64=True) as into:
            shutil.copyfileobj(file, into, 1 << 20)


def _info(name: str) -> zipfile.ZipInfo:
    """Describe a member; the same store gives the same file, whenever it is exported."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


@contextmanager
def opened(file: Path, near: Path) -> Iterator[Store]:
    """Unpack an export into a folder of its own in `near`, for as long as it is needed.

    Raises
    ------
    StoreError
        If it is no export of a store, or names a place or a size that none has.
    """
    if not file.is_file():  # a pipe would be waited for without an end
        raise StoreError(f"{file}", why="there is no such file")
    place = Path(tempfile.mkdtemp(prefix="import-", dir=near))
    try:
        try:
            with zipfile.ZipFile(file) as archive:
                _unpack(archive, file, place)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise StoreError(f"{file}", why=f"is no readable zip file ({error})") from error
        except OSError as error:
            raise StoreError(f"{file}", why=error.strerror or str(error)) from error
        yield Store(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _unpack(archive: zipfile.ZipFile, file: Path, place: Path) -> None:
    members = [info for info in archive.infolist() if not _is_dropping(info)]
    _check_members(members, file, place)
    for info in members:
        target = place / info.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as member, target.open("xb") as into:
            _copy(member, into, info.file_size, file)


def _is_dropping(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.split("/")
    is_harmless = ".." not in parts and not _is_link(info)
    return is_harmless and (info.is_dir() or any(is_dropping(part) for part in parts))


def _is_link(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def _check_members(members: Sequence[zipfile.ZipInfo], file: Path, place: Path) -> None:
    if not members or len(members) > _MEMBERS_MAX:
        raise StoreError(f"{file}", why=f"holds {len(members):,} files: no export of a store")
    seen: set[str] = set()
    for info in members:
        name = info.filename
        why = ""
        if _is_link(info):
            why = "is a link or a device"
        elif not is_member(name):
            why = "is nothing that a store holds"
        elif name.lower() in seen:
            why = "is in it twice"
        elif info.file_size > _MEMBER_BYTES_MAX:
            why = f"would be {info.file_size / 2**30:,.0f} GiB"
        elif info.flag_bits & 1:
            why = "is encrypted"
        if why:
            raise StoreError(f"{file}", why=f"{name[:120]!r} {why}", fix="nothing was imported")
        seen.add(name.lower())
    total = sum(info.file_size for info in members)
    packed = file.stat().st_size
    if total > _ALWAYS_BYTES + _RATIO_MAX * packed or total > shutil.disk_usage(place).free:
        raise StoreError(
            f"{file}", why=f"would unpack to {total / 2**30:,.1f} GiB", fix="nothing was imported"
        )


def _copy(member: IO[bytes], into: IO[bytes], size: int, file: Path) -> None:
    """Copy no more than a member says that it holds."""
    left = size
    while block := member.read(min(1 << 20, left + 1)):
        left -= len(block)
        if left < 0:
            raise StoreError(f"{file}", why="a file in it is larger than it says")
        into.write(block)
