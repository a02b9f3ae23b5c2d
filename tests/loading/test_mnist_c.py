"""MNIST-C's own files, read in the layout of its release."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bench.errors import DataError, OptionError
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.loading.mnist_c import corrupted_files, find_mnist_c, is_of_mnist_c
from bench.loading.refs import LoadedDataset
from bench.plugins.discovery import load_plugins
from bench.spec import Dataset, DatasetSpec, ImageSet, LoadContext

LABELS = np.arange(30) % 10
Write = Callable[..., Path]


def _clean(context: LoadContext) -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (90, 28, 28, 1), dtype=np.uint8)
    labels = np.arange(90) % 10
    return Dataset(
        classes=tuple("0123456789"),
        train=ImageSet(pixels=images[30:], labels=labels[30:]),
        test=ImageSet(pixels=images[:30], labels=labels[:30]),
    )


SPEC = load_plugins().datasets["mnist-c"]


@pytest.fixture
def clean() -> LoadedDataset:
    """A dataset whose test labels are those of the files."""
    return load_dataset(DatasetSpec(name="mnist", summary="", load=_clean))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return ``write(*corruptions, labels=…, images=…)``: a data folder that holds ``mnist_c``."""

    def make(*names: str, labels: npt.NDArray[Any] = LABELS, images: Any = None) -> Path:
        for seed, name in enumerate(names):
            folder = tmp_path / "data" / "mnist_c" / name
            folder.mkdir(parents=True)
            drawn = np.random.default_rng(seed).integers(0, 256, (30, 28, 28, 1), dtype=np.uint8)
            for split in ("train", "test"):
                np.save(folder / f"{split}_images.npy", drawn if images is None else images)
                np.save(folder / f"{split}_labels.npy", labels)
        return tmp_path / "data"

    return make


def test_the_folder_is_found_in_a_data_folder_below_it_and_as_the_data_folder(write: Write) -> None:
    data = write("fog")
    expected = data / "mnist_c"
    assert find_mnist_c([data]) == expected
    assert find_mnist_c([data.parent / "absent", data.parent]) == expected
    assert find_mnist_c([expected]) == expected
    assert find_mnist_c([data.parent / "absent"]) is None


def test_each_corruption_stands_in_for_the_test_split(write: Write, clean: LoadedDataset) -> None:
    data = write("fog", "zigzag", "identity")
    (found,) = corrupted_files("all", [clean], [data], SPEC).values()
    assert [name for name, _ in found] == ["mnist-c:fog", "mnist-c:zigzag"]
    assert all(is_of_mnist_c(name) for name, _ in found)
    fog = found[0][1]
    assert fog.name == "mnist"
    assert fog.test is not None
    on_disk = np.load(data / "mnist_c" / "fog" / "test_images.npy")
    np.testing.assert_array_equal(open_split(fog.test).pixels, on_disk)


def test_a_dataset_with_other_test_labels_is_left_alone(write: Write, clean: LoadedDataset) -> None:
    data = write("fog", labels=(LABELS + 1) % 10)
    assert corrupted_files("all", [clean], [data], SPEC) == {}
    with pytest.raises(OptionError, match="add -d mnist"):
        corrupted_files("mnist-c", [clean], [data], SPEC)


def test_all_needs_no_files_and_the_name_does(tmp_path: Path, clean: LoadedDataset) -> None:
    assert corrupted_files("all", [clean], [tmp_path], SPEC) == {}
    assert corrupted_files("rotate,scale", [clean], [tmp_path], SPEC) == {}
    with pytest.raises(OptionError, match="no data folder holds mnist_c"):
        corrupted_files("rotate,mnist-c", [clean], [tmp_path], SPEC)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        pytest.param(np.full((30, 28, 28), -3.0), LABELS, "outside 0..255", id="negative"),
        pytest.param(np.zeros((30, 32, 32, 3), np.uint8), LABELS, "28×28", id="colour"),
        pytest.param(None, LABELS[:20], "30 images but 20 labels", id="too-few-labels"),
        pytest.param(None, LABELS.astype(object), "never unpickled", id="pickled"),
    ],
)
def test_files_of_another_kind_are_named(
    write: Write, clean: LoadedDataset, images: Any, labels: npt.NDArray[Any], words: str
) -> None:
    data = write("fog", images=images, labels=labels)
    with pytest.raises(DataError, match=words) as caught:
        corrupted_files("all", [clean], [data], SPEC)
    assert "test_" in str(caught.value)
