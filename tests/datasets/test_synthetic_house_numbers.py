"""``synthetic-house-numbers``: generated, the same every time, hard enough to tell models apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bench.errors import DataError
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.spec import DatasetSpec, ImageSet, Style
from bench_datasets._house_numbers import generate


@pytest.fixture(scope="module")
def made(
    specs: dict[str, DatasetSpec], tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoadedDataset, Path]:
    """The dataset, generated once for this module, and its cache."""
    cache = tmp_path_factory.mktemp("synthetic")
    return load_dataset(specs["synthetic-house-numbers"], cache_dir=cache), cache


def _split(ref: Any) -> tuple[ImageSet, Any]:
    split = open_split(ref)
    assert split.labels is not None
    return split, split.labels


def test_there_are_2000_and_500_images_in_ten_even_classes(
    made: tuple[LoadedDataset, Path],
) -> None:
    loaded, _ = made
    for ref, n in ((loaded.train, 2000), (loaded.test, 500)):
        split, labels = _split(ref)
        assert (len(split), split.shape) == (n, (32, 32, 1))
        assert np.bincount(labels).tolist() == [n // 10] * 10


def test_nobody_can_take_it_for_svhn(made: tuple[LoadedDataset, Path]) -> None:
    loaded, _ = made
    assert loaded.embedded == "synthetic digits, not SVHN"
    assert loaded.style is Style.NATURAL
    assert "synthetic" in loaded.name


def test_the_generated_file_has_the_svhn_layout(
    made: tuple[LoadedDataset, Path], specs: dict[str, DatasetSpec]
) -> None:
    loaded, cache = made
    (path,) = (cache / "work").rglob("*.h5")
    with h5py.File(path) as file:
        assert sorted(file) == ["X_test", "X_train", "y_test", "y_train"]
        assert file["X_train"].dtype == np.float32
    as_svhn = load_dataset(specs["svhn-h5"], path=path, cache_dir=cache)
    assert as_svhn.train == loaded.train


def test_it_is_the_same_every_time() -> None:
    first, second = (generate(20, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    other = generate(20, np.random.default_rng(6))
    assert not np.array_equal(first[0], other[0])


def test_pixels_are_whole_steps_of_0_to_255() -> None:
    images, _ = generate(20, np.random.default_rng(5))
    assert np.array_equal(images, np.rint(images))
    assert images.min() >= 0
    assert images.max() <= 255
    assert (images.std(axis=(1, 2)) > 1).all()


def test_no_image_is_in_both_splits(made: tuple[LoadedDataset, Path]) -> None:
    loaded, _ = made
    train, test = (
        {i.tobytes() for i in _split(ref)[0].pixels} for ref in (loaded.train, loaded.test)
    )
    assert not train & test


def test_a_linear_view_is_far_from_enough_and_far_from_chance(
    made: tuple[LoadedDataset, Path],
) -> None:
    from sklearn.neighbors import NearestCentroid

    loaded, _ = made
    (train, y_train), (test, y_test) = _split(loaded.train), _split(loaded.test)
    model = NearestCentroid().fit(train.pixels.reshape(2000, -1), y_train)
    accuracy = (model.predict(test.pixels.reshape(500, -1)) == y_test).mean()
    assert 0.2 < accuracy < 0.7


@pytest.mark.heavy
def test_a_forest_reads_most_but_not_all(made: tuple[LoadedDataset, Path]) -> None:
    from sklearn.ensemble import RandomForestClassifier

    loaded, _ = made
    (train, y_train), (test, y_test) = _split(loaded.train), _split(loaded.test)
    forest = RandomForestClassifier(200, max_samples=0.5, random_state=42)
    forest.fit(train.pixels.reshape(2000, -1), y_train)
    assert 0.6 < forest.score(test.pixels.reshape(500, -1), y_test) < 0.85


def test_missing_fonts_are_one_line(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench_datasets._house_numbers.find_spec", lambda name: None)
    with pytest.raises(DataError) as caught:
        load("synthetic-house-numbers")
    assert str(caught.value) == (
        "synthetic-house-numbers: the fonts that matplotlib ships are missing"
    )
