"""What every dataset must satisfy."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.loading.validate import check_dataset
from bench.spec import Dataset, ImageSet

CLASSES = tuple("0123456789")
MakeSplit = Callable[..., ImageSet]


def _message(dataset: Dataset) -> str:
    with pytest.raises(DataError) as caught:
        check_dataset(dataset, "file.h5")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _train(split: ImageSet, **changes: Any) -> Dataset:
    return Dataset(classes=CLASSES, train=replace(split, **changes))


@pytest.mark.parametrize(
    "floats", [pytest.param(False, id="uint8"), pytest.param(True, id="float32")]
)
def test_a_sound_dataset_passes(make_split: MakeSplit, floats: bool) -> None:
    check_dataset(
        Dataset(
            classes=CLASSES,
            train=make_split(floats=floats),
            test=make_split(5, shape=(6, 6, 3), floats=floats),
        ),
        "file.h5",
    )


def test_no_split_at_all() -> None:
    assert _message(Dataset(classes=CLASSES)) == (
        "file.h5: it holds neither a training nor a test split"
    )


def test_repeated_class_names(make_split: MakeSplit) -> None:
    assert "class names are missing or not unique" in _message(
        Dataset(classes=("1", "1"), train=make_split())
    )


def test_wrong_dimensions(make_split: MakeSplit) -> None:
    flat = make_split().pixels.reshape(20, 16)
    assert _message(_train(make_split(), pixels=flat)) == (
        "file.h5, training split: images of shape (20, 16) are not (n, height, width, channels)"
    )


def test_no_images(make_split: MakeSplit) -> None:
    empty = make_split(0)
    assert _message(Dataset(classes=CLASSES, train=make_split(), test=empty)) == (
        "file.h5, test split: it holds no image"
    )


def test_images_without_pixels_or_with_many_channels(make_split: MakeSplit) -> None:
    for shape in ((0, 4, 1), (4, 4, 7)):
        assert "cannot be used" in _message(
            _train(make_split(), pixels=np.zeros((20, *shape), np.uint8))
        )


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        pytest.param("int64", "pixels are int64, neither uint8 nor floating point", id="int64"),
        pytest.param("bool", "pixels are bool, neither uint8 nor floating point", id="bool"),
        pytest.param("complex64", "pixels are complex64", id="complex"),
    ],
)
def test_pixels_of_another_type(make_split: MakeSplit, dtype: str, message: str) -> None:
    split = make_split()
    assert message in _message(_train(split, pixels=np.zeros(split.pixels.shape, dtype)))


@pytest.mark.parametrize("bad", [pytest.param(np.nan, id="nan"), pytest.param(np.inf, id="inf")])
def test_a_pixel_that_is_no_number_is_named(make_split: MakeSplit, bad: float) -> None:
    pixels = make_split(9000, floats=True).pixels
    pixels[5000, 1, 1, 0] = bad
    assert _message(_train(make_split(9000), pixels=pixels)) == (
        "file.h5, training split: image 5000 has NaN or infinite pixels"
    )


def test_pixels_out_of_range(make_split: MakeSplit) -> None:
    pixels = make_split(floats=True).pixels * 2 - 0.5
    pixels[0, 0, 0, 0], pixels[1, 0, 0, 0] = -0.5, 1.5
    assert "pixels reach from -0.5 to 1.5, outside [0, 1]" in _message(
        _train(make_split(), pixels=pixels)
    )


def test_counts_of_images_and_labels_differ(make_split: MakeSplit) -> None:
    assert _message(_train(make_split(), labels=np.arange(19))) == (
        "file.h5, training split: it has 20 images but 19 labels"
    )


def test_counts_of_names_and_groups_differ(make_split: MakeSplit) -> None:
    assert "20 images but 1 sample names" in _message(_train(make_split(), names=("a",)))
    assert "20 images but 1 groups" in _message(_train(make_split(), groups=("a",)))


@pytest.mark.parametrize("label", [pytest.param(10, id="above"), pytest.param(-1, id="below")])
def test_a_label_outside_the_classes_is_named(make_split: MakeSplit, label: int) -> None:
    labels = np.arange(20) % 10
    labels[7] = label
    assert _message(_train(make_split(), labels=labels)) == (
        f"file.h5, training split: label {label} of image 7 is outside the 10 classes (0 to 9)"
    )


def test_labels_that_are_no_whole_numbers(make_split: MakeSplit) -> None:
    assert "type float64" in _message(_train(make_split(), labels=np.zeros(20)))


def test_one_class_only(make_split: MakeSplit) -> None:
    assert _message(_train(make_split(), labels=np.full(20, 3))) == (
        "file.h5, training split: it holds only one class; nothing can be learnt from it"
    )


def test_one_class_is_enough_to_be_tested_on(make_split: MakeSplit) -> None:
    check_dataset(Dataset(classes=CLASSES, test=make_split(labels=np.full(20, 3))), "file.h5")


def test_a_training_split_needs_labels(make_split: MakeSplit) -> None:
    assert _message(_train(make_split(), labels=None)) == (
        "file.h5, training split: it has no labels"
    )


def test_only_a_dataset_for_prediction_may_lack_labels(make_split: MakeSplit) -> None:
    unlabelled = make_split(labels=None)
    check_dataset(Dataset(classes=CLASSES, test=unlabelled), "test.csv")
    assert "file.h5, test split: it has no labels" in _message(
        Dataset(classes=CLASSES, train=make_split(), test=unlabelled)
    )
