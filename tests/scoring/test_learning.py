from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError
from bench.scoring.abstention import abstention_curve
from bench.scoring.learning import fit_power_law, overfitting

SIZES = np.array([100, 300, 1000, 3000, 10_000])


def test_a_pure_power_law_is_found_again() -> None:
    law = fit_power_law(SIZES, 1 - 2.0 * SIZES**-0.5, 10_000)
    assert law.exponent == pytest.approx(0.5, abs=1e-6)
    assert law.floor == pytest.approx(0.0, abs=1e-9)
    assert law.accuracy_at(100_000) == pytest.approx(1 - 2.0 * 100_000**-0.5, abs=1e-9)


def test_a_floor_is_found_from_4_sizes_on() -> None:
    law = fit_power_law(SIZES, 1 - (0.02 + 3.0 * SIZES**-0.7), 10_000)
    assert law.floor == pytest.approx(0.02, abs=0.004)
    assert law.note == ""


def test_3_sizes_say_that_they_cannot_show_a_floor() -> None:
    law = fit_power_law(SIZES[:3], 1 - 2.0 * SIZES[:3] ** -0.5, 10_000)
    assert (law.floor, law.note) == (0.0, "3 training sizes: too few to see where it levels off")


def test_more_data_that_did_not_help_predicts_no_gain() -> None:
    law = fit_power_law([100, 1000], [0.9, 0.88], 1000)
    assert law.exponent == 0.0
    assert law.accuracy_at(100) == pytest.approx(law.accuracy_at(10_000))


def test_a_perfect_score_does_not_break_the_logarithm() -> None:
    law = fit_power_law([100, 1000], [0.99, 1.0], 500)
    assert 0.99 < law.accuracy_at(10_000) <= 1.0


def test_what_ten_times_the_data_would_bring_is_covered_by_its_interval() -> None:
    rng = np.random.default_rng(0)
    truth = 1 - (0.01 + 2.0 * 100_000**-0.5)
    n_covered = 0
    for seed in range(100):
        right = rng.binomial(10_000, 1 - (0.01 + 2.0 * SIZES**-0.5))
        found = fit_power_law(SIZES, right / 10_000, 10_000, seed=seed).interval_at(100_000)
        n_covered += found.low <= truth <= found.high
    assert n_covered >= 88
    assert found.note == "extrapolated"


@pytest.mark.parametrize(
    ("sizes", "accuracies"),
    [
        pytest.param([100], [0.9], id="one-size"),
        pytest.param([100, 100], [0.9, 0.8], id="same-size-twice"),
        pytest.param([100, 200], [0.9, np.nan], id="nan"),
        pytest.param([100, 200], [0.9, 1.1], id="above-one"),
    ],
)
def test_what_is_no_learning_curve_is_refused(sizes: Any, accuracies: Any) -> None:
    with pytest.raises(BenchError, match="no law can be fitted"):
        fit_power_law(sizes, accuracies, 1000)


def test_validation_loss_that_turns_while_training_falls_is_overfitting() -> None:
    found = overfitting(
        loss=[1, 0.5, 0.3, 0.2, 0.1, 0.05],
        accuracy=[0.6, 0.8, 0.9, 0.94, 0.97, 0.99],
        val_loss=[0.9, 0.6, 0.5, 0.55, 0.62, 0.7],
        val_accuracy=[0.7, 0.8, 0.85, 0.85, 0.85, 0.85],
    )
    assert (found.verdict, found.best_epoch, found.n_epochs) == ("overfits", 3, 6)
    assert found.gap == pytest.approx(0.14)


def test_the_published_shallow_network_overfits_by_its_accuracy() -> None:
    # best validation accuracy .8800 at epoch 10 of 20, .8642 at the end, 8,400 images
    course = [0.80, 0.83, 0.84, 0.85, 0.86, 0.865, 0.87, 0.873, 0.877, 0.88]
    course += [0.878, 0.876, 0.874, 0.872, 0.87, 0.869, 0.868, 0.866, 0.865, 0.8642]
    found = overfitting(loss=np.linspace(1, 0.1, 20).tolist(), val_accuracy=course, n_val=8_400)
    assert (found.verdict, found.best_epoch) == ("overfits", 10)


@pytest.mark.parametrize(
    ("course", "verdict", "best"),
    [
        pytest.param([0.9, 0.7, 0.5, 0.4], "still improving", 4, id="still-improving"),
        pytest.param([0.9, 0.5, 0.4, 0.41, 0.405], "settled", 3, id="settled"),
        pytest.param([0.9, 0.5], "too short", 2, id="too-short"),
        pytest.param([], "no validation", None, id="no-validation"),
        pytest.param([np.nan] * 4, "no validation", None, id="not-finite"),
    ],
)
def test_other_courses_get_their_verdict(course: Any, verdict: str, best: int | None) -> None:
    loss = np.linspace(1, 0.1, len(course) or 4).tolist()
    found = overfitting(loss=loss, val_loss=course)
    assert (found.verdict, found.best_epoch) == (verdict, best)
    assert found.reason


def test_abstention_trades_coverage_for_accuracy() -> None:
    confidence = np.array([0.99, 0.95, 0.8, 0.6])
    correct = np.array([True, True, False, True])
    found = abstention_curve(confidence, correct, thresholds=(0.5, 0.9, 0.999))
    assert [(a.coverage, a.accuracy) for a in found] == [(1.0, 0.75), (0.5, 1.0), (0.0, None)]
    assert found[2].interval is None


def test_confidences_that_are_not_finite_are_refused() -> None:
    with pytest.raises(BenchError, match="confidences are not finite: 1 of them"):
        abstention_curve(np.array([np.nan, 0.9]), np.array([True, True]))
