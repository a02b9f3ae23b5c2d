"""What execution says while it works: the only channel from execution to any display."""

from typing import Any, Final, TypeAlias

import msgspec

from bench.store.record import State

__all__ = [
    "EpochEnded",
    "EvaluationFinished",
    "Event",
    "RunFinished",
    "RunStarted",
    "TrialFinished",
    "TrialRetried",
    "TrialStarted",
    "Warned",
]


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Immutable; one JSON object a line with ``--log-format json``."""


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """The plan is made; nothing runs yet."""

    trials: int  # to run
    cached: int
    estimated_seconds: float | None = None


class TrialStarted(_Event, frozen=True, kw_only=True, tag="trial_started"):
    """A trial's process has begun."""

    trial_id: str
    model: str
    train_dataset: str
    seed: int
    variant: str = ""
    fits: bool = True  # False: only evaluations of a stored model are missing
    estimated_seconds: float | None = None
    time: float = 0.0  # Unix time, seconds


class EpochEnded(_Event, frozen=True, kw_only=True, tag="epoch_ended"):
    """An epoch of a fit has ended; None where a value was not measured."""

    trial_id: str
    epoch: int
    epochs: int
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    seconds: float = 0.0


class EvaluationFinished(_Event, frozen=True, kw_only=True, tag="evaluation_finished"):
    """The predictions of a trial on one test split are made."""

    trial_id: str
    test_dataset: str
    accuracy: float | None  # None for unlabelled images
    n_test: int
    evaluation_id: str = ""


class TrialRetried(_Event, frozen=True, kw_only=True, tag="trial_retried"):
    """A crash or a full memory is tried again (``--retries``)."""

    trial_id: str
    state: State
    reason: str
    attempt: int


class TrialFinished(_Event, frozen=True, kw_only=True, tag="trial_finished"):
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


class Warned(_Event, frozen=True, kw_only=True, tag="warned"):
    """Something a person should know; the run goes on."""

    message: str
    trial_id: str = ""


class RunFinished(_Event, frozen=True, kw_only=True, tag="run_finished"):
    """Everything of the plan has ended or was stopped."""

    counts: dict[str, int]  # state -> trials
    seconds: float
    interrupted: bool = False


Event: TypeAlias = (
    RunStarted
    | TrialStarted
    | EpochEnded
    | EvaluationFinished
    | TrialRetried
    | TrialFinished
    | Warned
    | RunFinished
)

_DECODER: Final = msgspec.json.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """Return the event as one line of JSON without the newline."""
    return msgspec.json.encode(event)


def decode_event(line: bytes | str) -> Event:
    """Return the event of one line of JSON."""
    event: Any = _DECODER.decode(line)
    return event  # type: ignore[no-any-return]  # msgspec's decoder is typed by its argument
