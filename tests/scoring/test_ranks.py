import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import polygamma
from statsmodels.stats.contingency_tables import mcnemar as oracle_mcnemar

from bench.errors import BenchError
from bench.scoring.crossed import Crossed, crossed
from bench.scoring.halves import HALVES, first_in_halves
from bench.scoring.moderation import fitted_prior, inverse_trigamma, moderated_spread
from bench.scoring.paired import compare
from bench.scoring.ranks import pairwise_p_values, rank_ranges, rank_text, shaffer

Array = np.ndarray[Any, Any]


def reading(wrong: "slice | list[int]", n: int = 1000) -> Crossed:
    correct = np.ones(n, bool)
    correct[wrong] = False
    return crossed(correct)


def seeded(levels: "list[float]", n: int = 2000, seed: int = 0) -> Crossed:
    rng = np.random.default_rng(seed)
    return crossed(rng.random((len(levels), n)) < np.array(levels)[:, None])


def ranks_of(rows: "list[Crossed]", deterministic: "list[bool] | None" = None) -> "list[str]":
    found = rank_ranges(rows, deterministic or [])
    return [rank_text(*pair) for pair in zip(found.low, found.high, strict=True)]


def test_rows_that_no_test_separates_may_hold_each_others_places() -> None:
    rows = [reading(slice(0, 10)), reading(slice(2, 14)), reading(slice(0, 90))]
    assert ranks_of(rows) == ["1–2", "1–2", "3"]


def test_a_row_between_two_it_is_not_separated_from_may_hold_either_place() -> None:
    rows = [reading(slice(0, 100)), reading(slice(0, 104)), reading(slice(0, 108))]
    assert ranks_of(rows) == ["1–2", "1–3", "2–3"]


def test_the_order_is_by_accuracy_though_less_is_known_of_one_row() -> None:
    noisy = np.ones((3, 1000), bool)
    noisy[0, 100:110] = noisy[1, 200:290] = noisy[2, 300:330] = False
    rows = [crossed(noisy), reading(slice(0, 10)), reading(slice(0, 40))]
    assert rank_ranges(rows).order == (1, 2, 0)


def test_one_row_is_first_alone() -> None:
    assert ranks_of([reading(slice(0, 10))]) == ["1"]


def test_no_row_cannot_be_ranked() -> None:
    with pytest.raises(BenchError, match="there is nothing to rank: no row"):
        rank_ranges([])


def test_identical_predictions_share_all_places() -> None:
    rows = [reading(slice(0, 10))] * 3 + [seeded([0.8, 0.81, 0.8, 0.79, 0.8], 1000)] * 2
    assert ranks_of(rows) == ["1–3"] * 3 + ["4–5"] * 2


def test_rows_of_different_test_splits_are_refused() -> None:
    with pytest.raises(BenchError, match="the rows were not tested on the same images"):
        rank_ranges([reading(slice(0, 3), 10), reading(slice(0, 3), 20)])


def test_a_claim_is_needed_for_each_row() -> None:
    with pytest.raises(BenchError, match="which rows are deterministic"):
        rank_ranges([reading(slice(0, 3))], [True, False])


def test_of_two_rows_the_board_decides_as_the_pair_alone() -> None:
    rows = [seeded([0.90, 0.91, 0.93], seed=1), seeded([0.93, 0.95, 0.94], seed=2)]
    expected = compare(*rows).p_value
    assert rank_ranges(rows).adjusted[0, 1] == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_pairs_of_one_seed_are_mcnemars_mid_p(only_a: int, only_b: int) -> None:
    a, b = np.ones(400, bool), np.ones(400, bool)
    b[:only_a] = a[only_a : only_a + only_b] = False
    rows = [crossed(a), crossed(b)]
    table = pairwise_p_values(rows, moderated_spread(rows))
    n, k = only_a + only_b, min(only_a, only_b)
    exact = oracle_mcnemar([[5, only_a], [only_b, 5]], exact=True).pvalue
    expected = exact - stats.binom.pmf(k, n, 0.5) if only_a != only_b else 1.0
    assert table[0, 1] == pytest.approx(expected, abs=1e-9)


def test_pairs_over_seeds_alone_are_welchs_t_test() -> None:
    # All of a seed's images right or wrong: no chance is left but the seeds'.
    shares = [[0.2, 0.4, 0.9, 0.7], [0.5, 0.9, 0.95]]
    rows = [crossed(np.arange(1000) < np.round(np.array(s)[:, None] * 1000)) for s in shares]
    spread = moderated_spread(rows)
    found = stats.ttest_ind(*shares, equal_var=False)
    assert spread.prior_df == 0
    assert spread.variance == pytest.approx([np.var(s, ddof=1) for s in shares], abs=1e-12)
    seed = spread.variance / [4, 3]
    t = (np.mean(shares[0]) - np.mean(shares[1])) / seed.sum() ** 0.5
    assert t == pytest.approx(found.statistic, abs=1e-9)
    assert found.df == pytest.approx(seed.sum() ** 2 / (seed**2 / [3, 2]).sum(), abs=1e-9)


@given(st.floats(1e-6, 1e6))
def test_the_inverse_of_trigamma_is_one(value: float) -> None:
    assert float(polygamma(1, inverse_trigamma(value))) == pytest.approx(value, rel=1e-9)


def test_the_prior_of_equal_variances_has_as_many_degrees_as_may_be() -> None:
    rng = np.random.default_rng(0)
    found = fitted_prior(rng.chisquare(4, 2000) / 4, np.full(2000, 4.0))
    assert found.df == pytest.approx(3 * 1998 / 2001)
    assert found.variance == pytest.approx(1.0, abs=0.06)


def test_the_prior_finds_the_degrees_of_freedom_that_variances_were_drawn_with() -> None:
    rng = np.random.default_rng(0)
    true = 1.5 / rng.chisquare(1.5, 20_000)
    found = fitted_prior(true * rng.chisquare(3, 20_000) / 3, np.full(20_000, 3.0))
    assert found.df == pytest.approx(1.5, rel=0.05)


def test_a_row_of_another_kind_hardly_moves_the_prior_of_the_others() -> None:
    alike = [1.0, 0.8, 1.2, 1.1, 0.9, 1.3, 0.7]
    with_one = fitted_prior([*alike, 5000.0], [2.0] * 8)
    assert with_one.variance < 5 * fitted_prior(alike, [2.0] * 7).variance
    assert with_one.df < 1.0


def test_two_variances_say_nothing_of_a_third() -> None:
    assert fitted_prior([1.0, 1.0], [2.0, 2.0]).df == 0


def test_three_seeds_that_fell_together_by_luck_are_not_believed() -> None:
    lucky = seeded([0.9, 0.9, 0.9], seed=9)
    rows = [lucky, *(seeded([0.85, 0.9, 0.95], seed=i) for i in range(5))]
    own = lucky.seed_part * 3
    assert moderated_spread(rows).variance[0] > 5 * own


def test_rows_without_randomness_stay_at_zero_and_out_of_the_fit() -> None:
    alike = crossed(np.repeat(np.random.default_rng(0).random((1, 2000)) < 0.9, 3, axis=0))
    rows = [seeded([0.9, 0.92, 0.91], seed=i) for i in range(4)]
    without, found = moderated_spread(rows), moderated_spread([alike, *rows])
    assert (found.variance[0], found.df[0]) == (0, 0)
    assert found.variance[1:] == pytest.approx(without.variance)


def test_one_seed_of_a_model_with_randomness_takes_the_spread_of_the_others() -> None:
    rows = [seeded([0.9], seed=9), *(seeded([0.88, 0.9, 0.92], seed=i) for i in range(4))]
    found = moderated_spread(rows)
    assert found.variance[0] == pytest.approx(0.02**2, rel=0.5)
    assert moderated_spread(rows, [True] + [False] * 4).variance[0] == 0


def test_where_all_rows_have_one_seed_nothing_is_known_of_training_again() -> None:
    rows = [seeded([0.9], seed=9), seeded([0.7], seed=8)]
    assert not moderated_spread(rows).variance.any()


def test_50_seeds_beside_1_are_ranked() -> None:
    rows = [seeded([0.95] * 50), seeded([0.60], seed=1), seeded([0.945], seed=2)]
    assert ranks_of(rows) == ["1–2", "3", "1–2"]


def test_different_numbers_of_seeds_are_ranked() -> None:
    levels = ([0.95] * 2, [0.949] * 5, [0.6] * 3, [0.1])
    assert ranks_of([seeded(each, seed=i) for i, each in enumerate(levels)]) == [
        "1–2",
        "1–2",
        "3",
        "4",
    ]


def test_a_row_with_a_collapsed_training_is_told_from_the_others() -> None:
    steady = [seeded([0.9, 0.91, 0.9, 0.89, 0.9], seed=i) for i in range(4)]
    found = moderated_spread([*steady, seeded([0.9, 0.91, 0.1, 0.9, 0.9], seed=9)])
    assert found.is_far.tolist() == [False] * 4 + [True]


def test_rows_all_right_and_all_wrong_are_ranked() -> None:
    rows = [reading(slice(0, 0)), reading(slice(0, 1000)), crossed(np.ones((3, 1000), bool))]
    assert ranks_of(rows) == ["1–2", "3", "1–2"]


def _partitions(n: int) -> "set[int]":
    """Numbers of equal pairs that n rows can have, by trying all groupings."""
    found = set()
    for groups in itertools.product(range(n), repeat=n):
        counts = np.bincount(groups)
        found.add(int((counts * (counts - 1) // 2).sum()))
    return found


@pytest.mark.parametrize("n_rows", [pytest.param(n, id=f"{n} rows") for n in (2, 3, 4, 5, 6)])
def test_shaffer_counts_the_pairs_that_can_be_equal_together(n_rows: int) -> None:
    possible, n_pairs = _partitions(n_rows), n_rows * (n_rows - 1) // 2
    p_values = np.linspace(1e-6, 2e-6, n_pairs)
    expected = [max(max(b for b in possible if b <= n_pairs - i), 1) for i in range(n_pairs)]
    steps = np.maximum.accumulate(p_values * expected)
    assert shaffer(p_values, n_rows) == pytest.approx(steps)


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
@settings(max_examples=100, deadline=None)
def test_shaffer_rejects_no_less_than_holm(p_values: "list[float]") -> None:
    from statsmodels.stats.multitest import multipletests

    assert (shaffer(p_values, 4) <= multipletests(p_values, method="holm")[1] + 1e-12).all()


def _tables(draw_seed: int, n_rows: int) -> "list[Crossed]":
    rng = np.random.default_rng(draw_seed)
    levels = rng.uniform(0.5, 0.99, n_rows)
    return [
        crossed(rng.random((int(rng.integers(1, 5)), 300)) < level + 0.02 * rng.standard_normal())
        for level in levels
    ]


@given(st.integers(0, 10_000), st.integers(1, 8), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_in_which_rows_are_given_changes_no_rank(
    draw_seed: int, n_rows: int, random: Any
) -> None:
    rows = _tables(draw_seed, n_rows)
    shuffled = random.sample(range(n_rows), n_rows)
    found = ranks_of(rows)
    assert ranks_of([rows[i] for i in shuffled]) == [found[i] for i in shuffled]


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_a_range_holds_the_place_by_accuracy(draw_seed: int, n_rows: int) -> None:
    found = rank_ranges(_tables(draw_seed, n_rows))
    for place, row in enumerate(found.order, start=1):
        assert found.low[row] <= place <= found.high[row]


@given(st.integers(0, 10_000), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_every_half_of_the_images_has_one_first_row(draw_seed: int, n_rows: int) -> None:
    assert sum(first_in_halves(_tables(draw_seed, n_rows))) == HALVES


def test_a_row_far_ahead_is_first_in_all_halves() -> None:
    assert first_in_halves([reading(slice(0, 10)), reading(slice(0, 300))]) == (HALVES, 0)


def test_identical_rows_share_the_halves() -> None:
    first, second = first_in_halves([reading(slice(0, 10)), reading(slice(0, 10))])
    assert 10 < first < 40
    assert first + second == HALVES


def test_one_image_cannot_be_halved() -> None:
    assert first_in_halves([reading(slice(0, 1), 1)]) == ()
