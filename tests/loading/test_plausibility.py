"""The look at a dataset before it is trained on: what looks wrong is said, what is sound is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.loading.plausibility import warnings_of
from bench.spec import Dataset, ImageSet, Style
from bench_datasets.digits_uci import enlarge, read_scans

DIGITS = tuple("0123456789")


@pytest.fixture(scope="module")
def sound() -> tuple[Any, Any]:
    """Real handwriting, not that which it is compared with."""
    scans, digits = read_scans()
    return enlarge(scans[700:]), digits[700:]


def _warnings(pixels: Any, labels: Any, style: Style = Style.HANDWRITTEN) -> tuple[str, ...]:
    train = ImageSet(pixels=np.ascontiguousarray(pixels), labels=labels)
    return warnings_of(Dataset(classes=DIGITS, train=train), style)


def test_nothing_is_said_of_sound_digits(sound: tuple[Any, Any]) -> None:
    assert _warnings(*sound) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda x: x.transpose(0, 2, 1, 3), "look transposed", id="transposed"),
        pytest.param(lambda x: x[:, :, ::-1], "look mirrored left to right", id="mirrored"),
        pytest.param(lambda x: x[:, ::-1], "look upside down", id="upside-down"),
        pytest.param(lambda x: np.rot90(x, 1, (1, 2)), "look turned by a quarter", id="a-quarter"),
        pytest.param(lambda x: x // 200 * 2, "nearly blank", id="blank"),
    ],
)
def test_images_that_look_wrong_are_named(
    sound: tuple[Any, Any], change: Callable[[Any], Any], words: str
) -> None:
    pixels, labels = sound
    (warning, *_) = _warnings(change(pixels), labels)
    assert words in warning


def test_the_remedy_for_transposed_digits_is_an_option(sound: tuple[Any, Any]) -> None:
    pixels, labels = sound
    (warning,) = _warnings(pixels.transpose(0, 2, 1, 3), labels)
    assert warning.endswith("try --set NAME.order=columns")


def test_labels_of_other_images_are_named(sound: tuple[Any, Any]) -> None:
    pixels, labels = sound
    shuffled = np.random.default_rng(0).permutation(labels)
    (warning,) = _warnings(pixels, shuffled)
    assert "hardly more than by chance" in warning


def test_neighbours_say_nothing_of_natural_scenes(sound: tuple[Any, Any]) -> None:
    pixels, labels = sound
    shuffled = np.random.default_rng(0).permutation(labels)
    assert _warnings(pixels, shuffled, Style.NATURAL) == ()


def test_one_class_that_is_nearly_all_and_classes_without_images(sound: tuple[Any, Any]) -> None:
    pixels, labels = sound
    mostly = np.where(np.arange(len(labels)) % 50 == 0, 1, 3)
    first, second = _warnings(pixels, mostly)
    assert first.startswith("warning: 98% of the images are of class 3: ")
    assert second == ("warning: 2 of 10 classes have images; none is 0, 2, 4, 5, 6, 7, 8, 9")


@pytest.mark.realdata
def test_nothing_is_said_of_mnist_and_usps(real_data: Path) -> None:
    for name in ("mnist", "usps"):
        with np.load(real_data / name / f"{name}.npz") as arrays:
            pixels, labels = arrays["x_train"][:5000], arrays["y_train"][:5000].astype(np.int64)
        side = int(np.sqrt(pixels[0].size))
        assert _warnings(pixels.reshape(-1, side, side, 1), labels) == ()


def test_digits_among_letters_tell_how_the_images_are_held(sound: tuple[Any, Any]) -> None:
    pixels, labels = sound
    train = ImageSet(pixels=np.ascontiguousarray(pixels.transpose(0, 2, 1, 3)), labels=labels)
    found = warnings_of(Dataset(classes=(*DIGITS, "A", "B"), train=train), Style.HANDWRITTEN)
    assert any("look transposed" in warning for warning in found)
