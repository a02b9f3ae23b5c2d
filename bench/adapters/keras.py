"""Keras networks as models: ``keras_model`` registers one, ``keras_classifier`` wraps one.

Importing this module imports no engine.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from bench.adapters.keras_describe import describe_network
from bench.adapters.keras_dropout import draw_dropout_from_bytes
from bench.adapters.keras_network import (
    build_network,
    load_network,
    save_network,
    start_from,
    with_dropout,
    with_softmax,
)
from bench.adapters.keras_options import TrainingOptions, standard_options
from bench.adapters.keras_runtime import (
    engine_name,
    import_keras,
    read_values,
    repeat_exactly,
    use_threads,
)
from bench.errors import BenchError, OptionError
from bench.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.options import Option, Options, OptionValue
    from bench.spec import (
        BuildContext,
        Description,
        FitContext,
        Images,
        ImageSet,
        Probabilities,
        Shape,
    )

__all__ = ["KerasClassifier", "keras_classifier", "keras_model"]

Network: TypeAlias = "Callable[[BuildContext], Any]"
Outputs: TypeAlias = Literal["probabilities", "logits"]
_BATCHES: Final = (1, 8, 64, 512)


def keras_model(
    *,
    name: str,
    summary: str,
    network: Network,
    epochs: int,
    batch_size: int,
    learning_rate: float = 0.001,
    learning_rate_schedule: str = "constant",
    optimizer: str = "adam",
    drop_last: bool = False,
    validation_fraction: float = 0.0,
    augment: str = "none",
    outputs: Outputs = "probabilities",
    options: "Mapping[str, Option | OptionValue] | None" = None,
    min_side: int = 1,
    seconds_per_image: float | None = None,
    budgets: "Mapping[str, Options] | None" = None,
    embedded_options: "Options | None" = None,
    bfloat16_holds: bool = False,
) -> ModelSpec:
    """Return the registration of a Keras network, with every standard training option.

    Parameters
    ----------
    name, summary : str
        Kebab-case name; one line.
    network : callable
        ``network(BuildContext) -> keras.Model``: the untrained network for ``image_shape``, ending
        in a softmax over ``n_classes``. It is built anew for each fit. A loss it was compiled with
        and a ``train_step`` of its class are obeyed; an optimiser that is not the options' and
        metrics other than accuracy are refused.
    epochs, batch_size, learning_rate, learning_rate_schedule, optimizer, drop_last, \
    validation_fraction, augment
        Defaults of the options of the same names.
    outputs : str
        What `network` returns: ``probabilities``, or ``logits``, to which a softmax is added.
    options : mapping
        More options of the model, read by `network` from ``context.options``.
    min_side : int
        The smallest image side in pixels the network allows.
    seconds_per_image : float or None
        As in `bench.spec.ModelSpec`.
    budgets, embedded_options, bfloat16_holds
        As in `bench.spec.ModelSpec`.
    """
    defaults: dict[str, OptionValue] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "learning_rate_schedule": learning_rate_schedule,
        "optimizer": optimizer,
        "drop_last": drop_last,
        "validation_fraction": validation_fraction,
        "augment": augment,
    }
    network = _ended(network, outputs)
    return ModelSpec(
        name=name,
        summary=summary,
        build=partial(keras_classifier, network),
        options={**standard_options(defaults), **(options or {})},
        requires=("tensorflow", "keras"),
        min_side=min_side,
        precisions=("float32", "bfloat16"),
        load=partial(_load, network),
        resumes=True,
        budgets=budgets or {},
        embedded_options=embedded_options or {},
        bfloat16_holds=bfloat16_holds,
        seconds_per_image=seconds_per_image,
    )


def keras_classifier(
    network: Network, context: "BuildContext", *, outputs: Outputs = "probabilities"
) -> "KerasClassifier":
    """Wrap a network as a classifier that trains with the harness's own loop.

    Options of ``context`` with the names of the standard ones are obeyed; the others have their
    usual defaults. ``outputs`` is as in `keras_model`.
    """
    return KerasClassifier(_ended(network, outputs), context)


def _ended(network: Network, outputs: Outputs) -> Network:
    return network if outputs == "probabilities" else partial(with_softmax, network)


def read_keras_classifier(folder: Path, context: "BuildContext") -> "KerasClassifier":
    """Read a saved network without the function that built it.

    Raises
    ------
    BenchError
        If only its weights were saved: they need that function.
    """

    def unknown(_: "BuildContext") -> Any:
        raise BenchError("only weights are stored", fix="give the plugin a load of its own")

    return _load(unknown, folder, context)


def _load(network: Network, folder: Path, context: "BuildContext") -> "KerasClassifier":
    classifier = KerasClassifier(network, context)
    classifier.read(folder)
    return classifier


class KerasClassifier:
    """A network with its training; the trained network always computes in float32.

    Training in bfloat16 keeps float32 weights, so nothing is lost by putting them into a float32
    network for prediction, and such a network runs on every machine and can be quantised.
    """

    def __init__(self, network: Network, context: "BuildContext") -> None:
        self._network = network
        self._context = context
        self._model: Any = None
        self._predict: Callable[[Images], Any] | None = None

    @property
    def network(self) -> Any:
        """The trained Keras model, float32."""
        if self._model is None:
            raise BenchError("the network cannot be used", why="it is not trained", fix="fit it")
        return self._model

    @property
    def image_shape(self) -> "Shape":
        """Height, width and channels of the images it was built for."""
        return self._context.image_shape

    def fit(self, train: "ImageSet", context: "FitContext") -> None:
        """Train a new network on all of `train`, or go on from a checkpoint."""
        from bench.adapters.keras_training import train_network

        if train.labels is None:
            raise BenchError("the training images have no labels", why="a fit needs them")
        options = TrainingOptions.of(context.options)
        if options.initial_weights and context.initial_weights is None:
            raise OptionError(
                f"initial_weights={options.initial_weights}", why="that trial was not looked up"
            )
        import_keras()
        use_threads(context.threads)
        repeat_exactly()
        model = self._untrained(context, context.precision)
        if context.initial_weights is not None:
            start_from(model, load_network(context.initial_weights))
        if context.precision != "float32":
            draw_dropout_from_bytes(model)
        train_network(model, train, options, context)
        if context.precision != "float32":
            weights = read_values(model.weights)
            model = self._untrained(context, "float32")
            model.set_weights(weights)
        self._context, self._model, self._predict = context, model, None

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return class probabilities, (n, n_classes) float32; rows sum to 1.

        Images are predicted in batches of a few fixed sizes, the last one filled up, so that a row
        hardly depends on how many others there are.
        """
        if self._predict is None:
            self._predict = _compile_prediction(self.network, self.image_shape)
        import numpy as np

        images = np.ascontiguousarray(images, dtype=np.float32)
        if 0 < len(images) <= _BATCHES[-1]:
            alone: Probabilities = self._predict(_fill_up(images)).numpy()[: len(images)]
            return alone
        rows = np.empty((len(images), self._context.n_classes), dtype=np.float32)
        for first in range(0, len(images), _BATCHES[-1]):
            part = images[first : first + _BATCHES[-1]]
            predicted = self._predict(_fill_up(part)).numpy()[: len(part)]
            rows[first : first + len(part)] = predicted
        return rows

    def describe(self) -> "Description":
        """Return sizes and layers; an unfitted classifier describes its untrained network."""
        import_keras()
        model = self._model
        if model is None:
            model = self._untrained(self._context, "float32")
        return describe_network(model, engine_name(self._context.precision))

    @property
    def n_classes(self) -> int:
        """How many columns ``predict_proba`` returns."""
        return self._context.n_classes

    def save(self, folder: Path) -> None:
        """Write ``model.keras``, without optimiser state, and the network as LiteRT reads it."""
        from bench.adapters.litert_writing import keep_float32

        save_network(self.network, folder)
        predicts_itself = type(self).predict_proba is not KerasClassifier.predict_proba
        # What a class of its own makes of the network's answer is in no such file.
        if not predicts_itself and not hasattr(self, "predict"):
            keep_float32(self, folder)

    def read(self, folder: Path) -> None:
        """Take the trained network of `folder`, as `save` wrote it."""
        import_keras()
        use_threads(self._context.threads)
        network = load_network(folder, rebuild=lambda: self._untrained(self._context, "float32"))
        self._model, self._predict = network, None

    def _untrained(self, context: "BuildContext", precision: Any) -> Any:
        model = build_network(self._network, context, precision)
        rate = TrainingOptions.of(context.options).dropout
        return model if rate < 0 else with_dropout(model, rate, context.seed)


def _fill_up(images: "Images") -> "Images":
    """Repeat the last image until the batch has one of the fixed sizes."""
    size = next(size for size in _BATCHES if size >= len(images))
    if size == len(images):
        return images
    import numpy as np

    return np.concatenate([images, np.repeat(images[-1:], size - len(images), axis=0)])


def _compile_prediction(model: Any, shape: "Shape") -> "Callable[[Images], Any]":
    import tensorflow as tf

    def predict(images: Any) -> Any:
        return tf.cast(model(images, training=False), tf.float32)

    signature = (tf.TensorSpec((None, *shape), tf.float32),)
    traced = tf.function(predict, input_signature=signature, autograph=False)
    # A concrete function is traced once, here, and never again.
    concrete = traced.get_concrete_function()
    return lambda images: concrete(tf.convert_to_tensor(images))
