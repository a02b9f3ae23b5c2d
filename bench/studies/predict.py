"""Reading digits and IDs from photos, folders and tables with a trained model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.discovery import Plugins
from bench.errors import BenchError, DataError
from bench.images.decode import is_image_name, read_photo
from bench.images.preprocess import preprocess
from bench.images.preprocess_options import PREPROCESS_OPTIONS, PreprocessOptions
from bench.images.shape import adapt
from bench.images.strips import segment_strip
from bench.loading import load_dataset, open_split
from bench.options import Options, OptionValue, resolve_options
from bench.spec import Classifier, Style, as_float
from bench.studies.trained import Trained

__all__ = ["DigitReading", "Reading", "read_path"]

UNCERTAIN_BELOW = 0.8
_FLAT_LEVELS = 8  # grey levels of 255: less than the faintest pencil
_TABLES = (".csv", ".csv.gz", ".zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitReading:
    """One digit: the likeliest class and the runner-up, with their probabilities.

    The probabilities are None for a model that gives scores which only rank the classes. ``image``
    is what the model saw, (height, width, channels), float32 in [0, 1]; None for tables.
    """

    digit: str
    probability: float | None
    second: str
    second_probability: float | None
    image: npt.NDArray[np.float32] | None = None
    name: str = ""

    @property
    def is_uncertain(self) -> bool:
        """Whether the default abstention would not read it."""
        return self.probability is not None and self.probability < UNCERTAIN_BELOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one photo, one person's folder or one table says, line by line."""

    source: str
    lines: tuple[tuple[DigitReading, ...], ...]
    truth: str = ""
    findings: tuple[str, ...] = ()
    is_table: bool = False

    @property
    def digits(self) -> tuple[DigitReading, ...]:
        """All digits in reading order."""
        return tuple(digit for line in self.lines for digit in line)

    @property
    def text(self) -> str:
        """The digits as one text, lines separated by ``/``."""
        return "/".join("".join(digit.digit for digit in line) for line in self.lines)


def read_path(
    path: Path, plugins: Plugins, trained: Trained, *, options: Options, threads: int = 1
) -> Iterator[Reading]:
    """Yield the readings of a photo, a folder of photos, or a table of pixels.

    Parameters
    ----------
    options : mapping
        Options of ``image-folder`` (``preprocess`` and its steps).

    Raises
    ------
    BenchError
        If the path is none of these, or cannot be read.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    model = _Model(trained, threads)
    if path.is_dir():
        yield from _read_folder(path, plugins, model, options)
    elif is_image_name(path.name):
        yield _read_photo(path, model, options)
    elif path.name.lower().endswith(_TABLES):
        yield _read_table(path, plugins, model)
    else:
        raise DataError(
            f"{path.name} cannot be read",
            why="it is no picture, folder or table of pixels by its name",
            fix="give a JPEG or PNG, a folder of them, or Kaggle's test.csv",
        )


class _Model:
    """State: a trained model, loaded when the first image is there."""

    def __init__(self, trained: Trained, threads: int) -> None:
        self.trained = trained
        self._threads = threads
        self._classifier: Classifier | None = None

    @property
    def is_natural(self) -> bool:
        """Whether it was trained on digits in natural scenes, which need other preprocessing."""
        return self.trained.record.train_style == Style.NATURAL

    def read(
        self, images: npt.NDArray[np.float32], names: Sequence[str] = ()
    ) -> list[DigitReading]:
        """Return a reading for each image of (n, height, width, channels)."""
        if not len(images):
            return []
        if self._classifier is None:
            self._classifier = self.trained.load(self._threads)
        shown = adapt(images, self.trained.record.image_shape)
        classifier, classes = self._classifier, self.trained.record.classes
        probabilities = np.asarray(classifier.predict_proba(shown))
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
        predict = getattr(classifier, "predict", None)
        first = np.asarray(predict(shown)) if callable(predict) else order[:, 0]
        second = np.where(order[:, 0] == first, order[:, -1], order[:, 0])
        is_probability = self.trained.record.probabilities == "calibrated"
        return [
            DigitReading(
                digit=classes[a],
                probability=float(probabilities[i, a]) if is_probability else None,
                second=classes[b],
                second_probability=float(probabilities[i, b]) if is_probability else None,
                image=shown[i],
                name=names[i] if names else "",
            )
            for i, (a, b) in enumerate(zip(first, second, strict=True))
        ]


def _read_photo(path: Path, model: _Model, options: Options) -> Reading:
    """Read one photo: of one digit, or of several on one or more lines."""
    natural: dict[str, OptionValue] = {"preprocess": "natural", "side_px": 32}
    asked = {**(natural if model.is_natural else {}), **options}
    steps = PreprocessOptions.of(resolve_options("image-folder", PREPROCESS_OPTIONS, asked))
    photo = read_photo(path)
    strip = segment_strip(photo, steps)
    faults = list(strip.faults)
    lines = strip.lines
    if len(strip.digits) <= 1:
        one = preprocess(photo, steps)
        is_flat = not strip.lines and int(np.ptp(photo)) < _FLAT_LEVELS
        if is_flat or any(fault.code == "blank" for fault in one.faults):
            lines = ()
        else:
            lines, faults = ((one,),), list(one.faults)
    images = [digit.image for line in lines for digit in line]
    readings = iter(model.read(as_float(np.stack(images)[..., np.newaxis])) if images else [])
    return Reading(
        source=path.name,
        lines=tuple(tuple(next(readings) for _ in line) for line in lines),
        findings=tuple(f"{fault.fault}: {fault.remedy}" for fault in faults),
    )


def _read_folder(
    folder: Path, plugins: Plugins, model: _Model, options: Options
) -> Iterator[Reading]:
    """Read a folder as ``image-folder`` does: by person where persons are known, else by file."""
    spec = plugins.datasets.get("image-folder")
    if spec is None:
        raise BenchError("folders cannot be read", why="the image-folder plugin did not load")
    view = spec.views.get(Style.NATURAL, {}) if model.is_natural else {}
    loaded = load_dataset(spec, settings={**view, **options}, path=folder)
    if loaded.test is None:
        raise DataError(f"{folder.name} holds no image")
    split = open_split(loaded.test)
    readings = model.read(split.images, split.names)
    sources = split.groups if split.groups is not None else split.names
    by_source: dict[str, list[int]] = {}
    for index, source in enumerate(sources):
        by_source.setdefault(source.partition("#")[0], []).append(index)
    for source, indices in by_source.items():
        truth = loaded.truths.get(source, "")
        if not truth and split.labels is not None:
            truth = "".join(loaded.classes[split.labels[i]] for i in indices)
        names = {split.names[i] for i in indices} if split.names else set()
        yield Reading(
            source=source,
            lines=(tuple(readings[i] for i in indices),),
            truth=truth,
            findings=tuple(
                f"{finding.sample}: {finding.fault}; {finding.remedy}"
                for finding in loaded.findings
                if finding.sample in names or finding.sample == source
            ),
        )


def _read_table(path: Path, plugins: Plugins, model: _Model) -> Reading:
    """Read a table of pixels, labelled or not."""
    spec = plugins.datasets.get("mnist-csv")
    if spec is None:
        raise BenchError("tables cannot be read", why="the mnist-csv plugin did not load")
    loaded = load_dataset(spec, path=path)
    if loaded.test is None:
        raise DataError(f"{path.name} holds no image")
    if loaded.train is not None:
        raise DataError(
            f"{path.name} is labelled",
            why="predict reads tables without labels, such as Kaggle's test.csv",
            fix=f"score it instead: bench run -d mnist-csv={path}",
        )
    split = open_split(loaded.test)
    return Reading(source=path.name, lines=(tuple(model.read(split.images)),), is_table=True)
