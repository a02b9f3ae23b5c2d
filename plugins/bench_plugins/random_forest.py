"""The random forest of the published comparison: 200 trees, each grown on half the samples."""

from collections.abc import Callable

from bench import hookimpl
from bench.adapters.sklearn import load_sklearn_classifier, sklearn_classifier
from bench.options import Option
from bench.spec import BuildContext, Classifier, ModelSpec

OPTIONS = {
    "n_estimators": Option(default=200, minimum=1, help="trees"),
    "max_samples": Option(
        default=0.5,
        minimum=0.001,
        maximum=1.0,
        help="share of the training images drawn for each tree",
    ),
    "max_depth": Option(default=0, minimum=0, help="deepest level of a tree; 0: no limit"),
    "min_samples_leaf": Option(default=1, minimum=1, help="fewest training images in a leaf"),
    "max_features": Option(
        default="sqrt", choices=("sqrt", "log2"), help="pixels tried at each split"
    ),
}


def build(context: BuildContext) -> Classifier:
    """Return an untrained forest, accelerated where scikit-learn-intelex is installed."""
    try:
        from sklearnex.ensemble import RandomForestClassifier
    except ImportError:
        from sklearn.ensemble import RandomForestClassifier

    options = {name: context.options[name] for name in OPTIONS}
    return sklearn_classifier(
        RandomForestClassifier(**{**options, "max_depth": options["max_depth"] or None})
    )


@hookimpl
def bench_register_models(register: Callable[[ModelSpec], None]) -> None:
    """Register ``random-forest``."""
    register(
        ModelSpec(
            name="random-forest",
            summary="200 decision trees, each grown on half the samples",
            build=build,
            load=load_sklearn_classifier,
            options=OPTIONS,
            requires=("scikit-learn", "scikit-learn-intelex"),
            seconds_per_image=3e-4,
        )
    )
