import numpy as np
import pytest

from bench.errors import BenchError
from bench.scoring.confusion import accuracy, confusion_matrix, macro_f1
from bench.scoring.crossed import crossed
from bench.scoring.intervals import bootstrap_intervals, seed_intervals
from bench.scoring.seeded import metric_interval


def readings(seeds: int, n: int = 800, sd: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = np.arange(n) % 10
    wrong = rng.random((seeds, n)) < 0.1 + sd * rng.standard_normal((seeds, 1))
    return labels, np.where(wrong, (labels + 1) % 10, labels)


def test_of_one_seed_it_is_the_bootstrap() -> None:
    labels, predicted = readings(1)
    value, interval = metric_interval(labels, predicted, 10, macro_f1)
    matrix = confusion_matrix(labels, predicted[0], 10)
    assert value == pytest.approx(float(macro_f1(matrix)))
    assert interval == bootstrap_intervals(matrix, {"x": macro_f1})["x"]


def test_of_several_seeds_it_is_nearly_the_interval_of_accuracy_where_that_is_the_metric() -> None:
    labels, predicted = readings(5)
    value, interval = metric_interval(labels, predicted, 10, accuracy)
    known = seed_intervals(crossed(predicted == labels)).both
    assert value == pytest.approx((predicted == labels).mean())
    assert interval.high - interval.low == pytest.approx(known.high - known.low, rel=0.15)
    assert "seeds and images" in interval.method


def test_seeds_do_not_count_as_further_images() -> None:
    labels, predicted = readings(1)
    alike = np.repeat(predicted, 3, axis=0)
    _, one = metric_interval(labels, predicted, 10, macro_f1)
    _, three = metric_interval(labels, alike, 10, macro_f1)
    assert three.high - three.low == pytest.approx(one.high - one.low, rel=0.1)


def test_seeds_without_an_error_say_that_there_is_nothing_to_draw() -> None:
    labels = np.arange(50) % 10
    value, interval = metric_interval(labels, np.stack([labels, labels]), 10, macro_f1)
    assert (value, interval.high) == (1, 1)
    assert "none wrong" in interval.note


def test_nothing_to_score_is_said() -> None:
    with pytest.raises(BenchError, match="nothing to score"):
        metric_interval(np.zeros(0, np.int64), np.zeros((1, 0), np.int64), 10, macro_f1)
