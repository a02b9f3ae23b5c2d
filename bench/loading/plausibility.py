"""A look at up to 500 images of a loaded dataset before anything is trained: what looks wrong.

Every finding is a warning in words with what to try; none stops a run.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.spec import Dataset, Style, as_float

__all__ = ["warnings_of"]

_LOOKED_AT: Final = 500
_FEWEST: Final = 100  # of labelled images, for what neighbours say
_BLANK, _BLANK_SHARE, _ONE_CLASS = 0.05, 0.2, 0.9
_TURNED: Final = 200  # of them, for seven ways to hold an image
_SIDE: Final = 12
_CONTRADICTED: Final = 0.12
_BETTER: Final = 0.25
_DIGITS: Final = tuple("0123456789")
_TURNS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "transposed (rows and columns swapped)": lambda x: x.transpose(0, 2, 1),
    "mirrored left to right": lambda x: x[:, :, ::-1],
    "upside down": lambda x: x[:, ::-1],
    "turned by a quarter to the right": lambda x: np.rot90(x, 1, (1, 2)),
    "turned by a quarter to the left": lambda x: np.rot90(x, -1, (1, 2)),
    "turned by half": lambda x: x[:, ::-1, ::-1],
}

Floats = npt.NDArray[np.float32]


def warnings_of(dataset: Dataset, style: Style) -> tuple[str, ...]:
    """Return what looks wrong with a dataset, each with what to try.

    Parameters
    ----------
    style : Style
        Neighbours say nothing of natural scenes.
    """
    split = dataset.train or dataset.test
    if split is None:
        return ()
    rows = np.unique(np.linspace(0, len(split) - 1, min(len(split), _LOOKED_AT)).astype(np.intp))
    images = _grey(as_float(np.asarray(split.pixels[rows])))
    found = list(_of_images(images))
    if split.labels is None:
        return tuple(found)
    found += _of_classes(_class_counts(dataset, split.labels), dataset.classes)
    if style is Style.HANDWRITTEN and len(rows) >= _FEWEST:
        found += _of_labels(_vectors(images), split.labels[rows], dataset.classes, images)
    return tuple(found)


def _grey(images: Floats) -> Floats:
    grey: Floats = images.mean(axis=3, dtype=np.float32)
    return grey


def _of_images(images: Floats) -> Iterator[str]:
    flat = images.reshape(len(images), -1)
    blank = flat.max(axis=1) - flat.min(axis=1) < _BLANK
    share = float(blank.mean())
    if share >= _BLANK_SHARE:
        yield (
            f"warning: {share:.0%} of the images are nearly blank: is the range of values right?"
            " try --set NAME.values=LOW..HIGH, and look at them: bench data inspect"
        )


def _class_counts(dataset: Dataset, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if dataset.whole is not None and dataset.whole.class_counts is not None:
        counted = dataset.whole.class_counts
        return np.array([counted.get(name, 0) for name in dataset.classes], dtype=np.int64)
    return np.bincount(labels, minlength=len(dataset.classes))


def _of_classes(counts: npt.NDArray[np.int64], classes: tuple[str, ...]) -> Iterator[str]:
    share = counts.max() / max(1, counts.sum())
    if share > _ONE_CLASS and counts.sum() > 1:
        yield (
            f"warning: {share:.0%} of the images are of class"
            f" {classes[int(counts.argmax())]}: is it"
            " the right column or key of labels? try --set NAME.labels=…"
        )
    missing = [name for name, count in zip(classes, counts, strict=True) if not count]
    if missing and len(missing) < len(classes):
        shown = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        yield (
            f"warning: {len(classes) - len(missing)} of {len(classes)} classes have images; none is"
            f" {shown}"
        )


def _vectors(images: Floats) -> Floats:
    """Return each image at 12×12, without its mean, of length 1."""
    small = _boxed(images)
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.sqrt((flat**2).sum(axis=1, keepdims=True))
    unit: Floats = flat / np.maximum(length, 1e-6)
    return unit


def _boxed(images: Floats) -> Floats:
    """Return the box of each image's ink, reduced to 12×12 by nearest pixels."""
    out = np.zeros((len(images), _SIDE, _SIDE), dtype=np.float32)
    for i, image in enumerate(images):
        ink = image > image.max() / 3
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if not len(rows):
            continue
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        side = max(box.shape)
        square = np.zeros((side, side), dtype=np.float32)
        top, left = (side - box.shape[0]) // 2, (side - box.shape[1]) // 2
        square[top : top + box.shape[0], left : left + box.shape[1]] = box
        at = np.minimum(((np.arange(_SIDE) + 0.5) * side / _SIDE).astype(np.intp), side - 1)
        out[i] = square[np.ix_(at, at)]
    return out


def _of_labels(
    vectors: Floats, labels: npt.NDArray[np.int64], classes: tuple[str, ...], images: Floats
) -> Iterator[str]:
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    agreed = float((labels[likeness.argmax(axis=1)] == labels).mean())
    shares = np.bincount(labels) / len(labels)
    if shares.max() > _ONE_CLASS or not vectors.any():
        return
    chance = float((shares**2).sum())
    if agreed < chance + _CONTRADICTED * (1 - chance):
        yield (
            f"warning: the nearest image has the same label in only {agreed:.0%} of cases, hardly"
            f" more than by chance ({chance:.0%}): labels in another order than the images, or"
            " scrambled pixels? compare some: bench data inspect"
        )
        return
    are_digits = np.isin(labels, [i for i, name in enumerate(classes) if name in _DIGITS])
    if are_digits.sum() >= _FEWEST and len(np.unique(labels[are_digits])) >= 5:
        yield from _of_orientation(images[are_digits], labels[are_digits], classes)


def _of_orientation(
    images: Floats, labels: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> Iterator[str]:
    known, digits = _references()
    if not len(known):
        return
    images, labels = images[:_TURNED], labels[:_TURNED]
    truth = np.array([int(classes[label]) for label in labels])

    def share_read(turned: Floats) -> float:
        nearest = (_vectors(turned) @ known.T).argmax(axis=1)
        return float((digits[nearest] == truth).mean())

    upright = share_read(images)
    others = {words: share_read(turn(images)) for words, turn in _TURNS.items()}
    words = max(others, key=lambda each: others[each])
    if others[words] > upright + _BETTER:
        is_swapped = "transposed" in words
        remedy = "try --set NAME.order=columns" if is_swapped else "turn them before they are read"
        yield (
            f"warning: the digits look {words}: {upright:.0%} are like upright handwriting of"
            f" their label, {others[words]:.0%} once they are turned back; {remedy}"
        )


@cache
def _references() -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return scikit-learn's scans as vectors, and their digits; none where it has no such file."""
    package = find_spec("sklearn")  # finds the folder, imports nothing
    folders = list(package.submodule_search_locations or ()) if package else []
    files = [Path(folder) / "datasets" / "data" / "digits.csv.gz" for folder in folders]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return np.zeros((0, _SIDE * _SIDE), np.float32), np.zeros(0, np.int64)
    with gzip.open(file, "rt", encoding="ascii") as lines:
        table: Any = np.loadtxt(lines, delimiter=",", dtype=np.float32, max_rows=400)
    scans = table[:, :-1].reshape(-1, 8, 8) / np.float32(16)
    return _vectors(scans), table[:, -1].astype(np.int64)
