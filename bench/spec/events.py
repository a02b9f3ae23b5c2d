"""What observers are told of a trial, and how one ends."""

from enum import StrEnum

import msgspec

__all__ = ["EpochEnded", "State", "Told", "TrialFinished", "TrialStarted"]


class State(StrEnum):
    """How a cell or a trial ended."""

    OK = "ok"
    FAILED = "failed"  # an exception, or output that breaks the contract
    TIMEOUT = "timeout"  # ran past its wall-clock limit
    OUT_OF_MEMORY = "out_of_memory"  # ran past its memory limit, or was killed by the system
    CRASHED = "crashed"  # its process ended by itself: a signal or an exit
    INTERRUPTED = "interrupted"  # stopped from outside, by Ctrl-C or a kill
    CODE_CHANGED = "code_changed"  # the plugin was edited after the run was planned
    IMPOSSIBLE = "impossible"  # a pairing that makes no sense; never stored
    DATA_MISSING = "data_missing"  # the dataset is not on this machine; never stored


class Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Immutable; one JSON object a line with ``--log-format json``."""


class TrialStarted(Told, frozen=True, kw_only=True, tag="trial_started"):
    """A trial's process has begun."""

    trial_id: str
    model: str
    train_dataset: str
    seed: int
    variant: str = ""
    fits: bool = True  # False: only evaluations of a stored model are missing
    estimated_seconds: float | None = None
    time: float = 0.0  # Unix time, seconds


class EpochEnded(Told, frozen=True, kw_only=True, tag="epoch_ended"):
    """An epoch of a fit has ended; None where a value was not measured."""

    trial_id: str
    epoch: int
    epochs: int
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    seconds: float = 0.0


class TrialFinished(Told, frozen=True, kw_only=True, tag="trial_finished"):
    """A trial has ended and its record is stored."""

    trial_id: str
    model: str
    train_dataset: str
    seed: int
    variant: str = ""
    state: State
    reason: str = ""
    accuracy: float | None = None  # on its own test split
    seconds: float = 0.0
    retries: int = 0
