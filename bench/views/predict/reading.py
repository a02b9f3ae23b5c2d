"""Reading digits and IDs from photos, folders and tables with a trained model."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from msgspec import structs

from bench.errors import BenchError, DataError, OptionError, UndecidedError
from bench.images.preprocess_options import PREPROCESS_OPTIONS, PreprocessOptions
from bench.images.read import read_file
from bench.images.sample_names import file_of, ids_of, line_of
from bench.images.shape import adapt
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.loading.sniff import Own, sniff
from bench.options import Options, resolve_options
from bench.plugins.discovery import Plugins
from bench.plugins.guarding import undisturbed
from bench.scoring.abstention import Abstention, abstention_curve
from bench.scoring.looks import pooled
from bench.spec import Classifier, DatasetSpec, Finding, Style, as_float
from bench.views.predict.trained import Trained

__all__ = ["UNREAD", "DigitReading", "Reading", "Readings", "read_path"]

UNREAD: Final = "–"  # stands where no digit could be made of a photo: an ID keeps its places


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitReading:
    """One digit: the likeliest class and the runner-up, with their probabilities.

    The probabilities are None for a model that gives scores which only rank the classes. ``image``
    is what the model saw, (height, width, channels), float32 in [0, 1]; None for tables. ``truth``
    is empty where it is not known.
    """

    digit: str
    probability: float | None
    second: str = ""
    second_probability: float | None = None
    image: npt.NDArray[np.float32] | None = None
    name: str = ""
    truth: str = ""

    def is_uncertain(self, below: float) -> bool:
        """Whether the model would abstain: it is less sure than `below`, or saw no digit."""
        if not self.is_read:
            return True
        return self.probability is not None and self.probability < below

    @property
    def is_read(self) -> bool:
        """Whether a digit could be made of the photo."""
        return self.digit != UNREAD

    @property
    def is_wrong(self) -> bool:
        """Whether the truth is known and another."""
        return bool(self.truth) and self.digit != self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one photo, one person's folder or one table says, line by line.

    ``truth`` is the whole ID, or the digit of a photo of one; empty where it is not known.
    """

    source: str
    lines: tuple[tuple[DigitReading, ...], ...]
    truth: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def digits(self) -> tuple[DigitReading, ...]:
        """All digits in reading order."""
        return tuple(digit for line in self.lines for digit in line)

    @property
    def text(self) -> str:
        """The digits as one text, lines separated by ``/``."""
        return "/".join("".join(digit.digit for digit in line) for line in self.lines)

    @property
    def is_right(self) -> bool:
        """Whether the whole ID is known and was read right."""
        return bool(self.truth) and self.text.replace("/", "") == self.truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What one path says; ``findings`` are those on no reading, as a file that is no picture."""

    source: str
    kind: Literal["photo", "folder", "table"]
    readings: tuple[Reading, ...]
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    steps: PreprocessOptions | None = None
    """How photos were prepared; None of a table."""
    columns: tuple[str, ...] = ()
    """The two columns in which a competition wants it handed in; empty: it said nothing."""

    @property
    def digits(self) -> tuple[DigitReading, ...]:
        """All digits of all readings, in order."""
        return tuple(digit for reading in self.readings for digit in reading.digits)

    def answered(self, below: float) -> Abstention | None:
        """Return what is left where the model may abstain; None without truths or probabilities."""
        known = [each for each in self.digits if each.truth]
        if not known or any(each.probability is None for each in known):
            return None
        sure = np.array([each.probability for each in known], dtype=np.float64)
        right = np.array([not each.is_wrong for each in known])
        return abstention_curve(sure, right, thresholds=(below,))[0]


def read_path(
    path: Path, plugins: Plugins, trained: Trained, *, options: Options, threads: int = 1
) -> Readings:
    """Read a photo, a folder of photos, or a file or folder of arrays.

    Parameters
    ----------
    options : mapping
        Options of ``image-folder`` (``preprocess`` and its steps), or of ``arrays``.

    Raises
    ------
    BenchError
        If the path is none of these, or cannot be read.
    """
    kind = sniff(path)
    model = _Model(trained, threads)
    if kind is Own.ARRAYS:
        return _read_arrays(path, plugins, model, options)
    folder = _spec(plugins, "image-folder")
    if kind is Own.PHOTOS:
        return _read_folder(path, folder, model, options)
    asked = resolve_options("image-folder", PREPROCESS_OPTIONS, model.options(folder, options))
    steps = PreprocessOptions.of(asked)
    reading = _read_photo(path, model, steps)
    return Readings(source=reading.source, kind="photo", readings=(reading,), steps=steps)


def _spec(plugins: Plugins, name: str) -> DatasetSpec:
    if name not in plugins.datasets:
        raise BenchError("this cannot be read", why=f"the {name} plugin did not load")
    return plugins.datasets[name]


class _Model:
    """State: a trained model, loaded when the first image is there."""

    def __init__(self, trained: Trained, threads: int) -> None:
        self.trained = trained
        self._threads = threads
        self._classifier: Classifier | None = None

    def options(self, folder: DatasetSpec, asked: Options) -> Options:
        """Return how photos are prepared for it: a model of natural scenes sees other pictures."""
        return {**folder.views.get(Style(self.trained.record.train_style), {}), **asked}

    def fit(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return a picture (height, width) as the model takes it, (height, width, channels)."""
        one = as_float(image)[np.newaxis, ..., np.newaxis]
        fitted: npt.NDArray[np.float32] = adapt(one, self.trained.record.image_shape)[0]
        return fitted

    def read(
        self,
        images: npt.NDArray[np.float32],
        names: Sequence[str] = (),
        looks: Sequence[npt.NDArray[np.float32]] = (),
    ) -> list[DigitReading]:
        """Return a reading for each image (n, height, width, channels), pooled over its looks."""
        if not len(images):
            return []
        classes = self.trained.record.classes
        shown = adapt(images, self.trained.record.image_shape)
        further = [adapt(look, self.trained.record.image_shape) for look in looks]
        probabilities = self._probabilities([shown, *further])
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
        predict = getattr(self._classifier, "predict", None)
        with undisturbed():
            first = np.asarray(predict(shown)) if callable(predict) and not looks else order[:, 0]
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

    def _probabilities(
        self, pictures: Sequence[npt.NDArray[np.float32]]
    ) -> npt.NDArray[np.float32]:
        """Return what the model says of images and their looks, a column a class of its record."""
        record, what = self.trained.record, f"{self.trained.record.model} cannot read this"
        try:
            with undisturbed():
                if self._classifier is None:
                    self._classifier = self.trained.load(self._threads)
                found = pooled([self._classifier.predict_proba(each) for each in pictures])
        except BenchError:
            raise
        except Exception as error:  # foreign code, and a record that may be another model's
            raise BenchError(what, why=f"{type(error).__name__}: {error}") from error
        if found.shape != (len(pictures[0]), len(record.classes)):
            why = f"it returned {found.shape}, and its record names {len(record.classes)} classes"
            raise BenchError(what, why=why, fix="train it again")
        return found


def _read_photo(path: Path, model: _Model, steps: PreprocessOptions) -> Reading:
    """Read one photo: of one digit, or of several on one or more lines."""
    strip = read_file(path, steps)
    pictures = [tuple(map(model.fit, (each.image, *each.looks))) for each in strip.digits]
    images = [np.stack(look) for look in zip(*pictures, strict=True)]
    read = model.read(images[0], looks=images[1:]) if images else []
    readings = iter(
        _of_a_digit(reading, seen.is_digit)
        for reading, seen in zip(read, strip.digits, strict=True)
    )
    name = os.fsencode(path.name).decode("utf-8", "backslashreplace")  # it may be no text
    return Reading(
        source=name,
        lines=tuple(tuple(next(readings) for _ in line) for line in strip.lines),
        findings=tuple(
            Finding(sample=name, code=each.code, fault=each.fault, remedy=each.remedy)
            for each in strip.faults
        ),
    )


def _of_a_digit(reading: DigitReading, share: float) -> DigitReading:
    """Return a reading whose probabilities count that it may be no digit at all."""
    if reading.probability is None or reading.second_probability is None:
        return reading
    return replace(
        reading,
        probability=reading.probability * share,
        second_probability=reading.second_probability * share,
    )


def _read_folder(folder: Path, spec: DatasetSpec, model: _Model, options: Options) -> Readings:
    """Read a folder as ``image-folder`` does: by person where persons are known, else by file."""
    loaded = _load_folder(folder, spec, model.options(spec, options))
    _require_same_classes(loaded, model.trained)
    if loaded.test is None:
        raise DataError(f"{folder.name} holds no image")
    split = open_split(loaded.test)
    looks = [] if split.looks is None else [*np.moveaxis(as_float(split.looks), 1, 0)]
    digits = model.read(split.images, split.names, looks)
    for i in np.flatnonzero(split.unread) if split.unread is not None else ():
        digits[i] = replace(digits[i], digit=UNREAD, probability=0.0, second="")
    if split.labels is not None:
        truths = [loaded.classes[label] for label in split.labels]
        digits = [replace(d, truth=truth) for d, truth in zip(digits, truths, strict=True)]
    by_source: dict[str, list[DigitReading]] = {}
    ids = ids_of(split.names, split.groups) or ("",) * len(digits)
    for digit, key in zip(digits, ids, strict=True):
        is_id = key and (split.labels is None or key in loaded.truths)
        by_source.setdefault(key if is_id else digit.name, []).append(digit)
    found = [_reading(source, own, loaded) for source, own in by_source.items()]
    placed = {finding for reading in found for finding in reading.findings}
    return Readings(
        source=folder.resolve().name,
        kind="folder",
        readings=tuple(found),
        steps=PreprocessOptions.of(loaded.options),
        notes=loaded.notes,
        findings=tuple(finding for finding in loaded.findings if finding not in placed),
    )


def _load_folder(folder: Path, spec: DatasetSpec, options: Options) -> LoadedDataset:
    """Load a folder; where its labels are in doubt it is read without, and the doubt is a note."""
    try:
        loaded = load_dataset(spec, settings=options, path=folder)
        if not loaded.doubt:
            return loaded
        doubt = loaded.doubt
    except UndecidedError as error:
        doubt = f"{error.why}; {error.fix}"
    loaded = load_dataset(spec, settings={**options, "labels": "none"}, path=folder)
    return structs.replace(loaded, notes=(f"layout: not scored: {doubt}", *loaded.notes[1:]))


def _require_same_classes(loaded: LoadedDataset, trained: Trained) -> None:
    """Refuse labels that the model has no class for: every reading would count as wrong."""
    is_labelled = loaded.test is not None and loaded.test.labelled
    unknown = [name for name in loaded.classes if name not in trained.record.classes]
    if is_labelled and unknown:
        raise OptionError(
            f"{loaded.name}: its classes are {', '.join(loaded.classes[:10])}",
            why=f"the model reads {', '.join(trained.record.classes[:10])}",
            fix="say which is which: --classes 0=NAME,1=NAME,…, or read them with --labels none",
        )


def _reading(source: str, digits: Sequence[DigitReading], loaded: LoadedDataset) -> Reading:
    names = {source, *(digit.name for digit in digits)}
    names |= {file_of(name) for name in names}
    return Reading(
        source=source,
        lines=tuple(tuple(own) for _, own in groupby(digits, lambda each: line_of(each.name))),
        truth=loaded.truths.get(source) or "".join(digit.truth for digit in digits),
        findings=tuple(finding for finding in loaded.findings if finding.sample in names),
    )


def _read_arrays(path: Path, plugins: Plugins, model: _Model, options: Options) -> Readings:
    """Read the images of a file or folder of arrays that have no labels."""
    spec = _spec(plugins, "arrays")
    foreign = plugins.datasets["image-folder"].options if "image-folder" in plugins.datasets else {}
    settings = {
        name: value
        for name, value in options.items()
        if name in spec.options or name not in foreign
    }
    loaded = load_dataset(spec, settings={**settings, "unlabelled": True}, path=path)
    if loaded.test is None:
        raise DataError(f"{path.name} holds no image")
    split = open_split(loaded.test)
    digits = [replace(digit, image=None) for digit in model.read(split.images, split.names)]
    reading = Reading(source=path.name, lines=(tuple(digits),))
    return Readings(
        source=path.name,
        kind="table",
        readings=(reading,),
        notes=loaded.notes,
        columns=loaded.submission,
    )
