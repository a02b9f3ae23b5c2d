"""``sample-ids``: shipped pictures of made-up persons' ID digits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench_datasets
from bench.errors import DataError
from bench.loading.cache import open_split
from bench.spec import DatasetSpec, ImageSet, Style

Load = Callable[..., Any]


def test_each_persons_digits_are_in_the_order_of_the_id(load: Load) -> None:
    loaded = load("sample-ids")
    test = open_split(loaded.test)
    assert loaded.is_evaluation_only
    assert test.groups is not None
    assert test.labels is not None
    for person, digits in loaded.truths.items():
        own = [i for i, group in enumerate(test.groups) if group == person]
        assert "".join(loaded.classes[test.labels[i]] for i in own) == digits
        assert [test.names[i] for i in own] == [f"{person}/{k}.png" for k in range(1, 9)]


def test_an_id_may_begin_with_zero(load: Load) -> None:
    assert load("sample-ids").truths["person-a"] == "05126707"


def test_the_pictures_take_little_room() -> None:
    folder = Path(bench_datasets.__path__[0]) / "samples"
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 200_000


def test_models_of_handwriting_see_light_ink_and_models_of_scenes_the_photo(load: Load) -> None:
    pixels = open_split(load("sample-ids").test).images
    assert pixels.shape == (32, 28, 28, 1)
    assert np.median(pixels) == 0
    natural = open_split(load("sample-ids", preprocess="natural", side_px=32).test).images
    assert natural.shape == (32, 32, 32, 1)
    assert np.median(natural) > 0.5  # light paper


def test_models_of_natural_scenes_ask_for_that_view(specs: dict[str, DatasetSpec]) -> None:
    assert specs["sample-ids"].views == {Style.NATURAL: {"preprocess": "natural", "side_px": 32}}


def test_the_digits_can_be_read_after_training_on_the_other_scans(
    load: Load, splits: Callable[..., tuple[ImageSet, ImageSet]]
) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    train, _ = splits("digits-uci")
    test = open_split(load("sample-ids").test)
    model = KNeighborsClassifier(1).fit(train.pixels.reshape(len(train), -1), train.labels)
    assert model.score(test.pixels.reshape(32, -1), test.labels) > 0.8


def test_samples_that_are_missing_are_one_line(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bench_datasets.sample_ids._FOLDER", tmp_path)
    with pytest.raises(DataError) as caught:
        load("sample-ids")
    assert str(caught.value) == (
        "sample-ids: the shipped samples are missing; install digitbench again"
    )
