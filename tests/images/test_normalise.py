"""The MNIST frame: box, centre and stroke width of a digit given as a mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.images.normalise import mnist_frame, stroke_width
from bench.images.preprocess_options import PreprocessOptions


@pytest.mark.parametrize("width", [pytest.param(w, id=f"{w} pixels") for w in (3, 5, 9, 15)])
def test_stroke_width_of_a_bar_is_its_width(width: int) -> None:
    mask = np.zeros((100, 60), dtype=np.bool_)
    mask[10:90, 20 : 20 + width] = True
    assert abs(stroke_width(mask) - width) <= 1


def test_nothing_has_no_stroke_and_gives_an_empty_picture() -> None:
    assert stroke_width(np.zeros((5, 5), dtype=np.bool_)) == 0
    assert mnist_frame(np.zeros((9, 9), dtype=np.float32), PreprocessOptions()).max() == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(8, 90), st.integers(8, 90), st.integers(0, 30), st.integers(0, 30))
def test_the_longer_side_of_a_block_fills_the_box(
    height: int, width: int, down: int, across: int
) -> None:
    alpha = np.zeros((130, 130), dtype=np.float32)
    alpha[down : down + height, across : across + width] = 1
    image = mnist_frame(alpha, PreprocessOptions())
    rows, columns = np.flatnonzero(image.max(axis=1) > 127), np.flatnonzero(image.max(axis=0) > 127)
    assert abs(max(np.ptp(rows), np.ptp(columns)) + 1 - 20) <= 1


def test_a_thin_stroke_is_widened_to_the_target_and_a_usual_one_is_left() -> None:
    thin, usual = np.zeros((200, 100), dtype=np.float32), np.zeros((200, 100), dtype=np.float32)
    thin[10:190, 48:51] = 1
    usual[10:190, 35:65] = 1
    widened = mnist_frame(thin, PreprocessOptions())[14].sum() / 255
    kept = mnist_frame(usual, PreprocessOptions())[14].sum() / 255
    assert abs(widened - 2.4) < 0.4
    assert abs(kept - 30 * 20 / 180) < 0.4


def test_the_frame_takes_other_sides() -> None:
    alpha = np.ones((10, 10), dtype=np.float32)
    image = mnist_frame(alpha, PreprocessOptions(side_px=32, box_px=24, stroke_px=0, centre="box"))
    assert image.shape == (32, 32)
    rows, columns = np.flatnonzero(image.max(axis=1) > 127), np.flatnonzero(image.max(axis=0) > 127)
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (4, 27, 4, 27)
