"""What of a trial is stored: sound, damaged, outgrown, or made from what has changed since."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bench.errors import NewerFormatError, StoreError
from bench.planning.identity import versions
from bench.planning.shelf import Shelf
from bench.planning.task import EvaluationTask, TrialTask
from bench.plugins.ground import ground_of
from bench.plugins.loaded import first_change
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_trial

__all__ = ["damaged_folders", "is_outgrown", "is_sound", "what_changed"]


def what_changed(store: Store, task: TrialTask) -> tuple[str, ...]:
    """Name what a stored trial loaded and would find changed now; empty while its notes hold."""
    record = read_trial(store.trial(task.trial_id))
    if task.train is None:
        return ()
    if record.loaded:
        ground = ground_of(module=task.plugin.module, file=task.plugin.file)
        if name := first_change(ground, record.loaded):
            return (name,)
    now = versions(record.engines)
    return tuple(
        f"{name} {before} → {now.get(name, '–')}"
        for name, before in record.engines.items()
        if now.get(name) != before
    )


def is_outgrown(store: Store, task: TrialTask) -> bool:
    """Whether a trial asked for in full is stored under a smaller budget, which cut nothing of it.

    The two have one identity, but the stored one would stay a row that is not ranked.
    """
    return task.budget == "full" and read_trial(store.trial(task.trial_id)).budget != "full"


def is_sound(
    shelf: Shelf, task: TrialTask, evaluation: EvaluationTask, damaged: Sequence[Path]
) -> bool:
    """Whether an evaluation is stored, and not among the `damaged` folders."""
    if not shelf.has_evaluation(task.trial_id, evaluation.evaluation_id):
        return False
    return shelf.store.evaluation(task.trial_id, evaluation.evaluation_id) not in damaged


def damaged_folders(shelf: Shelf, task: TrialTask) -> tuple[Path, ...]:
    """Return the stored folders of a trial that cannot be read.

    Raises
    ------
    NewerFormatError
        If a newer digitbench wrote one.
    """
    damaged = []
    if shelf.has_trial(task):
        trial = shelf.store.trial(task.trial_id)
        damaged += [trial] if not _is_readable(read_trial, trial) else []
    for evaluation in task.evaluations:
        if not shelf.has_evaluation(task.trial_id, evaluation.evaluation_id):
            continue
        folder = shelf.store.evaluation(task.trial_id, evaluation.evaluation_id)
        if not _is_readable(read_evaluation, folder):
            damaged.append(folder)
    return tuple(damaged)


def _is_readable(read: Callable[[Path], object], folder: Path) -> bool:
    try:
        read(folder)
    except NewerFormatError:
        raise
    except StoreError:
        return False
    return True
