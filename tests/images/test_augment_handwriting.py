"""The augmentation for handwriting: drawn from the generator alone, true to the digit."""

from typing import Any

import numpy as np
import pytest

from bench.images.augment_handwriting import (
    N_PARAMETERS,
    HandwritingRanges,
    change_images,
    draw_changes,
)
from bench.images.european_ones import with_flags

SHAPE = (28, 28, 1)
NOTHING = HandwritingRanges(
    rotation_degrees=0,
    slant=0,
    scale=(1, 1),
    aspect=0,
    shift=0,
    bend=0,
    thickness=(0, 0),
    gain=(1, 1),
    gamma=(1, 1),
    noise=0,
    tint=0,
)


@pytest.fixture
def digits() -> Any:
    images = np.zeros((6, *SHAPE), dtype=np.float32)
    images[:, 5:23, 12:16] = 1
    images[:, 5:9, 12:21] = 1
    return images


def test_changes_are_a_function_of_the_generator() -> None:
    first = draw_changes(np.random.default_rng([1, 2]), 5, SHAPE)
    again = draw_changes(np.random.default_rng([1, 2]), 5, SHAPE)
    other = draw_changes(np.random.default_rng([1, 3]), 5, SHAPE)
    assert first.shape == (5, N_PARAMETERS)
    assert first.dtype == np.float32
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.heavy
def test_ranges_of_nothing_change_nothing(digits: Any) -> None:
    changes = draw_changes(np.random.default_rng(0), 6, SHAPE, NOTHING)
    assert np.abs(change_images(digits, changes).numpy() - digits).max() < 1e-3


@pytest.mark.heavy
def test_changed_images_stay_in_range_and_differ_from_one_another(digits: Any) -> None:
    changed = change_images(digits, draw_changes(np.random.default_rng(0), 6, SHAPE)).numpy()
    assert changed.shape == digits.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert all(np.abs(changed[0] - other).mean() > 0.01 for other in changed[1:])


@pytest.mark.heavy
def test_the_same_changes_give_the_same_images(digits: Any) -> None:
    changes = draw_changes(np.random.default_rng(0), 6, SHAPE)
    first, again = change_images(digits, changes), change_images(digits, changes)
    assert (first.numpy() == again.numpy()).all()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("thickness", "more"),
    [pytest.param(1.0, True, id="thicker"), pytest.param(-0.5, False, id="thinner")],
)
def test_thickness_adds_or_takes_ink(digits: Any, thickness: float, more: bool) -> None:
    from dataclasses import replace

    ranges = replace(NOTHING, thickness=(thickness, thickness))
    changed = change_images(
        digits, draw_changes(np.random.default_rng(0), 6, SHAPE, ranges)
    ).numpy()
    assert (changed.sum() > digits.sum()) == more


def test_a_flag_hangs_at_the_left_of_the_head() -> None:
    ones = np.zeros((20, *SHAPE), dtype=np.uint8)
    ones[:, 4:24, 13:16] = 255
    flagged = with_flags(ones, np.random.default_rng(0))
    assert flagged.shape == ones.shape
    assert flagged.dtype == np.uint8
    upper_left = flagged[:, 3:17, :13].astype(int).sum(axis=(1, 2, 3))
    upper_right = flagged[:, 3:17, 20:].astype(int).sum(axis=(1, 2, 3))
    assert (upper_left > upper_right).all()
    assert 2 <= (flagged[:, 22:26].max(axis=(1, 3)) > 100).sum(axis=1).max() <= 28


def test_what_is_too_small_for_a_flag_is_left() -> None:
    speck = np.zeros((1, *SHAPE), dtype=np.uint8)
    speck[0, 3, 3] = 255
    assert (with_flags(speck, np.random.default_rng(0)) == speck).all()
