"""Reading records: typed, checked, older formats included; nothing here trusts a file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from bench.errors import NewerFormatError, StoreError
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
    "trial_folders",
]

_Record = TypeVar("_Record", TrialRecord, EvaluationRecord)


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
    return _folders(store.trials)


def evaluation_folders(store: Store) -> list[str]:
    """Return the names of all evaluation folders."""
    return _folders(store.evaluations)


def _folders(place: Path) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return [entry.name for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"store {place}", why=f"cannot be read: {error.strerror}") from error


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


def _read(folder: Path, kind: type[_Record]) -> _Record:
    path = folder / RECORD
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=_Versioned).schema_version
        if version > SCHEMA_VERSION:
            raise NewerFormatError(
                f"{path}",
                why=f"is of format {version}, this digitbench reads up to {SCHEMA_VERSION}",
                fix="install a newer digitbench",
            )
        return msgspec.json.decode(data, type=kind)
    except OSError as error:
        raise StoreError(f"{path}", why=f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}", why=f"is damaged ({error})", fix="remove its folder and run again"
        ) from error


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
    arrays = _read_npz(path)
    if "predicted" not in arrays or "probabilities" not in arrays:
        raise StoreError(f"{path}", why="is damaged (an array is missing)")
    predicted, probabilities = arrays["predicted"], arrays["probabilities"]
    labels = arrays.get("labels")
    duplicates = arrays.get("duplicates")
    n = len(predicted)
    if (
        probabilities.ndim != 2
        or len(probabilities) != n
        or any(array is not None and len(array) != n for array in (labels, duplicates))
    ):
        raise StoreError(f"{path}", why="is damaged (its arrays differ in length)")
    return Predictions(
        labels=None if labels is None else labels.astype(np.int64),
        predicted=predicted.astype(np.int64),
        probabilities=probabilities.astype(np.float32, copy=False),
        duplicates=None if duplicates is None else duplicates.astype(np.int8),
    )


def read_split(store: Store, key: str) -> SplitNames:
    """Read sample names and groups; empty where the split has none."""
    path = store.splits / f"{key}.npz"
    if not path.exists():
        return SplitNames()
    arrays = _read_npz(path)
    groups = arrays.get("groups")
    return SplitNames(
        names=tuple(arrays.get("names", np.array([])).tolist()),
        groups=None if groups is None else tuple(groups.tolist()),
    )


def _read_npz(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    try:
        # Opened here: numpy leaves the file open when the archive is torn.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    # Whatever a damaged archive makes numpy raise, the answer is the same.
    except Exception as error:
        raise StoreError(f"{path}", why=f"cannot be read ({error})") from error


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
