"""Dropout for training in bfloat16, drawn from random bytes."""

from collections.abc import Callable
from typing import Any, Final

from bench.adapters.keras_network import all_layers
from bench.adapters.keras_runtime import import_keras

__all__ = ["draw_dropout_from_bytes"]

_STEPS: Final = 256


def draw_dropout_from_bytes(model: Any) -> None:
    """Let the dropout layers of a network draw one random byte for each unit.

    Keras draws a bfloat16 number, which costs four times as many random bits (5 % of a step of
    ``cnn-mnist-wide``) and has only 128 values: its rate of .3 drops .305 of the units, this .301.
    The masks come from the layers' own seed generators, as Keras' do.
    """
    dropout = import_keras().layers.Dropout
    for layer in all_layers(model):
        if type(layer) is dropout and layer.noise_shape is None and 0 < layer.rate < 1:
            layer.call = _byte_dropout(layer)


def _byte_dropout(layer: Any) -> Callable[..., Any]:
    import tensorflow as tf

    dropped = min(round(layer.rate * _STEPS), _STEPS - 1)
    scale = _STEPS / (_STEPS - dropped)

    def call(inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        seed = tf.cast(layer.seed_generator.next(), tf.int32)
        shape = tf.shape(inputs)
        n = tf.reduce_prod(shape)
        words = tf.random.stateless_uniform(
            [(n + 3) // 4], seed, minval=None, maxval=None, dtype=tf.int32
        )
        numbers = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:n]
        kept = tf.cast(tf.reshape(numbers >= dropped, shape), inputs.dtype)
        return inputs * (kept * tf.cast(scale, inputs.dtype))

    return call
