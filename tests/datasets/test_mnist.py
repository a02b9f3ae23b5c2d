"""``mnist``: one ``.npz`` or four IDX files, and what is neither."""

import gzip
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.loading.load import load_dataset
from bench.spec import DatasetSpec, ImageSet, LoadContext
from bench_datasets import mnist
from bench_datasets._ladder.idx import read_idx
from bench_datasets._ladder.sources import Source

Splits = Callable[..., tuple[ImageSet, ImageSet]]
Message = Callable[..., str]
Pixels = Callable[..., Any]
NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


@pytest.fixture
def arrays(pixels: Pixels) -> dict[str, Any]:
    """The four arrays of a small MNIST."""
    return {
        "x_train": pixels(30, seed=1),
        "y_train": (np.arange(30) % 10).astype(np.uint8),
        "x_test": pixels(10, seed=2),
        "y_test": np.arange(10, dtype=np.uint8),
    }


def _check(both: tuple[ImageSet, ImageSet], arrays: dict[str, Any]) -> None:
    for split, name in zip(both, ("train", "test"), strict=True):
        assert split.labels is not None
        assert split.pixels.dtype == np.uint8
        assert np.array_equal(split.pixels[..., 0], arrays[f"x_{name}"])
        assert np.array_equal(split.labels, arrays[f"y_{name}"])


def _idx(array: Any) -> bytes:
    shape = array.shape
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes(array.tobytes())


def _write_idx(folder: Path, arrays: dict[str, Any], suffix: str, dotted: bool) -> None:
    folder.mkdir(exist_ok=True)
    for name, array in zip(NAMES, arrays.values(), strict=True):
        content = _idx(array)
        stem = name.replace("-idx", ".idx") if dotted else name
        file = folder / f"{stem}-ubyte{suffix}"
        file.write_bytes(gzip.compress(content) if suffix else content)


def test_an_npz_file(tmp_path: Path, arrays: dict[str, Any], splits: Splits) -> None:
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, **arrays)
    _check(splits("mnist", path), arrays)


@pytest.mark.parametrize(
    ("suffix", "dotted"),
    [
        pytest.param("", False, id="plain"),
        pytest.param(".gz", False, id="gzipped"),
        pytest.param("", True, id="dotted-names"),
    ],
)
def test_four_idx_files_in_a_folder(
    tmp_path: Path, arrays: dict[str, Any], splits: Splits, suffix: str, dotted: bool
) -> None:
    _write_idx(tmp_path / "MNIST", arrays, suffix, dotted)
    _check(splits("mnist", tmp_path / "MNIST"), arrays)


def test_idx_files_are_found_in_a_data_folders_subfolder(
    tmp_path: Path, arrays: dict[str, Any], specs: dict[str, DatasetSpec]
) -> None:
    _write_idx(tmp_path / "raw", arrays, ".gz", dotted=False)
    loaded = load_dataset(specs["mnist"], search=[tmp_path], cache_dir=tmp_path / "cache")
    assert loaded.train is not None
    assert loaded.train.n == 30


def test_a_channel_of_its_own_changes_nothing(
    tmp_path: Path, arrays: dict[str, Any], splits: Splits
) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays | {"x_train": arrays["x_train"][..., None]})
    _check(splits("mnist", path), arrays)


@pytest.mark.parametrize(
    ("counts", "notes"),
    [
        pytest.param((60_000, 10_000), (), id="standard"),
        pytest.param(
            (59_999, 10_000), ("not the standard 60,000 + 10,000 split",), id="fewer-to-train"
        ),
        pytest.param((60_000, 10), ("not the standard 60,000 + 10,000 split",), id="fewer-to-test"),
    ],
)
def test_another_split_than_the_standard_is_noted(
    tmp_path: Path, counts: tuple[int, int], notes: tuple[str, ...]
) -> None:
    path = tmp_path / "mnist.npz"
    arrays: dict[str, Any] = {}
    for split, n in zip(("train", "test"), counts, strict=True):
        arrays[f"x_{split}"] = np.zeros((n, 28, 28), np.uint8)
        arrays[f"y_{split}"] = (np.arange(n) % 10).astype(np.uint8)
    np.savez(path, **arrays)
    context = LoadContext(paths=(path,), options={}, work_dir=tmp_path)
    assert mnist.load(context).notes[1:] == notes


def test_one_idx_file_alone_says_to_name_the_folder(
    tmp_path: Path, arrays: dict[str, Any], message: Message
) -> None:
    _write_idx(tmp_path, arrays, "", dotted=False)
    assert message("mnist", tmp_path / "train-images-idx3-ubyte") == (
        "train-images-idx3-ubyte has no labels: training images need them; put the labels beside it"
        " and name the folder that holds both"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"x_test": None},
            "mnist.npz, y_test are labels without images: there are images for training",
            id="missing-key",
        ),
        pytest.param(
            {"x_test": np.zeros((10, 32, 32), np.uint8)},
            "mnist.npz, x_test: images of shape (32, 32) are not 28×28",
            id="32-by-32",
        ),
        pytest.param(
            {"x_train": np.zeros((30, 28, 28, 3), np.uint8)},
            "mnist.npz, x_train: images of shape (28, 28, 3) are not 28×28",
            id="colour",
        ),
        pytest.param(
            {"x_train": np.uint8(3)},
            "mnist.npz, y_train are labels without images",
            id="one-number",
        ),
        pytest.param(
            {"x_train": np.zeros((29, 28, 28), np.uint8)}, "29 images but 30 labels", id="counts"
        ),
        pytest.param(
            {"y_train": np.full(30, 255, np.uint8)},
            "y_train, image 0: label 255 is not a digit from 0 to 9",
            id="labels",
        ),
        pytest.param(
            {"y_train": np.arange(30) / 7}, "labels are float64, not whole", id="float-labels"
        ),
        pytest.param({"y_train": np.full(30, "x")}, "label 'x' is none of its classes", id="text"),
    ],
)
def test_a_broken_npz_is_one_line(
    tmp_path: Path,
    arrays: dict[str, Any],
    message: Message,
    changes: dict[str, Any],
    expected: str,
) -> None:
    changed = {key: value for key, value in (arrays | changes).items() if value is not None}
    np.savez(tmp_path / "mnist.npz", **changed)
    assert expected in message("mnist", tmp_path / "mnist.npz")


def test_pickled_objects_are_never_loaded(
    tmp_path: Path, arrays: dict[str, Any], message: Message
) -> None:
    marker = tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (marker.write_text, ("x",))

    objects = np.empty(30, object)
    objects[:] = [Trap() for _ in range(30)]
    np.savez(tmp_path / "mnist.npz", allow_pickle=True, **(arrays | {"y_train": objects}))
    assert "it holds Python objects, which are never unpickled" in message(
        "mnist", tmp_path / "mnist.npz"
    )
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"", id="empty"), pytest.param(b"<html>log in</html>", id="web-page")],
)
def test_a_file_that_is_no_archive(tmp_path: Path, message: Message, content: bytes) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(content)
    assert message("mnist", path).startswith(("mnist.npz is empty", "mnist.npz is a web page"))


def test_a_truncated_npz(tmp_path: Path, arrays: dict[str, Any], message: Message) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays)
    path.write_bytes(path.read_bytes()[:-300])
    assert message("mnist", path).startswith("mnist.npz cannot be read as a zip archive: ")


def test_an_array_that_claims_more_than_it_holds(
    tmp_path: Path, arrays: dict[str, Any], message: Message
) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, **arrays)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x_train.npy"] = members["x_train.npy"].replace(b"(30, 28, 28)", b"(3000000, 28, 28)")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert message("mnist", path) == (
        "mnist.npz, x_train: it is larger than the file says; truncated?; save it again"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "is not an IDX file", id="empty"),
        pytest.param(b"<html>", "is not an IDX file", id="web-page"),
        pytest.param(b"\0\0\x07\x01\0\0\0\1\0", "is not an IDX file", id="unknown-type"),
        pytest.param(b"\0\0\x08\x03\0\0", "cannot be read", id="header-cut"),
        pytest.param(b"\0\0\x08\x01\0\0\0\5abcd", "holds less than its header says", id="cut"),
        pytest.param(b"\0\0\x08\x01\0\0\0\5abcdef", "holds more than its header says", id="longer"),
        pytest.param(b"\0\0\x08\x03" + b"\xff" * 12, "claims .* that cannot be digits", id="huge"),
        pytest.param(gzip.compress(b"\0\0\x08\x01" * 9)[:-6], "cannot be read", id="gzip-cut"),
    ],
)
def test_a_broken_idx_file_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"^train-images-idx3-ubyte {expected}"):
        read_idx(Source(path=path, name=path.name, is_packed=True))


def test_idx_values_are_big_endian(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\x0b\x01\0\0\0\2" + struct.pack(">2h", 258, -3))
    assert read_idx(Source(path=path, name=path.name, is_packed=True))[0].values.tolist() == [
        258,
        -3,
    ]


@pytest.mark.realdata
def test_the_real_file(real_data: Path, splits: Splits) -> None:
    train, test = splits("mnist", real_data / "mnist" / "mnist.npz")
    assert (len(train), len(test), train.shape) == (60_000, 10_000, (28, 28, 1))
    assert train.labels is not None
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
