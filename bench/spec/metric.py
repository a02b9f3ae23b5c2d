"""What a metric plugin gives, and what its functions take and return."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Interval", "MetricSpec", "Predictions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval, its method and what it speaks of.

    `low` and `high` bound the quantity named by the caller at confidence `level`; `note` restricts
    what may be concluded, in words for the reader ("" when nothing does).
    """

    low: float
    high: float
    method: str
    level: float = 0.95
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """What one evaluation predicted; make it with `predictions`, which checks it.

    Attributes
    ----------
    labels, predicted : ndarray of shape (n,), int64
        A prediction is a class, or `bench.spec.UNREAD` where no digit could be made of the photo.
    probabilities : ndarray of shape (n, n_classes) or None, float32 in [0, 1]
        None where they are missing or unfit; `no_probabilities` says why.
    class_names : tuple of str
    groups : ndarray of shape (n,) or None
        The writer of each image.
    ids : ndarray of shape (n,) or None
        The ID each image is a digit of, empty where of none; None: a writer is an ID.
    is_calibrated : bool
        Whether the probabilities are that, not scores that merely rank the classes.
    confusion : ndarray of shape (n_classes, n_classes), int64
        Row = truth, column = prediction; one column wider where an image was not read.
    no_probabilities : str
        Why there are no usable probabilities; "" where there are.
    """

    labels: "NDArray[np.int64]"
    predicted: "NDArray[np.int64]"
    probabilities: "NDArray[np.float32] | None"
    class_names: tuple[str, ...]
    groups: "NDArray[np.generic] | None"
    ids: "NDArray[np.generic] | None"
    is_calibrated: bool
    confusion: "NDArray[np.int64]"
    no_probabilities: str

    @property
    def correct(self) -> "NDArray[np.bool_]":
        """Which images were read right, shape (n,)."""
        is_right: NDArray[np.bool_] = self.labels == self.predicted
        return is_right


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric: how to compute it and what it needs.

    Parameters
    ----------
    name : str
        snake_case, as in tables and JSON.
    summary : str
        One line for ``bench list metrics``.
    function : callable
        Takes `Predictions`, returns a float.
    needs_probabilities : bool
        Whether scores that only rank the classes are enough; `needs_calibrated` asks for more.
    needs_calibrated : bool
        Needs probabilities that are meant as such.
    needs_groups : bool
        Needs the writer or ID of each image.
    higher_is_better : bool
    interval : callable or None
        Takes `Predictions`, returns an `Interval` or None.
    over_confusions : callable or None
        The same metric for a stack of confusion matrices (draws, n_classes, n_classes), returning
        (draws,): where given, the interval is bootstrapped.
    """

    name: str
    summary: str
    function: Callable[[Predictions], float]
    needs_probabilities: bool = False
    needs_calibrated: bool = False
    needs_groups: bool = False
    higher_is_better: bool = True
    interval: Callable[[Predictions], Interval | None] | None = None
    over_confusions: "Callable[[NDArray[np.int64]], NDArray[np.float64]] | None" = None
