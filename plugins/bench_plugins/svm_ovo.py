"""The SVM of the published comparison: an RBF kernel, one boundary a pair of classes, votes."""

from collections.abc import Callable
from math import isfinite

from bench import hookimpl
from bench.adapters.sklearn import load_sklearn_classifier, sklearn_classifier
from bench.errors import OptionError
from bench.options import Option, OptionValue
from bench.spec import BuildContext, Classifier, ModelSpec

# Calibration needs images that the SVM has not seen.
CALIBRATION_FRACTION = 0.2

OPTIONS = {
    "C": Option(default=1.0, minimum=1e-6, maximum=1e9, help="cost of a wrong training image"),
    "gamma": Option(
        default="scale",
        help="width of the kernel: scale (1 / (pixels x variance)), auto (1 / pixels) or a number",
    ),
    "calibrate": Option(
        default=False,
        help="learn probabilities from a held-back fifth, then fit on all: about twice the time",
    ),
}


def build(context: BuildContext) -> Classifier:
    """Return an untrained SVM, accelerated where scikit-learn-intelex is installed."""
    try:
        from sklearnex.svm import SVC
    except ImportError:
        from sklearn.svm import SVC

    return sklearn_classifier(
        SVC(
            C=context.options["C"],
            gamma=_gamma(context.options["gamma"]),
            decision_function_shape="ovo",
        ),
        calibration_fraction=CALIBRATION_FRACTION if context.options["calibrate"] else 0.0,
    )


def _gamma(value: OptionValue) -> str | float:
    if value in ("scale", "auto"):
        return str(value)
    try:
        gamma = float(value)
    except ValueError:
        gamma = 0.0
    if not (gamma > 0 and isfinite(gamma)):
        raise OptionError(
            f"svm-ovo.gamma={value}", why="svm-ovo.gamma is scale, auto or a number above 0"
        )
    return gamma


@hookimpl
def bench_register_models(register: Callable[[ModelSpec], None]) -> None:
    """Register ``svm-ovo``."""
    register(
        ModelSpec(
            name="svm-ovo",
            summary="support vectors with an RBF kernel, one-vs-one votes",
            build=build,
            load=load_sklearn_classifier,
            options=OPTIONS,
            requires=("scikit-learn", "scikit-learn-intelex"),
            # Votes rank the classes; --set svm-ovo.calibrate=true makes them probabilities.
            probabilities="scores",
            deterministic=True,
            seconds_per_image=6e-4,
        )
    )
