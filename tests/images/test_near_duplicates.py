"""The same picture saved again is found; another digit is not."""

import io
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


def saved_again(picture: Any) -> Any:
    held = io.BytesIO()
    Image.fromarray(picture[..., 0]).save(held, "JPEG", quality=60)
    return np.asarray(Image.open(held))[..., None]


def test_a_picture_saved_again_is_a_near_duplicate_of_itself_alone(pictures: Any) -> None:
    again = np.stack([saved_again(picture) for picture in pictures])
    assert near_duplicates(pictures, again, max_distance=6).tolist() == [[i, i] for i in range(12)]


def test_sides_and_ranges_may_differ(pictures: Any) -> None:
    large = pictures.repeat(2, axis=1).repeat(2, axis=2).astype(np.float32) / 255
    pairs = near_duplicates(pictures[:3], large, max_distance=6)
    assert pairs.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_no_pictures_give_no_pairs(pictures: Any) -> None:
    assert near_duplicates(pictures[:0], pictures).shape == (0, 2)


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
