"""What a model plugin registers, the classifier it builds, and what that is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from bench.options import Option, Options, OptionValue
from bench.spec.images import Images, ImageSet, Probabilities, Shape
from bench.spec.versions import API_VERSION

__all__ = [
    "BuildContext",
    "Classifier",
    "Description",
    "Epoch",
    "FitContext",
    "Layer",
    "ModelSpec",
    "Precision",
]

Precision: TypeAlias = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What a model plugin's ``build`` is told.

    ``image_shape`` is (height, width, channels) of the training images; the classes are in the
    order of the columns that ``predict_proba`` must return.
    """

    image_shape: Shape
    classes: tuple[str, ...]
    options: Options
    seed: int = 42
    precision: Precision = "float32"
    threads: int = 1

    @property
    def n_classes(self) -> int:
        """How many columns ``predict_proba`` must return."""
        return len(self.classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One line of a trial's history; a value that was not measured is None."""

    epoch: int
    epochs: int
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FitContext(BuildContext):
    """What a classifier's ``fit`` is told, and its way to report."""

    report_epoch: Callable[[Epoch], None] = lambda epoch: None
    """Call at the end of each epoch; it feeds the live view and ``history.csv``."""
    checkpoint_folder: Path | None = None
    """Write here to resume after an interruption; what lies here is from the same trial."""
    initial_weights: Path | None = None
    """The model folder of the trial named by the ``initial_weights`` option, already looked up."""
    tracked: ImageSet | None = None
    """Test images to measure after each epoch without any influence on it (``--track-test``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One line of a model's summary; multiply-adds for one image."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a classifier says of its own size; None where it does not apply.

    ``model_bytes`` are the weights at stored precision, ``multiply_adds`` those for one image.
    """

    parameters: int | None = None
    trainable_parameters: int | None = None
    model_bytes: int | None = None
    multiply_adds: int | None = None
    layers: tuple[Layer, ...] = ()
    engine: str = ""
    """The library that computes, with its version, e.g. ``scikit-learn-intelex 2026.2``."""
    device: str = ""
    """What it was trained on: ``cpu``, or a GPU's name; empty where the harness knows by itself."""


@runtime_checkable
class Classifier(Protocol):
    """What a model builds. `bench.keras_classifier` and `bench.sklearn_classifier` make one.

    Optional methods, used where present: ``predict(images) -> (n,) int64`` (default: argmax of the
    probabilities), ``save(folder)`` with ``ModelSpec.load``, ``describe() -> Description``.
    """

    def fit(self, train: ImageSet, context: FitContext) -> None:
        """Train on all of `train`, with randomness from ``context.seed`` alone."""

    def predict_proba(self, images: Images) -> Probabilities:
        """Return class probabilities.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, channels)
            float32 in [0, 1].

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            Rows sum to 1.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model plugin's registration.

    Parameters
    ----------
    name, summary : str
        Kebab-case name; one line.
    build : callable
        ``build(BuildContext) -> Classifier``, untrained.
    options : mapping
        Typed options, or bare defaults.
    requires : tuple of str or None
        Distributions that compute the result; their versions enter the identity. None: derived from
        the imports in the plugin's source.
    min_side : int
        The smallest image side in pixels the network allows; smaller images are enlarged.
    probabilities : "calibrated" or "scores"
        Whether rows of ``predict_proba`` are meant as probabilities or only rank the classes.
    deterministic : bool
        Whether the seed changes nothing: training again, on the same images, gives the same model.
        The ranks then take its spread over seeds to be zero even where it was trained once.
    precisions : tuple
        What ``--precision`` may choose from for this model.
    load : callable or None
        ``load(folder, BuildContext) -> Classifier``, trained, from what ``save(folder)`` wrote.
    resumes : bool
        Whether ``fit`` goes on from its checkpoint folder after an interruption.
    budgets : mapping
        Option values for ``--budget quick`` and ``smoke`` that differ from the general rule.
    embedded_options : mapping
        Defaults on embedded data: a few thousand images need smaller batches than the published
        sets, and a first look fewer passes. They enter the identity.
    bfloat16_holds : bool
        Whether bfloat16 is known to keep its accuracy on small data too: ``--precision auto`` takes
        it only then.
    timeout_seconds : float or None
        A wall-clock limit of its own, where ``--timeout`` gives none.
    seconds_per_image : float or None
        Rough cost of fitting one image of 28×28 pixels with the default options on one core (AMD
        Zen 3), for the first estimate; it is scaled to this machine, the pixels and the epochs.
    shipped : Path or None
        The folder of a trained trial that comes with the plugin (``record.json``, ``model/``): it
        reads photos without any training and takes part in runs on own folders.
    declares : mapping of str to str
        Checks of ``bench check`` that cannot hold for this model, each with the reason.
    """

    name: str
    summary: str
    build: Callable[[BuildContext], Classifier]
    options: Mapping[str, Option | OptionValue] = field(default_factory=dict)
    requires: tuple[str, ...] | None = None
    min_side: int = 1
    probabilities: Literal["calibrated", "scores"] = "calibrated"
    deterministic: bool = False
    precisions: tuple[Precision, ...] = ("float32",)
    load: Callable[[Path, BuildContext], Classifier] | None = None
    resumes: bool = False
    budgets: Mapping[str, Options] = field(default_factory=dict)
    embedded_options: Options = field(default_factory=dict)
    bfloat16_holds: bool = False
    timeout_seconds: float | None = None
    seconds_per_image: float | None = None
    shipped: Path | None = None
    declares: Mapping[str, str] = field(default_factory=dict)
    api: int = API_VERSION
