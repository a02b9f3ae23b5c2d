"""The named datasets give the pixels and labels they always gave: content hashes of real files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.loading.cache import open_split

pytestmark = pytest.mark.realdata

HASHES = {
    ("mnist-csv", "mnist/train.csv.gz"): ("85d07015cac5d89f", "78e2bd72843de227"),
    ("mnist-csv", "mnist/test.csv.gz"): ("9c54b5b852918d6c",),
    ("mnist", "mnist/mnist.npz"): ("812d2d58aaea84c7", "26db9607faf2c7ef"),
    ("usps", "usps/usps.npz"): ("872733f553cd119a", "7740ef363ebdbf35"),
    ("svhn-h5", "svhn/SVHN_single_grey1.h5"): ("8fd07ce950b86556", "8d06d8ffcd50e3cb"),
}


@pytest.mark.parametrize("named", HASHES, ids=lambda named: named[1].rpartition("/")[2])
def test_the_real_files_are_read_as_ever(
    real_data: Path, load: Callable[..., Any], named: tuple[str, str]
) -> None:
    name, file = named
    loaded = load(name, real_data / file)
    splits = [split for split in (loaded.train, loaded.test) if split is not None]
    assert tuple(split.content_hash[:16] for split in splits) == HASHES[named]
    assert not [note for note in loaded.notes if "warning" in note]


def test_the_official_mat_file_gives_the_digits_of_its_colour_images(
    real_data: Path, load: Callable[..., Any]
) -> None:
    from scipy.io import loadmat

    path = real_data / "svhn" / "sample_32x32.mat"
    loaded = load("arrays", path)
    content = loadmat(path)
    images, digits = content["X"].transpose(3, 0, 1, 2), content["y"].ravel() % 10
    known = {image.tobytes(): digit for image, digit in zip(images, digits, strict=True)}
    for ref in (loaded.train, loaded.test):
        split = open_split(ref)
        assert split.labels is not None
        for image, label in zip(np.asarray(split.pixels), split.labels, strict=True):
            assert known[image.tobytes()] == label
