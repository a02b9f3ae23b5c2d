"""Do a row's probabilities mean what they say."""

from dataclasses import dataclass

import numpy as np

from bench.board.rows import Row
from bench.scoring.calibration import Reliability, confidence_of, image_brier, reliability
from bench.scoring.predictions import predictions
from bench.store.layout import Store
from bench.store.read import read_evaluation, read_predictions, read_trial

__all__ = ["RowCalibration", "row_calibration"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowCalibration:
    """The reliability and the Brier score of a row, the images of its seeds counted together."""

    reliability: Reliability
    brier: float


def row_calibration(store: Store, row: Row) -> RowCalibration | str:
    """Return a row's calibration, or why it has none.

    Raises
    ------
    StoreError
        If its predictions cannot be read.
    """
    if not row.labelled or not row.evaluations:
        return "the images have no labels"
    if read_trial(store.trial(row.trials[0])).probabilities != "calibrated":
        return "the model gives scores that only rank the classes, not probabilities"
    confidences, rights, briers = [], [], []
    for name in row.evaluations:
        left_out = np.array(row.left_out, dtype=np.intp)
        stored = read_predictions(store.evaluations / name).without(left_out)
        if stored.labels is None:
            return "the images have no labels"
        classes = read_evaluation(store.evaluations / name).classes
        checked = predictions(stored.labels, stored.predicted, stored.probabilities, classes)
        if checked.probabilities is None:
            return checked.no_probabilities
        confidences.append(confidence_of(checked.probabilities, checked.predicted))
        rights.append(checked.correct)
        briers.append(image_brier(checked.probabilities, checked.labels))
    return RowCalibration(
        reliability=reliability(np.concatenate(confidences), np.concatenate(rights)),
        brier=float(np.concatenate(briers).mean()),
    )
