"""Removing from a store: what a kill left, what was superseded, and trials that a person names."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import StoreError
from bench.store.atomic import readable_failure
from bench.store.inside import names_in, parts_below
from bench.store.layout import Store
from bench.store.locks import take_lock
from bench.store.read import evaluation_folders, read_trial, trial_folders
from bench.store.record import State, TrialRecord

__all__ = ["Removable", "Which", "find_removable", "remove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """The trials to remove: those that meet all of what is given; nothing given: none.

    Parameters
    ----------
    older_than_seconds : float or None
        Started longer ago than this.
    trials : frozenset of str
        These ids (`bench.board.find.trials_of` gives those that a person names).
    states : tuple of State
        How they ended.
    """

    older_than_seconds: float | None = None
    trials: frozenset[str] = frozenset()
    states: tuple[State, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no trial is asked for."""
        return self.older_than_seconds is None and not self.trials and not self.states

    def takes(self, record: TrialRecord, now: float) -> bool:
        """Whether a trial meets all conditions; one without a start time is never old."""
        if self.is_empty:
            return False
        is_old = self.older_than_seconds is None or now - _started(record, now) > (
            self.older_than_seconds
        )
        is_named = not self.trials or record.trial_id in self.trials
        return is_old and is_named and (not self.states or record.state in self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removable:
    """One thing that can go: a folder or file with all that depends on it."""

    what: str
    paths: tuple[Path, ...]
    size_bytes: int
    trial_id: str = ""


def _started(record: TrialRecord, now: float) -> float:
    try:
        started = datetime.fromisoformat(record.started_at)
    except ValueError:
        return now
    return (started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp()


def find_removable(store: Store, which: Which, *, now: float | None = None) -> list[Removable]:
    """Return what can go, dependants first within each; nothing is changed.

    Beside the trials asked for: what superseded trials left, work folders of runs that are gone,
    checkpoints of stored trials, evaluations without a trial.
    """
    now = time.time() if now is None else now
    evaluations = evaluation_folders(store)
    by_trial: dict[str, list[Path]] = {}
    for name in evaluations:
        by_trial.setdefault(name.partition("--")[0], []).append(store.evaluations / name)
    found = [*_trials(store, which, by_trial, now), *_leftovers(store, by_trial)]
    return sorted(found, key=lambda each: each.what)


def _trials(
    store: Store, which: Which, evaluations: dict[str, list[Path]], now: float
) -> Iterator[Removable]:
    for name in trial_folders(store):
        try:
            record = read_trial(store.trials / name)
        except StoreError:  # `verify` reports it; what cannot be read is not removed by a guess
            continue
        if not which.takes(record, now):
            continue
        dependants = evaluations.get(name, []) if record.state is State.OK else []
        paths = (*dependants, store.trials / name)
        words = f"{record.model} on {record.train_dataset}, seed {record.seed}: {record.state}"
        yield _removable(f"trial {words}", paths, trial_id=record.trial_id)


def _leftovers(store: Store, evaluations: dict[str, list[Path]]) -> Iterator[Removable]:
    for folder in _inside(store.superseded):
        yield _removable(f"superseded {folder.name}", (folder,))
    for folder in _inside(store.work):
        if folder.name != "checkpoints" and _is_abandoned(store, folder):
            yield _removable(f"work folder {folder.name} of a run that is gone", (folder,))
    for folder in _inside(store.work / "checkpoints"):
        if store.trial(folder.name).exists():
            yield _removable(f"checkpoint of the finished trial {folder.name}", (folder,))
    for trial, folders in evaluations.items():
        if not store.trial(trial).exists():
            yield _removable(f"evaluations without their trial {trial}", tuple(folders))


def _inside(place: Path) -> list[Path]:
    return [place / name for name in sorted(names_in(place))]


def _is_abandoned(store: Store, folder: Path) -> bool:
    lock = take_lock(store.locks / f"{folder.name}.lock")
    if lock is not None:
        lock.release()
    return lock is not None


def _removable(what: str, paths: tuple[Path, ...], trial_id: str = "") -> Removable:
    # A link goes as such: what it points to is neither counted nor touched.
    folders = [path for path in paths if not path.is_symlink()]
    files = [file for path in folders for file in (path, *parts_below(path))]
    size = sum(file.lstat().st_size for file in files if file.is_file())
    is_link = " (a link: what it points to stays)" if len(folders) < len(paths) else ""
    return Removable(what=f"{what}{is_link}", paths=paths, size_bytes=size, trial_id=trial_id)


def remove(store: Store, removables: Iterable[Removable]) -> tuple[int, list[str]]:
    """Remove for good; return the bytes freed, and what was left because a run is at it.

    Each path is renamed away first, so that no reader ever sees half of a folder.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    freed, left = 0, []
    for each in removables:
        lock = take_lock(store.locks / f"{each.trial_id or 'clean'}.lock")
        if lock is None:
            left.append(each.what)
            continue
        try:
            for path in each.paths:
                _remove_one(store, path)
        finally:
            lock.release()
        freed += each.size_bytes
    return freed, left


def _remove_one(store: Store, path: Path) -> None:
    aside = store.new_work_folder()
    with readable_failure(path):
        if os.path.lexists(path):
            path.rename(aside / path.name)
        # It never follows a link; one that is removed here is only unlinked.
        shutil.rmtree(aside)
