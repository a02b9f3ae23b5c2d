from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError
from bench.scoring import confusion
from bench.scoring.changes import changes
from bench.scoring.comparisons import (
    Gate,
    check_gate,
    effect_in_words,
    metric_difference,
    over_datasets,
    p_in_words,
    parse_gate,
    per_class_differences,
)
from bench.scoring.crossed import crossed
from bench.scoring.paired import Comparison, compare, holm
from bench.spec import Interval


def against(only_a: int, only_b: int, both: int = 900) -> Comparison:
    counts = [both, only_a, only_b]
    return compare(np.repeat([True, True, False], counts), np.repeat([True, False, True], counts))


def test_per_class_p_values_are_corrected_for_the_number_of_classes() -> None:
    labels = np.repeat([0, 1, 2], 100)
    a, b = np.ones(300, bool), np.ones(300, bool)
    b[100:112] = False
    a[200:203] = False
    found = per_class_differences(labels, a, b, "abcd")
    assert [c.n_test for c in found] == [100, 100, 100, 0]
    raw = [c.comparison.p_value for c in found if c.comparison is not None]
    assert [c.adjusted for c in found[:3]] == pytest.approx(holm(raw).tolist())
    assert found[1].adjusted < 0.05 < found[2].adjusted
    assert (found[3].comparison, found[3].adjusted) == (None, 1.0)


def test_per_class_differences_respect_seeds() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    found = per_class_differences(
        labels, rng.random((3, 400)) < 0.9, rng.random((2, 400)) < 0.9, "ab"
    )
    assert found[0].comparison is not None
    assert found[0].comparison.method == "paired test over seeds and images"


def test_over_datasets_counts_only_what_holm_leaves() -> None:
    found = over_datasets(
        {
            "easy": against(40, 5),
            "near": against(10, 2),
            "same": against(5, 5),
            "bad": against(3, 30),
        }
    )
    assert (found.wins, found.ties, found.losses) == (("easy", "near"), ("same",), ("bad",))
    raw = [c.p_value for c in (against(40, 5), against(10, 2), against(5, 5), against(3, 30))]
    assert list(found.adjusted.values()) == pytest.approx(holm(raw).tolist())


def test_a_dataset_won_alone_but_not_after_holm_is_a_tie() -> None:
    lucky = against(5, 0)
    found = over_datasets({"lucky": lucky, "x": against(5, 5), "y": against(4, 4)})
    assert lucky.p_value < 0.05
    assert found.ties == ("lucky", "x", "y")


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        pytest.param("accuracy >= -0.5pp", Gate(metric="accuracy", margin=-0.005), id="points"),
        pytest.param("accuracy>=−.5 pp", Gate(metric="accuracy", margin=-0.005), id="typographic"),
        pytest.param("macro_f1 >= -1%", Gate(metric="macro_f1", margin=-0.01), id="percent"),
        pytest.param("accuracy >= 0.002", Gate(metric="accuracy", margin=0.002), id="share"),
    ],
)
def test_a_gate_is_read(text: str, gate: Gate) -> None:
    assert parse_gate(text) == gate


@pytest.mark.parametrize(
    "text", [pytest.param(t, id=t or "empty") for t in ("", "accuracy", "accuracy > 1", "x >= abc")]
)
def test_a_gate_that_cannot_be_read_shows_one_that_can(text: str) -> None:
    with pytest.raises(BenchError, match=r'write it like "accuracy >= -0\.5pp"'):
        parse_gate(text)


@pytest.mark.parametrize(
    ("difference", "low", "on", "passed"),
    [
        pytest.param(0.010, 0.004, "interval", True, id="may-be-within"),
        pytest.param(0.010, 0.006, "interval", False, id="surely-worse"),
        pytest.param(0.010, 0.004, "point", False, id="estimate-worse"),
        pytest.param(0.005, 0.001, "point", True, id="estimate-on-the-margin"),
        pytest.param(0.98 - 0.975, 0.001, "point", True, id="on-the-margin-but-for-rounding"),
        pytest.param(-0.010, -0.02, "interval", True, id="better"),
    ],
)
def test_the_gate_fails_when_the_upper_end_of_b_minus_a_lies_below_the_margin(
    difference: float, low: float, on: Any, passed: bool
) -> None:
    interval = Interval(low=low, high=difference + 0.01, method="")
    found = check_gate(Gate(metric="accuracy", margin=-0.005), difference, interval, on=on)
    assert found.is_passed is passed


def test_the_gate_says_what_it_held_against_what() -> None:
    found = check_gate(
        Gate(metric="accuracy", margin=-0.005), 0.01, Interval(low=0.006, high=0.014, method="")
    )
    assert found.reason == (
        "accuracy of B − A: upper end of the 95 % interval −0.60 points lies below the margin −0.50"
    )


@pytest.mark.parametrize(
    ("only_a", "only_b", "words"),
    [
        pytest.param(41, 29, "A reads 12 more of 10,000; could be luck: p = .15", id="luck"),
        pytest.param(10, 90, "B reads 80 more of 10,000; more than luck: p < .001", id="real"),
        pytest.param(9, 9, "A and B read equally many of 10,000 right", id="same"),
    ],
)
def test_the_effect_reads_as_a_sentence(only_a: int, only_b: int, words: str) -> None:
    assert effect_in_words(against(only_a, only_b, 10_000 - only_a - only_b)) == words


@pytest.mark.parametrize(
    ("p_value", "words"),
    [
        pytest.param(0.1812, "p = .18", id="two-digits"),
        pytest.param(0.0312, "p = .031", id="three-digits"),
        pytest.param(0.0503, "p = .0503", id="not-rounded-across-5-percent"),
        pytest.param(1.0, "p = 1.00", id="one"),
        pytest.param(1e-9, "p < .001", id="tiny"),
    ],
)
def test_p_values_are_written_as_in_papers(p_value: float, words: str) -> None:
    assert p_in_words(p_value) == words


def test_the_paired_bootstrap_of_accuracy_agrees_with_tango() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 5, 3000)
    a = np.where(rng.random(3000) < 0.93, labels, (labels + 1) % 5)
    b = np.where(rng.random(3000) < 0.91, labels, (labels + 2) % 5)
    difference, interval = metric_difference(labels, a, b, 5, confusion.accuracy)
    tango = compare(a == labels, b == labels)
    assert difference == pytest.approx(tango.difference)
    assert interval.low == pytest.approx(tango.interval.low, abs=0.0015)
    assert interval.high == pytest.approx(tango.interval.high, abs=0.0015)


def test_the_paired_bootstrap_takes_macro_f1_apart_exactly() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2])
    a, b = np.array([0, 1, 2, 0, 1, 1]), np.array([0, 0, 2, 0, 1, 2])
    difference, _ = metric_difference(labels, a, b, 3, confusion.macro_f1)
    expected = [float(confusion.macro_f1(confusion.confusion_matrix(labels, x, 3))) for x in (a, b)]
    assert difference == pytest.approx(expected[0] - expected[1])


def reading(accuracy: float, seed: int = 0, n: int = 4000) -> Any:
    return crossed(np.random.default_rng(seed).random(n) < accuracy)


def test_a_drop_in_a_history_is_found_once_where_it_happened() -> None:
    history = [(reading(p, i), "x") for i, p in enumerate((0.95, 0.952, 0.90, 0.901, 0.899))]
    found = changes(history)
    assert [c.entry for c in found if c.is_real] == [2]
    assert [c.reference for c in found] == [None, 0, 0, 2, 2]


def test_another_test_split_starts_a_new_stretch_without_a_test() -> None:
    found = changes([(reading(0.95), "x"), (reading(0.6), "y"), (reading(0.6), "y")])
    assert [c.is_real for c in found] == [False, False, False]
    assert found[1].reason == "another test split: not comparable"
    assert found[2].reference == 1


def test_an_empty_history_has_no_change() -> None:
    assert changes([]) == []
