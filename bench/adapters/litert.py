"""LiteRT (TensorFlow Lite): a trained Keras network as an 8-bit one for small devices.

Full-integer post-training quantisation: weights, activations, input and output are int8, with
ranges measured on a representative set of training images.
"""

import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.keras import KerasClassifier
from bench.adapters.keras_network import load_network
from bench.adapters.litert_packing import with_paired_columns
from bench.errors import BenchError, DataError
from bench.spec import Description

if TYPE_CHECKING:
    from bench.spec import Images, ImageSet, Probabilities, Shape

__all__ = [
    "TFLITE_FILE",
    "LiteRTClassifier",
    "QuantizedModel",
    "convert_float32",
    "load_tflite",
    "quantize_int8",
    "representative_images",
]

TFLITE_FILE: Final = "model-int8.tflite"
_BATCH: Final = 64
_REPRESENTATIVE: Final = 500
# A float32 this large has no fraction: added to a number, it leaves the nearest whole number in the
# lowest bits, in half the time of rounding and converting.
_ROUNDING: Final = 1.5 * 2**23


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedModel:
    """A written ``.tflite`` file; ``model_bytes`` are its weights, the rest is structure."""

    file: Path
    file_bytes: int
    model_bytes: int


def representative_images(train: "ImageSet", n: int = _REPRESENTATIVE) -> "Images":
    """Return at most `n` training images, evenly spread, as float32 in [0, 1]."""
    chosen = np.linspace(0, len(train) - 1, min(n, len(train)), dtype=np.intp)
    return train.take(chosen).images


def quantize_int8(
    source: Path | KerasClassifier, representative: "Images", file: Path
) -> QuantizedModel:
    """Write the network as a full-integer int8 LiteRT file.

    Parameters
    ----------
    source : Path or KerasClassifier
        A trained classifier, or the model folder it was saved to. Its weights are float32 whatever
        precision it was trained in, as the converter needs.
    representative : ndarray of shape (n, height, width, channels)
        float32 in [0, 1]; training images that show the range of each activation.
    file : Path
        The file to write.

    Raises
    ------
    BenchError
        If there is no representative image, or the network has a layer without an int8 form.
    """
    if not len(representative):
        raise BenchError("int8 quantisation", why="it needs at least one representative image")

    def settings(converter: Any, tf: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _one_by_one(representative)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8

    return _convert(source, with_paired_columns, settings, file)


def convert_float32(source: Path | KerasClassifier, file: Path) -> QuantizedModel:
    """Write the network as a float32 LiteRT file, to compare an int8 one with."""

    def as_it_is(network: Any, shape: "Shape") -> Callable[[Any], Any]:
        return lambda images: network(images, training=False)

    return _convert(source, as_it_is, lambda converter, tf: None, file)


def _convert(
    source: Path | KerasClassifier,
    laid_out: Callable[[Any, "Shape"], Callable[[Any], Any]],
    settings: Callable[[Any, Any], None],
    file: Path,
) -> QuantizedModel:
    network = load_network(source) if isinstance(source, Path) else source.network
    import tensorflow as tf

    shape = network.input_shape[1:] if isinstance(source, Path) else source.image_shape
    signature = (tf.TensorSpec((None, *shape), tf.float32, name="images"),)
    traced = tf.function(laid_out(network, shape), input_signature=signature, autograph=False)
    # Without the network as a second argument the weights become constants of the graph.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()])
    settings(converter, tf)
    content = _run(converter)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return QuantizedModel(file=file, file_bytes=len(content), model_bytes=_constant_bytes(content))


def _run(converter: Any) -> bytes:
    try:
        with warnings.catch_warnings():
            # It warns that ranges of the input are "not specified" although it measures them.
            warnings.simplefilter("ignore")
            content: bytes = converter.convert()
    except Exception as error:  # the converter raises its own kinds for what it cannot express
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BenchError(
            "the network cannot be converted for LiteRT",
            why=lines[0],
            fix="use layers that have an 8-bit form",
        ) from error
    return content


def _one_by_one(images: "Images") -> Iterator[list["Images"]]:
    for image in images:
        yield [np.ascontiguousarray(image[None], dtype=np.float32)]


def _constant_bytes(content: bytes) -> int:
    """Return the bytes of all constants in a ``.tflite`` file."""
    model = _import_litert("schema_py_generated").Model.GetRootAs(content, 0)
    return sum(model.Buffers(index).DataLength() for index in range(model.BuffersLength()))


def load_tflite(file: Path, *, threads: int = 1) -> "LiteRTClassifier":
    """Read a ``.tflite`` classifier.

    Raises
    ------
    DataError
        If the file is missing or is no LiteRT classifier of images.
    """
    try:
        return LiteRTClassifier(file, threads)
    except (OSError, ValueError, RuntimeError, IndexError, struct.error) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{file.name} cannot be read", why=lines[0]) from error


class LiteRTClassifier:
    """A classifier that runs a ``.tflite`` file; it cannot be trained."""

    def __init__(self, file: Path, threads: int) -> None:
        self._content = file.read_bytes()
        if not self._content:
            raise ValueError("the file is empty")
        self._threads = threads
        self._model_bytes = _constant_bytes(self._content)
        self._runners: dict[int, _Runner] = {}
        self._single = self._runner(1)

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return class probabilities, (n, n_classes) float32; rows sum to 1.

        int8 probabilities are multiples of 1/256, so that they are scaled to a sum of 1.
        """
        images = np.asarray(images, dtype=np.float32)
        if len(images) == 1:
            return _as_shares(self._single(images))
        rows = np.empty((len(images), self.n_classes), dtype=np.float32)
        for first in range(0, len(images), _BATCH):
            part = images[first : first + _BATCH]
            rows[first : first + _BATCH] = self._runner(_BATCH)(_fill_up(part))[: len(part)]
        return _as_shares(rows)

    @property
    def n_classes(self) -> int:
        """How many columns ``predict_proba`` returns."""
        return self._single.n_classes

    def describe(self) -> Description:
        """Return the bytes of the stored weights and the engine."""
        from importlib.metadata import version

        major, minor, *_ = version("ai-edge-litert").split(".")
        kind = self._single.dtype.name
        return Description(model_bytes=self._model_bytes, engine=f"litert {major}.{minor} ({kind})")

    def _runner(self, size: int) -> "_Runner":
        # Setting an interpreter to another batch size plans its memory anew: each size has its own.
        if size not in self._runners:
            self._runners[size] = _Runner(self._content, size, self._threads)
        return self._runners[size]


class _Runner:
    """State: an interpreter for batches of one size, with the arrays it is fed from.

    One image takes as long in here as 30 calls of numpy: nothing is allocated or asked for twice.
    """

    def __init__(self, content: bytes, size: int, threads: int) -> None:
        interpreter = _import_litert("interpreter").Interpreter(
            model_content=content, num_threads=threads
        )
        given, returned = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        shape = (size, *map(int, given["shape"][1:]))
        interpreter.resize_tensor_input(given["index"], shape)
        interpreter.allocate_tensors()
        self.n_classes = int(returned["shape"][-1])
        self.dtype = np.dtype(given["dtype"])
        self._set, self._invoke, self._get = (
            partial(interpreter.set_tensor, given["index"]),
            interpreter.invoke,
            partial(interpreter.get_tensor, returned["index"]),
        )
        scale, zero = given["quantization"]
        self._is_quantized = bool(scale)
        if self._is_quantized:
            limits = np.iinfo(self.dtype)
            self._steps_per_unit = np.float32(1 / scale)
            self._lowest = np.float32(limits.min - zero)
            self._highest = np.float32(limits.max - zero)
            # Images are in [0, 1]: mostly all of that has a whole number of its own.
            self._is_limited = bool(self._lowest > 0 or np.rint(1 / scale) > self._highest)
            self._rounding = np.float32(_ROUNDING + zero)
            self._steps = np.empty(shape, np.float32)
            self._bits = self._steps.view(np.int32)
            self._stored = np.empty(shape, self.dtype)
        # The scale of the output drops out where rows are divided by their sums.
        self._zero_share = np.float32(returned["quantization"][1])

    def __call__(self, images: "Images") -> npt.NDArray[np.float32]:
        """Return rows in proportion to the probabilities, (size, n_classes)."""
        self._set(self._as_stored(images) if self._is_quantized else images)
        self._invoke()
        rows: npt.NDArray[np.float32] = self._get() - self._zero_share
        return rows

    def _as_stored(self, images: "Images") -> npt.NDArray[Any]:
        """Return images as the whole numbers they stand for, within the limits of the type."""
        steps = np.multiply(images, self._steps_per_unit, out=self._steps)
        if self._is_limited:
            np.maximum(steps, self._lowest, out=steps)
            np.minimum(steps, self._highest, out=steps)
        np.add(steps, self._rounding, out=steps)
        np.copyto(self._stored, self._bits, casting="unsafe")
        return self._stored


def _import_litert(module: str) -> Any:
    try:
        return import_module(f"ai_edge_litert.{module}")
    except ImportError as error:
        raise BenchError(
            "LiteRT is not installed",
            why="an int8 model is run by the package ai-edge-litert, which Windows does not have",
            fix="install ai-edge-litert",
        ) from error


def _as_shares(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Divide rows by their sums, in place; a row of zeros says nothing: equal shares."""
    sums = np.add.reduce(rows, 1, keepdims=True)
    if np.count_nonzero(sums) < len(sums):
        rows[sums[:, 0] == 0] = 1
        sums = np.add.reduce(rows, 1, keepdims=True)
    return np.divide(rows, sums, out=rows)


def _fill_up(batch: "Images") -> "Images":
    if len(batch) == _BATCH:
        return batch
    return np.concatenate([batch, np.repeat(batch[-1:], _BATCH - len(batch), axis=0)])
