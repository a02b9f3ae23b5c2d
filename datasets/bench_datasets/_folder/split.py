"""A train and a test split of an own folder: by person where persons are known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.errors import DataError

__all__ = ["LEAST_PER_CLASS", "Split", "own_split", "split_samples"]

LEAST_PER_CLASS: Final = 10
_TEST_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Places of the samples of each part, and in words how they were parted."""

    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]
    note: str


def split_samples(
    labels: npt.NDArray[np.int64],
    groups: tuple[str, ...] | None,
    classes: tuple[str, ...],
    seed: int,
) -> Split:
    """Part samples so that no writer is on both sides, where the writers are known.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Indices into `classes`.
    groups : tuple of str or None
        The writer of each sample.
    seed : int
        Decides which writers, or which samples of each class, are tested on.

    Raises
    ------
    DataError
        If a class has fewer than `LEAST_PER_CLASS` images, or would not be trained on.
    """
    _require_enough(labels, classes)
    generator = np.random.default_rng(seed)
    if groups is not None and len(set(groups)) > 1:
        is_test = _by_person(np.array(groups), generator)
        n = len(set(np.array(groups)[is_test]))
        note = f"split by person: {len(set(groups)) - n} persons trained on, {n} tested on"
    else:
        is_test = _by_image(labels, generator)
        note = "split by image: the writers are not known, so one may be on both sides"
    left = np.bincount(labels[~is_test], minlength=len(classes))
    present = np.unique(labels)
    if (left[present] == 0).any():
        lost = ", ".join(classes[i] for i in present if left[i] == 0)
        raise DataError(
            "this folder cannot be trained on",
            why=f"class {lost} is written by too few persons to have it on both sides",
            fix="add persons who wrote all classes",
        )
    return Split(train=np.flatnonzero(~is_test), test=np.flatnonzero(is_test), note=note)


def own_split(
    labels: npt.NDArray[np.int64], splits: Sequence[str], classes: tuple[str, ...]
) -> Split | None:
    """Return the split that the folder itself makes; None where it has no parts for both.

    A validation part is neither trained nor tested on where there is a test part as well.

    Raises
    ------
    DataError
        If a class that is tested on has no training images, or too few.
    """
    parts = np.array(splits)
    tested = "test" if "test" in splits else "validation"
    if "train" not in splits or tested not in splits:
        return None
    is_train, is_test = parts == "train", parts == tested
    _require_enough(labels[is_train], classes)
    lost = sorted(set(labels[is_test].tolist()) - set(labels[is_train].tolist()))
    if lost:
        raise DataError(
            "this folder cannot be trained on",
            why=f"class {classes[lost[0]]} is in the test part and not in the training part",
        )
    left = int((~(is_train | is_test)).sum())
    sizes = f"{is_train.sum():,} to train on, {is_test.sum():,} ({tested}) to test on"
    note = f"split as the folder is: {sizes}"
    note += f"; {left:,} in neither part are not used" if left else ""
    return Split(train=np.flatnonzero(is_train), test=np.flatnonzero(is_test), note=note)


def _require_enough(labels: npt.NDArray[np.int64], classes: tuple[str, ...]) -> None:
    counts = Counter(labels.tolist())
    if len(counts) < 2:
        raise DataError(
            "this folder cannot be trained on",
            why=f"classes with labelled images: {len(counts)}; two are needed",
        )
    rarest = min(counts, key=lambda label: (counts[label], label))
    if counts[rarest] < LEAST_PER_CLASS:
        raise DataError(
            "this folder cannot be trained on",
            why=f"class {classes[rarest]} has {counts[rarest]} images of {LEAST_PER_CLASS} needed",
            fix="add images, or use the folder for evaluation only: --folder",
        )


def _by_person(
    groups: npt.NDArray[np.str_], generator: np.random.Generator
) -> npt.NDArray[np.bool_]:
    is_test = np.zeros(len(groups), dtype=np.bool_)
    persons = generator.permutation(np.unique(groups))
    for person in persons[:-1]:
        if is_test.mean() >= _TEST_SHARE:
            break
        is_test |= groups == person
    return is_test


def _by_image(
    labels: npt.NDArray[np.int64], generator: np.random.Generator
) -> npt.NDArray[np.bool_]:
    is_test = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        own = generator.permutation(np.flatnonzero(labels == label))
        is_test[own[: max(1, round(_TEST_SHARE * len(own)))]] = True
    return is_test
