"""``svhn-h5``: the source notebook's layout, and files that break it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bench.spec import ImageSet, Style

Splits = Callable[..., tuple[ImageSet, ImageSet]]
Message = Callable[..., str]
COUNTS = {"train": 30, "test": 12}


def _arrays(seed: int = 0, splits: tuple[str, ...] = ("train", "test")) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    arrays: dict[str, Any] = {}
    for split in splits:
        n = COUNTS.get(split, 20)
        arrays[f"X_{split}"] = rng.uniform(0, 255, (n, 32, 32)).astype(np.float32)
        arrays[f"X_{split}"][0, 0, :2] = (0, 255)
        arrays[f"y_{split}"] = np.arange(n) % 10
    return arrays


def _write(path: Path, arrays: dict[str, Any]) -> Path:
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            if value is not None:
                file[key] = value
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test writes its file."""
    return tmp_path / "SVHN_single_grey1.h5"


def test_pixels_become_float32_from_zero_to_one(path: Path, splits: Splits) -> None:
    arrays = _arrays()
    train, test = splits("svhn-h5", _write(path, arrays))
    assert (train.pixels.shape, str(train.pixels.dtype)) == ((30, 32, 32, 1), "float32")
    np.testing.assert_allclose(train.pixels[..., 0], arrays["X_train"] / 255, atol=1e-7)
    np.testing.assert_allclose(test.pixels[..., 0], arrays["X_test"] / 255, atol=1e-7)
    assert train.pixels.max() == 1


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(lambda y: y.astype(np.uint8), id="uint8"),
        pytest.param(lambda y: y.astype(np.float64), id="whole-floats"),
        pytest.param(lambda y: y[:, None], id="a-column"),
        pytest.param(lambda y: np.eye(10)[y], id="one-hot"),
        pytest.param(lambda y: np.eye(10, dtype=np.uint8)[y], id="one-hot-bytes"),
    ],
)
def test_labels_in_every_layout(path: Path, splits: Splits, convert: Callable[[Any], Any]) -> None:
    arrays = _arrays()
    arrays |= {key: convert(arrays[key]) for key in ("y_train", "y_test")}
    for split in splits("svhn-h5", _write(path, arrays)):
        assert split.labels is not None
        assert split.labels.tolist() == [i % 10 for i in range(len(split))]


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [
        pytest.param(1.0, np.uint8, id="bytes"),
        pytest.param(1 / 255, np.float64, id="zero-to-one"),
        pytest.param(1.0, np.float64, id="doubles"),
    ],
)
def test_pixels_of_another_type_or_scale(
    path: Path, splits: Splits, scale: float, dtype: type
) -> None:
    arrays = _arrays()
    arrays |= {key: (arrays[key].round() * scale).astype(dtype) for key in ("X_train", "X_test")}
    train, _ = splits("svhn-h5", _write(path, arrays))
    expected = arrays["X_train"] / (255 * scale)
    np.testing.assert_allclose(train.images[..., 0], expected, atol=1e-6)


def test_a_rounding_step_above_one_is_one(path: Path, splits: Splits) -> None:
    arrays = _arrays()
    arrays |= {key: arrays[key] / np.float32(255) for key in ("X_train", "X_test")}
    arrays["X_train"][0, 0, 1] = np.nextafter(np.float32(1), np.float32(2))
    train, _ = splits("svhn-h5", _write(path, arrays))
    assert train.pixels.max() == 1
    np.testing.assert_allclose(train.pixels[..., 0], arrays["X_train"], atol=1e-6)


def test_colour_images_keep_their_channels(path: Path, splits: Splits) -> None:
    arrays = _arrays()
    arrays |= {key: np.repeat(arrays[key][..., None], 3, 3) for key in ("X_train", "X_test")}
    assert splits("svhn-h5", _write(path, arrays))[0].shape == (32, 32, 3)


def test_the_file_is_read_in_pieces(
    path: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench_datasets._ladder.hdf5._ROWS_AT_ONCE", 7)
    arrays = _arrays()
    train, _ = splits("svhn-h5", _write(path, arrays))
    np.testing.assert_allclose(train.pixels[..., 0], arrays["X_train"] / 255, atol=1e-7)


def test_it_is_digits_in_natural_scenes(path: Path, load: Callable[..., Any]) -> None:
    loaded = load("svhn-h5", _write(path, _arrays()))
    assert (loaded.style, loaded.embedded) == (Style.NATURAL, "")


def test_val_is_ignored_by_default(path: Path, splits: Splits) -> None:
    train, _ = splits("svhn-h5", _write(path, _arrays(splits=("train", "test", "val"))))
    assert len(train) == 30


def test_use_val_adds_only_images_that_no_split_holds(path: Path, load: Callable[..., Any]) -> None:
    arrays = _arrays()
    new = _arrays(seed=9)
    arrays["X_val"] = np.concatenate([arrays["X_train"], arrays["X_test"], new["X_test"]])
    arrays["y_val"] = np.concatenate([arrays["y_train"], arrays["y_test"], new["y_test"]])
    loaded = load("svhn-h5", _write(path, arrays), use_val=True)
    assert (loaded.train.n, loaded.test.n) == (42, 12)
    assert loaded.notes[1:] == ("use_val: 12 images added, 42 left out that the splits hold",)


def test_use_val_with_nothing_new_is_an_error(path: Path, message: Message) -> None:
    arrays = _arrays()
    arrays |= {"X_val": arrays["X_train"], "y_val": arrays["y_train"]}
    assert message("svhn-h5", _write(path, arrays), use_val=True) == (
        "SVHN_single_grey1.h5, X_val: all its 30 images are in X_train or X_test already; "
        "leave use_val off"
    )


def test_use_val_without_val(path: Path, message: Message) -> None:
    assert "it has no key X_val" in message("svhn-h5", _write(path, _arrays()), use_val=True)


def _with(**changes: Any) -> dict[str, Any]:
    return _arrays() | changes


def _with_nan() -> dict[str, Any]:
    arrays = _arrays()
    arrays["X_train"][4, 3, 3] = np.nan
    return arrays


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        pytest.param(
            _with(y_test=None),
            "SVHN_single_grey1.h5, X_test has no labels: X_train has; put its labels beside it",
            id="missing-key",
        ),
        pytest.param(
            _with(X_train=np.zeros((0, 32, 32)), y_train=np.zeros(0, int)),
            "SVHN_single_grey1.h5, X_train: shape (0, 32, 32) holds no image",
            id="no-images",
        ),
        pytest.param(
            _with(y_train=np.arange(29) % 10),
            "SVHN_single_grey1.h5, X_train: it holds 30 images but 29 labels",
            id="counts-differ",
        ),
        pytest.param(
            _with_nan(),
            "SVHN_single_grey1.h5, X_train, image 4: image 4 has NaN or infinite pixels",
            id="nan-pixel",
        ),
        pytest.param(
            _with(y_train=np.arange(30) % 11),
            "SVHN_single_grey1.h5, y_train, image 10: label 10 is not a digit from 0 to 9",
            id="label-10",
        ),
        pytest.param(
            _with(y_train=np.full(30, 7)),
            "SVHN_single_grey1.h5, training split: it holds only one class; nothing can be learnt"
            " from it",
            id="one-class",
        ),
        pytest.param(
            _with(y_train=np.full((30, 10), 0.1)),
            "SVHN_single_grey1.h5, y_train: its rows are not one-hot: one 1, all others 0",
            id="soft-labels",
        ),
        pytest.param(
            _with(y_train=np.eye(12)[np.arange(30) % 12]),
            "SVHN_single_grey1.h5, y_train, image 10: label 10 is not a digit from 0 to 9",
            id="twelve-classes",
        ),
        pytest.param(
            _with(y_train=np.arange(30) / 7),
            "SVHN_single_grey1.h5, y_train, image 1: its labels are float64, not whole numbers",
            id="fractions",
        ),
        pytest.param(
            _with(y_train=np.zeros((30, 2, 2))),
            "SVHN_single_grey1.h5, y_train: shape (30, 2, 2) is neither (n,) nor (n, 10)",
            id="three-dimensions",
        ),
        pytest.param(
            _with(y_train=np.full(30, b"7", "S1")),
            "SVHN_single_grey1.h5, training split: it holds only one class",
            id="text-labels",
        ),
        pytest.param(
            _with(X_train=np.float32(3)),
            "X_train: it is not an array of numbers",
            id="one-number",
        ),
        pytest.param(
            _with(X_train=np.full((30, 32, 32), 300.0)),
            "SVHN_single_grey1.h5, X_train: its pixels reach from 300 to 300, which fills neither",
            id="above-255",
        ),
        pytest.param(
            _with(X_test=_arrays()["X_test"] - 128),
            "SVHN_single_grey1.h5, X_test: its pixels reach from -128 to 127, neither 0 to 1 nor"
            " 0 to 255 nor another usual range; which values are black and white?",
            id="below-0",
        ),
        pytest.param(
            _with(X_train=_arrays()["X_train"] / 255),
            "SVHN_single_grey1.h5: its splits differ in range: test 0 to 255, training 0 to 1;"
            " scale them alike",
            id="training-split-0-to-1",
        ),
        pytest.param(
            _with(X_test=_arrays()["X_test"] / 255),
            "SVHN_single_grey1.h5: its splits differ in range: test 0 to 1, training 0 to 255;"
            " scale them alike",
            id="test-split-0-to-1",
        ),
    ],
)
def test_a_broken_file_is_one_line(
    path: Path, message: Message, arrays: dict[str, Any], expected: str
) -> None:
    assert message("svhn-h5", _write(path, arrays)).startswith(expected)


@pytest.mark.parametrize(
    "keep",
    [pytest.param(0.5, id="half"), pytest.param(0.99, id="most"), pytest.param(0, id="nothing")],
)
def test_a_truncated_file(path: Path, message: Message, keep: float) -> None:
    content = _write(path, _arrays()).read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    line = message("svhn-h5", path)
    if not content[: int(len(content) * keep)]:
        assert line == "SVHN_single_grey1.h5 is empty; download or save it again"
        return
    assert line.startswith("SVHN_single_grey1.h5 cannot be read as an HDF5 file: ")
    assert line.endswith("is it complete? compare its size with the source's")


def test_a_web_page_saved_as_h5(path: Path, message: Message) -> None:
    path.write_text("<html>log in</html>")
    assert "is a web page, not data" in message("svhn-h5", path)


def test_a_link_out_of_the_file_is_not_followed(path: Path, message: Message) -> None:
    other = _write(path.with_name("other.h5"), _arrays())
    _write(path, _with(X_train=None))
    with h5py.File(path, "a") as file:
        file["X_train"] = h5py.ExternalLink(str(other), "X_train")
    assert message("svhn-h5", path).startswith(
        "SVHN_single_grey1.h5: X_train is a link to somewhere else"
    )


def test_external_storage_is_not_read(path: Path, message: Message) -> None:
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(30 * 32 * 32))
    _write(path, _with(X_train=None))
    with h5py.File(path, "a") as file:
        file.create_dataset(
            "X_train", (30, 32, 32), dtype="u1", external=[(str(secret), 0, 30 * 32 * 32)]
        )
    assert "X_train is not a plain array" in message("svhn-h5", path)


def test_a_group_where_an_array_should_be(path: Path, message: Message) -> None:
    _write(path, _with(X_train=None))
    with h5py.File(path, "a") as file:
        file.create_group("X_train")
    assert "y_train are labels without images" in message("svhn-h5", path)


def test_an_array_that_claims_to_be_huge_is_refused(path: Path, message: Message) -> None:
    _write(path, _with(X_train=None))
    with h5py.File(path, "a") as file:
        file.create_dataset("X_train", (10**8, 32, 32), dtype="f4", chunks=(1, 32, 32))
    assert path.stat().st_size < 1_000_000
    assert "and at most" in message("svhn-h5", path)


@pytest.mark.realdata
def test_the_real_file(real_data: Path, splits: Splits) -> None:
    train, test = splits("svhn-h5", real_data / "svhn" / "SVHN_single_grey1.h5")
    assert (len(train), len(test), train.shape) == (7000, 3000, (32, 32, 1))
    assert train.labels is not None
    assert train.labels[:10].tolist() == [8, 4, 7, 4, 2, 1, 0, 5, 0, 3]
    assert 0 <= train.pixels.min() < 0.05 < 0.95 < train.pixels.max() <= 1
