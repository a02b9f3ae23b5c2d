"""Training stored trials once more, elsewhere, to see whether their predictions come out again."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.errors import BenchError, StoreError
from bench.execution.client import run_tasks
from bench.execution.events import Event
from bench.execution.local import local_backend
from bench.execution.machine import available_cores
from bench.planning.identity import changed_parts
from bench.planning.task import Limits, TrialTask
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions, read_trial, trial_folders
from bench.store.record import SCHEMA_VERSION, Machine, TrialRecord

__all__ = ["AGREEMENT_ELSEWHERE", "Rerun", "choose_sample", "rerun_trials"]

AGREEMENT_ELSEWHERE = 0.98
"""The share of equal predictions that another processor, another number of threads or other library
versions must reach; on the same ones predictions must be identical. Two other predictions are
forgiven in any split: of 32 images, one is more than 2 %."""
_FORGIVEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What training a stored trial again gave.

    ``verdict`` is "identical", "other processor" or "within tolerance" (nearly all predictions are
    equal, and that or another circumstance accounts for the rest), "different", "failed" or "not
    possible";
    ``agreement`` the share of equal predictions, the lowest of the trial's test splits.
    """

    trial_id: str
    model: str
    verdict: str
    record_sha256: str = ""
    """Of the record that was trained again: what is stored under its id later is another."""
    reason: str = ""
    agreement: float | None = None
    largest_difference: float | None = None
    """Of any two probabilities."""

    @property
    def is_fine(self) -> bool:
        """Whether it speaks for the store; one that is not possible speaks neither way."""
        return self.verdict in (
            "identical",
            "other processor",
            "within tolerance",
            "not possible",
        )


def choose_sample(store: Store, n: int, seed: int = 42) -> list[TrialRecord]:
    """Return `n` successful trials of a store, drawn by `seed`; all where there are fewer."""
    names = sorted(name for name in trial_folders(store) if "--" not in name)
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = []
    for index in order[:n]:
        try:
            chosen.append(read_trial(store.trials / names[index]))
        except StoreError:  # verify has reported it
            continue
    return chosen


def rerun_trials(
    store: Store,
    records: Sequence[TrialRecord],
    plan: Callable[[TrialRecord], TrialTask],
    *,
    emit: Callable[[Event], None],
    limits: Limits | None = None,
) -> list[Rerun]:
    """Train each trial again in a store of its own, with as many threads, and compare.

    Parameters
    ----------
    plan : callable
        Returns the task that a run of today would make of a record; raises `BenchError` where the
        plugin or the data are not on this machine.
    """
    results: list[Rerun] = []
    tasks: dict[str, TrialTask] = {}
    for record in records:
        try:
            tasks[record.trial_id] = _same_task(record, plan(record))
        except BenchError as error:
            results.append(_result(record, "not possible", str(error)))
    place = Path(tempfile.mkdtemp(prefix="bench-rerun-"))
    try:
        fresh = Store(place)
        for threads, same in _by_threads(records, tasks):
            jobs = max(1, available_cores() // threads)
            backend = local_backend(same, jobs=jobs)
            run_tasks(same, store=fresh, backend=backend, limits=limits, emit=emit)
        wanted = [record for record in records if record.trial_id in tasks]
        results += [_compare(store, fresh, record) for record in wanted]
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return results


def _same_task(record: TrialRecord, task: TrialTask) -> TrialTask:
    if record.schema_version < SCHEMA_VERSION:
        raise BenchError("it would be another trial now", why="an earlier version trained it")
    if task.trial_id != record.trial_id:
        parts = ", ".join(changed_parts(record.identity, task.identity))
        raise BenchError("it would be another trial now", why=f"{parts or 'its data'} changed")
    return task


def _result(record: TrialRecord, verdict: str, reason: str) -> Rerun:
    return Rerun(
        trial_id=record.trial_id,
        model=record.model,
        verdict=verdict,
        record_sha256=record.record_sha256,
        reason=reason,
    )


def _by_threads(
    records: Iterable[TrialRecord], tasks: dict[str, TrialTask]
) -> list[tuple[int, list[TrialTask]]]:
    groups: dict[int, list[TrialTask]] = {}
    for record in records:
        if record.trial_id in tasks:
            groups.setdefault(max(1, record.threads), []).append(tasks[record.trial_id])
    return sorted(groups.items())


def _compare(store: Store, fresh: Store, record: TrialRecord) -> Rerun:
    try:
        again = read_trial(fresh.trial(record.trial_id))
    except StoreError:
        attempts = [read_trial(path) for path in fresh.trials.glob(f"{record.trial_id}--*")]
        reason = f"{attempts[0].state}: {attempts[0].reason}" if attempts else "it did not run"
        return _result(record, "failed", reason)
    agreements, differences, is_near = [], [], True
    for folder in sorted(fresh.evaluations.glob(f"{record.trial_id}--*")):
        stored = store.evaluation(record.trial_id, read_evaluation(folder).evaluation_id)
        if not stored.exists():
            continue
        old, new = read_predictions(stored), read_predictions(folder)
        if old.probabilities.shape != new.probabilities.shape:
            return _result(record, "different", "another number of predictions")
        is_equal = old.predicted == new.predicted
        agreements.append(float(np.mean(is_equal)))
        n_other = int((~is_equal).sum())
        is_near &= n_other <= max(_FORGIVEN, (1 - AGREEMENT_ELSEWHERE) * len(is_equal))
        differences.append(float(np.abs(old.probabilities - new.probabilities).max(initial=0)))
    if not agreements:
        return _result(record, "not possible", "none of its test splits is on this machine")
    verdict, reason = _verdict(record, again, min(agreements), max(differences), is_near=is_near)
    return replace(
        _result(record, verdict, reason),
        agreement=min(agreements),
        largest_difference=max(differences),
    )


def _verdict(
    old: TrialRecord, new: TrialRecord, agreement: float, difference: float, *, is_near: bool
) -> tuple[str, str]:
    if difference == 0 and agreement == 1:
        return "identical", ""
    processor = _other_processor(old.machine, new.machine)
    other = ", ".join(filter(None, (processor, *_other_circumstances(old, new))))
    share = f"{agreement:.4f} of the predictions are equal"
    if not other:
        return "different", f"{share}; on the same machine all must be"
    if not is_near:
        return "different", f"{share}, fewer than {AGREEMENT_ELSEWHERE}; {other}"
    return "other processor" if processor else "within tolerance", f"{share}; {other}"


def _other_processor(old: Machine | None, new: Machine | None) -> str:
    """Return in words how another processor computed; empty where it was the same."""
    if old is None or new is None:
        return "it is not known which processor computed"
    if old.instruction_set and old.instruction_set != new.instruction_set:
        return f"{new.instruction_set or new.processor} instructions, not {old.instruction_set}"
    return f"{new.processor}, not {old.processor}" if old.processor != new.processor else ""


def _other_circumstances(old: TrialRecord, new: TrialRecord) -> Iterator[str]:
    if old.threads != new.threads:
        yield f"{new.threads} threads, not {old.threads}"
    if old.versions != new.versions:
        yield "other library versions"
    if old.resumed:
        yield "the stored one was resumed"
