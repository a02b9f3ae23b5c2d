"""A multi-layer perceptron, scikit-learn's: what a network without convolutions reaches."""

from collections.abc import Callable

from bench import hookimpl
from bench.adapters.sklearn import load_sklearn_classifier, sklearn_classifier
from bench.options import Option
from bench.spec import BuildContext, Classifier, ModelSpec

OPTIONS = {
    "hidden_units": Option(default=128, minimum=1, help="units in each hidden layer"),
    "hidden_layers": Option(default=1, minimum=1, maximum=10, help="hidden layers, all ReLU"),
    "epochs": Option(default=12, minimum=1, help="passes over the training images"),
    "batch_size": Option(default=128, minimum=1, help="images a step"),
    "learning_rate": Option(default=2e-3, minimum=1e-7, maximum=10.0, help="Adam's step size"),
    "alpha": Option(default=1e-4, minimum=0.0, help="weight of the L2 penalty"),
}


def build(context: BuildContext) -> Classifier:
    """Return an untrained perceptron."""
    from sklearn.neural_network import MLPClassifier

    options = context.options
    return sklearn_classifier(
        MLPClassifier(
            hidden_layer_sizes=(options["hidden_units"],) * int(options["hidden_layers"]),
            batch_size=options["batch_size"],
            learning_rate_init=options["learning_rate"],
            alpha=options["alpha"],
        ),
        epochs=int(options["epochs"]),
    )


@hookimpl
def bench_register_models(register: Callable[[ModelSpec], None]) -> None:
    """Register ``mlp``."""
    register(
        ModelSpec(
            name="mlp",
            summary="multi-layer perceptron, one hidden layer of 128 units",
            build=build,
            load=load_sklearn_classifier,
            options=OPTIONS,
            requires=("scikit-learn",),
            seconds_per_image=6e-4,
        )
    )
