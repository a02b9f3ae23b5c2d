"""What a store holds, listed once for a whole plan: asking it of each of 100,000 trials is slow."""

from dataclasses import dataclass

from bench.planning.task import TrialTask
from bench.store.layout import Store
from bench.store.read import evaluation_folders, trial_folders

__all__ = ["Shelf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A store, and the names of its folders when it was looked at."""

    store: Store
    trials: frozenset[str]
    evaluations: frozenset[str]

    @classmethod
    def of(cls, store: Store) -> "Shelf":
        """Look at a store."""
        return cls(
            store=store,
            trials=frozenset(trial_folders(store)),
            evaluations=frozenset(evaluation_folders(store)),
        )

    def has_trial(self, task: TrialTask) -> bool:
        """Whether a trial was trained, or so its folder says."""
        return task.trial_id in self.trials

    def has_evaluation(self, trial_id: str, evaluation_id: str) -> bool:
        """Whether a trial was evaluated so, or so its folder says."""
        return f"{trial_id}--{evaluation_id}" in self.evaluations
