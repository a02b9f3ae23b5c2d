"""Converting SVHN's official files."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from bench.errors import BenchError, DataError
from bench.loading.house_numbers import convert_svhn, read_cropped_mat


def _mat(path: Path, n: int = 20, seed: int = 0, **changes: Any) -> Path:
    content = {
        "X": np.random.default_rng(seed).integers(0, 256, (32, 32, 3, n), dtype=np.uint8),
        "y": (np.arange(n) % 10 + 1).reshape(n, 1).astype(np.uint8),
    }
    savemat(path, {key: value for key, value in (content | changes).items() if value is not None})
    return path


def test_images_become_grey_in_order_and_label_ten_means_zero(tmp_path: Path) -> None:
    colour = np.zeros((32, 32, 3, 3), np.uint8)
    colour[5, 7, 0, 0], colour[5, 7, 1, 1], colour[5, 7, 2, 2] = 255, 255, 255
    path = _mat(tmp_path / "a.mat", X=colour, y=np.array([[10], [1], [9]], np.uint8))
    images, labels = read_cropped_mat(path)
    assert images.shape == (3, 32, 32)
    assert (str(images.dtype), str(labels.dtype)) == ("float32", "int64")
    np.testing.assert_allclose(images[:, 5, 7], 255 * np.array([0.2989, 0.5870, 0.1140]), rtol=1e-6)
    assert images.sum() == pytest.approx(images[:, 5, 7].sum())
    assert labels.tolist() == [0, 1, 9]


def test_two_files_become_the_two_splits(tmp_path: Path) -> None:
    sources = (_mat(tmp_path / "train.mat", 20), _mat(tmp_path / "test.mat", 10, seed=1))
    target = tmp_path / "out.h5"
    assert convert_svhn(sources, target) == {"train": 20, "test": 10}
    with h5py.File(target) as file:
        assert sorted(file) == ["X_test", "X_train", "y_test", "y_train"]
        assert file["X_train"].shape == (20, 32, 32)
        assert np.array_equal(file["X_test"][()], read_cropped_mat(sources[1])[0])
        assert file["y_train"][:11].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_a_single_file_is_split_in_its_order(tmp_path: Path) -> None:
    source = _mat(tmp_path / "one.mat", 20)
    assert convert_svhn((source,), tmp_path / "out.h5") == {"train": 14, "test": 6}
    with h5py.File(tmp_path / "out.h5") as file:
        joined = np.concatenate([file["X_train"][()], file["X_test"][()]])
    assert np.array_equal(joined, read_cropped_mat(source)[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"y": None}, "it has no X and y", id="no-labels"),
        pytest.param(
            {"X": np.zeros((32, 32, 20), np.uint8)}, r"is not \(32, 32, 3, n\)", id="grey"
        ),
        pytest.param({"X": np.zeros((32, 32, 3, 20))}, "of uint8", id="floats"),
        pytest.param({"y": np.ones((19, 1), np.uint8)}, "20 images but y 19 labels", id="counts"),
        pytest.param({"y": np.zeros((20, 1), np.uint8)}, "labels are not 1 to 10", id="zero"),
        pytest.param({"y": np.full((20, 1), 11, np.uint8)}, "labels are not 1 to 10", id="eleven"),
    ],
)
def test_another_mat_file_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_cropped_mat(_mat(tmp_path / "a.mat", **changes))


def test_a_truncated_or_foreign_file_is_refused(tmp_path: Path) -> None:
    truncated = _mat(tmp_path / "a.mat")
    truncated.write_bytes(truncated.read_bytes()[:4000])
    foreign = tmp_path / "b.mat"
    foreign.write_text("<html>log in</html>")
    for path in (truncated, foreign):
        with pytest.raises(DataError, match=f"{path.name} cannot be read as a .mat file"):
            read_cropped_mat(path)
    with pytest.raises(DataError, match="does not exist"):
        read_cropped_mat(tmp_path / "c.mat")


def test_a_target_that_is_there_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out.h5"
    target.write_text("mine")
    with pytest.raises(BenchError, match="is there already"):
        convert_svhn((_mat(tmp_path / "a.mat"),), target)
    assert target.read_text() == "mine"


def test_a_target_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"^cannot write .*out\.h5: "):
        convert_svhn((_mat(tmp_path / "a.mat"),), tmp_path / "absent" / "out.h5")


@pytest.mark.realdata
def test_the_official_sample_is_converted(real_data: Path) -> None:
    images, labels = read_cropped_mat(real_data / "svhn" / "sample_32x32.mat")
    assert images.shape == (500, 32, 32)
    assert 0 <= images.min() < 20
    assert 235 < images.max() <= 255
    assert set(labels.tolist()) == set(range(10))
