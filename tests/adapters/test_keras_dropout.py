from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from bench.adapters.keras_dropout import draw_dropout_from_bytes

N = 40_000


def _dropped(rate: float, calls: int = 1, seed: int = 3) -> list[npt.NDArray[Any]]:
    layer = layers.Dropout(rate, seed=seed)
    model = keras.Sequential([keras.Input((N,)), layer])
    draw_dropout_from_bytes(model)
    ones = np.ones((1, N), dtype=np.float32)
    return [np.asarray(model(ones, training=True))[0] for _ in range(calls)]


@pytest.mark.parametrize(
    "rate", [pytest.param(rate, id=str(rate)) for rate in (0.05, 0.3, 0.5, 0.9)]
)
def test_the_share_of_dropped_units_is_the_rate(rate: float) -> None:
    (row,) = _dropped(rate)
    spread = np.sqrt(rate * (1 - rate) / N)
    assert abs(np.mean(row == 0) - rate) < 4 * spread + 1 / 512


@pytest.mark.parametrize("rate", [pytest.param(rate, id=str(rate)) for rate in (0.3, 0.5)])
def test_kept_units_are_scaled_so_that_the_mean_stays(rate: float) -> None:
    (row,) = _dropped(rate)
    assert len(np.unique(row)) == 2
    assert row.mean() == pytest.approx(1, abs=0.03)


def test_each_call_drops_other_units_and_a_seed_repeats_them() -> None:
    first, second = _dropped(0.5, calls=2)
    assert 0.45 < np.mean(first == second) < 0.55
    np.testing.assert_array_equal(_dropped(0.5, calls=2)[1], second)
    assert not np.array_equal(_dropped(0.5, seed=4)[0], first)


def test_neighbouring_units_are_dropped_independently() -> None:
    (row,) = _dropped(0.5)
    kept = (row > 0).astype(float)
    for lag in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(kept[:-lag], kept[lag:])[0, 1]) < 0.03


def test_nothing_is_dropped_in_prediction() -> None:
    model = keras.Sequential([keras.Input((7,)), layers.Dropout(0.5)])
    draw_dropout_from_bytes(model)
    ones = np.ones((2, 7), dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(model(ones, training=False)), ones)


def test_other_kinds_of_dropout_are_left_alone() -> None:
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.SpatialDropout2D(0.5)])
    draw_dropout_from_bytes(model)
    rows = np.asarray(model(np.ones((50, 4, 4, 2), dtype=np.float32), training=True))
    assert (rows.reshape(50, 16, 2).std(axis=1) == 0).all()
