"""Data for authors: ``bench.load_dataset`` and ``bench.dataset_from``."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import bench

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_a_registered_dataset_is_given_as_the_harness_sees_it() -> None:
    dataset = bench.load_dataset("digits-uci")
    assert dataset.train is not None
    assert dataset.classes == tuple("0123456789")
    assert dataset.train.images.shape[1:] == (28, 28, 1)
    assert dataset.train.images.dtype == np.float32
    assert 0 <= dataset.train.images.min() <= dataset.train.images.max() <= 1
    assert not dataset.train.pixels.flags.writeable


def test_options_and_paths_are_taken_as_on_the_command_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=IMAGES, labels=LABELS)
    dataset = bench.load_dataset("mine.npz")
    assert dataset.train is not None
    assert dataset.test is not None
    assert len(dataset.train) + len(dataset.test) == 60
    with pytest.raises(bench.BenchError, match="unknown option 'nonsense'"):
        bench.load_dataset("mine.npz", options={"nonsense": 1})


def test_an_unknown_name_is_one_line_with_the_near_ones() -> None:
    with pytest.raises(bench.BenchError, match="unknown dataset 'digit-uci': did you mean digits"):
        bench.load_dataset("digit-uci")


def test_arrays_become_splits_of_every_class() -> None:
    dataset = bench.dataset_from(IMAGES, LABELS, test_fraction=0.25)
    assert dataset.classes == ("0", "1", "2")
    assert dataset.train is not None
    assert dataset.test is not None
    assert np.bincount(dataset.test.labels).tolist() == [5, 5, 5]  # type: ignore[arg-type]  # labels are there
    assert dataset.train.pixels.shape == (45, 8, 8, 1)
    again = bench.dataset_from(IMAGES, LABELS, test_fraction=0.25)
    assert again.test is not None
    assert np.array_equal(again.test.pixels, dataset.test.pixels)


def test_texts_are_classes_and_an_own_test_split_is_kept() -> None:
    names = np.array(["cat", "dog", "ant"])[LABELS]
    dataset = bench.dataset_from(IMAGES[:50], names[:50], test=(IMAGES[50:], names[50:]))
    assert dataset.classes == ("ant", "cat", "dog")
    assert dataset.test is not None
    assert [dataset.classes[i] for i in np.asarray(dataset.test.labels)] == names[50:].tolist()


def test_numbers_are_classes_by_their_size() -> None:
    dataset = bench.dataset_from(np.tile(IMAGES, (2, 1, 1)), np.arange(120) % 12)
    assert dataset.classes[-3:] == ("9", "10", "11")


def test_a_data_frame_has_a_row_an_image() -> None:
    frame = pd.DataFrame(IMAGES.reshape(60, 64))
    frame["digit"] = LABELS
    dataset = bench.dataset_from(frame, label="digit")
    assert dataset.train is not None
    assert dataset.train.shape == (8, 8, 1)
    with pytest.raises(bench.DataError, match="the table has no column 'label'"):
        bench.dataset_from(frame)


def test_a_folder_of_pictures_is_read(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(10):
            picture = RNG.integers(0, 256, (28, 28), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "pets" / name / f"{i}.png")
    dataset = bench.dataset_from(tmp_path / "pets", classes=("cat", "dog"))
    assert dataset.classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("images", "labels", "line"),
    [
        pytest.param(IMAGES, None, "dataset_from: images without labels", id="no-labels"),
        pytest.param(IMAGES * 1.0, LABELS, "floats are within 0 and 1", id="floats-to-255"),
        pytest.param(IMAGES.astype(int) * 9, LABELS, "stand for 0 to 255", id="large-numbers"),
        pytest.param(IMAGES[:, :7].reshape(60, -1), LABELS, "56 pixels are no squares", id="flat"),
        pytest.param(IMAGES, LABELS[:-1], "60 images and labels of shape (59,)", id="lengths"),
        pytest.param(IMAGES.astype(str), LABELS, "they must be numbers", id="texts"),
        pytest.param(IMAGES[0, 0], LABELS, "images of shape (8,)", id="one-axis"),
    ],
)
def test_what_cannot_be_used_is_one_line(images: Any, labels: Any, line: str) -> None:
    with pytest.raises(bench.DataError) as said:
        bench.dataset_from(images, labels)
    assert line in str(said.value)
    assert "\n" not in str(said.value)
