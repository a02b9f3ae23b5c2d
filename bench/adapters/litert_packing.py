"""A network's first convolution, laid out for 8-bit arithmetic on a processor.

XNNPACK's 8-bit kernels multiply 8 channels at a time, and a grey image has one: in int8 the first
convolution of ``cnn-mnist-compact`` took 25 of 32 µs, in float32 5 of 47. Computing two columns at
once, from pairs of columns read as two channels, nearly halves the time of the whole network. The
sums are the same but for zeros, and the rearrangement is free: the bytes stay where they are.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.adapters.keras_runtime import import_keras, read_values

if TYPE_CHECKING:
    from bench.spec import Shape

__all__ = ["paired_kernel", "with_paired_columns"]


def with_paired_columns(network: Any, shape: "Shape") -> Callable[[Any], Any]:
    """Return a function of images that computes what `network` does, with the first layer packed.

    Where that layer is no plain convolution of grey images it is the network itself.

    Parameters
    ----------
    network : keras.Model
        Trained.
    shape : tuple
        Height, width and channels of its images.
    """
    keras = import_keras()
    layers = network.layers if isinstance(network, keras.Sequential) else []
    if len(layers) < 2 or not _is_packable(layers[0], layers[1], shape):
        return lambda images: network(images, training=False)
    first, rest = _packed(layers[0], shape), keras.Sequential(layers[1:])
    return lambda images: rest(first(images), training=False)


def _is_packable(first: Any, following: Any, shape: "Shape") -> bool:
    keras = import_keras()
    _, width, channels = shape
    return (
        type(first) is keras.layers.Conv2D
        and channels == 1
        and width % 2 == 0
        and first.strides == first.dilation_rate == (1, 1)
        and first.kernel_size[1] % 2 == 1
        and first.padding in ("valid", "same")
        and first.data_format == "channels_last"
        and first.use_bias
        and first.activation in (keras.activations.relu, keras.activations.linear)
        # The converter merges it into the convolution only where nothing stands between.
        and not isinstance(following, keras.layers.BatchNormalization)
    )


def _packed(layer: Any, shape: "Shape") -> Callable[[Any], Any]:
    import tensorflow as tf

    (height, width, _), (rows, columns) = shape, layer.kernel_size
    kernel_values, bias_values = read_values([layer.kernel, layer.bias])
    kernel, bias = paired_kernel(kernel_values), np.tile(bias_values, 2)
    above, left = (rows - 1) // 2, (columns - 1) // 2
    margins = [[0, 0], [above, rows - 1 - above], [left, columns - 1 - left], [0, 0]]
    is_padded = layer.padding == "same"
    if is_padded:
        height, width = height + rows - 1, width + columns - 1
    result_shape = [-1, height - rows + 1, width - columns + 1, layer.filters]

    def convolve(images: Any) -> Any:
        padded = tf.pad(images, margins) if is_padded else images
        pairs = tf.reshape(padded, [-1, height, width // 2, 2])
        sums = tf.nn.conv2d(pairs, kernel, 1, "VALID") + bias
        return tf.reshape(layer.activation(sums), result_shape)

    return convolve


def paired_kernel(kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the kernel that computes two neighbouring columns from pairs of columns.

    Parameters
    ----------
    kernel : ndarray of shape (rows, columns, 1, filters)
        `columns` is odd.

    Returns
    -------
    ndarray of shape (rows, (columns + 1) / 2, 2, 2 * filters)
        The filters of the left column of a pair, then those of the right one.
    """
    rows, columns, _, filters = kernel.shape
    wide = np.zeros((rows, columns + 1, 2, filters), dtype=np.float32)
    wide[:, :-1, 0] = kernel[:, :, 0]
    wide[:, 1:, 1] = kernel[:, :, 0]
    return wide.reshape(rows, (columns + 1) // 2, 2, 2 * filters)
