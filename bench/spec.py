"""What plugins exchange with the harness: image sets, datasets, specs, the classifier protocol.

numpy is imported by what uses it: listing needs none of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from bench.contracts.events import EpochEnded, State, Told, TrialFinished, TrialStarted
from bench.contracts.metric import Interval, MetricSpec, Predictions
from bench.errors import BenchError
from bench.options import Option, Options, OptionValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Images: TypeAlias = npt.NDArray[Any]
    Labels: TypeAlias = npt.NDArray[np.int64]
    Probabilities: TypeAlias = npt.NDArray[np.float32]
else:
    Images = Labels = Probabilities = Any

__all__ = [
    "UNREAD",
    "BuildContext",
    "Classifier",
    "Dataset",
    "DatasetSpec",
    "Description",
    "Epoch",
    "EpochEnded",
    "Finding",
    "FitContext",
    "ImageSet",
    "Interval",
    "LabelError",
    "Layer",
    "LoadContext",
    "MetricSpec",
    "ModelSpec",
    "Predictions",
    "ReporterSpec",
    "State",
    "Style",
    "Told",
    "TrialFinished",
    "TrialStarted",
    "Whole",
    "as_float",
]

API_VERSION = 1
REPORTER_API = 2
UNREAD = -1
"""What stands for the class of an image that was not read: it is wrong whatever the truth is."""
Shape: TypeAlias = tuple[int, int, int]
Precision: TypeAlias = Literal["float32", "bfloat16"]


class Style(StrEnum):
    """What kind of picture a dataset holds; preprocessing of photos depends on it."""

    HANDWRITTEN = "handwritten"
    NATURAL = "natural"


def as_float(pixels: Images) -> "npt.NDArray[np.float32]":
    """Return pixels as float32 in [0, 1]; uint8 stands for value / 255."""
    import numpy as np

    if pixels.dtype == np.uint8:
        return np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
    return np.asarray(pixels, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """Images with what is known about each.

    Parameters
    ----------
    pixels : ndarray of shape (n, height, width, channels)
        As stored, often memory-mapped: uint8 (0 to 255) or float32 in [0, 1].
    labels : ndarray of shape (n,), int64, or None
        Indices into the dataset's classes.
    names : tuple of str
        A name per sample (a file's, relative to its folder), or empty.
    groups : tuple of str or None
        The writer of each sample, where known.
    unread : ndarray of shape (n,), bool, or None
        Samples of which no digit could be made: each keeps its place, blank, and counts as wrong
        for every model. None: there are none.
    looks : ndarray of shape (n, k, height, width, channels), or None
        Further pictures of the same samples, of the kind of ``pixels``: a model's answer is pooled
        over all of them (`bench.scoring.looks`). They are never trained on. The last one changes
        least between two photos of one page. None: there are none.
    """

    pixels: Images
    labels: "Labels | None" = None
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    unread: "npt.NDArray[np.bool_] | None" = None
    looks: "Images | None" = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def images(self) -> "npt.NDArray[np.float32]":
        """(n, height, width, channels), float32 in [0, 1]; converted at each call."""
        return as_float(self.pixels)

    @property
    def steadiest(self) -> Images:
        """Of each sample's pictures the one that changes least between two photos of one page."""
        return self.pixels if self.looks is None else self.looks[:, -1]

    @property
    def shape(self) -> Shape:
        """Height, width and channels of each image."""
        _, height, width, channels = self.pixels.shape
        return height, width, channels

    def take(self, indices: "npt.NDArray[np.intp]") -> "ImageSet":
        """Return the samples at `indices`, in that order."""
        return ImageSet(
            pixels=self.pixels[indices],
            labels=None if self.labels is None else self.labels[indices],
            names=tuple(self.names[i] for i in indices) if self.names else (),
            groups=None if self.groups is None else tuple(self.groups[i] for i in indices),
            unread=None if self.unread is None else self.unread[indices],
            looks=None if self.looks is None else self.looks[indices],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know about one sample, and what to do about it.

    Where ``is_lost`` the sample is not scored, or counts as wrong: a run says so.
    """

    sample: str
    code: str
    fault: str
    remedy: str
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What was counted over all images of a test split that is only a sample of them.

    Parameters
    ----------
    n : int
        Images.
    class_counts : mapping of str to int, or None
        How many there are of each class; None without labels.
    n_groups : int or None
        Writers, where they are known.
    """

    n: int
    class_counts: Mapping[str, int] | None = None
    n_groups: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a dataset plugin's ``load`` returns.

    Parameters
    ----------
    classes : tuple of str
        Class names; a label is an index into them.
    train, test : ImageSet or None
        The splits; a dataset without ``train`` is evaluation-only. One with neither label nor
        ``train`` is for prediction only.
    notes : tuple of str
        What a person should know (how a folder was read, a leading zero put back).
    findings : tuple of Finding
        Findings on single samples.
    truths : mapping of str to str
        For each writer, or each photo of a whole ID, the ID as a text, where known.
    submission : tuple of str
        The two columns in which a competition wants the predictions of the test split, whose
        ``names`` are then its rows' ids; empty: it is none.
    details : tuple of str
        What ``bench data inspect`` adds to the notes (the readings that were rejected, and why).
    doubt : str
        Why the labels may be none, and the option that says they are: until then nothing is trained
        on them or scored. Empty where they are known.
    whole : Whole or None
        What was counted over all images, where ``test`` is a sample of them; see
        ``LoadContext.look_at``.
    folder : Path or None
        Where the samples' names are files: reports and contact sheets show these photos.
    """

    classes: tuple[str, ...]
    train: ImageSet | None = None
    test: ImageSet | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    truths: Mapping[str, str] = field(default_factory=dict)
    submission: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    doubt: str = ""
    whole: Whole | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadContext:
    """What a dataset plugin's ``load`` is told."""

    paths: tuple[Path, ...]
    """The files found, in the order of the alternative of ``DatasetSpec.files`` that fitted; or the
    one file or folder named on the command line."""
    options: Options
    work_dir: Path
    """A private folder for generated files; it may be deleted at any time."""
    name: str = ""
    """The name the dataset goes by, for messages that say which option to set."""
    look_at: int | None = None
    """Where only a look is wanted, how many images it takes: a dataset with many more may return an
    even sample of so many, with ``Dataset.whole``. None: all are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelError:
    """A test image whose label people doubt.

    Parameters
    ----------
    image : str
        The hash of its content, 16 hexadecimal digits, as `bench.loading.cache.image_hashes` gives
        it as a number: wherever the image stands in a test split, it is found.
    label : str
        The class its label says; with another label it is not doubted.
    source : str
        Who found it, in a few words.
    """

    image: str
    label: str
    source: str

    def __post_init__(self) -> None:
        """Refuse what is no hash of an image."""
        if len(self.image) != 16 or set(self.image) - set("0123456789abcdef"):
            raise BenchError(
                f"a label error of the image {self.image!r}",
                why="an image is named by the 16 hexadecimal digits of its hash",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset plugin's registration.

    Parameters
    ----------
    name, summary : str
        Kebab-case name; one line.
    load : callable
        ``load(LoadContext) -> Dataset``; raises `bench.errors.DataError` on bad input.
    options : mapping
        Typed options, or bare defaults.
    provides : tuple
        ``("train", "test")``, or ``("test",)`` for an evaluation-only dataset.
    files : tuple of tuple of str
        Alternatives; each is the set of file names that together hold the dataset, perhaps with the
        folder they lie in; ``{option}`` stands for the value of an option. Empty for embedded data.
    not_in : tuple of str
        Parts of the names of folders that are not searched: they hold another dataset's files
        under the same names.
    reads_folders : bool
        Whether ``load`` finds its files in a named folder itself, whatever they are called.
    style : Style
        Handwriting, or digits in natural scenes.
    source, licence, how_to_get : str
        Where it comes from, under which terms, and what a person does to have it.
    embedded : str
        For data that ships with digitbench: what it is, in words shown beside every result
        ("synthetic digits, not SVHN"); empty otherwise.
    fetch : mapping of str to str
        For ``bench data fetch``: URL to ``"sha256:…"``, or ``"md5:…"`` where nothing better is
        known.
    label_errors : tuple of LabelError
        Test images whose label is in doubt: boards say how far they reach, ``bench show errors``
        marks them.
    images_may_be_published : bool
        Whether its licence lets ``bench publish`` show some of its images on a public page.
    views : mapping of Style to mapping
        Option values that a model trained on data of that style needs this dataset read with.
    """

    name: str
    summary: str
    load: Callable[[LoadContext], Dataset]
    options: Mapping[str, Option | OptionValue] = field(default_factory=dict)
    provides: tuple[str, ...] = ("train", "test")
    files: tuple[tuple[str, ...], ...] = ()
    not_in: tuple[str, ...] = ()
    reads_folders: bool = False
    style: Style = Style.HANDWRITTEN
    source: str = ""
    licence: str = ""
    how_to_get: str = ""
    embedded: str = ""
    fetch: Mapping[str, str] = field(default_factory=dict)
    label_errors: tuple[LabelError, ...] = ()
    images_may_be_published: bool = False
    views: Mapping[Style, Options] = field(default_factory=dict)
    api: int = API_VERSION


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterSpec:
    """A report format: ``bench report --format NAME=PATH`` calls ``write(views, path)``.

    ``views`` holds each view that the store has results for by its name, computed: its ``columns``,
    its ``records`` (a dictionary a row) and its ``value``, as `bench.views.Computed` says. With
    ``api=1`` it is the list of the leaderboard's rows instead.
    """

    name: str
    summary: str
    write: Callable[[Any, Path], None]
    api: int = REPORTER_API
