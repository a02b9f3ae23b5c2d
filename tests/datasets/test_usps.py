"""``usps``: ``usps.npz`` and ``usps.h5``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bench.spec import ImageSet

Splits = Callable[..., tuple[ImageSet, ImageSet]]
Message = Callable[..., str]


def _pair(n: int, seed: int) -> tuple[Any, Any]:
    images = np.random.default_rng(seed).random((n, 16, 16), dtype=np.float32)
    images[0, 0, :2] = (0, 1)
    return images, np.arange(n) % 10


def _npz(path: Path, change: Callable[[Any], Any] = lambda images: images) -> Path:
    (train, y_train), (test, y_test) = _pair(30, 0), _pair(10, 1)
    np.savez(path, x_train=change(train), y_train=y_train, x_test=change(test), y_test=y_test)
    return path


def test_an_npz_file(tmp_path: Path, splits: Splits) -> None:
    train, test = splits("usps", _npz(tmp_path / "usps.npz"))
    assert np.array_equal(train.pixels[..., 0], _pair(30, 0)[0])
    assert np.array_equal(test.pixels[..., 0], _pair(10, 1)[0])
    assert test.labels is not None
    assert test.labels.tolist() == list(range(10))


def test_the_h5_layout_of_flat_rows(tmp_path: Path, splits: Splits) -> None:
    path = tmp_path / "usps.h5"
    with h5py.File(path, "w") as file:
        for name, (images, labels) in {"train": _pair(30, 0), "test": _pair(10, 1)}.items():
            file[f"{name}/data"] = images.reshape(-1, 256)
            file[f"{name}/target"] = labels
    train, test = splits("usps", path)
    assert np.array_equal(train.pixels[..., 0], _pair(30, 0)[0])
    assert (len(test), test.shape) == (10, (16, 16, 1))


def test_the_original_scale_from_minus_one_to_one(tmp_path: Path, splits: Splits) -> None:
    train, _ = splits("usps", _npz(tmp_path / "usps.npz", lambda images: images * 2 - 1))
    np.testing.assert_allclose(train.pixels[..., 0], _pair(30, 0)[0], atol=1e-6)


def test_splits_of_different_scales(tmp_path: Path, message: Message) -> None:
    (train, y_train), (test, y_test) = _pair(30, 0), _pair(10, 1)
    path = tmp_path / "usps.npz"
    np.savez(path, x_train=train * 2 - 1, y_train=y_train, x_test=test, y_test=y_test)
    assert message("usps", path) == (
        "usps.npz: its splits differ in range: training -1 to 1, test 0 to 1; scale them alike"
    )


def test_a_pixel_that_is_no_number_is_named(tmp_path: Path, message: Message) -> None:
    def spoil(images: Any) -> Any:
        images[3, 3, 3] = np.nan
        return images * 2 - 1

    line = message("usps", _npz(tmp_path / "usps.npz", spoil))
    assert line == (
        "usps.npz, x_train, image 3: image 3 has NaN or infinite pixels; take it out or repair it"
    )


def test_values_out_of_range_are_the_files_own(tmp_path: Path, message: Message) -> None:
    line = message("usps", _npz(tmp_path / "usps.npz", lambda images: images * 2000 - 1000))
    assert line == (
        "usps.npz, x_train: its pixels reach from -1000 to 1000, neither 0 to 1 nor 0 to 255 nor"
        " another usual range; which values are black and white? --set usps.values=-1000..1000"
    )


def test_images_of_another_size(tmp_path: Path, message: Message) -> None:
    line = message("usps", _npz(tmp_path / "usps.npz", lambda images: images[:, :8]))
    assert line == (
        "usps.npz, x_train: images of shape (8, 16) are not 16×16; read it under a name of its own:"
        " -d NAME=FILE"
    )


def test_an_h5_file_without_the_groups(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "usps.h5"
    with h5py.File(path, "w") as file:
        file["data"] = [1]
    assert message("usps", path).startswith(
        "usps.h5 holds labels but no images: it holds data (1,)"
    )


def test_labels_that_are_no_numbers(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "usps.npz"
    images, labels = _pair(30, 0)
    np.savez(path, x_train=images, y_train=labels / 2, x_test=images, y_test=labels)
    assert message("usps", path) == (
        "usps.npz, y_train, image 1: its labels are float64, not whole numbers: label 0.5;"
        " save them"
        " as whole numbers"
    )


@pytest.mark.realdata
def test_the_real_file(real_data: Path, splits: Splits) -> None:
    train, test = splits("usps", real_data / "usps" / "usps.npz")
    assert (len(train), len(test), train.shape) == (7291, 2007, (16, 16, 1))
    assert train.pixels.mean() < 0.5  # ink is light
