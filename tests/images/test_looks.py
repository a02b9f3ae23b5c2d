"""The network that finds a digit's ink."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.images.looks import look_at_box, read_looks
from bench.images.preprocess import preprocess
from bench.images.preprocess_options import PreprocessOptions
from bench.images.reader import READER

OPTIONS = PreprocessOptions()
TakePhoto = Callable[..., Any]


def overlap(a: Any, b: Any) -> float:
    """Return the ink that two pictures share, of all their ink."""
    one, other = a > 127, b > 127
    return float((one & other).sum() / max((one | other).sum(), 1))


@pytest.mark.parametrize("digit", list("0235689"))
def test_it_sees_the_digit_that_the_classic_steps_see(take_photo: TakePhoto, digit: str) -> None:
    seen = preprocess(take_photo(digit), OPTIONS)
    (classic,) = seen.looks
    assert overlap(seen.image, classic) > 0.5


def test_a_blank_page_has_no_digit() -> None:
    page = np.full((300, 400, 3), 220, dtype=np.uint8)
    seen = preprocess(page, OPTIONS)
    assert not seen.image.any()
    assert [fault.code for fault in seen.faults] == ["blank"]


def test_looks_zoom_in_and_name_where_the_digit_is(take_photo: TakePhoto) -> None:
    photo = take_photo("3")
    first, second = read_looks(photo, OPTIONS)
    assert second.window.side < first.window.side
    top, left, bottom, right = second.share_of(photo.shape[:2])
    assert 0 <= top < bottom <= 1
    assert 0 <= left < right <= 1


def test_a_look_at_a_box_without_a_digit_is_none() -> None:
    page = np.full((300, 400), 220, dtype=np.uint8)
    assert look_at_box(page, (0.1, 0.1, 0.3, 0.3), OPTIONS) is None


@pytest.mark.parametrize(
    "shape", [(2, 2), (3, 400), (400, 3), (1, 1, 3)], ids=["tiny", "low", "narrow", "a pixel"]
)
def test_any_shape_is_looked_at(shape: tuple[int, ...]) -> None:
    assert preprocess(np.zeros(shape, dtype=np.uint8), OPTIONS).image.shape == (28, 28)


def test_the_same_photo_gives_the_same_bytes(take_photo: TakePhoto) -> None:
    photo = take_photo("5")
    one, other = (preprocess(photo, OPTIONS) for _ in range(2))
    assert np.array_equal(one.image, other.image)


def test_the_network_is_small() -> None:
    assert READER.stat().st_size <= 1_500_000


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "least"),
    [
        pytest.param("photos-squared", 0.97, id="squared paper"),
        pytest.param("photo-crops", 0.965, id="small crops"),
        pytest.param("photos-by-class", 0.985, id="shadows"),
        pytest.param("drawn-named", 0.9, id="tiny drawings"),
    ],
)
def test_the_shipped_model_reads_real_photos_with_it(
    real_data: Path, tmp_path: Path, name: str, least: float
) -> None:
    from bench.loading.cache import open_split
    from bench.loading.load import load_dataset
    from bench.plugins.discovery import load_plugins
    from bench.scoring.looks import pooled
    from bench.spec import as_float
    from bench.store.layout import Store
    from bench.views.predict.trained import find_trained

    plugins = load_plugins()
    trained = find_trained(plugins, Store(tmp_path / "store"))
    settings = {"labels": "name" if name == "drawn-named" else "folder"}
    loaded = load_dataset(
        plugins.datasets["image-folder"], settings=settings, path=real_data / "own_digits" / name
    )
    assert loaded.test is not None
    split = open_split(loaded.test)
    assert split.labels is not None
    assert split.looks is not None
    classifier = trained.load(threads=2)
    looks = [split.images, *np.moveaxis(as_float(split.looks), 1, 0)]
    read = pooled([classifier.predict_proba(look) for look in looks]).argmax(axis=1)
    truth = np.array([trained.record.classes.index(each) for each in loaded.classes])[split.labels]
    assert (read == truth).mean() >= least
