"""The folds of an own folder, in the data cache: no writer is ever on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.loading.cache import cache_folder, open_split, write_split
from bench.loading.refs import LoadedDataset, SplitRef
from bench.spec import ImageSet

__all__ = ["N_FOLDS", "Fold", "fold_samples", "make_folds"]
N_FOLDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One fold in the data cache; ``places`` are its test samples in the whole folder."""

    train: SplitRef
    test: SplitRef
    places: npt.NDArray[np.intp]


def fold_samples(
    labels: npt.NDArray[np.int64], groups: Sequence[str] | None, seed: int
) -> tuple[npt.NDArray[np.intp], str]:
    """Return the fold of each sample, and in words how they were made.

    By person where at least two are known, the persons spread so that folds hold about as many
    images; else by image, spread over the classes, which says less: a writer is on both sides.

    Parameters
    ----------
    labels : ndarray of shape (n,), int64
    groups : sequence of str or None
        The writer of each sample.

    Returns
    -------
    ndarray of shape (n,), intp
        From 0.
    str
    """
    generator = np.random.default_rng(seed)
    if groups is not None and len(set(groups)) > 1:
        names = np.array(groups)
        persons, counts = np.unique(names, return_counts=True)
        n_folds = min(N_FOLDS, len(persons))
        order = sorted(generator.permutation(len(persons)), key=lambda i: -counts[i])
        sizes = np.zeros(n_folds, dtype=np.intp)
        fold_of: dict[str, int] = {}
        for index in order:
            smallest = int(np.argmin(sizes))
            fold_of[str(persons[index])] = smallest
            sizes[smallest] += counts[index]
        folds = np.array([fold_of[str(name)] for name in names], dtype=np.intp)
        return folds, f"{n_folds} folds by person, {len(persons)} persons"
    if len(labels) < 2 * N_FOLDS:
        raise BenchError("too few images to fine-tune on", why=f"{len(labels)} of {2 * N_FOLDS}")
    folds = np.zeros(len(labels), dtype=np.intp)
    start = 0
    for label in np.unique(labels):
        own = generator.permutation(np.flatnonzero(labels == label))
        folds[own] = (start + np.arange(len(own))) % N_FOLDS
        start += len(own)
    return folds, f"{N_FOLDS} folds by image: writers unknown, so one may be on both sides"


def make_folds(
    folder: LoadedDataset, classes: Sequence[str], seed: int, cache_dir: Path | None = None
) -> tuple[tuple[Fold, ...], str]:
    """Write a folder's folds into the data cache, labels as indices into `classes`.

    Raises
    ------
    BenchError
        If the folder has no labels, a class that is not among `classes`, or too few images.
    """
    if folder.test is None or not folder.test.labelled:
        raise BenchError(f"{folder.name} cannot be fine-tuned on", why="its images have no labels")
    missing = [name for name in folder.classes if name not in classes]
    if missing:
        raise BenchError(
            f"{folder.name} cannot be fine-tuned on", why=f"the model has no class {missing[0]}"
        )
    whole = open_split(folder.test)
    assert whole.labels is not None
    columns = np.array([list(classes).index(name) for name in folder.classes], dtype=np.int64)
    samples = ImageSet(
        pixels=np.asarray(whole.pixels),
        labels=columns[whole.labels],
        names=whole.names,
        groups=whole.groups,
        unread=whole.unread,
        looks=whole.looks,
    )
    fold_of, note = fold_samples(whole.labels, whole.groups, seed)
    cache = cache_folder(cache_dir)
    is_read = np.ones(len(whole), dtype=np.bool_) if whole.unread is None else ~whole.unread
    folds = []
    for number in range(int(fold_of.max()) + 1):
        places = np.flatnonzero(fold_of == number)
        folds.append(
            Fold(
                train=write_split(
                    samples.take(np.flatnonzero((fold_of != number) & is_read)),
                    tuple(classes),
                    cache,
                ),
                test=write_split(samples.take(places), tuple(classes), cache),
                places=places,
            )
        )
    return tuple(folds), note
