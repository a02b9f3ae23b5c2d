"""One answer from several pictures."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.scoring.looks import pooled

SHARES = arrays(np.float32, (3, 4), elements=st.floats(0.015625, 1, width=32)).map(
    lambda rows: rows / rows.sum(axis=1, keepdims=True)
)


def test_a_single_answer_is_returned_as_it_is() -> None:
    answer = np.array([[0.25, 0.75]], dtype=np.float32)
    assert np.array_equal(pooled([answer]), answer)


def test_a_sure_picture_outvotes_an_unsure_one() -> None:
    assert pooled([[[0.4, 0.6]], [[0.99, 0.01]]]).argmax() == 0


def test_no_picture_rules_a_class_out() -> None:
    assert pooled([[[0.0, 1.0]], [[0.999, 0.001]]])[0, 0] > 0.05


@given(SHARES, SHARES)
def test_the_order_of_the_pictures_does_not_matter_and_rows_sum_to_1(
    a: np.ndarray, b: np.ndarray
) -> None:
    both = pooled([a, b])
    assert np.allclose(both, pooled([b, a]))
    assert np.allclose(both.sum(axis=1), 1)


@given(SHARES)
def test_two_equal_answers_are_that_answer(a: np.ndarray) -> None:
    assert np.allclose(pooled([a, a]), a, atol=1e-6)
