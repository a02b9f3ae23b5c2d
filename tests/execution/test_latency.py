"""What one image costs, and in which batch an image costs least: on a clock of our own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench.execution import latency
from bench.execution.latency import measure_latency


class Clock:
    """State: seconds that only a predictor moves, and the batches it was given."""

    def __init__(self) -> None:
        self.now = 0.0
        self.batches: list[int] = []

    def perf_counter(self) -> float:
        return self.now

    def predictor(self, seconds: Callable[[int, int], float]) -> Callable[[Any], Any]:
        """Return one that takes `seconds(n_images, n_calls_before)`."""

        def predict_proba(images: Any) -> Any:
            self.now += seconds(len(images), len(self.batches))
            self.batches.append(len(images))
            return np.full((len(images), 10), 0.1, np.float32)

        return predict_proba


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


def images(n: int = 20) -> Any:
    return np.zeros((n, 4, 4, 1), np.float32)


def test_the_first_calls_are_warm_up(clock: Clock) -> None:
    found = measure_latency(clock.predictor(lambda n, call: 0.1 if call < 4 else 0.001), images())
    assert found is not None
    assert (found.p50_ms, found.p95_ms) == pytest.approx((1.0, 1.0))


def test_the_best_batch_is_the_one_with_the_most_images_a_second(clock: Clock) -> None:
    costs = {1: 0.001, 8: 0.002, 64: 0.008, 512: 0.1}
    found = measure_latency(clock.predictor(lambda n, call: costs[n]), images())
    assert found is not None
    assert found.best_batch == 64
    assert found.best_batch_ms == pytest.approx(8.0)
    assert found.images_per_second == pytest.approx(8_000)


def test_where_batches_bring_nothing_the_best_is_one_image(clock: Clock) -> None:
    found = measure_latency(clock.predictor(lambda n, call: 0.001 * n**1.1), images())
    assert found is not None
    assert found.best_batch == 1
    assert found.best_batch_ms == pytest.approx(found.p50_ms)


def test_a_slow_model_is_not_given_large_batches(clock: Clock) -> None:
    found = measure_latency(clock.predictor(lambda n, call: 0.02 * n), images())
    assert found is not None
    assert set(clock.batches) == {1, 8}
    assert clock.now < 2


def test_large_images_do_not_fill_the_memory(clock: Clock) -> None:
    large = np.zeros((2, 1000, 1000, 3), np.float32)
    measure_latency(clock.predictor(lambda n, call: 1e-4), large)
    assert set(clock.batches) == {1}


def test_without_an_image_nothing_is_measured(clock: Clock) -> None:
    assert measure_latency(clock.predictor(lambda n, call: 1e-4), images(0)) is None
