"""From a worker's finished folder into the store: each part by one rename."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.errors import StoreError
from bench.execution.job import OUTPUT, TRACE, TRIAL
from bench.execution.recording import base_record, new_attempt
from bench.planning.task import EvaluationTask, Outcome, TrialTask
from bench.store.atomic import readable_failure
from bench.store.inside import make_folder
from bench.store.layout import HISTORY, LOG, RECORD, Store
from bench.store.read import read_evaluation, read_trial
from bench.store.record import State
from bench.store.write import file_hash, publish_evaluation, publish_trial

__all__ = ["check_writable", "missing_evaluations", "publish"]


def missing_evaluations(store: Store, task: TrialTask) -> list[EvaluationTask] | None:
    """Return what the store lacks of a task's evaluations; None if it lacks the trial itself."""
    if not store.trial(task.trial_id).exists():
        return None
    return [
        evaluation
        for evaluation in task.evaluations
        if not store.evaluation(task.trial_id, evaluation.evaluation_id).exists()
    ]


def publish(store: Store, task: TrialTask, outcome: Outcome, *, retries: int = 0) -> None:
    """Store what a trial left in ``outcome.folder``, whatever its state, and remove the folder.

    A trained model is stored as a success even where an evaluation failed later; that failure is
    stored beside it, as an attempt of its own.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    work = Path(outcome.folder)
    log = _log_text(work)
    is_stored = bool(task.stored)
    if (work / TRIAL / RECORD).exists():
        is_stored = _publish_success(store, work / TRIAL, outcome, log, retries)
    # Predictions of a training that came second are not of the one that is stored.
    if is_stored:
        # The trial first, and the sample names: evaluations without them would be of no use.
        _publish_splits(store, work / "splits")
        for folder in _finished(work / "evaluations"):
            publish_evaluation(store, folder, read_evaluation(folder))
    if outcome.state is not State.OK:
        _publish_failure(store, task, outcome, log, retries)
    elif store.checkpoint(task.trial_id).exists():
        shutil.rmtree(store.checkpoint(task.trial_id), ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)


def _log_text(work: Path) -> str:
    parts = [work / OUTPUT, work / TRACE]
    return "".join(part.read_text(encoding="utf-8") for part in parts if part.exists())


def _finished(place: Path) -> Iterator[Path]:
    if place.is_dir():
        # The record is written last: a folder without one was interrupted.
        yield from sorted(folder for folder in place.iterdir() if (folder / RECORD).exists())


def _publish_success(store: Store, folder: Path, outcome: Outcome, log: str, retries: int) -> bool:
    record = read_trial(folder)
    _write_log(store, folder, log)
    peaks = [record.peak_memory_bytes or 0, outcome.peak_memory_bytes or 0]
    record = msgspec.structs.replace(
        record,
        retries=retries,
        total_seconds=outcome.seconds,
        peak_memory_bytes=max(peaks) or None,
        files={**record.files, LOG: file_hash(folder / LOG)},
    )
    return publish_trial(store, folder, record)


def _write_log(store: Store, folder: Path, log: str) -> None:
    with readable_failure(store.root):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOG).write_text(log, encoding="utf-8")


def _publish_splits(store: Store, place: Path) -> None:
    if not place.is_dir():
        return
    with readable_failure(store.root):
        make_folder(store.splits)
        for path in place.glob("*.npz"):
            path.replace(store.splits / path.name)


def _publish_failure(
    store: Store, task: TrialTask, outcome: Outcome, log: str, retries: int
) -> None:
    _check_room(store, outcome)
    folder = Path(outcome.folder) / "failure"
    _write_log(store, folder, log)
    history = Path(outcome.folder) / TRIAL / HISTORY
    if history.exists():
        history.replace(folder / HISTORY)
    record = base_record(task, attempt=new_attempt(), state=outcome.state, reason=outcome.reason)
    files = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    record = msgspec.structs.replace(
        record,
        retries=retries,
        total_seconds=outcome.seconds,
        peak_memory_bytes=outcome.peak_memory_bytes,
        files=files,
    )
    publish_trial(store, folder, record)


def _check_room(store: Store, outcome: Outcome) -> None:
    """Tell a full disk, which ends the run, from a model's own failure."""
    if "No space left on device" not in outcome.reason:
        return
    probe = Path(outcome.folder) / "probe"
    with readable_failure(store.root):
        try:
            probe.write_bytes(bytes(4 * 1024 * 1024))
        finally:
            probe.unlink(missing_ok=True)


def check_writable(store: Store) -> None:
    """Make the store's folders.

    Raises
    ------
    StoreError
        If that is not possible.
    """
    if store.root.exists() and not store.root.is_dir():
        raise StoreError(f"store {store.root}", why="it is a file, not a folder")
    with readable_failure(store.root):
        for folder in (store.trials, store.evaluations, store.work, store.locks):
            make_folder(folder)
