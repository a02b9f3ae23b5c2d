"""``digits-uci``: scikit-learn's digits, enlarged, less the samples."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench_datasets
from bench.errors import DataError
from bench.spec import ImageSet
from bench_datasets._sample_rows import SAMPLE_PERSONS, SAMPLE_ROWS
from bench_datasets.digits_uci import enlarge, read_scans

Splits = Callable[..., tuple[ImageSet, ImageSet]]


def test_the_scans_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    scans, digits = read_scans()
    expected = load_digits()
    assert np.array_equal(scans * 16, expected.images)
    assert np.array_equal(digits, expected.target)


def test_reading_them_does_not_import_scikit_learn() -> None:
    code = (
        "import sys; from bench_datasets.digits_uci import read_scans; read_scans();"
        "print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_test_split_has_360_images_and_the_samples_are_in_neither(splits: Splits) -> None:
    train, test = splits("digits-uci")
    assert (len(train), len(test)) == (1797 - len(SAMPLE_ROWS) - 360, 360)
    samples = {image.tobytes() for image in enlarge(read_scans()[0][list(SAMPLE_ROWS)])}
    assert len(samples) == len(SAMPLE_ROWS)
    for split in (train, test):
        assert not samples & {image.tobytes() for image in split.pixels}


def test_no_image_is_in_both_splits(splits: Splits) -> None:
    train, test = ({image.tobytes() for image in split.pixels} for split in splits("digits-uci"))
    assert len(train) + len(test) == 1797 - len(SAMPLE_ROWS)
    assert not train & test


def test_labels_stay_with_their_images(splits: Splits) -> None:
    scans, digits = read_scans()
    by_image = {image.tobytes(): digit for image, digit in zip(enlarge(scans), digits, strict=True)}
    for split in splits("digits-uci"):
        assert split.labels is not None
        assert [by_image[image.tobytes()] for image in split.pixels] == split.labels.tolist()


def test_scans_are_framed_as_mnist_frames_digits() -> None:
    scans = np.ones((1, 8, 8), np.float32)
    image = enlarge(scans)
    assert image.shape == (1, 28, 28, 1)
    assert (image[0, 4:24, 4:24] == 255).all()
    assert image.sum() == 255 * 400


def test_it_is_named_as_what_it_is(load: Callable[..., Any]) -> None:
    assert load("digits-uci").embedded == "8×8 scans of 1998, enlarged"


def test_a_missing_data_file_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_datasets.digits_uci.find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        read_scans()
    assert str(caught.value) == "digits-uci: scikit-learn's digits.csv.gz is not installed"


def test_each_persons_samples_are_their_id() -> None:
    _, digits = read_scans()
    for digits_of_id, rows in SAMPLE_PERSONS.values():
        assert "".join(str(digits[row]) for row in rows) == digits_of_id
    assert len(set(SAMPLE_ROWS)) == 32


def test_the_sample_pictures_are_what_the_script_makes(tmp_path: Path) -> None:
    from PIL import Image

    script = Path(__file__).parents[2] / "script" / "make_samples.py"
    if not script.is_file():
        pytest.skip("the script is not part of the source distribution")
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    shipped = Path(bench_datasets.__path__[0]) / "samples" / "ids"
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.png"))
    assert made == sorted(path.relative_to(shipped) for path in shipped.rglob("*.png"))
    assert (tmp_path / "ids.csv").read_text() == (shipped / "ids.csv").read_text()
    for name in made:
        again, before = (np.asarray(Image.open(root_ / name)) for root_ in (tmp_path, shipped))
        assert np.array_equal(again, before), name
