"""Writing records: into a work folder first, then published by rename."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from bench.store.atomic import publish_folder, readable_failure, write_bytes
from bench.store.inside import make_folder, names_in, parts_below, reading, refuse_link
from bench.store.layout import PREDICTIONS, RECORD, Store
from bench.store.record import EvaluationRecord, State, TrialRecord

__all__ = [
    "file_hash",
    "publish_evaluation",
    "publish_trial",
    "record_hash",
    "sealed",
    "set_aside",
    "split_bytes",
    "split_hash",
    "supersede",
    "utc_now",
    "write_predictions",
    "write_record",
    "write_split",
]


def utc_now() -> str:
    """Return the time, UTC, ISO 8601 to the microsecond."""
    return datetime.now(UTC).isoformat()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file in a store.

    Raises
    ------
    StoreError
        If it is a link or no regular file.
    """
    digest = sha256()
    with reading(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_record(folder: Path, record: TrialRecord | EvaluationRecord) -> None:
    """Write ``record.json`` into a folder, sealed."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / RECORD, sealed(record))


def sealed(record: TrialRecord | EvaluationRecord) -> bytes:
    """Return the JSON of a record with a hash of all the rest of it."""
    seal = record_hash(msgspec.json.encode(record))
    whole = msgspec.structs.replace(record, record_sha256=seal)
    return msgspec.json.format(msgspec.json.encode(whole), indent=1)


def record_hash(data: bytes) -> str:
    """Return the SHA-256 of a record's JSON, whatever fields and blanks it has, without its own."""
    record: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
    record.pop("record_sha256", None)
    return sha256(msgspec.json.encode(record, order="sorted")).hexdigest()


def write_predictions(
    folder: Path,
    *,
    labels: npt.NDArray[np.int64] | None,
    predicted: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    duplicates: npt.NDArray[np.int8] | None = None,
) -> str:
    """Write ``predictions.npz`` into a folder and return its SHA-256.

    Parameters
    ----------
    labels, predicted : ndarray of shape (n,), int64
        Columns of `probabilities`; labels None for unlabelled images.
    probabilities : ndarray of shape (n, n_classes), float32
    duplicates : ndarray of shape (n,), int8, or None
        A `Duplicate` for each image; left out of the file where there is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {
        "predicted": predicted.astype(_label_type(probabilities.shape[1])),
        "probabilities": probabilities.astype(np.float32),
    }
    if labels is not None:
        arrays["labels"] = labels.astype(_label_type(probabilities.shape[1]))
    if duplicates is not None and duplicates.any():
        arrays["duplicates"] = duplicates
    data = _npz(arrays)
    write_bytes(folder / PREDICTIONS, data)
    return sha256(data).hexdigest()


def _label_type(n_classes: int) -> type[np.signedinteger[Any]]:
    return np.int8 if n_classes <= 127 else np.int32


def _npz(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def split_hash(
    labels: npt.NDArray[np.int64] | None,
    names: tuple[str, ...],
    groups: tuple[str, ...] | None,
    n: int,
) -> str:
    """Return the hash that says two evaluations saw the same samples in the same order."""
    digest = sha256(str(n).encode())
    digest.update(b"" if labels is None else np.ascontiguousarray(labels, dtype="<i8").tobytes())
    for texts in (names, groups or ()):
        digest.update("\0".join(texts).encode() + b"\1")
    return digest.hexdigest()[:16]


def write_split(
    store: Store, key: str, names: tuple[str, ...], groups: tuple[str, ...] | None
) -> None:
    """Write a test split's sample names and groups once, if it has any."""
    path = store.splits / f"{key}.npz"
    if path.exists() or not (names or groups):
        return
    with readable_failure(store.root):
        make_folder(path.parent)
        write_bytes(path, split_bytes(names, groups))


def split_bytes(names: tuple[str, ...], groups: tuple[str, ...] | None) -> bytes:
    """Return the file of a test split's sample names and groups."""
    arrays = {"names": np.array(names, dtype=np.str_)}
    if groups is not None:
        arrays["groups"] = np.array(groups, dtype=np.str_)
    return _npz(arrays)


def publish_trial(store: Store, folder: Path, record: TrialRecord) -> bool:
    """Move a finished trial folder into the store; False if a success is there already.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    attempt = "" if record.state is State.OK else record.attempt
    with readable_failure(store.root):
        write_record(folder, record)
        return publish_folder(folder, store.trial(record.trial_id, attempt))


def publish_evaluation(store: Store, folder: Path, record: EvaluationRecord) -> bool:
    """Move a finished evaluation folder into the store; False if it is there already."""
    with readable_failure(store.root):
        others = [path for path in parts_below(folder) if path.name not in (RECORD, PREDICTIONS)]
        files = {path.relative_to(folder).as_posix(): file_hash(path) for path in others}
        write_record(folder, msgspec.structs.replace(record, files=files))
        return publish_folder(folder, store.evaluation(record.trial_id, record.evaluation_id))


def set_aside(store: Store, folder: Path) -> None:
    """Move a damaged folder out of the way; it is kept until ``bench results clean``."""
    place = store.superseded / f"{folder.name}--{utc_now().replace(':', '')}"
    with readable_failure(store.root):
        make_folder(place.parent)
        refuse_link(folder).rename(place)


def supersede(store: Store, trial_id: str) -> None:
    """Set a stored trial and its evaluations aside, so that ``--fresh`` can put new ones there."""
    place = store.superseded / f"{trial_id}--{utc_now().replace(':', '')}"
    with readable_failure(store.root):
        make_folder(place.parent)
        make_folder(place)
        # Evaluations first: without them the trial is merely evaluated again.
        for name in names_in(store.evaluations):
            if name.startswith(f"{trial_id}--"):
                (store.evaluations / name).rename(place / f"evaluation--{name}")
        if store.trial(trial_id).exists():
            store.trial(trial_id).rename(place / "trial")
