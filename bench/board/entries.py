"""What the index keeps of a trial and of an evaluation: fields of their records, and scores."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from bench.board.label_errors import KNOWN, Doubts
from bench.store.record import EvaluationRecord, Key, Machine, State, TrialRecord, variant_of
from bench.store.variant import Variant, label_of

__all__ = ["NEWER", "Failure", "Score", "carry", "failure_of", "layout", "parts_of", "score_of"]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.scoring.metrics import Score as MetricScore

NEWER: Final = "of a newer format"
"""Why a record is not read, as the index keeps it."""
_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class _OfTrial(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Fields of a trial's record that every table needs."""

    folder: str
    trial_id: str
    config_id: str
    model: str
    summary: str
    variant: str
    differs: Variant
    budget: str
    seed: int
    train_dataset: str
    train_embedded: str
    started_at: str
    precision: str
    threads: int

    @property
    def label(self) -> str:
        """The model's name, with its variant in brackets."""
        return label_of(self.model, self.variant)

    @property
    def trials(self) -> tuple[str, ...]:
        """The one trial's id, as a row has those of its seeds."""
        return (self.trial_id,)


class Failure(_OfTrial, frozen=True, kw_only=True, array_like=True):
    """What tables need of a trial that did not succeed."""

    state: State
    reason: str


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Metrics by name: values, intervals (low, high, method), and why there is none."""

    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float, str]]
    not_scored: dict[str, str]


class Score(_OfTrial, frozen=True, kw_only=True, array_like=True):
    """What tables need of one evaluation and its trial, with its metrics."""

    transform: dict[str, str | int | float]
    test_dataset: str
    test_embedded: str
    evaluation_only: bool
    labelled: bool
    leaked: int
    near_duplicates: int
    n_test: int
    classes: tuple[str, ...]
    test_hash: str
    split_hash: Key
    created_at: str
    machine: str
    """In words that tell machines apart."""
    instruction_set: str
    versions: dict[str, str]
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float, str]]
    not_scored: dict[str, str]
    train_accuracy: float | None
    parameters: int | None
    multiply_adds: int | None
    model_bytes: int | None
    file_bytes: int | None
    fit_seconds: float | None
    fit_cpu_seconds: float | None
    fit_images_per_second: float | None
    predict_us_per_image: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    best_batch: int | None
    latency_ms_best_batch: float | None
    predict_images_per_second: float | None
    peak_memory_bytes: int | None
    retries: int
    deterministic: bool
    doubtful: tuple[int, ...]  # places of images whose label people doubt
    doubtful_source: str


def layout(version: int) -> str:
    """Return what tells an index of these fields, facts and version of the metrics from others."""
    names = repr([*(kind.__struct_fields__ for kind in (Score, Failure)), KNOWN])
    return f"{version}-{sha256(names.encode()).hexdigest()[:8]}"


def carry(kind: type[_Kind], *sources: object, **own: Any) -> _Kind:
    """Return a `kind` whose fields are `own`, else those of the same name of the first source."""
    for name in kind.__struct_fields__:
        source = None if name in own else next((s for s in sources if hasattr(s, name)), None)
        if source is not None:
            own[name] = getattr(source, name)
    return kind(**own)


def score_of(
    folder: str, trial: TrialRecord, record: EvaluationRecord, scored: "Mapping[str, MetricScore]"
) -> Score:
    """Return what the index keeps of an evaluation."""
    machine, differs = trial.machine, variant_of(trial, record.transform)
    known = None if record.doubtful else KNOWN.get(record.test_hash)
    doubts = known or Doubts(places=record.doubtful, source=record.doubtful_source)
    return carry(
        Score,
        trial,
        record,
        parts_of(scored),
        folder=folder,
        variant=differs.words,
        differs=differs,
        classes=record.classes,
        machine=_words(machine) if machine else "",
        instruction_set=machine.instruction_set if machine else "",
        model_bytes=record.model_bytes or trial.model_bytes,
        file_bytes=record.file_bytes or trial.file_bytes,
        doubtful=doubts.places,
        doubtful_source=doubts.source,
    )


def _words(machine: Machine) -> str:
    parts = (machine.processor, f"{machine.cores} cores", machine.accelerator)
    return ", ".join(filter(None, (*parts, f"{machine.memory_bytes / 1e9:.0f} GB")))


def parts_of(scored: "Mapping[str, MetricScore]") -> Parts:
    """Return scores as the index keeps them."""
    return Parts(
        metrics={key: each.value for key, each in scored.items()},
        intervals={
            key: (each.interval.low, each.interval.high, each.interval.method)
            for key, each in scored.items()
            if each.interval is not None
        },
        not_scored={key: each.reason for key, each in scored.items() if each.reason},
    )


def failure_of(folder: str, trial: TrialRecord) -> Failure:
    """Return what the index keeps of a trial that did not succeed."""
    differs = variant_of(trial)
    return carry(Failure, trial, folder=folder, variant=differs.words, differs=differs)
