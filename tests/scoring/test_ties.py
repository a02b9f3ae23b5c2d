import time
from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError
from bench.scoring.crossed import Crossed, crossed
from bench.scoring.paired import compare
from bench.scoring.ties import pairwise_p_values, tied_groups


def reading(wrong: "slice | list[int]", n: int = 1000) -> Crossed:
    correct = np.ones(n, bool)
    correct[wrong] = False
    return crossed(correct)


def test_rows_not_separable_from_the_best_share_its_rank() -> None:
    rows = [reading(slice(0, 10)), reading(slice(2, 14)), reading(slice(0, 90))]
    assert tied_groups(rows).ranks == ("1=", "1=", "3")


def test_the_next_group_starts_at_the_first_row_left() -> None:
    rows = [
        reading(slice(0, 150)),
        reading(slice(0, 10)),
        reading(slice(5, 155)),
        reading(slice(0, 300)),
    ]
    found = tied_groups(rows)
    assert found.ranks == ("2=", "1", "2=", "4")
    assert found.order == (1, 0, 2, 3)


def test_a_row_separated_from_the_best_stands_below_a_worse_one_that_is_not() -> None:
    best = reading(slice(0, 10))
    nested = reading(slice(0, 40))  # its errors hold the best's: 30 against 0
    noisy = np.ones((3, 1000), bool)
    noisy[0, 100:110] = noisy[1, 200:290] = noisy[2, 300:330] = False  # seeds that scatter
    rows = [best, nested, crossed(noisy)]
    found = tied_groups(rows)
    assert found.ranks == ("1=", "3", "1=")
    assert found.order == (0, 2, 1)


def test_one_row_is_first_alone() -> None:
    found = tied_groups([reading(slice(0, 10))])
    assert (found.ranks, found.needed) == (("1",), None)


def test_no_row_has_no_rank() -> None:
    assert tied_groups([]).ranks == ()


def test_identical_rows_share_a_rank_and_no_number_of_images_would_help() -> None:
    found = tied_groups([reading(slice(0, 10)), reading(slice(0, 10))])
    assert found.ranks == ("1=", "1=")
    assert found.needed is not None
    assert found.needed.reason == "they read equally many right"


def test_tied_leaders_are_told_how_many_images_would_separate_them() -> None:
    found = tied_groups([reading(slice(0, 10)), reading(slice(2, 16))])
    assert found.needed is not None
    assert found.needed.total is not None
    assert found.needed.total > 1000


def test_tied_leaders_always_need_more_images_than_there_are() -> None:
    # p = .001 alone would do; among the 1,275 pairs of 51 rows it does not
    rows = [reading(slice(0, 10)), *[reading(slice(0, 20))] * 50]
    found = tied_groups(rows)
    assert found.needed is not None
    assert found.needed.more is not None
    assert found.needed.more > 0


def test_separated_leaders_need_no_more_images() -> None:
    assert tied_groups([reading(slice(0, 10)), reading(slice(0, 90))]).needed is None


def test_holm_over_all_pairs_is_what_separates() -> None:
    # 6 more errors in a nest: p = .031 alone, above .05 after Holm over the 6 pairs of 4 rows
    rows = [reading(slice(0, 10)), *(reading(slice(0, 16)) for _ in range(3))]
    found = tied_groups(rows)
    assert found.p_values[0, 1] == pytest.approx(0.5**6)
    assert found.adjusted[0, 1] == pytest.approx(6 * 0.5**6)
    assert found.ranks == ("1=",) * 4


def test_the_table_of_pairs_is_what_compare_gives_for_each() -> None:
    rng = np.random.default_rng(0)
    rows = [
        crossed(rng.random((k, 400)) < p) for k, p in ((1, 0.9), (3, 0.92), (2, 0.95), (1, 0.96))
    ]
    same = rng.random((1, 400)) < 0.9
    rows.append(crossed(np.repeat(same, 3, axis=0)))
    table = pairwise_p_values(rows)
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            expected = 1.0 if i == j else compare(a, b).p_value
            assert table[i, j] == pytest.approx(expected, abs=1e-12), (i, j)


def test_rows_of_different_test_splits_are_refused() -> None:
    with pytest.raises(BenchError, match="the rows were not tested on the same images"):
        tied_groups([reading(slice(0, 3), 10), reading(slice(0, 3), 20)])


def test_20_rows_of_10_000_images_take_a_tenth_of_a_second() -> None:
    rng = np.random.default_rng(0)
    rows = [crossed(rng.random((3, 10_000)) < p) for p in np.linspace(0.9, 0.99, 20)]
    tied_groups(rows)
    started = time.process_time()
    found: Any = tied_groups(rows)
    assert time.process_time() - started < 0.1
    assert len(found.ranks) == 20
