"""The packed first layer: the same sums, where it is a plain convolution of grey images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from bench.adapters.keras_network import load_network, save_network
from bench.adapters.litert_packing import paired_kernel, with_paired_columns

Layers = Callable[[], list[Any]]


def built(shape: tuple[int, int, int], *stack: Any) -> Any:
    keras.utils.set_random_seed(3)
    network = keras.Sequential([keras.Input(shape), *stack, layers.Flatten(), layers.Dense(4)])
    for weight in network.weights:  # biases begin at zero, which would hide a mistake
        weight.assign(np.random.default_rng(len(weight.shape)).normal(size=weight.shape))
    return network


def images(shape: tuple[int, int, int]) -> Any:
    return np.random.default_rng(0).random((5, *shape), np.float32)


def convolved_shapes(
    function: Callable[[Any], Any], shape: tuple[int, int, int]
) -> set[tuple[int, ...]]:
    """Return the shape of each convolution's input."""
    import tensorflow as tf

    traced = tf.function(function, input_signature=[tf.TensorSpec((None, *shape))])
    graph = traced.get_concrete_function().graph
    return {tuple(op.inputs[0].shape)[1:] for op in graph.get_operations() if op.type == "Conv2D"}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel", [pytest.param(3, id="3"), pytest.param((5, 7), id="5x7")])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_a_packed_network_computes_the_same(padding: str, kernel: Any, activation: str) -> None:
    shape = (9, 12, 1)
    first = layers.Conv2D(6, kernel, padding=padding, activation=activation)
    network = built(shape, first, layers.LeakyReLU(0.1), layers.MaxPooling2D(2))
    packed = with_paired_columns(network, shape)
    # Two columns are the channels of the convolution's input.
    assert {channels for *_, channels in convolved_shapes(packed, shape)} == {2}
    given = images(shape)
    np.testing.assert_allclose(packed(given), network(given, training=False), atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "stack"),
    [
        pytest.param((9, 12, 3), lambda: [layers.Conv2D(6, 3)], id="colour"),
        pytest.param((9, 11, 1), lambda: [layers.Conv2D(6, 3)], id="odd-width"),
        pytest.param((9, 12, 1), lambda: [layers.Conv2D(6, 2)], id="even-kernel"),
        pytest.param((9, 12, 1), lambda: [layers.Conv2D(6, 3, strides=2)], id="strides"),
        pytest.param((9, 12, 1), lambda: [layers.Conv2D(6, 3, dilation_rate=2)], id="dilated"),
        pytest.param((9, 12, 1), lambda: [layers.Conv2D(6, 3, use_bias=False)], id="no-bias"),
        pytest.param((9, 12, 1), lambda: [layers.Conv2D(6, 3, activation="softmax")], id="softmax"),
        pytest.param((9, 12, 1), lambda: [layers.SeparableConv2D(6, 3)], id="separable"),
        pytest.param((9, 12, 1), lambda: [layers.Dropout(0.5), layers.Conv2D(6, 3)], id="dropout"),
        pytest.param(
            (9, 12, 1), lambda: [layers.Conv2D(6, 3), layers.BatchNormalization()], id="batch-norm"
        ),
    ],
)
def test_any_other_network_stays_as_it_is(shape: tuple[int, int, int], stack: Layers) -> None:
    network = built(shape, *stack())
    packed = with_paired_columns(network, shape)
    given = images(shape)
    np.testing.assert_array_equal(packed(given), network(given, training=False))
    assert (shape[0], shape[1] // 2, 2) not in convolved_shapes(packed, shape)


def test_a_functional_network_stays_as_it_is() -> None:
    inputs = keras.Input((9, 12, 1))
    network = keras.Model(inputs, layers.Flatten()(layers.Conv2D(6, 3)(inputs)))
    given = images((9, 12, 1))
    packed = with_paired_columns(network, (9, 12, 1))
    np.testing.assert_array_equal(packed(given), network(given))


def test_packing_leaves_the_network_itself_alone(tmp_path: Path) -> None:
    shape = (9, 12, 1)
    network = built(shape, layers.Conv2D(6, 3), layers.ReLU())
    given = images(shape)
    before = np.asarray(network(given))
    with_paired_columns(network, shape)(given)
    save_network(network, tmp_path)
    loaded = load_network(tmp_path)
    np.testing.assert_allclose(loaded(given), before, atol=1e-6)
    assert [layer.output.shape for layer in loaded.layers] == [
        layer.output.shape for layer in network.layers
    ]


def test_the_kernel_of_a_pair_holds_the_filters_twice() -> None:
    kernel = np.arange(1.0, 4.0, dtype=np.float32).reshape(1, 3, 1, 1)
    paired = paired_kernel(kernel)
    assert paired.shape == (1, 2, 2, 2)
    assert paired[0, :, :, 0].ravel().tolist() == [1, 2, 3, 0]
    assert paired[0, :, :, 1].ravel().tolist() == [0, 1, 2, 3]
