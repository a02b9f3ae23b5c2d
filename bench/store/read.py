"""Reading records: typed, checked, older formats included; nothing here trusts a file."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from bench.errors import DamagedError, NewerFormatError, StoreError
from bench.spec import UNREAD
from bench.store.damage import is_left_out
from bench.store.inside import names_in, read_file, reading
from bench.store.layout import PREDICTIONS, RECORD, Store
from bench.store.record import SCHEMA_VERSION, EvaluationRecord, TrialRecord

__all__ = [
    "Predictions",
    "SplitNames",
    "evaluation_folders",
    "find_trial",
    "read_evaluation",
    "read_predictions",
    "read_split",
    "read_trial",
    "records_once",
    "trial_folders",
]

_Record = TypeVar("_Record", TrialRecord, EvaluationRecord)
_RECORD_BYTES_MAX: Final = 32 << 20
_PREDICTIONS_BYTES_MAX: Final = 1 << 30  # unpacked, as the next one
_NAMES_BYTES_MAX: Final = 128 << 20
# Name -> dimensions and kinds of type; another array in a file is not looked at.
_ARRAYS: Final = {
    "predicted": (1, "iu"),
    "probabilities": (2, "f"),
    "labels": (1, "iu"),
    "duplicates": (1, "iu"),
}
_NAMES: Final = {"names": (1, "U"), "groups": (1, "U")}


class Predictions(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial said of each test image: columns are the classes of the record."""

    labels: npt.NDArray[np.int64] | None
    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    duplicates: npt.NDArray[np.int8] | None = None
    """A `Duplicate` for each image; None where there is none, or it was not looked for."""

    def without(self, left_out: npt.NDArray[np.intp]) -> "Predictions":
        """Return the predictions of the images that are not at these places."""
        if not len(left_out):
            return self
        kept = np.setdiff1d(np.arange(len(self.predicted)), left_out)
        return Predictions(
            labels=None if self.labels is None else self.labels[kept],
            predicted=self.predicted[kept],
            probabilities=self.probabilities[kept],
            duplicates=None if self.duplicates is None else self.duplicates[kept],
        )


class SplitNames(msgspec.Struct, frozen=True, kw_only=True):
    """Names and groups of the samples of one test split."""

    names: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None


def trial_folders(store: Store) -> list[str]:
    """Return the names of all trial folders, successful or not."""
    return names_in(store.trials)


def evaluation_folders(store: Store) -> list[str]:
    """Return the names of all evaluation folders."""
    return names_in(store.evaluations)


def read_trial(folder: Path) -> TrialRecord:
    """Read a trial's record.

    Raises
    ------
    StoreError
        If it is missing, damaged, or of a newer format.
    """
    return _read(folder, TrialRecord)


def read_evaluation(folder: Path) -> EvaluationRecord:
    """Read an evaluation's record; raises as `read_trial`."""
    return _read(folder, EvaluationRecord)


@contextmanager
def records_once() -> Iterator[None]:
    """Let each record be read once in here: a plan asks for it several times."""
    before = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(before)


_kept: ContextVar[dict[Path, Any] | None] = ContextVar("kept", default=None)


def _read(folder: Path, kind: type[_Record]) -> _Record:
    kept = _kept.get()
    if kept is None:
        return _read_now(folder, kind)
    if not isinstance(kept.get(folder), kind):
        kept[folder] = _read_now(folder, kind)
    found: _Record = kept[folder]
    return found


def _read_now(folder: Path, kind: type[_Record]) -> _Record:
    path = folder / RECORD
    try:
        data = read_file(path, _RECORD_BYTES_MAX)
        version = msgspec.json.decode(data, type=_Versioned).schema_version
        if version > SCHEMA_VERSION:
            raise NewerFormatError(
                f"{path}",
                why=f"is of format {version}, this digitbench reads up to {SCHEMA_VERSION}",
                fix="install a newer digitbench",
            )
        record = msgspec.json.decode(data, type=kind)
        msgspec.msgpack.encode(record)  # as the index keeps it: a number may be beyond 64 bits
    except OSError as error:
        raise DamagedError(f"{path}", why=f"cannot be read: {error.strerror}") from error
    # An unknown field may hold what Python has no room for: lists in lists, endless numbers.
    except (ValueError, RecursionError, OverflowError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise DamagedError(
            f"{path}", why=f"is damaged ({reason})", fix="remove its folder and run again"
        ) from error
    return record


class _Versioned(msgspec.Struct):
    schema_version: int


def read_predictions(folder: Path) -> Predictions:
    """Read the predictions of an evaluation's folder.

    Raises
    ------
    StoreError
        If the file is missing, damaged or inconsistent.
    """
    path = folder / PREDICTIONS
    arrays = _read_npz(path, _ARRAYS, _PREDICTIONS_BYTES_MAX)
    if "predicted" not in arrays or "probabilities" not in arrays:
        raise DamagedError(f"{path}", why="is damaged (an array is missing)")
    if len({len(array) for array in arrays.values()}) != 1:
        raise DamagedError(f"{path}", why="is damaged (its arrays differ in length)")
    _check_classes(path, arrays)
    labels, duplicates = arrays.get("labels"), arrays.get("duplicates")
    return Predictions(
        labels=None if labels is None else labels.astype(np.int64),
        predicted=arrays["predicted"].astype(np.int64),
        probabilities=arrays["probabilities"].astype(np.float32, copy=False),
        duplicates=None if duplicates is None else duplicates.astype(np.int8),
    )


def _check_classes(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    n_classes = arrays["probabilities"].shape[1]
    for name, least in (("predicted", UNREAD), ("labels", 0)):
        found = arrays.get(name)
        if (
            found is not None
            and len(found)
            and not (least <= found.min() <= found.max() < n_classes)
        ):
            raise DamagedError(f"{path}", why=f"is damaged (its {name} are outside the classes)")


def read_split(store: Store, key: str) -> SplitNames:
    """Read sample names and groups; empty where the split has none.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    path = store.splits / f"{key}.npz"
    if is_left_out(store, f"splits/{key}.npz"):
        return SplitNames()
    if not os.path.lexists(path):
        return SplitNames()
    arrays = _read_npz(path, _NAMES, _NAMES_BYTES_MAX)
    names, groups = arrays.get("names"), arrays.get("groups")
    if names is not None and groups is not None and len(names) and len(names) != len(groups):
        raise DamagedError(f"{path}", why="is damaged (its arrays differ in length)")
    return SplitNames(
        names=() if names is None else tuple(names.tolist()),
        groups=None if groups is None else tuple(groups.tolist()),
    )


def _read_npz(
    path: Path, wanted: Mapping[str, tuple[int, str]], limit_bytes: int
) -> dict[str, npt.NDArray[Any]]:
    try:
        # Opened here: numpy leaves the file open when the archive is torn.
        with reading(path) as stream:
            _refuse_bomb(path, stream, limit_bytes)
            with np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in wanted if name in file.files}
    except StoreError:
        raise
    # Whatever a damaged archive makes numpy raise, the answer is the same.
    except Exception as error:
        raise DamagedError(f"{path}", why=f"cannot be read ({_short(error)})") from error
    for name, array in arrays.items():
        n_dimensions, kinds = wanted[name]
        if array.ndim != n_dimensions or array.dtype.kind not in kinds:
            shape = " × ".join(map(str, array.shape)) or "single"
            raise DamagedError(f"{path}", why=f"is damaged ('{name}' is {shape} {array.dtype})")
    return arrays


def _refuse_bomb(path: Path, stream: IO[bytes], limit_bytes: int) -> None:
    with zipfile.ZipFile(stream) as archive:
        n_bytes = sum(part.file_size for part in archive.infolist())
    if n_bytes > limit_bytes:
        raise DamagedError(f"{path}", why=f"is damaged (it unpacks to {n_bytes:,} bytes)")
    stream.seek(0)


def _short(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    return said or type(error).__name__


def find_trial(store: Store, prefix: str) -> Path:
    """Return the folder of the trial whose id begins with `prefix`.

    Raises
    ------
    StoreError
        If there is none, or several different trials.
    """
    names = sorted(name for name in trial_folders(store) if name.startswith(prefix))
    ids = {name.partition("--")[0] for name in names}
    if not ids or not prefix:
        raise StoreError(
            f"no trial '{prefix}' in {store.root}", fix="see bench show leaderboard --csv"
        )
    if len(ids) > 1:
        raise StoreError(f"'{prefix}' is ambiguous", why=f"it begins {', '.join(sorted(ids))}")
    (trial_id,) = ids
    return store.trials / (trial_id if trial_id in names else _newest(store, names))


def _newest(store: Store, names: list[str]) -> str:
    return max(names, key=lambda name: read_trial(store.trials / name).started_at)


def each_trial(store: Store) -> Iterator[TrialRecord]:
    """Yield every readable trial record."""
    for name in trial_folders(store):
        try:
            yield read_trial(store.trials / name)
        except StoreError:
            continue
