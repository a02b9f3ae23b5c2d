"""From one store into another: what is missing is copied, what differs is said, nothing is lost."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec

from bench.errors import StoreError
from bench.store.atomic import publish_folder, readable_failure
from bench.store.ids import other_training_id
from bench.store.inside import make_folder, parts_below, reading
from bench.store.integrity import check_evaluation_files, check_trial_files, name_of
from bench.store.layout import Store
from bench.store.locks import take_lock
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_split,
    read_trial,
    trial_folders,
)
from bench.store.record import COPY_OF, EvaluationRecord, State, TrialRecord
from bench.store.write import set_aside, supersede, write_record

__all__ = ["Conflict", "Keep", "Merged", "merge_store"]

Keep: TypeAlias = Literal["neither", "newest", "both"]
_Read = TypeVar("_Read")


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A trial or evaluation that two stores hold differently."""

    folder: str
    model: str
    train_dataset: str
    seed: int
    differs: tuple[str, ...]
    """What is not the same, in words: there, and here."""


@dataclass(slots=True, kw_only=True)
class Merged:
    """State: what a merge has done so far, and the folder that it works in."""

    work: Path
    trials: int = 0
    evaluations: int = 0
    same: int = 0
    """Folders that were there already."""
    replaced: int = 0
    """Older ones that were set aside for them."""
    conflicts: list[Conflict] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    """Folders of the source that are not as they were written, and are left out."""


def merge_store(target: Store, source: Store, keep: Keep = "neither") -> Merged:
    """Copy what `target` lacks of `source`; the same again changes nothing.

    Parameters
    ----------
    keep : str
        What becomes of a trial that was trained in both: nothing and it is listed, the newest (the
        other is set aside as ``--fresh`` does), or both, the second under an id of its own. Of two
        predictions of one training on one split only the newest can be kept.

    Raises
    ------
    StoreError
        If either cannot be read or written, or they are the same folder.
    """
    if not source.root.is_dir():
        raise StoreError(f"store {source.root}", why="there is no such folder")
    if source.root.resolve() == target.root.resolve():
        raise StoreError(f"store {source.root}", why="is the one to merge into")
    with readable_failure(target.root):
        for place in (target.trials, target.evaluations, target.splits, target.work, target.locks):
            make_folder(place)
    merged = Merged(work=target.new_work_folder())
    for part in ("trials", "evaluations"):
        (merged.work / part).mkdir()
    homes: dict[str, TrialRecord] = {}
    try:
        for name in sorted(trial_folders(source)):
            with _noting(merged, f"trials/{name}"):
                _merge_trial(target, source, name, keep, merged, homes)
        for name in sorted(evaluation_folders(source)):
            with _noting(merged, f"evaluations/{name}"):
                _merge_evaluation(target, source, name, keep, merged, homes)
    finally:
        shutil.rmtree(merged.work, ignore_errors=True)
    if hasattr(os, "sync"):  # once for all: a file each would take longer than the copying
        os.sync()
    return merged


class _DamagedSourceError(Exception):
    """A folder of the source cannot be copied."""


@contextmanager
def _noting(merged: Merged, folder: str) -> Iterator[None]:
    """Note what is damaged in the source and go on; trouble with the target is raised."""
    try:
        yield
    except _DamagedSourceError as error:
        merged.damaged[folder] = str(error)


def _merge_trial(
    target: Store,
    source: Store,
    name: str,
    keep: Keep,
    merged: Merged,
    homes: dict[str, TrialRecord],
) -> None:
    """Copy a trial's folder; note in `homes` under which record its evaluations belong."""
    theirs = _record(read_trial, source.trials / name)
    final = target.trials / name
    if not final.is_dir():
        _copy_trial(target, merged.work, source.trials / name, theirs, name)
        merged.trials += 1
        homes[name] = theirs
        return
    ours = read_trial(final)
    if ours.attempt == theirs.attempt:
        merged.same += 1
        homes[name] = theirs
        return
    if theirs.state is not State.OK or keep == "neither":
        merged.conflicts.append(_conflict(f"trials/{name}", theirs, _differences(theirs, ours)))
    elif keep == "both":
        _keep_both(target, source, name, theirs, merged, homes)
    elif _instant(theirs.started_at) > _instant(ours.started_at):
        _replace(target, source, name, theirs, merged, homes)
    else:
        merged.same += 1


def _keep_both(
    target: Store,
    source: Store,
    name: str,
    theirs: TrialRecord,
    merged: Merged,
    homes: dict[str, TrialRecord],
) -> None:
    other = msgspec.structs.replace(
        theirs,
        trial_id=other_training_id(theirs.trial_id, theirs.attempt),
        extra={**theirs.extra, COPY_OF: theirs.trial_id},
    )
    homes[name] = other
    if (target.trials / name_of(other)).is_dir():
        merged.same += 1
        return
    _copy_trial(target, merged.work, source.trials / name, theirs, name, other)
    merged.trials += 1


def _replace(
    target: Store,
    source: Store,
    name: str,
    theirs: TrialRecord,
    merged: Merged,
    homes: dict[str, TrialRecord],
) -> None:
    lock = take_lock(target.locks / f"{theirs.trial_id}.lock")
    if lock is None:
        busy = ("a run is at it here",)
        merged.conflicts.append(_conflict(f"trials/{name}", theirs, busy))
        return
    try:
        work = _checked_copy(merged.work, source.trials / name, theirs, name)
        supersede(target, theirs.trial_id)
        _publish(target, work, target.trials / name)
    finally:
        lock.release()
    merged.replaced += 1
    homes[name] = theirs


def _merge_evaluation(
    target: Store,
    source: Store,
    name: str,
    keep: Keep,
    merged: Merged,
    homes: dict[str, TrialRecord],
) -> None:
    theirs = _record(read_evaluation, source.evaluations / name)
    home = homes.get(theirs.trial_id)
    if home is None or home.attempt != theirs.attempt:
        return  # its training is not here: another one is, or it is damaged
    written = msgspec.structs.replace(theirs, trial_id=home.trial_id)
    final = target.evaluations / name_of(written)
    is_aside = False
    if final.is_dir():
        ours = read_evaluation(final)
        if ours.predictions_sha256 == theirs.predictions_sha256:
            merged.same += 1
            return
        if keep == "neither":
            differs = ("other predictions of the same training",)
            merged.conflicts.append(_conflict(f"evaluations/{name}", home, differs))
            return
        if _instant(theirs.created_at) <= _instant(ours.created_at):
            merged.same += 1
            return
        is_aside = True
    work = _checked_copy(merged.work, source.evaluations / name, theirs, name)
    _copy_split(target, source, theirs)
    if written != theirs:
        write_record(work, msgspec.structs.replace(written, record_sha256=""))
    if is_aside:
        set_aside(target, final)
        merged.replaced += 1
    else:
        merged.evaluations += 1
    _publish(target, work, final)


def _copy_trial(
    target: Store,
    place: Path,
    folder: Path,
    record: TrialRecord,
    name: str,
    other: TrialRecord | None = None,
) -> None:
    work = _checked_copy(place, folder, record, name)
    if other is not None:
        write_record(work, msgspec.structs.replace(other, record_sha256=""))
    _publish(target, work, target.trials / name_of(other or record))


def _checked_copy(
    place: Path, folder: Path, record: TrialRecord | EvaluationRecord, name: str
) -> Path:
    """Return a work folder with a copy that is what was written, or raise."""
    work = place / folder.parent.name / name
    try:
        _copy_files(folder, work)
        if isinstance(record, TrialRecord):
            found, _ = check_trial_files(work, record, name)
        else:
            found, _ = check_evaluation_files(work, record, name)
    except StoreError as error:
        found = [f"{Path(error.what).name} {error.why}" if error.why else str(error)]
    if found:
        shutil.rmtree(work, ignore_errors=True)
        raise _DamagedSourceError("; ".join(found))
    return work


def _copy_files(folder: Path, work: Path) -> None:
    work.mkdir()
    for path in parts_below(folder):
        copy = work / path.relative_to(folder)
        if copy.parent != work:
            copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            with reading(path) as file, copy.open("xb") as into:
                shutil.copyfileobj(file, into, 1 << 20)
        except FileNotFoundError as error:
            raise _DamagedSourceError(f"{path.name} is missing") from error


def _publish(target: Store, work: Path, final: Path) -> None:
    with readable_failure(target.root):
        publish_folder(work, final)


def _copy_split(target: Store, source: Store, record: EvaluationRecord) -> None:
    name = f"{record.split_hash}.npz"
    if (target.splits / name).exists() or not (source.splits / name).exists():
        return
    _record(lambda _: read_split(source, record.split_hash), source.splits / name)
    beside = target.splits / f".{name}.{os.getpid()}"
    with readable_failure(target.root):
        with reading(source.splits / name) as file, beside.open("wb") as into:
            shutil.copyfileobj(file, into)
        beside.replace(target.splits / name)


def _record(read: Callable[[Path], _Read], folder: Path) -> _Read:
    try:
        return read(folder)
    except StoreError as error:
        raise _DamagedSourceError(error.why or str(error)) from error


def _instant(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _conflict(folder: str, record: TrialRecord, differs: tuple[str, ...]) -> Conflict:
    return Conflict(
        folder=folder,
        model=record.model,
        train_dataset=record.train_dataset,
        seed=record.seed,
        differs=differs,
    )


def _differences(theirs: TrialRecord, ours: TrialRecord) -> tuple[str, ...]:
    """Say what is not the same of two trainings of one trial."""
    return tuple(
        f"{what} {there} there, {here} here"
        for what, there, here in _compared(theirs, ours)
        if there != here
    )


def _compared(theirs: TrialRecord, ours: TrialRecord) -> Iterator[tuple[str, object, object]]:
    yield "trained", _time(theirs), _time(ours)
    there, here = theirs.machine, ours.machine
    if there is not None and here is not None:
        yield "processor", there.processor, here.processor
        yield "instructions", there.instruction_set, here.instruction_set
    yield "threads", theirs.threads, ours.threads
    for name in sorted(theirs.versions.keys() | ours.versions.keys()):
        yield name, theirs.versions.get(name, "–"), ours.versions.get(name, "–")
    yield "training accuracy", _short(theirs.train_accuracy), _short(ours.train_accuracy)


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _time(record: TrialRecord) -> str:
    return record.started_at[:23].replace("T", " ")
