"""What a worker is told: plain typed data that crosses process and machine borders as JSON."""

from pathlib import Path

import msgspec

from bench.loading.refs import SplitRef
from bench.store.record import Identity, State
from bench.store.variant import Variant

__all__ = ["EvaluationTask", "Limits", "Outcome", "PluginRef", "SplitRef", "TrialTask"]


class _Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Immutable, by keyword."""


class PluginRef(_Struct, frozen=True, kw_only=True):
    """Where a worker finds a model's plugin: an importable module, or a file."""

    module: str = ""
    file: str = ""


class EvaluationTask(_Struct, frozen=True, kw_only=True):
    """One test split to predict; ``class_columns[i]`` is the model's column of the i-th class."""

    evaluation_id: str
    test_dataset: str
    test_embedded: str = ""
    split: SplitRef
    class_columns: tuple[int, ...]
    evaluation_only: bool = False
    own: bool = False  # the training dataset's own test split
    variant: str = ""
    # What is done to the model or the images first, e.g. {"quantize": "int8"}.
    transform: dict[str, str | int | float] = {}
    truths: dict[str, str] = {}
    label_errors: dict[str, str] = {}  # hash of an image whose label is in doubt -> that label
    label_errors_source: str = ""


class TrialTask(_Struct, frozen=True, kw_only=True):
    """One trial: train unless a stored model is there, then predict each evaluation's split."""

    trial_id: str
    config_id: str
    identity: Identity
    plugin: PluginRef
    model: str
    summary: str = ""
    variant: Variant = Variant()
    budget: str = "full"
    options: dict[str, bool | int | float | str]
    train_dataset: str
    train_embedded: str = ""
    train_style: str = "handwritten"
    probabilities: str = "calibrated"
    deterministic: bool = False
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    seed: int
    precision: str = "float32"
    train: SplitRef | None  # None: a trained model that ships; it cannot be trained again here
    evaluations: tuple[EvaluationTask, ...] = ()
    stored: str = ""  # the trial's folder in the store; empty: it must be trained
    initial_weights: str = ""  # model folder of the trial whose weights it starts from
    track: EvaluationTask | None = None  # --track-test
    heavy: bool = False  # needs the engine that the fork server preloads
    resumes: bool = False
    timeout_seconds: float | None = None
    estimated_seconds: float | None = None
    estimated_memory_bytes: int | None = None

    @property
    def data_folder(self) -> str:
        """The data cache's folder, which no log may name."""
        split = self.train or next((each.split for each in self.evaluations), None)
        return "" if split is None else str(Path(split.folder).parent.parent)


class Limits(_Struct, frozen=True, kw_only=True):
    """What a trial may use; None: no limit."""

    timeout_seconds: float | None = None
    memory_bytes: int | None = None
    retries: int = 0


class Outcome(_Struct, frozen=True, kw_only=True):
    """How a trial ended; on OK, ``folder`` holds the finished parts, ready to be stored."""

    trial_id: str
    state: State
    reason: str = ""
    folder: str = ""
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
