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


def test_touching_digits_of_the_width_of_one_and_a_half_are_cut_apart(draw_ink: Any) -> None:
    ink = draw_ink("3806", (300, 800), top=90, left=60, height=120, width=7)
    # The second is moved until it touches the first.
    columns = np.flatnonzero(ink.max(axis=0) > 0.5)
    gaps = columns[1:][np.diff(columns) > 1]
    first_end = columns[np.flatnonzero(np.diff(columns) > 1)[0]]
    shift = int(gaps[0] - first_end) - 1
    moved = np.maximum(
        np.where(np.arange(800) <= first_end, ink, 0),
        np.roll(np.where(np.arange(800) > first_end, ink, 0), -shift, axis=1),
    )
    photo = (200 * (1 - 0.6 * moved)).astype(np.uint8)
    assert counts(segment_strip(photo)) == [4]


def test_digits_in_the_boxes_of_a_form_are_found(draw_ink: Any) -> None:
    ink = draw_ink("3805", (260, 760), top=80, left=70, height=100, width=7)
    lines = np.zeros_like(ink)
    columns = np.flatnonzero(ink.max(axis=0) > 0.5)
    ends = np.flatnonzero(np.diff(columns) > 1)
    edges = [columns[0] - 25, *((columns[ends] + columns[ends + 1]) // 2), columns[-1] + 25]
    for edge in edges:
        lines[50:210, edge : edge + 3] = 1
    for row in (50, 208):
        lines[row : row + 3, edges[0] : edges[-1] + 3] = 1
    noise = np.random.default_rng(0).normal(0, 2, ink.shape)
    photo = np.clip(205 * (1 - 0.35 * lines) * (1 - 0.65 * ink) + noise, 0, 255).astype(np.uint8)
    assert counts(segment_strip(photo)) == [4]


def test_the_length_of_an_id_leaves_out_what_is_least_like_a_digit(draw_ink: Any) -> None:
    ink = draw_ink("3806", (300, 800), top=90, left=60, height=120, width=7)
    ink[95:205, 700:706] = 1
    ink[95:101, 660:740] = 1
    ink[199:205, 660:740] = 1
    photo = (200 * (1 - 0.6 * ink)).astype(np.uint8)
    assert counts(segment_strip(photo, PreprocessOptions(length=4))) == [4]


def test_another_number_of_digits_than_the_length_is_a_finding(draw_ink: Any) -> None:
    photo = 200 * (1 - 0.6 * draw_ink("3806", (300, 800), top=90, left=60, height=120, width=7))
    strip = segment_strip(photo.astype(np.uint8), PreprocessOptions(length=8))
    assert "wrong-count" in [fault.code for fault in strip.faults]
