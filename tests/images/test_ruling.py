"""Lines of ruled paper are found and bridged; strokes are not."""

from typing import Any

import numpy as np

from bench.images.ink import ink_strength
from bench.images.ruling import find_lines, remove_lines


def strength_of(photo: Any) -> Any:
    return ink_strength(photo.astype(np.float32) / 255)


def test_every_line_of_squared_paper_is_found(take_photo: Any) -> None:
    lines = find_lines(strength_of(take_photo("", shape=(480, 480), lines=80)))
    assert sum(not line.is_vertical for line in lines) == 6
    assert sum(line.is_vertical for line in lines) == 6
    rows = sorted(line.centres.mean() for line in lines if not line.is_vertical)
    assert np.allclose(rows, np.arange(20, 480, 80) + 0.5, atol=2)


def test_slanted_lines_are_found_with_their_slope() -> None:
    y, x = np.mgrid[:400, :400]
    photo = 200 - 60.0 * ((y - 0.1 * x) % 70 < 3)
    noise = np.random.default_rng(0).normal(0, 2, photo.shape)
    lines = find_lines(strength_of(photo + noise))
    assert len(lines) >= 4
    assert all(abs(line.slope - 0.1) < 0.02 for line in lines)


def test_digits_are_no_lines(take_photo: Any) -> None:
    for digit in "0123456789":
        assert find_lines(strength_of(take_photo(digit))) == []


def test_one_stroke_across_the_whole_picture_stays(take_photo: Any) -> None:
    photo = take_photo("1", top=-20, height=560, left=180)
    assert find_lines(strength_of(photo)) == []


def test_bridging_takes_the_line_and_leaves_the_stroke_that_crosses_it(take_photo: Any) -> None:
    photo = take_photo("1", lines=80, line_contrast=0.25, contrast=0.5)
    strength = strength_of(photo)
    cleaned = remove_lines(strength, find_lines(strength))
    crossing = slice(178, 184), slice(180, 192)
    beside = slice(178, 184), slice(275, 330)
    assert cleaned[beside].max() < 0.12
    assert strength[beside].max() > 0.2
    assert cleaned[crossing].max() > 0.35
