"""Building, checking, altering and loading Keras networks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.adapters.keras_runtime import (
    import_keras,
    read_values,
    weights_scope,
    without_copy_warning,
)
from bench.errors import BenchError, DataError, OptionError

if TYPE_CHECKING:
    from bench.spec import BuildContext, Precision

__all__ = [
    "MODEL_FILE",
    "all_layers",
    "build_network",
    "load_network",
    "save_network",
    "start_from",
    "with_dropout",
    "with_softmax",
]

MODEL_FILE: Final = "model.keras"
_WEIGHTS_FILE: Final = "model.weights.h5"


def build_network(
    network: "Callable[[BuildContext], Any]", context: "BuildContext", precision: "Precision"
) -> Any:
    """Build the untrained network of `context`, its last layer in float32, and check its output.

    Raises
    ------
    BenchError
        If it is no Keras model, or does not give one probability a class.
    """
    keras = import_keras()
    with weights_scope(context, precision):
        model = network(context)
        if not isinstance(model, keras.Model):
            raise BenchError(
                "the network cannot be used",
                why=f"network(context) returned {type(model).__name__}, not a keras.Model",
            )
        _check_output(model, context)
        if precision != "float32":
            # Probabilities and their loss need more than the 8 bits of a bfloat16's fraction.
            for layer in _split_head(model)[1]:
                layer.dtype_policy = keras.DTypePolicy("float32")
    return model


def _split_head(model: Any) -> tuple[list[Any], list[Any]]:
    """Split the layers before the last one that has weights: the classifier head."""
    layers = list(model.layers)
    first = max((i for i, layer in enumerate(layers) if layer.weights), default=len(layers))
    return layers[:first], layers[first:]


def _check_output(model: Any, context: "BuildContext") -> None:
    """Run one image through, which also builds a network without an input layer."""
    import numpy as np

    rows = np.asarray(model(np.zeros((1, *context.image_shape), dtype=np.float32)))
    if rows.shape != (1, context.n_classes):
        raise BenchError(
            "the network cannot be used",
            why=f"its output for one image has shape {rows.shape}, not (1, {context.n_classes})",
            fix="end it with Dense(context.n_classes, activation='softmax')",
        )
    # Loose, since a network built in bfloat16 rounds each probability to 8 bits.
    if not abs(float(rows.sum(dtype=np.float64)) - 1) < 0.05 or rows.min() < 0:
        raise BenchError(
            "the network cannot be used",
            why="its output is not probabilities",
            fix="end it with a softmax, or say keras_model(outputs='logits')",
        )


def with_softmax(network: "Callable[[BuildContext], Any]", context: "BuildContext") -> Any:
    """Build a network that returns logits, and end it with a softmax in float32.

    Raises
    ------
    BenchError
        If it returns probabilities already, or brings a training of its own, which would be given
        the probabilities.
    """
    import numpy as np

    keras = import_keras()
    model = network(context)
    if not isinstance(model, keras.Model):
        return model  # which is refused as it is
    subject = "the network cannot be used"
    drawn = np.random.default_rng(0).random((4, *context.image_shape), dtype=np.float32)
    rows = np.asarray(model(drawn), dtype=np.float64)
    if rows.min() >= 0 and np.allclose(rows.sum(axis=-1), 1, atol=0.05):
        why = "its output is probabilities, and outputs='logits' says that it is not"
        raise BenchError(subject, why=why, fix="leave its softmax out, or outputs='logits'")
    if model.compiled or type(model).train_step is not keras.Model.train_step:
        why = "its loss or training step is for logits, and would be given probabilities"
        raise BenchError(subject, why=why, fix="end it with a softmax, and leave outputs out")
    softmax = keras.layers.Softmax(dtype="float32")
    if isinstance(model, keras.Sequential):
        return keras.Sequential([keras.Input(context.image_shape), *model.layers, softmax])
    inputs = keras.Input(context.image_shape)
    return keras.Model(inputs, softmax(model(inputs)))


def with_dropout(model: Any, rate: float, seed: int) -> Any:
    """Give every dropout layer the rate; a network without one gets one before its head.

    Raises
    ------
    OptionError
        If there is no dropout layer and the network is not a plain sequence of layers.
    """
    keras = import_keras()
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.Dropout)]
    for layer in layers:
        if layer.rate == 0:
            layer.seed_generator = keras.random.SeedGenerator(seed)
        layer.rate = rate
    if layers:
        return model
    if not isinstance(model, keras.Sequential):
        raise OptionError(
            f"dropout={rate}", why="the network has no dropout layer", fix="add one to its code"
        )
    body, head = _split_head(model)
    dropout = keras.layers.Dropout(rate, seed=seed, dtype=body[-1].dtype_policy)
    return keras.Sequential([keras.Input(model.input_shape[1:]), *body, dropout, *head])


def all_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a network, those of networks within it included."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from all_layers(layer)


def save_network(model: Any, folder: Path) -> None:
    """Write ``model.keras`` without optimiser state, or the weights alone.

    The weights alone where a network of the author's own has no ``get_config``, so that Keras
    cannot write down its layers; it is then read with the plugin's code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with without_copy_warning():
        try:
            model.save(folder / MODEL_FILE, include_optimizer=False)
        except (NotImplementedError, TypeError):
            (folder / MODEL_FILE).unlink(missing_ok=True)
            model.save_weights(folder / _WEIGHTS_FILE)


def load_network(folder: Path, rebuild: "Callable[[], Any] | None" = None) -> Any:
    """Read a network that `save_network` wrote; no code in the file is run.

    Parameters
    ----------
    folder : Path
        It holds ``model.keras``, or ``model.weights.h5``.
    rebuild : callable or None
        Builds the network from the plugin's code, for a file that names layers which Keras does not
        know, or only holds weights.

    Raises
    ------
    DataError
        If the file is missing, damaged, of another network, or holds code.
    """
    keras = import_keras()
    file = folder / MODEL_FILE
    if not file.is_file() and (folder / _WEIGHTS_FILE).is_file():
        file = folder / _WEIGHTS_FILE
    try:
        return keras.models.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # noqa: BLE001  # an untrusted file makes Keras raise almost anything
        cause = error
    if rebuild is not None and file.is_file():
        model = rebuild()
        try:
            model.load_weights(file)
        except Exception as error:  # noqa: BLE001  # as above
            cause = error
        else:
            return model
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    raise DataError(f"{file.name} cannot be read", why=lines[0]) from cause


def start_from(model: Any, source: Any) -> None:
    """Copy the weights of `source` into `model`; its last layer only where the shapes agree.

    Raises
    ------
    BenchError
        If another layer differs in shape, or the networks have different layers.
    """
    ours, theirs = _weighted(model), _weighted(source)
    if len(ours) != len(theirs):
        raise BenchError(
            "initial_weights does not fit",
            why=f"that trial's network has {len(theirs)} layers with weights, this one {len(ours)}",
            fix="name a trial of the same model",
        )
    for mine, other in zip(ours[:-1], theirs[:-1], strict=True):
        if _shapes(mine) != _shapes(other):
            raise BenchError(
                "initial_weights does not fit",
                why=f"layer {mine.name} has weights {_shapes(mine)}, that trial's {_shapes(other)}",
                fix="name a trial of the same model, trained on images of the same shape",
            )
        mine.set_weights(read_values(other.weights))
    if _shapes(ours[-1]) == _shapes(theirs[-1]):
        ours[-1].set_weights(read_values(theirs[-1].weights))


def _weighted(model: Any) -> list[Any]:
    return [layer for layer in model.layers if layer.weights]


def _shapes(layer: Any) -> str:
    return " ".join(str(tuple(weight.shape)) for weight in layer.weights)
