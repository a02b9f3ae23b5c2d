"""The same picture saved again is found; another digit is not."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.images.near_duplicates import hash_pairs, near_duplicates, perceptual_hash


@pytest.fixture
def pictures() -> Any:
    """Smooth random pictures, (12, 28, 28, 1) uint8."""
    coarse = np.random.default_rng(0).integers(0, 256, (12, 7, 7), dtype=np.uint8)
    large = [
        np.asarray(Image.fromarray(c).resize((28, 28), Image.Resampling.BICUBIC)) for c in coarse
    ]
    return np.stack(large)[..., None]


def saved_again(picture: Any, quality: int = 60) -> Any:
    held = io.BytesIO()
    Image.fromarray(picture[..., 0]).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held))[..., None]


def test_a_picture_saved_again_is_a_near_duplicate_of_itself_alone(pictures: Any) -> None:
    again = np.stack([saved_again(picture) for picture in pictures])
    assert near_duplicates(pictures, again).tolist() == [[i, i] for i in range(12)]


def test_sides_and_ranges_may_differ(pictures: Any) -> None:
    large = pictures.repeat(2, axis=1).repeat(2, axis=2).astype(np.float32) / 255
    pairs = near_duplicates(pictures[:3], large)
    assert pairs.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_no_pictures_give_no_pairs(pictures: Any) -> None:
    assert near_duplicates(pictures[:0], pictures).shape == (0, 2)
    assert near_duplicates(pictures, pictures[:0]).shape == (0, 2)


def test_blank_pages_are_no_duplicates_of_each_other(pictures: Any) -> None:
    blank = np.full((2, 28, 28, 1), 200, dtype=np.uint8)
    assert near_duplicates(blank, blank).shape == (0, 2)
    with_blanks = np.concatenate([pictures, blank])
    assert near_duplicates(with_blanks, blank).shape == (0, 2)


def test_pictures_that_lie_in_a_crowd_of_their_like_are_alike_by_chance(pictures: Any) -> None:
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 6, (41, 28, 28, 1))
    likes = np.clip(pictures[:1] + noise, 0, 255).astype(np.uint8)
    assert near_duplicates(likes[:1], likes[1:2]).tolist() == [[0, 0]]
    assert near_duplicates(likes[:40], likes[40:]).shape == (0, 2)


def test_a_copy_in_a_crowd_is_found_where_it_is_all_but_identical(pictures: Any) -> None:
    generator = np.random.default_rng(3)
    noise = generator.normal(0, 6, (40, 28, 28, 1))
    likes = np.clip(pictures[:1] + noise, 0, 255).astype(np.uint8)
    copy = likes[7:8] // 2 * 2
    assert near_duplicates(likes, copy).tolist() == [[7, 0]]


def test_many_pictures_are_compared_as_few_are(pictures: Any) -> None:
    generator = np.random.default_rng(4)
    many = generator.integers(0, 256, (2500, 28, 28, 1), dtype=np.uint8)
    many[[3, 1100, 2499]] = pictures[:3]
    again = np.stack([saved_again(picture) for picture in pictures])
    assert near_duplicates(many, again).tolist() == [[3, 0], [1100, 1], [2499, 2]]


@pytest.mark.realdata
@pytest.mark.parametrize("name", [pytest.param(n, id=n) for n in ("mnist", "usps")])
def test_a_published_split_has_no_near_duplicates(real_data: Path, name: str) -> None:
    with np.load(real_data / name / f"{name}.npz") as file:
        train, test = (file[f"x_{which}"] for which in ("train", "test"))
    pairs = near_duplicates(
        train.reshape(-1, *train.shape[1:3], 1), test.reshape(len(test), *train.shape[1:3], 1)
    )
    assert pairs.shape == (0, 2)


@pytest.mark.realdata
def test_digits_saved_again_are_found_among_all_of_mnist(real_data: Path) -> None:
    with np.load(real_data / "mnist" / "mnist.npz") as file:
        train = file["x_train"][..., None]
    places = np.arange(0, 60_000, 600)
    again = np.stack([saved_again(train[place], quality=75) for place in places])
    pairs = near_duplicates(train, again)
    assert pairs.tolist() == [[place, i] for i, place in enumerate(places)]


def test_equal_pictures_have_equal_hashes_and_a_shift_of_light_changes_nothing(
    pictures: Any,
) -> None:
    darker = pictures.astype(np.float32) / 255 * 0.5
    lighter = darker + np.float32(0.3)
    assert (perceptual_hash(darker) == perceptual_hash(lighter)).all()
    assert len(set(perceptual_hash(pictures).tolist())) == 12


def test_hash_pairs_agree_with_counting_every_bit() -> None:
    generator = np.random.default_rng(1)
    a = generator.integers(0, 2**64, 30, dtype=np.uint64)
    b = np.concatenate([a[:5] ^ np.uint64(0b101), generator.integers(0, 2**64, 9, dtype=np.uint64)])
    found = {tuple(pair) for block in hash_pairs(a, b, 2) for pair in block.tolist()}
    expected = {
        (i, j)
        for i in range(len(a))
        for j in range(len(b))
        if bin(int(a[i]) ^ int(b[j])).count("1") <= 2
    }
    assert found == expected
    assert len(found) >= 5
