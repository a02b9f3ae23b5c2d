from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from bench.errors import BenchError
from bench.scoring import confusion
from bench.scoring.crossed import crossed
from bench.scoring.intervals import (
    accuracy_interval,
    accuracy_limits,
    bootstrap_intervals,
    mean_interval,
    normal_quantile,
    seed_intervals,
    t_quantile,
    wilson,
    writers_interval,
)


@given(st.integers(1, 20_000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=200, deadline=None)
def test_wilson_is_statsmodels_to_1e_9(n: int, share: float, level: float) -> None:
    k = round(share * n)
    found = wilson(k, n, level=level)
    expected = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 20_000), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_the_accuracy_interval_is_wilson_unless_few_are_wrong_or_right(
    n: int, share: float
) -> None:
    k = round(share * n)
    found, plain = accuracy_interval(k, n), wilson(k, n)
    if min(k, n - k) > 3 or k in (0, n):
        assert (found.low, found.high, found.method) == (plain.low, plain.high, "Wilson")
    assert 0 <= found.low <= k / n <= found.high <= 1


def test_with_few_errors_the_upper_limit_is_the_poisson_one() -> None:
    found = accuracy_interval(998, 1000)
    # P(Poisson(m) >= 2) = .05 at m = .3554
    assert found.high == pytest.approx(1 - 0.355362 / 1000, abs=1e-8)
    assert found.low == pytest.approx(wilson(998, 1000).low)
    assert found.method == "Wilson, Poisson limit as few are wrong"


def test_24_of_24_gives_the_interval_of_the_sketch() -> None:
    found = accuracy_interval(24, 24)
    assert (round(found.low, 2), found.high) == (0.86, 1.0)


@pytest.mark.parametrize(
    ("k", "n"), [pytest.param(0, 0, id="no-image"), pytest.param(3, 2, id="more-than-all")]
)
def test_no_interval_without_images(k: int, n: int) -> None:
    with pytest.raises(BenchError, match="no interval of this share"):
        accuracy_interval(k, n)


def exact_coverage(n: int, shares: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    k = np.arange(n + 1)
    low, high = accuracy_limits(k, n)
    chances = stats.binom.pmf(k[None, :], n, shares[:, None])
    holds = (low <= shares[:, None]) & (shares[:, None] <= high)
    covered: np.ndarray[Any, Any] = (chances * holds).sum(1)
    return covered


@pytest.mark.parametrize(
    "n", [pytest.param(n, id=str(n)) for n in (24, 25, 30, 40, 50, 51, 60, 100, 360, 1000)]
)
def test_accuracy_coverage_is_95_percent_on_average_and_never_below_91(n: int) -> None:
    covered = exact_coverage(n, np.linspace(0.6, 0.99, 1951))
    assert 0.94 <= covered.mean() <= 0.97
    assert covered.min() >= 0.91


def test_plain_wilson_would_fall_below_91_percent() -> None:
    k = np.arange(25)
    limits = [wilson(int(i), 24) for i in k]
    holds = np.array([one.low <= 0.9769 <= one.high for one in limits])
    assert (stats.binom.pmf(k, 24, 0.9769) * holds).sum() < 0.90


def test_quantiles_are_scipys() -> None:
    assert normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.975), abs=1e-12)
    assert t_quantile(0.9, 3.7) == pytest.approx(stats.t.ppf(0.95, 3.7), abs=1e-9)
    assert t_quantile(0.95, np.inf) == normal_quantile(0.95)


def test_the_interval_of_a_mean_is_scipys_t_interval() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=40)
    found = mean_interval(values)
    expected = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_one_value_has_no_interval_of_its_mean() -> None:
    assert mean_interval(np.array([1.0])) is None


def table(k: int, n: int, seed: int = 0, accuracy: float = 0.9) -> "np.ndarray[Any, Any]":
    rng = np.random.default_rng(seed)
    easy = rng.beta(9 * accuracy, 9 * (1 - accuracy), n)
    return rng.random((k, n)) < easy


def test_over_seeds_the_interval_is_scipys_t_interval_of_their_accuracies() -> None:
    correct = table(4, 2000)
    found = seed_intervals(crossed(correct))
    accuracies = correct.mean(1)
    expected = stats.t.interval(0.95, 3, accuracies.mean(), stats.sem(accuracies))
    assert found.seeds is not None
    assert (found.seeds.low, found.seeds.high) == pytest.approx(expected, abs=1e-9)
    assert found.sd_seeds == pytest.approx(accuracies.std(ddof=1))


def test_seeds_and_images_are_kept_apart_and_together_are_wider() -> None:
    found = seed_intervals(crossed(table(3, 500)))
    assert found.images.method == "Wilson, effective n"
    assert found.both.high - found.both.low >= found.images.high - found.images.low
    assert found.se_images == pytest.approx(table(3, 500).mean(0).std() / 500**0.5)


def test_one_seed_has_no_seed_interval_and_says_so() -> None:
    found = seed_intervals(crossed(table(1, 100)))
    assert (found.seeds, found.sd_seeds) == (None, None)
    assert found.both.note == "one seed: nothing is known about retraining"
    assert found.both.method == "Wilson"


def test_seeds_that_read_alike_say_so_and_leave_the_plain_interval() -> None:
    once = table(1, 100)
    found = seed_intervals(crossed(np.repeat(once, 3, axis=0)))
    plain = accuracy_interval(int(once.sum()), 100)
    assert (found.both.low, found.both.high) == (plain.low, plain.high)
    assert found.both.note == "the 3 seeds read every image alike"


def test_seeds_that_agree_by_rounding_still_have_a_width() -> None:
    correct = np.ones((3, 50), bool)
    correct[[0, 1, 2], [0, 1, 2]] = False
    found = seed_intervals(crossed(correct))
    assert found.sd_seeds == 0
    assert found.seeds is not None
    assert 0 < found.seeds.high - found.seeds.low < 0.05


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_seed_intervals_hold_the_mean_and_stay_within_0_and_1(k: int, n: int, seed: int) -> None:
    correct = np.random.default_rng(seed).random((k, n)) < 0.8
    found = seed_intervals(crossed(correct))
    for one in (found.seeds, found.images, found.both):
        if one is not None:
            assert 0 <= one.low <= found.mean + 1e-12
            assert found.mean - 1e-12 <= one.high <= 1


def test_two_seeds_that_err_on_opposite_images_do_not_crash() -> None:
    found = seed_intervals(crossed(np.array([[True, False], [False, True]])))
    assert found.both.low < 0.5 < found.both.high


def test_seeds_of_different_test_splits_are_refused() -> None:
    with pytest.raises(BenchError, match="the seeds were not tested on the same images"):
        crossed([np.ones(3, bool), np.ones(4, bool)])


@pytest.mark.parametrize(
    "empty", [pytest.param(np.zeros(0, bool), id="flat"), pytest.param([], id="no-seed")]
)
def test_nothing_to_score_is_said(empty: Any) -> None:
    with pytest.raises(BenchError, match="there is nothing to score"):
        crossed(empty)


def test_fewer_than_5_writers_speak_of_these_images_only() -> None:
    correct = np.arange(24) % 3 > 0
    found = writers_interval(correct, np.repeat(["a", "b", "c"], 8))
    assert (found.method, found.note) == ("Wilson", "these images only")
    assert found.low == wilson(16, 24).low


def test_from_5_writers_the_interval_is_a_t_on_their_means_in_wilsons_form() -> None:
    rights = [20, 40, 10, 35, 50, 45]
    correct = np.concatenate([np.arange(50) < k for k in rights])
    found = writers_interval(correct, np.repeat(np.arange(6), 50))
    means = np.array(rights) / 50
    # the limits are the shares p at which |mean - p| is t standard errors, these scaled to p
    p, n_eff = means.mean(), means.mean() * (1 - means.mean()) / stats.sem(means) ** 2
    for limit in (found.low, found.high):
        error = (limit * (1 - limit) / n_eff) ** 0.5
        assert abs(p - limit) / error == pytest.approx(stats.t.ppf(0.975, 5), abs=1e-9)
    assert (found.note, found.method) == ("", "t on writers' means, Wilson's form")


def test_writers_without_an_error_still_get_a_width() -> None:
    found = writers_interval(np.ones(40, bool), np.repeat(np.arange(5), 8))
    assert (round(found.low, 3), found.high) == (round(wilson(40, 40).low, 3), 1.0)


def test_every_image_needs_its_writer() -> None:
    with pytest.raises(BenchError, match="every image needs its writer"):
        writers_interval(np.ones(4, bool), np.array(["a"]))


def test_the_bootstrap_of_the_confusion_matrix_is_that_of_the_images() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 600)
    predicted = np.where(rng.random(600) < 0.8, labels, rng.integers(0, 4, 600))
    found = bootstrap_intervals(
        confusion.confusion_matrix(labels, predicted, 4), {"f1": confusion.macro_f1}, draws=4000
    )["f1"]
    values = []
    for _ in range(4000):
        i = rng.integers(0, 600, 600)
        values.append(
            float(confusion.macro_f1(confusion.confusion_matrix(labels[i], predicted[i], 4)))
        )
    low, high = np.quantile(values, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)


def test_the_bootstrap_is_the_same_every_time() -> None:
    matrix = np.array([[40, 3], [5, 60]])
    statistics = {"f1": confusion.macro_f1}
    assert bootstrap_intervals(matrix, statistics) == bootstrap_intervals(matrix, statistics)


@pytest.mark.parametrize(
    ("matrix", "note"),
    [
        pytest.param(
            np.diag([5, 5]), "none wrong, so none to draw: Wilson on accuracy", id="right"
        ),
        pytest.param(
            5 - np.diag([5, 5]), "none right, so none to draw: Wilson on accuracy", id="wrong"
        ),
    ],
)
def test_nothing_to_draw_is_said_instead_of_a_zero_width(matrix: Any, note: str) -> None:
    found = bootstrap_intervals(matrix, {"f1": confusion.macro_f1})["f1"]
    assert found.note == note
    assert found.high - found.low > 0.1


def test_seeds_do_not_count_as_further_images_of_a_writer() -> None:
    once = np.arange(60) % 10 > 0
    writers = np.repeat(np.arange(6), 10)
    assert writers_interval(np.stack([once] * 5), writers) == writers_interval(once, writers)
