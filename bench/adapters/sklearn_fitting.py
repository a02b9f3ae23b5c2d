"""Training scikit-learn estimators: seeds, threads, epochs and a temperature."""

from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.spec import Epoch, FitContext, Labels

__all__ = ["fit_in_epochs", "fitted_temperature", "prepared"]


def prepared(estimator: Any, context: FitContext) -> Any:
    """Return a copy with every ``random_state`` and ``n_jobs`` set, in nested steps too."""
    from sklearn.base import clone

    fresh = clone(estimator)
    values: dict[str, Any] = {}
    parameters = fresh.get_params(deep=True)
    for name in parameters:
        owner, _, last = name.rpartition("__")
        if last == "random_state":
            values[name] = context.seed
        elif last == "n_jobs" and not _ignores_n_jobs(parameters.get(owner, fresh)):
            values[name] = context.threads
    fresh.set_params(**values)
    return fresh


def fit_in_epochs(
    estimator: Any,
    samples: npt.NDArray[np.float32],
    labels: Labels,
    epochs: int,
    context: FitContext,
) -> None:
    """Train by calls of ``partial_fit``, each over all samples in an order of its own."""
    classes = np.unique(labels)
    # An integer seed would start every epoch with the same order; a generator goes on.
    estimator.set_params(random_state=np.random.RandomState(context.seed))
    batch_size = estimator.get_params().get("batch_size")
    if isinstance(batch_size, int):
        estimator.set_params(batch_size=min(batch_size, len(samples)))
    for epoch in range(1, epochs + 1):
        started = perf_counter()
        estimator.partial_fit(samples, labels, classes=classes)
        loss = getattr(estimator, "loss_", None)
        context.report_epoch(
            Epoch(
                epoch=epoch,
                epochs=epochs,
                loss=None if loss is None else float(loss),
                seconds=perf_counter() - started,
            )
        )
    estimator.set_params(random_state=context.seed)


def _ignores_n_jobs(estimator: Any) -> bool:
    """Say whether setting ``n_jobs`` does nothing but warn: scikit-learn 1.8's regression."""
    return type(estimator).__module__ == "sklearn.linear_model._logistic"


def fitted_temperature(
    decision: npt.NDArray[np.floating[Any]], columns: npt.NDArray[np.intp]
) -> float:
    """Return the divisor of the scores with the lowest log loss (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(columns))

    def log_loss(log_temperature: float) -> float:
        scaled = decision / np.exp(log_temperature)
        return -float(log_softmax(scaled, axis=1)[rows, columns].mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=(-5, 5), method="bounded").x))
