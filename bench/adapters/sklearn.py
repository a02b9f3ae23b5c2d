"""scikit-learn's estimators as models: what a plugin names when it registers one.

Importing this module imports neither an engine nor numpy.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.adapters.sklearn_classifier import Scores
    from bench.spec import BuildContext, Classifier

__all__ = ["load_sklearn_classifier", "sklearn_classifier"]


def sklearn_classifier(
    estimator: Any,
    *,
    scores: "Callable[[Scores], Scores] | None" = None,
    calibration_fraction: float = 0.0,
    epochs: int = 0,
) -> "Classifier":
    """Return a classifier that trains a copy of `estimator`.

    Every ``random_state`` is set from the context's seed and every ``n_jobs`` from its threads, in
    nested steps too.

    The classifiers of LightGBM, XGBoost and CatBoost are stored in those libraries' own formats.

    Parameters
    ----------
    estimator : object
        An unfitted scikit-learn classifier or pipeline. With ``predict_proba`` its probabilities
        are taken; else its ``decision_function`` gives scores, which only rank the classes.
    scores : callable or None
        Turns the decision function, (n, n_classes seen), into non-negative rows. None: softmax.
    calibration_fraction : float
        Above 0: hold back this share of the training images, fit on the others, learn from the
        held-back ones the temperature that makes a softmax of the decision function calibrated,
        then fit on all. ``predict`` stays that of the estimator fitted on all.
    epochs : int
        Above 0: train by that many calls of ``partial_fit``, each over all images in a new order,
        and report each.
    """
    from bench.adapters.sklearn_classifier import SklearnClassifier
    from bench.adapters.sklearn_model import BOOSTERS

    told: dict[str, Any] = {
        "scores": scores,
        "calibration_fraction": calibration_fraction,
        "epochs": epochs,
    }
    library = type(estimator).__module__.partition(".")[0]
    if library in BOOSTERS:
        from bench.adapters.boosting import BoostingClassifier

        return BoostingClassifier(estimator, library, **told)
    return SklearnClassifier(estimator, **told)


def load_sklearn_classifier(folder: Path, context: "BuildContext") -> "Classifier":
    """Return the trained classifier that ``save`` wrote to `folder`: a `ModelSpec.load`.

    It is read by skops, or by the boosting library that wrote it.

    Raises
    ------
    DataError
        If the file is missing, damaged, or holds a type that is not trusted. Nothing in it runs.
    """
    from bench.adapters.sklearn_model import BOOSTING_FILE

    if (folder / BOOSTING_FILE).is_file():
        from bench.adapters.boosting import read_boosting

        return read_boosting(folder, context)
    from bench.adapters.sklearn_classifier import read_classifier

    return read_classifier(folder, context)
