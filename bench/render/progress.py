"""The state of a run, built from its events alone, and how its trials are named."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.execution.events import (
    EpochEnded,
    Event,
    RunStarted,
    TrialFinished,
    TrialStarted,
)
from bench.render.console import clean
from bench.store.variant import label_of

__all__ = ["Names", "Progress", "Running", "elapsed_at_epoch"]
_DATASET_WIDTH: Final = 23
_OUTCOME_WIDTH: Final = 46  # the mark, the gaps, what is said of a trial under way


@dataclass(slots=True)
class Running:
    """A trial that has started and not ended."""

    event: TrialStarted
    since: float
    epoch: EpochEnded | None = None

    def seconds_left(self, now: float) -> float | None:
        """Return the estimate: from its epochs, else from what the plan expected."""
        elapsed = now - self.since
        if self.epoch is not None and self.epoch.epoch:
            whole = elapsed_at_epoch(self.epoch, elapsed)
            return max(0.0, whole - elapsed)
        expected = self.event.estimated_seconds
        return None if expected is None or expected <= elapsed else expected - elapsed


def elapsed_at_epoch(epoch: EpochEnded, elapsed: float) -> float:
    """Return how long the whole trial will take if its epochs go on as they did."""
    return elapsed / epoch.epoch * max(epoch.epochs, epoch.epoch)


@dataclass(slots=True)
class Progress:
    """The state of a run, built from its events alone."""

    clock: Callable[[], float] = time.monotonic
    trials: int = 0
    cached: int = 0
    finished: int = 0
    expected_seconds: float | None = None
    started_at: float = 0.0
    expected_done: float = 0.0
    running: dict[str, Running] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self.trials, self.cached = event.trials, event.cached
                self.expected_seconds = event.estimated_seconds
                self.started_at = self.clock()
            case TrialStarted():
                self.running[event.trial_id] = Running(event, self.clock())
                # Folds of fine-tuning are made once there is a trial to go on from.
                self.trials = max(self.trials, self.finished + len(self.running))
            case EpochEnded() if event.trial_id in self.running:
                self.running[event.trial_id].epoch = event
            case TrialFinished():
                ended = self.running.pop(event.trial_id, None)
                self.finished += 1
                if ended is not None:
                    self.expected_done += ended.event.estimated_seconds or 0.0
            case _:
                pass

    @property
    def waiting(self) -> int:
        """How many trials have not started."""
        return max(0, self.trials - self.finished - len(self.running))

    @property
    def share_done(self) -> float:
        """Share of the expected work that is done, else of the trials."""
        if not self.trials:
            return 1.0
        if not self.expected_seconds:
            return self.finished / self.trials
        now = self.clock()
        under_way = sum(
            min(now - each.since, each.event.estimated_seconds or 0.0)
            for each in self.running.values()
        )
        return min(1.0, (self.expected_done + under_way) / self.expected_seconds)

    def seconds_left(self) -> float | None:
        """Return the estimate for the run: the plan's at first, then by its own pace."""
        done, elapsed = self.share_done, self.clock() - self.started_at
        if done > 0.99:  # it takes longer than expected: nobody knows
            return None
        if self.finished and done > 0.02:
            return elapsed * (1 - done) / done
        if self.expected_seconds is None:
            return None
        return max(0.0, self.expected_seconds - elapsed)


@dataclass(slots=True)
class Names:
    """How trials are named, and the widths of the two columns of names.

    The columns grow to the longest seen so far; a variant that all trials share is left out.
    """

    several_seeds: bool = False
    unsaid: str = ""
    model: int = 18
    dataset: int = 12

    def label(self, trial: TrialStarted | TrialFinished) -> str:
        """Return the model with its variant and, where there are several, its seed."""
        seed = f" seed {trial.seed}" if self.several_seeds else ""
        return clean(f"{self.row(trial)}{seed}")

    def row(self, trial: TrialStarted | TrialFinished) -> str:
        """Return the model with its variant: what all seeds share."""
        return label_of(trial.model, "" if trial.variant == self.unsaid else trial.variant)

    def widen(self, event: Event, width: int) -> None:
        """Make room for a trial's names, within a share of the screen."""
        if isinstance(event, TrialStarted):
            self.dataset = min(_DATASET_WIDTH, max(self.dataset, len(event.train_dataset)))
            room = max(18, width - self.dataset - _OUTCOME_WIDTH)
            self.model = min(room, max(self.model, len(self.label(event))))
