"""LiteRT (TensorFlow Lite): a trained Keras network as an 8-bit one for small devices.

Full-integer post-training quantisation: weights, activations, input and output are int8, with
ranges measured on a representative set of training images.
"""

import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.keras import KerasClassifier
from bench.adapters.keras_network import load_network
from bench.errors import BenchError, DataError
from bench.spec import Description

if TYPE_CHECKING:
    from bench.spec import Images, ImageSet, Probabilities

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

    return _convert(source, settings, file)


def convert_float32(source: Path | KerasClassifier, file: Path) -> QuantizedModel:
    """Write the network as a float32 LiteRT file, to compare an int8 one with."""
    return _convert(source, lambda converter, tf: None, file)


def _convert(
    source: Path | KerasClassifier, settings: Callable[[Any, Any], None], file: Path
) -> QuantizedModel:
    network = load_network(source) if isinstance(source, Path) else source.network
    import tensorflow as tf

    shape = network.input_shape[1:] if isinstance(source, Path) else source.image_shape
    signature = (tf.TensorSpec((None, *shape), tf.float32, name="images"),)
    traced = tf.function(
        lambda images: network(images, training=False), input_signature=signature, autograph=False
    )
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
        content = file.read_bytes()
        if not content:
            raise ValueError("the file is empty")
        self._interpreter = _import_litert("interpreter").Interpreter(
            model_content=content, num_threads=threads
        )
        self._model_bytes = _constant_bytes(content)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._batch = 0

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return class probabilities, (n, n_classes) float32; rows sum to 1.

        int8 probabilities are multiples of 1/256, so that they are scaled to a sum of 1.
        """
        images = _to_stored(np.asarray(images, dtype=np.float32), self._input)
        rows = [np.zeros((0, self.n_classes), dtype=np.float32)]
        for first in range(0, len(images), _BATCH):
            part = images[first : first + _BATCH]
            # Each size the interpreter is set to costs time: sizes are 1 and the full batch.
            size = 1 if len(images) == 1 else _BATCH
            rows.append(self._invoke(_fill_up(part, size))[: len(part)])
        probabilities = np.concatenate(rows)
        sums = probabilities.sum(axis=1, keepdims=True)
        rows_of_zeros = sums == 0
        probabilities = np.where(rows_of_zeros, np.float32(1), probabilities)
        sums = np.where(rows_of_zeros, np.float32(self.n_classes), sums)
        return np.divide(probabilities, sums, dtype=np.float32)

    @property
    def n_classes(self) -> int:
        """How many columns ``predict_proba`` returns."""
        return int(self._output["shape"][-1])

    def describe(self) -> Description:
        """Return the bytes of the stored weights and the engine."""
        from importlib.metadata import version

        kind = np.dtype(self._input["dtype"]).name
        major, minor, *_ = version("ai-edge-litert").split(".")
        return Description(model_bytes=self._model_bytes, engine=f"litert {major}.{minor} ({kind})")

    def _invoke(self, batch: "Images") -> npt.NDArray[np.float32]:
        if len(batch) != self._batch:
            shape = [len(batch), *map(int, self._input["shape"][1:])]
            self._interpreter.resize_tensor_input(self._input["index"], shape)
            self._interpreter.allocate_tensors()
            self._batch = len(batch)
        self._interpreter.set_tensor(self._input["index"], batch)
        self._interpreter.invoke()
        return _from_stored(self._interpreter.get_tensor(self._output["index"]), self._output)


def _import_litert(module: str) -> Any:
    try:
        return import_module(f"ai_edge_litert.{module}")
    except ImportError as error:
        raise BenchError(
            "LiteRT is not installed",
            why="an int8 model is run by the package ai-edge-litert, which Windows does not have",
            fix="install ai-edge-litert",
        ) from error


def _to_stored(images: "Images", details: dict[str, Any]) -> "Images":
    scale, zero = details["quantization"]
    if not scale:
        return images
    limits = np.iinfo(details["dtype"])
    stored: npt.NDArray[Any] = np.clip(np.rint(images / scale) + zero, limits.min, limits.max)
    return stored.astype(details["dtype"])


def _from_stored(values: npt.NDArray[Any], details: dict[str, Any]) -> npt.NDArray[np.float32]:
    scale, zero = details["quantization"]
    if not scale:
        return values.astype(np.float32)
    return (values.astype(np.float32) - np.float32(zero)) * np.float32(scale)


def _fill_up(batch: "Images", size: int) -> "Images":
    if len(batch) == size:
        return batch
    return np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])
