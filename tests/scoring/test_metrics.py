import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bench.errors import BenchError
from bench.scoring import confusion
from bench.scoring.calibration import confidence_of, reliability
from bench.scoring.metrics import BUILT_IN_METRICS, is_top_k, score, whole_ids
from bench.scoring.predictions import predictions
from bench.spec import UNREAD, Interval, MetricSpec

NAMES = tuple("0123456789")


def evaluation(n: Any = 400, seed: Any = 0, n_classes: Any = 10, accuracy: Any = 0.8) -> Any:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    probabilities = rng.dirichlet(np.full(n_classes, 0.3), n)
    shift = np.where(rng.random(n) < accuracy, 2.0, 0.0)
    probabilities[np.arange(n), labels] += shift
    probabilities = (probabilities / probabilities.sum(1, keepdims=True)).astype(np.float32)
    return labels, probabilities.argmax(1), probabilities


@pytest.mark.parametrize("seed", [pytest.param(s, id=f"seed-{s}") for s in range(5)])
@pytest.mark.parametrize(
    ("n", "n_classes"),
    [pytest.param(7, 10, id="some-classes-absent"), pytest.param(500, 10, id="all")],
)
def test_every_metric_is_scikit_learns(seed: Any, n: Any, n_classes: Any) -> None:
    labels, predicted, probabilities = evaluation(n, seed, n_classes, accuracy=0.5)
    scores: Any = score(predictions(labels, predicted, probabilities, NAMES))
    values = {name: one.value for name, one in scores.items()}
    classes = list(range(n_classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of absent classes
        expected = {
            "accuracy": sk.accuracy_score(labels, predicted),
            "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
            "macro_f1": sk.f1_score(labels, predicted, average="macro", zero_division=0),
            "weighted_f1": sk.f1_score(labels, predicted, average="weighted", zero_division=0),
            "log_loss": sk.log_loss(labels, probabilities, labels=classes),
            "brier": sk.brier_score_loss(labels, probabilities, labels=classes),
            "top2_accuracy": sk.top_k_accuracy_score(labels, probabilities, k=2, labels=classes),
        }
    for name, value in expected.items():
        tolerance = 1e-6 if name in ("log_loss", "brier") else 1e-9  # scikit-learn sums in float32
        assert values[name] == pytest.approx(value, abs=tolerance), name


def test_log_loss_and_brier_agree_to_1e_9_in_double_precision() -> None:
    labels, predicted, probabilities = evaluation(300, 3)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(1, keepdims=True)
    scores: Any = score(predictions(labels, predicted, exact, NAMES))
    classes = list(range(10))
    assert scores["log_loss"].value == pytest.approx(
        sk.log_loss(labels, exact, labels=classes), abs=1e-9
    )
    assert scores["brier"].value == pytest.approx(
        sk.brier_score_loss(labels, exact, labels=classes), abs=1e-9
    )


def test_log_loss_of_a_probability_of_zero_is_clipped_as_scikit_learn_does() -> None:
    labels = np.array([0, 1])
    probabilities = np.array([[0, 1], [0, 1]], np.float32)
    found: Any = score(predictions(labels, np.array([1, 1]), probabilities, "ab"))["log_loss"].value
    assert found == pytest.approx(sk.log_loss(labels, probabilities), rel=1e-6)


def test_top_2_breaks_ties_as_scikit_learn_does() -> None:
    probabilities = np.array([[0.25, 0.25, 0.25, 0.25]] * 4, np.float32)
    labels = np.arange(4)
    expected = sk.top_k_accuracy_score(labels, probabilities, k=2, normalize=False)
    assert is_top_k(probabilities, labels, 2).sum() == expected
    assert is_top_k(probabilities, labels, 2).tolist() == [False, False, True, True]


def test_ece_of_a_hand_worked_case() -> None:
    # (0.8, 1]: .95 and .85, one of two right; (0.5, 0.6]: .55 right
    confidence = np.array([0.95, 0.85, 0.55])
    correct = np.array([True, False, True])
    found = reliability(confidence, correct, n_bins=5)
    assert found.ece == pytest.approx((abs(0.9 - 0.5) * 2 + abs(0.55 - 1.0)) / 3)
    assert found.counts.tolist() == [0, 0, 1, 0, 2]
    assert np.isnan(found.accuracy[0])


def test_bin_edges_belong_to_the_lower_bin() -> None:
    found = reliability(np.array([0.0, 0.2, 1.0]), np.array([True, True, True]), n_bins=5)
    assert found.counts.tolist() == [2, 0, 0, 0, 1]


def test_confidence_is_that_of_the_prediction_not_of_the_largest() -> None:
    probabilities = np.array([[0.6, 0.4]], np.float32)
    assert confidence_of(probabilities, np.array([1])) == pytest.approx(0.4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_stack_of_confusions_gives_what_each_gives_alone(seed: Any, n: Any) -> None:
    rng = np.random.default_rng(seed)
    stack = np.stack(
        [
            confusion.confusion_matrix(rng.integers(0, 4, n), rng.integers(0, 4, n), 4)
            for _ in range(3)
        ]
    )
    for function in (
        confusion.accuracy,
        confusion.macro_f1,
        confusion.weighted_f1,
        confusion.balanced_accuracy,
    ):
        alone = [float(function(matrix)) for matrix in stack]
        assert function(stack) == pytest.approx(alone)
        assert all(0 <= value <= 1 for value in alone)


def test_scores_that_only_rank_give_no_log_loss_brier_or_ece_but_top_2() -> None:
    labels, predicted, probabilities = evaluation()
    scores: Any = score(predictions(labels, predicted, probabilities, NAMES, is_calibrated=False))
    for name in ("log_loss", "brier", "ece"):
        assert scores[name].value is None
        assert scores[name].reason == "the model gives scores, not probabilities"
    assert scores["top2_accuracy"].value is not None


def test_missing_probabilities_are_a_reason_not_a_zero() -> None:
    labels, predicted, _ = evaluation()
    scores: Any = score(predictions(labels, predicted, None, NAMES))
    for name in ("log_loss", "brier", "ece", "top2_accuracy"):
        assert scores[name].value is None
        assert scores[name].reason == "the evaluation holds no probabilities"
    assert scores["accuracy"].value is not None


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param((3, np.nan), "1 of 400 rows of probabilities are not finite", id="nan"),
        pytest.param((3, 7.0), "probabilities outside 0 to 1", id="above-one"),
        pytest.param((3, 0.0), "1 of 400 rows of probabilities do not sum to 1", id="bad-sum"),
    ],
)
def test_unfit_probabilities_are_set_aside_and_said(spoil: Any, reason: Any) -> None:
    labels, predicted, probabilities = evaluation()
    probabilities[spoil[0]] = spoil[1]
    scores: Any = score(predictions(labels, predicted, probabilities, NAMES))
    assert scores["brier"].value is None
    assert scores["brier"].reason == reason
    assert scores["accuracy"].value == pytest.approx((labels == predicted).mean())


def test_one_image_is_scored_with_a_wide_interval() -> None:
    given_ = predictions(np.array([3]), np.array([3]), None, NAMES)
    scores: Any = score(given_)
    assert scores["accuracy"].value == 1.0
    assert scores["accuracy"].interval.low == pytest.approx(0.2065, abs=1e-4)
    assert scores["macro_f1"].interval.note == "none wrong, so none to draw: Wilson on accuracy"


def test_no_image_is_an_error() -> None:
    with pytest.raises(BenchError, match="there is nothing to score: no test image"):
        predictions(np.array([], int), np.array([], int), None, NAMES)


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        pytest.param([0, 1], [0], "labels and predictions do not belong together", id="lengths"),
        pytest.param([0, 12], [0, 1], "a label is outside the 10 classes", id="label"),
        pytest.param([0, 1], [0, -2], "a prediction is outside the 10 classes", id="prediction"),
    ],
)
def test_arrays_that_do_not_fit_are_named(labels: Any, predicted: Any, message: Any) -> None:
    with pytest.raises(BenchError, match=message):
        predictions(np.array(labels), np.array(predicted), None, NAMES)


def test_probabilities_of_another_shape_are_named() -> None:
    with pytest.raises(BenchError, match=r"shape \(2, 3\), not \(2, 10\)"):
        predictions(np.array([0, 1]), np.array([0, 1]), np.ones((2, 3)), NAMES)


@pytest.mark.parametrize(
    "word", [pytest.param("groups", id="groups"), pytest.param("ids", id="ids")]
)
def test_groups_of_another_length_are_named(word: Any) -> None:
    keys: dict[str, Any] = {word: np.array(["x"])}
    with pytest.raises(BenchError, match=r"1 (writers|IDs), 2 images"):
        predictions(np.array([0, 1]), np.array([0, 1]), None, NAMES, **keys)


def test_an_id_is_right_only_when_all_its_digits_are() -> None:
    correct = np.array([True, True, True, False, True])
    names, right = whole_ids(correct, np.array(["b", "b", "a", "a", "c"]))
    assert names.tolist() == ["a", "b", "c"]
    assert right.tolist() == [False, True, True]


def test_id_accuracy_prefers_ids_over_writers() -> None:
    labels = np.array([1, 2, 3, 4])
    predicted = np.array([1, 2, 3, 5])
    writers, ids = np.array(["w"] * 4), np.array(["a", "a", "b", "b"])
    by_writer = score(predictions(labels, predicted, None, NAMES, groups=writers))["id_accuracy"]
    by_id = score(predictions(labels, predicted, None, NAMES, groups=writers, ids=ids))
    assert by_writer.value == 0.0
    assert by_id["id_accuracy"].value == 0.5


def test_without_ids_id_accuracy_is_not_scored() -> None:
    labels, predicted, _ = evaluation()
    found: Any = score(predictions(labels, predicted, None, NAMES))["id_accuracy"]
    assert (found.value, found.reason) == (None, "the images have no IDs")


def test_a_metric_that_raises_is_not_scored_and_costs_no_other() -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError("no such thing\nsecond line")

    specs = (*BUILT_IN_METRICS, MetricSpec(name="mine", summary="", function=broken))
    labels, predicted, _ = evaluation()
    scores: Any = score(predictions(labels, predicted, None, NAMES), specs)
    assert scores["mine"].reason == "the metric failed: ZeroDivisionError: no such thing"
    assert scores["accuracy"].value is not None


def test_a_metric_that_gives_nan_is_not_scored() -> None:
    spec = MetricSpec(name="mine", summary="", function=lambda _: float("nan"))
    labels, predicted, _ = evaluation()
    found: Any = score(predictions(labels, predicted, None, NAMES), [spec])["mine"]
    assert (found.value, found.reason) == (None, "the metric gave nan")


def test_a_plugin_metric_with_a_confusion_form_gets_a_bootstrap_interval() -> None:
    spec = MetricSpec(
        name="error",
        summary="",
        function=lambda given_: 1 - float(given_.correct.mean()),
        over_confusions=lambda stack: 1 - confusion.accuracy(stack),
        higher_is_better=False,
    )
    labels, predicted, _ = evaluation(2000)
    found: Any = score(predictions(labels, predicted, None, NAMES), [spec])["error"]
    assert isinstance(found.interval, Interval)
    assert found.interval.method == "bootstrap, 1,000 draws"
    assert found.interval.low < found.value < found.interval.high


def test_every_scored_value_lies_in_its_interval() -> None:
    labels, predicted, probabilities = evaluation(1000, 5)
    groups = np.repeat(np.arange(125), 8)
    scores: Any = score(predictions(labels, predicted, probabilities, NAMES, groups=groups))
    assert all(one.value is not None for one in scores.values())
    for one in scores.values():
        if one.interval is not None:
            assert one.interval.low <= one.value <= one.interval.high, one.name
    assert [name for name, one in scores.items() if one.interval is None] == ["ece"]


def test_importing_the_scoring_costs_numpy_and_nothing_else() -> None:
    modules = (
        "agreement changes comparisons halves learning metrics planning predictions ranks report"
    )
    code = "import sys\n" + "".join(f"import bench.scoring.{m}\n" for m in modules.split())
    code += "print([m for m in ('scipy', 'sklearn', 'pandas') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_what_was_not_read_is_wrong_in_every_metric() -> None:
    labels = np.array([0, 1, 2, 2])
    probabilities = np.full((4, 3), 1 / 3, dtype=np.float32)
    probabilities[:2] = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]
    given = predictions(labels, np.array([0, 1, UNREAD, UNREAD]), probabilities, ("a", "b", "c"))
    found = {name: each.value for name, each in score(given).items()}
    assert given.correct.tolist() == [True, True, False, False]
    assert given.confusion.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 2]]
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx(2 / 3)
    assert found["top2_accuracy"] == 0.5  # the last class is among the likeliest two by its place
    assert found["log_loss"] == pytest.approx((-2 * np.log(0.8) + 2 * np.log(3)) / 4)
    interval = score(given)["macro_f1"].interval
    assert interval is not None
    assert interval.low < 2 / 3 <= interval.high
