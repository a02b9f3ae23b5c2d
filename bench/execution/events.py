"""What execution says while it works: the only channel from execution to any display."""

from typing import Any, Final, TypeAlias

import msgspec

from bench.spec import EpochEnded, State, Told, TrialFinished, TrialStarted

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


class RunStarted(Told, frozen=True, kw_only=True, tag="run_started"):
    """The plan is made; nothing runs yet."""

    trials: int  # to run
    cached: int
    estimated_seconds: float | None = None


class EvaluationFinished(Told, frozen=True, kw_only=True, tag="evaluation_finished"):
    """The predictions of a trial on one test split are made."""

    trial_id: str
    test_dataset: str
    accuracy: float | None  # None for unlabelled images
    n_test: int
    evaluation_id: str = ""


class TrialRetried(Told, frozen=True, kw_only=True, tag="trial_retried"):
    """A crash or a full memory is tried again (``--retries``)."""

    trial_id: str
    state: State
    reason: str
    attempt: int


class Warned(Told, frozen=True, kw_only=True, tag="warned"):
    """Something a person should know; the run goes on."""

    message: str
    trial_id: str = ""


class RunFinished(Told, frozen=True, kw_only=True, tag="run_finished"):
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
