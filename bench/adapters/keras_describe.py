"""What a Keras network consists of: layers, parameters, multiply-adds."""

import math
from collections.abc import Iterator
from typing import Any

from bench.adapters.keras_runtime import import_keras
from bench.spec import Description, Layer

__all__ = ["describe_network"]


def describe_network(model: Any, engine: str) -> Description:
    """Return the layers and sizes of a built network; multiply-adds are those for one image."""
    layers = tuple(_describe_layer(layer) for layer in _flat(model))
    return Description(
        parameters=model.count_params(),
        trainable_parameters=_count(model.trainable_weights),
        model_bytes=sum(
            math.prod(weight.shape) * weight.value.dtype.size for weight in model.weights
        ),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        layers=layers,
        engine=engine,
    )


def _flat(model: Any) -> Iterator[Any]:
    keras = import_keras()
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if getattr(layer, "layers", None):
            yield from _flat(layer)
        else:
            yield layer


def _describe_layer(layer: Any) -> Layer:
    shape = _output_shape(layer)
    return Layer(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=shape,
        parameters=layer.count_params(),
        multiply_adds=_multiply_adds(layer, shape),
    )


def _output_shape(layer: Any) -> tuple[int, ...]:
    """Return the shape for one image, or () where a custom layer was never called on a symbol."""
    try:
        shape = layer.output.shape
    except (AttributeError, ValueError):
        return ()
    return tuple(int(side) for side in shape[1:])


def _multiply_adds(layer: Any, shape: tuple[int, ...]) -> int:
    """Count one multiply-add for each weight of a kernel at each position it is applied."""
    layers = import_keras().layers
    if isinstance(layer, layers.Dense):
        inputs, units = layer.kernel.shape
        return int(inputs * units * math.prod(shape[:-1]))
    if isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D):
        # A kernel is applied once at each output position; a depth-wise one has no sum over inputs.
        return int(math.prod(layer.kernel.shape) * math.prod(shape[:2]))
    return 0


def _count(weights: list[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)
