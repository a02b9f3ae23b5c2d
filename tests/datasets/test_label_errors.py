"""Labels that people doubt: known by the image's content, wherever it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.board.label_errors import KNOWN
from bench.errors import BenchError
from bench.spec import LabelError
from bench_datasets._mnist_label_errors import MNIST_LABEL_ERRORS

Load = Callable[..., Any]


def test_mnist_has_15_of_them_each_with_its_source() -> None:
    assert len({each.image for each in MNIST_LABEL_ERRORS}) == 15
    assert all("Northcutt" in each.source for each in MNIST_LABEL_ERRORS)


@pytest.mark.parametrize(
    "image", [pytest.param("", id="none"), pytest.param("0x12", id="hex"), pytest.param("Z" * 16)]
)
def test_an_image_is_named_by_its_hash(image: str) -> None:
    with pytest.raises(BenchError, match="16 hexadecimal digits"):
        LabelError(image=image, label="3", source="me")


@pytest.mark.realdata
def test_they_are_found_among_mnists_test_images(real_data: Path) -> None:
    from hashlib import blake2b

    with np.load(real_data / "mnist" / "mnist.npz") as arrays:
        images, labels = arrays["x_test"], arrays["y_test"]
    salt = repr((28, 28, 1)).encode()[:16]
    found = {}
    for place, image in enumerate(images):
        digest = blake2b(np.ascontiguousarray(image).data, digest_size=8, salt=salt).digest()
        found[f"{int(np.frombuffer(digest, '<u8')[0]):016x}"] = place
    places = [found[each.image] for each in MNIST_LABEL_ERRORS]
    (known,) = KNOWN.values()
    assert tuple(places) == known.places
    assert [str(labels[i]) for i in places] == [each.label for each in MNIST_LABEL_ERRORS]


@pytest.mark.realdata
def test_the_split_they_are_known_by_is_mnists(load: Load, real_data: Path) -> None:
    loaded = load("mnist", real_data / "mnist" / "mnist.npz")

    assert loaded.test is not None
    assert loaded.test.content_hash in KNOWN
    assert KNOWN[loaded.test.content_hash].source == loaded.label_errors_source
