"""Photos of several digits are cut into digits in reading order."""

from typing import Any

import numpy as np
import pytest

from bench.images.preprocess_options import PreprocessOptions
from bench.images.strips import segment_strip


def counts(strip: Any) -> list[int]:
    return [len(line) for line in strip.lines]


def test_a_line_of_digits_is_cut_from_left_to_right(take_photo: Any) -> None:
    photo = take_photo("05126707", shape=(300, 900), top=90, left=40, height=90, width=6)
    strip = segment_strip(photo)
    assert counts(strip) == [8]
    lefts = [digit.box[1] for digit in strip.digits if digit.box is not None]
    assert lefts == sorted(lefts)
    assert all(digit.image.shape == (28, 28) and digit.image.max() > 200 for digit in strip.digits)


def test_lines_are_read_from_the_top(draw_ink: Any) -> None:
    ink = np.zeros((600, 700), dtype=np.float32)
    for line, digits in enumerate(("12", "345", "6789")):
        ink += draw_ink(digits, ink.shape, top=60 + 180 * line, left=60, height=100, width=7)
    noise = np.random.default_rng(0).normal(0, 2, ink.shape)
    photo = np.clip(200 * (1 - 0.6 * ink) + noise, 0, 255).astype(np.uint8)
    assert counts(segment_strip(photo)) == [2, 3, 4]


def test_a_column_is_one_digit_a_line(draw_ink: Any) -> None:
    ink = np.zeros((900, 300), dtype=np.float32)
    for line, digit in enumerate("2468"):
        ink += draw_ink(digit, ink.shape, top=50 + 210 * line, left=110, height=120, width=8)
    photo = (200 * (1 - 0.6 * ink)).astype(np.uint8)
    assert counts(segment_strip(photo)) == [1, 1, 1, 1]


def test_touching_digits_are_cut_apart(draw_ink: Any) -> None:
    ink = draw_ink("3806", (300, 800), top=90, left=60, height=120, width=7)
    # The bar joins the second and the third digit.
    ink[150:157, 280:345] = 1
    photo = (200 * (1 - 0.6 * ink)).astype(np.uint8)
    assert counts(segment_strip(photo)) == [4]


def test_a_climbing_line_in_a_shadow_on_ruled_paper_is_one_line(draw_ink: Any) -> None:
    _, x = np.mgrid[:400, :900]
    ink = np.zeros((400, 900), dtype=np.float32)
    for place, digit in enumerate("135790"):
        top = 170 - 12 * place
        ink += draw_ink(digit, ink.shape, top=top, left=60 + 130 * place, height=90, width=6)
    light = 0.45 + 0.5 / (1 + np.exp((x - 450) / 60))
    photo = 210 * light * (1 - 0.5 * ink)
    photo[30::70] *= 0.85
    photo += np.random.default_rng(0).normal(0, 1.5, photo.shape)
    assert counts(segment_strip(np.clip(photo, 0, 255).astype(np.uint8))) == [6]


def test_a_blank_page_has_no_digits_and_says_so() -> None:
    strip = segment_strip(np.full((300, 300), 180, dtype=np.uint8))
    assert strip.digits == ()
    assert [fault.code for fault in strip.faults] == ["blank"]


@pytest.mark.parametrize("mode", [pytest.param(m, id=m) for m in ("resize", "natural", "mnist")])
def test_other_modes_treat_the_part_of_the_photo(take_photo: Any, mode: str) -> None:
    photo = take_photo("125", shape=(300, 500), top=90, left=40, height=90, width=6)
    strip = segment_strip(photo, PreprocessOptions(preprocess=mode))
    assert counts(strip) == [3]
    assert all(digit.image.shape == (28, 28) for digit in strip.digits)
