"""scikit-learn's estimators as models: what a plugin names when it registers one.

Importing this module imports neither an engine nor numpy.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.adapters.sklearn_classifier import Scores
    from bench.spec import BuildContext, Classifier

__all__ = ["load_sklearn_classifier", "sklearn_classifier"]


def sklearn_classifier(
    estimator: Any,
    *,
    scores: "Callable[[Scores], Scores] | None" = None,
    calibration_fraction: float = 0.0,
    epochs: int = 0,
    trusted: "Sequence[str]" = (),
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
    trusted : sequence of str
        Types by their full names (``"my_module.MyStep"``) that the saved form may hold beyond those
        that skops knows to be safe. Reading a file makes objects of these types from what it says:
        name only classes whose code you know.
    """
    from bench.adapters.sklearn_classifier import SklearnClassifier
    from bench.adapters.sklearn_model import BOOSTERS

    told: dict[str, Any] = {
        "scores": scores,
        "calibration_fraction": calibration_fraction,
        "epochs": epochs,
        "trusted": trusted,
    }
    library = type(estimator).__module__.partition(".")[0]
    if library in BOOSTERS:
        from bench.adapters.boosting import BoostingClassifier

        return BoostingClassifier(estimator, library, **told)
    return SklearnClassifier(estimator, **told)


def load_sklearn_classifier(
    folder: Path,
    context: "BuildContext",
    build: "Callable[[BuildContext], Classifier] | None" = None,
) -> "Classifier":
    """Return the trained classifier that ``save`` wrote to `folder`: a `ModelSpec.load`.

    It is read by skops, or by the boosting library that wrote it. The types that `build` declares
    to be trusted are; without it none.

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

    def declared() -> tuple[str, ...]:
        return () if build is None else tuple(getattr(build(context), "trusted", ()))

    return read_classifier(folder, context, declared)
