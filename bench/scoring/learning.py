"""What more training data would bring, and whether training went on too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.errors import BenchError
from bench.spec import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

Verdict = Literal["no validation", "too short", "overfits", "still improving", "settled"]

_FLOORS = 40
_DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerLaw:
    """error = floor + scale · size^(−exponent), fitted to accuracies at several training sizes.

    Attributes
    ----------
    scale, exponent, floor : float
    largest : int
        The largest training size fitted.
    draws : ndarray of shape (n_draws, 3), float64
        Scale, exponent and floor refitted to redrawn errors, for intervals.
    note : str
        What limits the fit, in words.
    """

    scale: float
    exponent: float
    floor: float
    largest: int
    draws: "NDArray[np.float64]"
    note: str

    def accuracy_at(self, size: float) -> float:
        """Return the accuracy the law expects at a training size."""
        return float(1 - self.floor - self.scale * size**-self.exponent)

    def interval_at(self, size: float, *, level: float = 0.95) -> Interval:
        """Return the interval of `accuracy_at`, true only as far as the law holds out there."""
        values = 1 - self.draws[:, 2] - self.draws[:, 0] * size ** -self.draws[:, 1]
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return Interval(
            low=max(0.0, float(low)),
            high=min(1.0, float(high)),
            method="power law, errors redrawn",
            level=level,
            note="extrapolated" if size > self.largest else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a training history says: the verdict, the best validation epoch (from 1), the gap.

    `gap` is training less validation accuracy at the last epoch; None where one is missing.
    """

    verdict: Verdict
    best_epoch: int | None
    n_epochs: int
    gap: float | None
    reason: str


def fit_power_law(
    sizes: "Sequence[float] | NDArray[np.floating]",
    accuracies: "Sequence[float] | NDArray[np.floating]",
    n_test: int,
    *,
    seed: int = 42,
) -> PowerLaw:
    """Fit a power law to test error against training size.

    Weighted least squares in logarithms; the floor, fitted only from 5 sizes on, by trying values
    below the least error. The errors' chance is binomial, enlarged where the points scatter more
    about the law than that (seeds, choice of the training images).

    Parameters
    ----------
    sizes : array_like of shape (m,)
        Training images of each point, at least 2 different.
    accuracies : array_like of shape (m,), in [0, 1]
    n_test : int
        Test images behind each accuracy.

    Raises
    ------
    BenchError
        With fewer than 2 different sizes, or values that are no accuracies.
    """
    size, error = np.asarray(sizes, np.float64), 1.0 - np.asarray(accuracies, np.float64)
    n_sizes = len(np.unique(size))
    if n_sizes < 2 or size.shape != error.shape or n_test < 1:
        raise BenchError(
            "no law can be fitted",
            why=f"{n_sizes} training size(s)",
            fix="name at least 2 with --train-sizes",
        )
    if not (np.isfinite(error).all() and error.min() >= 0 and error.max() <= 1 and size.min() > 0):
        raise BenchError("no law can be fitted", why="an accuracy or a size is out of range")
    # Half an error keeps the logarithm of a perfect score finite.
    error = np.clip(error, 0.5 / n_test, 1 - 0.5 / n_test)
    spread = (error * (1 - error) / n_test) ** 0.5
    has_floor = n_sizes >= 5
    fitted = _fit(size, error[None, :], spread, has_floor=has_floor)[0]
    expected = fitted[2] + fitted[0] * size ** -fitted[1]
    free = len(size) - (3 if has_floor else 2)
    misfit = float((((error - expected) / spread) ** 2).sum()) / free if free > 0 else 1.0
    noise = np.random.default_rng(seed).standard_normal((_DRAWS, len(size)))
    redrawn = np.maximum(expected + noise * spread * max(1.0, misfit) ** 0.5, 0.5 / n_test)
    return PowerLaw(
        scale=float(fitted[0]),
        exponent=float(fitted[1]),
        floor=float(fitted[2]),
        largest=int(size.max()),
        draws=_fit(size, redrawn, spread, has_floor=has_floor),
        note="" if has_floor else f"{n_sizes} training sizes: too few to see where it levels off",
    )


def overfitting(
    *,
    loss: Sequence[float],
    accuracy: Sequence[float] = (),
    val_loss: Sequence[float] = (),
    val_accuracy: Sequence[float] = (),
    n_val: int | None = None,
) -> Diagnosis:
    """Judge a training history, one value an epoch.

    By validation loss where it was recorded, else by validation accuracy. A history overfits when
    validation has since got worse than at its best epoch by more than chance (by accuracy: two
    standard errors at `n_val` images, half a point where that is unknown; by loss: 10 %, its last
    epochs taken together) while the training loss went on falling.
    """
    n_epochs = len(loss)
    gap = accuracy[-1] - val_accuracy[-1] if len(accuracy) and len(val_accuracy) else None
    if not len(val_loss) and not len(val_accuracy):
        return Diagnosis(
            verdict="no validation",
            best_epoch=None,
            n_epochs=n_epochs,
            gap=gap,
            reason="no validation images were held back during training",
        )
    by_loss = len(val_loss) > 0
    course = np.asarray(val_loss if by_loss else val_accuracy, np.float64)
    if not np.isfinite(course).any():
        return Diagnosis(
            verdict="no validation",
            best_epoch=None,
            n_epochs=n_epochs,
            gap=gap,
            reason="the validation values are not finite",
        )
    best = int(np.nanargmin(course) if by_loss else np.nanargmax(course))
    if n_epochs < 3:
        return Diagnosis(
            verdict="too short",
            best_epoch=best + 1,
            n_epochs=n_epochs,
            gap=gap,
            reason=f"{n_epochs} epochs show no course",
        )
    verdict, reason = _judge(course, np.asarray(loss, np.float64), best, by_loss, n_val)
    return Diagnosis(
        verdict=verdict, best_epoch=best + 1, n_epochs=n_epochs, gap=gap, reason=reason
    )


def _fit(
    size: "NDArray[np.float64]",
    errors: "NDArray[np.float64]",
    spread: "NDArray[np.float64]",
    *,
    has_floor: bool,
) -> "NDArray[np.float64]":
    """Fit each row of errors (draws, m): returns (draws, 3) of scale, exponent, floor."""
    shares = np.linspace(0.0, 0.98, _FLOORS) if has_floor else np.zeros(1)
    floors = errors.min(1)[:, None, None] * shares[None, :, None]
    above = errors[:, None, :] - floors
    weight = (above / spread) ** 2
    x, y = np.log(size), np.log(above)
    total = weight.sum(-1, keepdims=True)
    x_mean = (weight * x).sum(-1, keepdims=True) / total
    y_mean = (weight * y).sum(-1, keepdims=True) / total
    slope = (weight * (x - x_mean) * (y - y_mean)).sum(-1, keepdims=True)
    slope = slope / (weight * (x - x_mean) ** 2).sum(-1, keepdims=True)
    exponent = np.maximum(-slope, 0.0)  # more data is taken not to harm
    scale = np.exp(y_mean + exponent * x_mean)
    expected = floors + scale * size**-exponent
    misfit = (((errors[:, None, :] - expected) / spread) ** 2).sum(-1)
    best = misfit.argmin(1)
    rows = np.arange(len(errors))
    parts = [part[rows, best, 0] for part in (scale, exponent, floors)]
    return np.stack(parts, axis=1)


def _judge(
    course: "NDArray[np.float64]",
    loss: "NDArray[np.float64]",
    best: int,
    by_loss: bool,
    n_val: int | None,
) -> tuple[Verdict, str]:
    n_epochs = len(course)
    tail = course[max(best + 1, n_epochs - 3) :]
    latest = float(np.nanmean(tail)) if np.isfinite(tail).any() else float(course[best])
    if by_loss:
        chance, worse = 0.1 * abs(float(course[best])), latest - float(course[best])
    else:
        at_best = float(course[best])
        error = 0.0025 if n_val is None else (at_best * (1 - at_best) / n_val) ** 0.5
        chance, worse = 2 * error, at_best - latest
    word = "loss" if by_loss else "accuracy"
    if worse > chance and loss[-1] < loss[best]:
        return "overfits", (
            f"validation {word} was best at epoch {best + 1} of {n_epochs} and got worse since, "
            "while training loss went on falling"
        )
    if best >= n_epochs - max(1, n_epochs // 10):
        return "still improving", (
            f"validation {word} was best at epoch {best + 1} of {n_epochs}: more epochs may help"
        )
    return "settled", (
        f"validation {word} was best at epoch {best + 1} of {n_epochs} and has not changed since "
        "by more than chance"
    )
