import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.scoring.agreement import (
    agreement_matrix,
    error_overlap,
    hardest_images,
    likely_label_errors,
    majority_vote,
    only_one_right,
    oracle,
)

LABELS = np.array([0, 1, 2, 3])
READ = np.array([[0, 1, 2, 9], [0, 7, 2, 9], [0, 7, 1, 9]])


def test_agreement_counts_images_on_which_two_models_say_the_same() -> None:
    expected = [[1, 0.75, 0.5], [0.75, 1, 0.75], [0.5, 0.75, 1]]
    assert agreement_matrix(READ).tolist() == expected


def test_error_overlap_is_shared_errors_over_either_ones() -> None:
    found = error_overlap(READ == LABELS)
    assert found[0, 1] == pytest.approx(1 / 2)
    assert found[0, 2] == pytest.approx(1 / 3)
    assert np.isnan(error_overlap(np.ones((2, 3), bool))).all()


def test_hardest_images_come_first_with_what_they_are_read_as() -> None:
    found = hardest_images(READ, LABELS)
    assert [(h.image, h.n_wrong, h.read_as, h.n_read_as) for h in found] == [
        (3, 3, 9, 3),
        (1, 2, 7, 2),
    ]


def test_a_label_is_suspect_when_all_models_are_sure_of_one_other_class() -> None:
    sure = np.full((3, 4), 0.97)
    sure[1, 3] = 0.93
    (found,) = likely_label_errors(READ, LABELS, sure)
    assert (found.image, found.label, found.suggested, found.confidence) == (3, 3, 9, 0.93)


@pytest.mark.parametrize(
    ("models", "confidence"),
    [
        pytest.param(3, 0.5, id="unsure"),
        pytest.param(2, 0.99, id="too-few-models"),
        pytest.param(3, np.nan, id="no-probabilities"),
    ],
)
def test_a_label_is_not_suspect_on_less(models: int, confidence: float) -> None:
    read = READ[:models]
    assert likely_label_errors(read, LABELS, np.full(read.shape, confidence)) == []


def test_images_only_one_model_reads_are_its_own() -> None:
    assert [images.tolist() for images in only_one_right(READ, LABELS)] == [[1], [], []]
    assert only_one_right(READ[:1], LABELS)[0].tolist() == []


def test_the_oracle_is_right_where_any_model_is() -> None:
    assert (oracle(READ, LABELS) == LABELS).tolist() == [True, True, True, False]


def test_the_majority_decides_and_a_tie_goes_to_the_first_model() -> None:
    assert majority_vote(READ).tolist() == [0, 7, 2, 9]
    assert majority_vote(np.array([[4], [2]])).tolist() == [4]


def test_a_tie_goes_to_the_larger_summed_probability() -> None:
    probabilities = [np.array([[0.45, 0.55]]), np.array([[0.9, 0.1]])]
    assert majority_vote(np.array([[1], [0]]), probabilities).tolist() == [0]


@given(st.integers(1, 7), st.integers(1, 20), st.integers(0, 10_000))
@settings(max_examples=80, deadline=None)
def test_the_vote_wins_at_least_as_many_models_as_any_class(m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    read, labels = rng.integers(0, 5, (m, n)), rng.integers(0, 5, n)
    vote = majority_vote(read)
    support = (read == vote).sum(0)
    assert all(support[i] == np.bincount(read[:, i]).max() for i in range(n))
    assert (oracle(read, labels) == labels).sum() >= (vote == labels).sum()


@pytest.mark.parametrize(
    "read",
    [pytest.param(np.zeros((0, 4), int), id="no-model"), pytest.param(READ[:, :2], id="images")],
)
def test_models_on_other_images_are_refused(
    read: "np.ndarray[tuple[int, int], np.dtype[np.int64]]",
) -> None:
    with pytest.raises(BenchError, match=r"no predictions|not tested on the same images"):
        hardest_images(read, LABELS)
