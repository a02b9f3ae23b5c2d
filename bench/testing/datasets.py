"""The contract of a dataset, as checks."""

from collections.abc import Callable
from unittest import SkipTest

import numpy as np

from bench.errors import DataError
from bench.loading.validate import check_dataset
from bench.spec import ImageSet
from bench.testing.cases import DatasetCase
from bench.testing.claims import require_cheap_import, require_sound_options

__all__ = ["DATASET_CHECKS"]


def check_import_is_cheap(case: DatasetCase) -> None:
    """Import no slow library together with the plugin."""
    if not (case.module or case.file):
        raise SkipTest("the case names neither a module nor a file")
    require_cheap_import(case.module, case.file)


def check_origin_is_told(case: DatasetCase) -> None:
    """Tell where the data comes from and how to get its files."""
    wanted = {"summary": "write one line: what is in it"}
    if case.spec.files:
        wanted["source"] = "name the people or the page it comes from"
        wanted["how_to_get"] = "say which file to put where"
    for name, remedy in wanted.items():
        if not getattr(case.spec, name):
            raise AssertionError(f"its registration has no {name}\n{remedy}")


def check_options_are_sound(case: DatasetCase) -> str | None:
    """Give every option a default within its own limits; a line of help is advised."""
    return require_sound_options(case.declared)


def check_splits_are_those_promised(case: DatasetCase) -> None:
    """Return exactly the splits that provides names."""
    there = tuple(name.replace("training", "train") for name in case.splits)
    if set(there) != set(case.spec.provides):
        raise AssertionError(
            f"provides names {', '.join(case.spec.provides)}, load returned {', '.join(there)}\n"
            "let provides say what is always there"
        )


def check_images_and_labels_are_sound(case: DatasetCase) -> None:
    """Return shapes, counts, labels and pixel values that can be trained on."""
    dataset = case.dataset
    try:
        check_dataset(dataset, case.spec.name)
    except DataError as error:
        raise AssertionError(f"{error.what}\n{error.why}") from error


def check_splits_have_one_shape(case: DatasetCase) -> None:
    """Give training and test images one shape."""
    shapes = {split.shape for split in case.splits.values()}
    if len(shapes) > 1:
        raise AssertionError(
            f"its splits have the shapes {' and '.join(map(str, sorted(shapes)))}\n"
            "bring them to one shape in load"
        )


def check_labels_are_int64(case: DatasetCase) -> None:
    """Give labels as int64, indices into the classes."""
    for name, split in case.splits.items():
        if split.labels is not None and split.labels.dtype != np.int64:
            raise AssertionError(
                f"labels of the {name} split are {split.labels.dtype}\nuse labels.astype(np.int64)"
            )


def check_classes_are_texts(case: DatasetCase) -> None:
    """Name classes by texts, for they are matched by name between datasets."""
    named: tuple[object, ...] = case.dataset.classes
    odd = [name for name in named if not isinstance(name, str) or not name.strip()]
    if odd:
        raise AssertionError(
            f"{odd[0]!r} is a class name\nuse a text such as '7': classes are matched by name"
        )


def check_loading_twice_gives_the_same(case: DatasetCase) -> None:
    """Give the same images in the same order when loaded again."""
    again = case.load()
    others = {"training": again.train, "test": again.test}
    for name, split in case.splits.items():
        if not _equal(split, others[name]):
            raise AssertionError(
                f"the {name} split differs when it is loaded again\n"
                "sort file names, and draw random numbers from a fixed seed"
            )


def check_splits_share_no_image(case: DatasetCase) -> None:
    """Keep training images out of the test split."""
    if len(case.splits) < 2:
        raise SkipTest("it has one split")
    train, test = ({image.tobytes() for image in split.pixels} for split in case.splits.values())
    shared = len(train & test)
    if shared:
        raise AssertionError(
            f"{shared:,} test images are also training images\n"
            "its rows are marked as leaks and not ranked: take the duplicates out of training"
        )


DATASET_CHECKS: tuple[Callable[[DatasetCase], str | None], ...] = (
    check_import_is_cheap,
    check_origin_is_told,
    check_options_are_sound,
    check_splits_are_those_promised,
    check_images_and_labels_are_sound,
    check_splits_have_one_shape,
    check_labels_are_int64,
    check_classes_are_texts,
    check_loading_twice_gives_the_same,
    check_splits_share_no_image,
)


def _equal(one: ImageSet, other: ImageSet | None) -> bool:
    if other is None:
        return False
    # Of splits without labels, None is compared with None.
    pairs = [(one.pixels, other.pixels), (np.asarray(one.labels), np.asarray(other.labels))]
    return one.names == other.names and all(np.array_equal(*pair) for pair in pairs)
