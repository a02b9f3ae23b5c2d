"""What an interval speaks of: people, where five writers are known, else these images only."""

import numpy as np
import pytest

from bench.board.ranking import interval_of


@pytest.mark.parametrize(
    ("n_writers", "is_own", "n_seeds", "note"),
    [
        pytest.param(5, True, 1, "", id="five writers"),
        pytest.param(4, True, 1, "these images only", id="four writers"),
        pytest.param(4, True, 2, "these images only", id="four writers, two seeds"),
        pytest.param(0, True, 1, "these images only", id="own folder, writers unknown"),
        pytest.param(0, True, 2, "these images only", id="own folder, two seeds"),
        pytest.param(0, False, 1, "", id="a test split"),
    ],
)
def test_fewer_than_five_writers_say_nothing_of_people(
    n_writers: int, is_own: bool, n_seeds: int, note: str
) -> None:
    correct = [np.random.default_rng(seed).random(60) < 0.8 for seed in range(n_seeds)]
    writers = [f"writer-{i % n_writers}" for i in range(60)] if n_writers else None
    interval = interval_of(correct, writers, is_own=is_own)
    assert interval.note == note
    assert ("writers" in interval.method) == (n_writers >= 5)
