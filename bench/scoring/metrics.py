"""Metrics are plugins: what each is called, needs and computes, and its interval.

The definitions are scikit-learn's. A metric that does not apply has no value and a reason; it is
never 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring import calibration, confusion
from bench.scoring.intervals import accuracy_interval, bootstrap_intervals, mean_interval
from bench.spec import UNREAD, Interval, MetricSpec, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A metric's value on one evaluation; `value` is None where it is not scored, for `reason`."""

    name: str
    value: float | None
    reason: str = ""
    interval: Interval | None = None


def score(
    given: Predictions,
    metrics: Sequence[MetricSpec] | None = None,
    *,
    level: float = 0.95,
    bootstraps: bool = True,
) -> dict[str, Score]:
    """Compute metrics and their intervals on one evaluation, by name.

    A metric that raises is not scored, with what it raised as the reason: it is foreign code, and
    one bad metric must not cost the others.

    Parameters
    ----------
    bootstraps : bool
        Give the intervals that have to be drawn: they take most of the time.
    """
    specs = BUILT_IN_METRICS if metrics is None else tuple(metrics)
    wanted = {s.name: s.over_confusions for s in specs if s.over_confusions is not None}
    is_drawn = bool(wanted) and bootstraps
    bootstrapped = bootstrap_intervals(given.confusion, wanted, level=level) if is_drawn else {}
    return {spec.name: _score_one(spec, given, bootstrapped.get(spec.name)) for spec in specs}


def is_top_k(
    probabilities: "NDArray[np.floating]", labels: "NDArray[np.int64]", k: int
) -> "NDArray[np.bool_]":
    """Tell for each image whether its class is among the `k` likeliest, shape (n,).

    Among equal probabilities the later class comes first, as in scikit-learn.
    """
    own = probabilities[np.arange(len(labels)), labels][:, None]
    later = np.arange(probabilities.shape[1]) > labels[:, None]
    above = (probabilities > own) | ((probabilities == own) & later)
    is_within: NDArray[np.bool_] = above.sum(1) < k
    return is_within


def whole_ids(
    correct: "NDArray[np.bool_]", ids: "NDArray[np.generic]"
) -> "tuple[NDArray[np.generic], NDArray[np.bool_]]":
    """Return the sorted IDs and whether all digits of each were read right, each (n_ids,)."""
    names, index = np.unique(ids, return_inverse=True)
    n_wrong = np.bincount(index, weights=~np.asarray(correct, bool), minlength=len(names))
    return names, n_wrong == 0


def _score_one(spec: MetricSpec, given: Predictions, bootstrapped: Interval | None) -> Score:
    reason = _not_scored(spec, given)
    if reason:
        return Score(name=spec.name, value=None, reason=reason)
    try:
        value = float(spec.function(given))
        interval = bootstrapped if spec.interval is None else spec.interval(given)
    except Exception as error:  # noqa: BLE001 - a metric is foreign code; its failure is a reason
        reason = f"the metric failed: {type(error).__name__}: {error}".splitlines()[0]
        return Score(name=spec.name, value=None, reason=reason)
    if not np.isfinite(value):
        return Score(name=spec.name, value=None, reason=f"the metric gave {value}")
    return Score(name=spec.name, value=value, interval=interval)


def _not_scored(spec: MetricSpec, given: Predictions) -> str:
    if spec.needs_calibrated and not given.is_calibrated:
        return "the model gives scores, not probabilities"
    if (spec.needs_probabilities or spec.needs_calibrated) and given.probabilities is None:
        return given.no_probabilities
    if spec.needs_groups and given.groups is None and given.ids is None:
        return "the images have no IDs"
    return ""


def _probabilities(given: Predictions) -> "NDArray[np.float32]":
    if given.probabilities is None:
        raise BenchError("there are no probabilities", why=given.no_probabilities)
    return given.probabilities


def _log_loss(given: Predictions) -> "NDArray[np.float64]":
    return calibration.image_log_loss(_probabilities(given), given.labels)


def _brier(given: Predictions) -> "NDArray[np.float64]":
    return calibration.image_brier(_probabilities(given), given.labels)


def _ece(given: Predictions) -> float:
    confidence = calibration.confidence_of(_probabilities(given), given.predicted)
    return calibration.reliability(confidence, given.correct).ece


def _top2(given: Predictions) -> "NDArray[np.bool_]":
    is_within = is_top_k(_probabilities(given), given.labels, 2)
    is_within &= given.predicted != UNREAD
    return is_within


def _ids_right(given: Predictions) -> "NDArray[np.bool_]":
    ids = given.groups if given.ids is None else given.ids
    if ids is None:
        raise BenchError("the images have no IDs")
    is_of_one = ids != ""
    return whole_ids(given.correct[is_of_one], ids[is_of_one])[1]


def _share_interval(which: "NDArray[np.bool_]") -> Interval:
    return accuracy_interval(int(which.sum()), len(which))


BUILT_IN_METRICS: tuple[MetricSpec, ...] = (
    MetricSpec(
        name="accuracy",
        summary="share of the images read right",
        function=lambda given: float(given.correct.mean()),
        interval=lambda given: _share_interval(given.correct),
    ),
    MetricSpec(
        name="balanced_accuracy",
        summary="mean recall of the classes: each counts the same, however rare",
        function=lambda given: float(confusion.balanced_accuracy(given.confusion)),
        over_confusions=confusion.balanced_accuracy,
    ),
    MetricSpec(
        name="macro_f1",
        summary="mean F1 of the classes",
        function=lambda given: float(confusion.macro_f1(given.confusion)),
        over_confusions=confusion.macro_f1,
    ),
    MetricSpec(
        name="weighted_f1",
        summary="mean F1 weighted by how often each class occurs",
        function=lambda given: float(confusion.weighted_f1(given.confusion)),
        over_confusions=confusion.weighted_f1,
    ),
    MetricSpec(
        name="log_loss",
        summary="mean negative log of the probability given to the truth",
        function=lambda given: float(_log_loss(given).mean()),
        needs_probabilities=True,
        needs_calibrated=True,
        higher_is_better=False,
        interval=lambda given: mean_interval(_log_loss(given)),
    ),
    MetricSpec(
        name="brier",
        summary="mean squared distance of the probabilities from the truth, 0 to 2",
        function=lambda given: float(_brier(given).mean()),
        needs_probabilities=True,
        needs_calibrated=True,
        higher_is_better=False,
        interval=lambda given: mean_interval(_brier(given)),
    ),
    MetricSpec(
        name="ece",
        summary="expected calibration error: how far confidence is from accuracy, 15 bins",
        function=_ece,
        needs_probabilities=True,
        needs_calibrated=True,
        higher_is_better=False,
    ),
    MetricSpec(
        name="top2_accuracy",
        summary="share of the images whose class is among the two likeliest",
        function=lambda given: float(_top2(given).mean()),
        needs_probabilities=True,
        interval=lambda given: _share_interval(_top2(given)),
    ),
    MetricSpec(
        name="id_accuracy",
        summary="share of the IDs with every digit right",
        function=lambda given: float(_ids_right(given).mean()),
        needs_groups=True,
        interval=lambda given: _share_interval(_ids_right(given)),
    ),
)
