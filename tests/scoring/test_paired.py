from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar as oracle_mcnemar
from statsmodels.stats.multitest import multipletests

from bench.errors import BenchError
from bench.scoring.crossed import Crossed, crossed
from bench.scoring.paired import (
    compare,
    difference_interval,
    holm,
    mcnemar,
    p_from_parts,
    pair_parts,
    variance_parts,
)
from bench.scoring.planning import Chance, what_it_takes


def pair(both: int, only_a: int, only_b: int, neither: int) -> "tuple[Any, Any]":
    counts = [both, only_a, only_b, neither]
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


@given(st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_exact_mcnemar_is_statsmodels_to_1e_9(only_a: int, only_b: int) -> None:
    expected = oracle_mcnemar([[5, only_a], [only_b, 5]], exact=True).pvalue
    assert float(mcnemar(only_a, only_b, exact=True)) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=200, deadline=None)
def test_mid_p_is_scipys_binomial_test_less_the_point(only_a: int, only_b: int) -> None:
    n = only_a + only_b
    if only_a == only_b:
        expected = 1.0
    else:
        exact = stats.binomtest(only_a, n, 0.5).pvalue
        expected = exact - stats.binom.pmf(only_a, n, 0.5)
    assert float(mcnemar(only_a, only_b)) == pytest.approx(expected, abs=1e-9)


def test_mid_p_is_the_published_example() -> None:
    # Fagerland, Lydersen and Laake 2013, table 1 (airway hyper-responsiveness): 1 and 7
    assert float(mcnemar(1, 7)) == pytest.approx(0.039, abs=5e-4)
    assert float(mcnemar(1, 7, exact=True)) == pytest.approx(0.070, abs=5e-4)


def test_no_discordant_image_is_no_evidence() -> None:
    found = compare(*pair(10, 0, 0, 3))
    assert (found.p_value, found.difference) == (1.0, 0.0)
    assert found.interval.low < 0 < found.interval.high


def test_one_seed_a_side_is_mcnemar_mid_p_and_says_what_it_cannot_say() -> None:
    found = compare(*pair(900, 41, 29, 30))
    assert found.method == "McNemar, mid-p"
    assert found.p_value == float(mcnemar(41, 29))
    assert (found.only_a, found.only_b, found.both_right, found.both_wrong) == (41, 29, 900, 30)
    assert found.note.startswith("one seed a side")


def test_identical_seeds_are_mcnemar_too() -> None:
    a, b = pair(900, 41, 29, 30)
    found = compare(np.stack([a, a, a]), np.stack([b, b]))
    assert found.p_value == float(mcnemar(41, 29))
    assert found.note == "the seeds of a side read every image alike"


def test_one_seed_against_seeds_that_read_alike_is_known_no_better() -> None:
    a, b = pair(900, 41, 29, 30)
    assert compare(a, np.stack([b, b])).note.startswith("A has one seed")
    assert compare(np.stack([a, a]), b).note.startswith("B has one seed")


def test_the_interval_agrees_with_the_exact_test_where_that_is_asked_for() -> None:
    a, b = pair(95, 5, 0, 0)
    assert compare(a, b).interval.low > 0  # mid-p is .03
    found = compare(a, b, exact=True)
    assert found.p_value == 0.0625
    assert found.interval.low == 0


def test_one_image_is_compared_without_a_crash() -> None:
    found = compare(*pair(0, 1, 0, 0))
    assert found.p_value == 0.5
    assert found.interval.low == pytest.approx(-0.587, abs=2e-3)
    assert found.interval.high == 1.0


@given(
    st.integers(0, 60), st.integers(0, 60), st.integers(0, 300), st.sampled_from([0.9, 0.95, 0.99])
)
@settings(max_examples=300, deadline=None)
def test_the_interval_holds_0_exactly_when_mid_p_does_not_reject(
    only_a: int, only_b: int, others: int, level: float
) -> None:
    n = only_a + only_b + others
    if n == 0:
        return
    found = difference_interval(only_a, only_b, n, level=level)
    rejects = float(mcnemar(only_a, only_b)) < 1 - level
    assert (found.low <= 0 <= found.high) != rejects
    assert found.low <= (only_a - only_b) / n <= found.high


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 300))
@settings(max_examples=100, deadline=None)
def test_exchanging_a_and_b_mirrors_the_comparison(only_a: int, only_b: int, others: int) -> None:
    a, b = pair(others, only_a, only_b, 0)
    one, other = compare(a, b), compare(b, a)
    assert one.p_value == other.p_value
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-12)


@pytest.mark.parametrize(
    ("only_a", "only_b", "n"),
    [
        pytest.param(1, 0, 44, id="one-discordant"),
        pytest.param(9, 3, 50, id="few"),
        pytest.param(30, 60, 1000, id="many"),
    ],
)
def test_tango_limits_are_where_the_score_under_the_constrained_likelihood_is_1_96(
    only_a: int, only_b: int, n: int
) -> None:
    found = difference_interval(only_a, only_b, n, agree_with_test=False)

    def score_at(gap: float) -> float:
        def minus_log_likelihood(p_b: float) -> float:
            p_a, rest = p_b + gap, 1 - 2 * p_b - gap
            counts = np.array([only_a, only_b, n - only_a - only_b])
            return -float((counts * np.log(np.maximum([p_a, p_b, rest], 1e-300))).sum())

        bounds = (max(0.0, -gap), (1 - gap) / 2)
        p_b = optimize.minimize_scalar(
            minus_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}
        ).x
        variance = n * (2 * p_b + gap - gap**2)
        return float((only_a - only_b - n * gap) / variance**0.5)

    assert score_at(found.low) == pytest.approx(stats.norm.ppf(0.975), abs=1e-4)
    assert score_at(found.high) == pytest.approx(-stats.norm.ppf(0.975), abs=1e-4)


def test_tango_inverts_the_asymptotic_mcnemar_test() -> None:
    found = difference_interval(30, 14, 400, agree_with_test=False)
    z = (30 - 14) / (30 + 14) ** 0.5
    level = 1 - 2 * stats.norm.sf(z)
    touching = difference_interval(30, 14, 400, level=level, agree_with_test=False)
    assert touching.low == pytest.approx(0, abs=1e-9)
    assert found.low > 0


def test_holm_is_statsmodels_to_1e_9() -> None:
    p_values = np.random.default_rng(0).random(40) ** 3
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(expected, abs=1e-9)


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]).shape == (0,)


def seeds(k: int, n: int, seed: int, accuracy: float = 0.95) -> "np.ndarray[Any, Any]":
    rng = np.random.default_rng(seed)
    easy = rng.beta(4 * accuracy, 4 * (1 - accuracy), n)
    return rng.random((k, n)) < easy


def test_over_seeds_test_and_interval_agree_about_0() -> None:
    for seed in range(60):
        found = compare(seeds(3, 300, seed, 0.94), seeds(4, 300, seed + 1000, 0.97))
        assert found.method == "paired test over seeds and images"
        assert (found.interval.low <= 0 <= found.interval.high) == (found.p_value >= 0.05)


def test_seeds_that_scatter_hide_a_difference_that_one_pair_would_show() -> None:
    rng = np.random.default_rng(0)
    lucky = rng.random((1, 5000)) < 0.95
    a = np.concatenate([lucky, rng.random((1, 5000)) < 0.91])
    b = rng.random((2, 5000)) < np.array([[0.93], [0.925]])
    assert compare(a[0], b[0]).is_real()
    assert not compare(a, b).is_real()


def test_many_seeds_and_a_clear_difference_are_seen() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((3, 5000)) < 0.95, rng.random((3, 5000)) < 0.93
    assert compare(a, b).p_value < 0.01


def test_one_seed_against_several_borrows_their_spread_and_says_so() -> None:
    found = compare(seeds(1, 400, 0), seeds(3, 400, 1))
    assert found.note == "A has one seed: its spread over training again is taken to be B's"
    assert found.interval.method == "t over seeds and images, paired"


def test_a_borrowed_spread_is_known_no_better_than_the_lenders() -> None:
    a, b = crossed(seeds(1, 4000, 0)), crossed(seeds(3, 4000, 1))
    parts = pair_parts(a, b)
    images = float(parts.variance) / (b.seed_part * (1 + 3)) - 1  # by the seeds' part
    assert float(parts.df) == pytest.approx(2 * (1 + images / 2))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("ratio", [0.1, 1, 20])
def test_a_spread_known_from_one_side_alone_keeps_about_5_percent(k: int, ratio: float) -> None:
    rng = np.random.default_rng(k)
    gap = rng.normal(0, (ratio + 1) ** 0.5, 40_000)
    seed_part = ratio * rng.chisquare(k - 1, gap.size) / (k - 1)
    parts = variance_parts(np.ones(gap.size), (seed_part, 0.0, k - 1), (0.0, 0.0, 0))
    assert (p_from_parts(gap, parts) < 0.05).mean() <= 0.056


def test_different_numbers_of_images_are_refused() -> None:
    with pytest.raises(BenchError, match="A and B were not tested on the same images: 3 and 4"):
        compare(np.ones(3, bool), np.ones(4, bool))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 30), st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_any_comparison_gives_a_p_value_and_an_interval_that_holds_the_difference(
    k_a: int, k_b: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    found = compare(rng.random((k_a, n)) < 0.7, rng.random((k_b, n)) < 0.9)
    assert 0 <= found.p_value <= 1
    assert found.interval.low - 1e-12 <= found.difference <= found.interval.high + 1e-12
    counts = found.only_a + found.only_b + found.both_right + found.both_wrong
    assert counts == pytest.approx(n)


def test_images_needed_would_indeed_give_80_percent_power() -> None:
    a, b = pair(9600, 140, 120, 140)
    found = what_it_takes(Chance(row=crossed(a)), Chance(row=crossed(b)))
    assert found.more_images is not None
    rng = np.random.default_rng(0)
    draws = rng.multinomial(10_000 + found.more_images, [0.014, 0.012, 0.974], size=4000)
    power = (mcnemar(draws[:, 0], draws[:, 1]) < 0.05).mean()
    assert 0.77 <= power <= 0.83
    assert found.more_seeds is None


def test_images_needed_of_the_sketch_is_about_2_900() -> None:
    found = what_it_takes(*(Chance(row=crossed(side)) for side in pair(355, 1, 0, 4)))
    assert found.more_images == pytest.approx(2_850 - 360, rel=0.03)


def test_equally_many_right_need_no_number_of_images() -> None:
    found = what_it_takes(*(Chance(row=crossed(side)) for side in pair(90, 3, 3, 4)))
    assert (found.more_images, found.more_seeds) == (None, None)
    assert found.reason == "they read equally many right"


def seeded(levels: "list[float]") -> Crossed:
    rng = np.random.default_rng(int(1e6 * sum(levels)))
    return crossed(rng.random((len(levels), 4000)) < np.array(levels)[:, None])


def test_seeds_that_differ_too_much_ask_for_seeds_not_images() -> None:
    a, b = (
        Chance(row=row, variance=row.seed_part * 3, churn=row.churn_part * 3)
        for row in (seeded([0.95, 0.91, 0.93]), seeded([0.91, 0.94, 0.89]))
    )
    found = what_it_takes(a, b)
    assert found.more_images is None
    assert found.more_seeds is not None
    assert 1 < found.more_seeds < 100
    assert found.reason == ""


def test_as_many_more_seeds_would_indeed_give_80_percent_power() -> None:
    rng = np.random.default_rng(5)
    a, b = (
        Chance(row=row, variance=0.02**2, churn=row.churn_part * 3)
        for row in (seeded([0.93, 0.94, 0.95]), seeded([0.91, 0.92, 0.93]))
    )
    found = what_it_takes(a, b)
    assert found.more_seeds is not None
    gap = a.row.accuracy - b.row.accuracy
    images = float(((a.row.correct - b.row.correct) ** 2).mean()) / 4000
    fixed = images - a.row.churn_part - b.row.churn_part
    power = []
    for k in (2 + found.more_seeds, 3 + found.more_seeds):
        error = (2 * 0.02**2 / k + fixed) ** 0.5
        power.append((abs(gap + rng.normal(0, error, 100_000)) > 1.96 * error).mean())
    assert power[0] < 0.8 <= power[1]


def test_a_gap_too_small_for_seeds_and_for_images_asks_for_both() -> None:
    wrong_a, wrong_b = np.ones((3, 4000), bool), np.ones((3, 4000), bool)
    wrong_a[:, :200] = wrong_b[:, 200:410] = False  # other images: no number of seeds removes that
    a, b = (Chance(row=crossed(each), variance=0.02**2) for each in (wrong_a, wrong_b))
    found = what_it_takes(a, b)
    assert (found.more_images, found.more_seeds) == (None, None)
    assert found.reason == "it takes both together"
