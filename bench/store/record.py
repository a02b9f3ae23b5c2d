"""Typed records of trials and evaluations.

History of the format
---------------------
1. The first: trials, evaluations, shared splits.
2. Sources are hashed by their definitions, not their bytes; a record carries a hash of itself.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from bench.spec import State
from bench.store.variant import FINE_TUNED, SHIPPED, Variant, option_words

__all__ = [
    "COPY_OF",
    "SCHEMA_VERSION",
    "SEALED_SINCE",
    "Count",
    "Duplicate",
    "EvaluationRecord",
    "Identity",
    "Key",
    "KeyOrNone",
    "Machine",
    "State",
    "TrialRecord",
    "variant_of",
]

_NONE: Final[Mapping[str, str | int | float]] = MappingProxyType({})
SCHEMA_VERSION: Final = 2
SEALED_SINCE: Final = 2
"""From this format on every record carries a hash of itself."""
COPY_OF: Final = "copy_of"
"""In ``extra`` of a second training of a trial: the id of the first."""

# A record is a file that anyone may have edited: what names a path in the store, or the size of
# something that is made, is checked where it is read.
_NAME = r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,200}"
Key: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"\A{_NAME}\Z")]
KeyOrNone: TypeAlias = Annotated[str, msgspec.Meta(pattern=rf"\A({_NAME})?\Z")]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
_Side: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=8192)]
_Classes: TypeAlias = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100_000)]


class Duplicate(IntEnum):
    """Whether a test image is among the training images: ``duplicates`` of the predictions."""

    NONE = 0
    NEAR = 1  # nearly the same picture, as a photo saved again is
    EXACT = 2


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Immutable, by keyword; unknown fields of a newer minor format are ignored."""


class Machine(_Struct, frozen=True, kw_only=True):
    """Facts of the machine that computed; no host and no user name."""

    cores: int
    memory_bytes: int
    processor: str
    instruction_set: str = ""  # the best that the engines use, by oneDNN's name; empty: not known
    accelerator: str
    system: str
    python: str


class Identity(_Struct, frozen=True, kw_only=True):
    """All that decides a trial's result; its hash is the trial's id."""

    model: str
    options: dict[str, bool | int | float | str]
    model_source: str  # hash of the definitions in the plugin's own files
    harness_source: str  # hash of the definitions in the harness's computing files
    train_hash: str  # content hash of the training split
    seed: int
    precision: str
    requires: dict[str, str]  # distribution -> major.minor


class TrialRecord(_Struct, frozen=True, kw_only=True):
    """The stored result of a trial. Seconds are wall-clock unless named otherwise."""

    schema_version: int = SCHEMA_VERSION
    trial_id: Key
    attempt: Key  # unique for each run of a trial
    config_id: Key  # hash of the identity without its seed: the trials of one row share it
    identity: Identity
    model: str
    summary: str = ""
    variant: str = ""  # `differs` in words
    differs: Variant | None = None  # what differs from the defaults; None of an earlier record
    budget: str = "full"
    train_dataset: str
    train_embedded: str = ""  # what embedded data it was trained on, in words; empty for real data
    train_style: str = "handwritten"
    probabilities: str = "calibrated"
    deterministic: bool = False  # as the model's author claims: the seed changes nothing
    classes: _Classes
    image_shape: tuple[_Side, _Side, _Side]  # height, width, channels the model was built for
    state: State
    reason: str = ""  # one line
    retries: int = 0
    started_at: str = ""  # UTC, ISO 8601
    seed: int
    precision: str = "float32"
    threads: int = 1
    engine: str = ""
    device: str = ""  # what the engine trained on: cpu, or a GPU's name
    n_train: int = 0  # images given to fit
    train_accuracy: float | None = None
    parameters: int | None = None
    trainable_parameters: int | None = None
    multiply_adds: int | None = None
    model_bytes: int | None = None  # weights at stored precision
    file_bytes: int | None = None  # the saved file
    fit_seconds: float | None = None
    fit_cpu_seconds: float | None = None
    fit_images_per_second: float | None = None
    total_seconds: float | None = None  # the whole trial in its worker
    peak_memory_bytes: int | None = None
    epochs: int | None = None
    resumed: bool = False
    machine: Machine | None = None
    versions: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    # What the plugin was seen to load of its own folder, package or project: name -> hash.
    loaded: dict[str, str] = {}
    engines: dict[str, str] = {}  # libraries it imported beyond those of its identity
    environment: dict[str, str] = {}  # variables that may change how libraries compute
    does_not_reload: str = ""  # why the stored model is not what was trained; empty: it is
    files: dict[str, str] = {}  # name in the folder -> sha256
    extra: dict[str, Any] = {}
    record_sha256: str = ""  # of all the rest of this record


class EvaluationRecord(_Struct, frozen=True, kw_only=True):
    """The stored predictions of one trial on one test split; latencies are after warm-up."""

    schema_version: int = SCHEMA_VERSION
    evaluation_id: Key
    trial_id: Key
    attempt: Key
    test_dataset: str
    test_embedded: str = ""
    test_hash: str  # content hash of the test images as fed, preprocessing included
    split_hash: Key  # names splits/<hash>.npz: sample names and groups
    variant: str = ""  # what differs in this evaluation: preprocessing, int8, shipped, a corruption
    evaluation_only: bool = False
    classes: _Classes  # of the columns of the probabilities
    n_test: Count
    labelled: bool = True
    adapted: str = ""  # how images were brought to the model's shape, in words
    leaked: int = 0  # test images that are also training images
    near_duplicates: int = 0  # further ones that are nearly the same as a training image
    predict_seconds: float | None = None
    predict_us_per_image: float | None = None
    latency_ms_p50: float | None = None  # batch of one
    latency_ms_p95: float | None = None
    best_batch: int | None = None  # images at once, of the sizes tried, that are predicted fastest
    latency_ms_best_batch: float | None = None
    predict_images_per_second: float | None = None  # in batches of that size
    model_bytes: int | None = None  # where it differs from the trial's (int8)
    file_bytes: int | None = None
    created_at: str = ""
    threads: int = 1
    notes: tuple[str, ...] = ()
    doubtful: tuple[int, ...] = ()  # places of test images whose label people doubt
    doubtful_source: str = ""
    truths: dict[str, str] = {}  # writer or photo -> whole ID
    predictions_sha256: str = ""
    files: dict[str, str] = {}  # any other file in the folder -> sha256
    # What was done to the model or the images first, e.g. {"quantize": "int8"}.
    transform: dict[str, str | int | float] = {}
    extra: dict[str, Any] = {}
    record_sha256: str = ""  # of all the rest of this record


def variant_of(trial: TrialRecord, transform: Mapping[str, str | int | float] = _NONE) -> Variant:
    """Return what a trial differs by, or one of its evaluations, of which `transform` speaks."""
    differs = trial.differs or _of_words(trial)
    return msgspec.structs.replace(differs, quantize=str(transform.get("quantize", "")))


def _of_words(trial: TrialRecord) -> Variant:
    """Return the variant of a record that holds only its words: its own fields explain them."""
    told = [word for word in trial.variant.split(", ") if word]
    differs = Variant(
        budget=trial.budget if trial.budget in told else "full",
        options={
            name: value
            for name, value in trial.identity.options.items()
            if option_words(name, value) in told
        },
        precision=trial.precision if trial.precision in told else "",
        is_shipped=SHIPPED in told,
        is_fine_tuned=FINE_TUNED in told,
    )
    rest = tuple(word for word in told if word not in differs.parts)
    return msgspec.structs.replace(differs, other=rest)
