"""Writing a trained Keras network as a LiteRT file (TensorFlow Lite).

In float32 it gives what Keras gives, and is there in a tenth of the time. For small devices there
is full-integer post-training quantisation: weights, activations, input and output are int8, with
ranges measured on a representative set of training images.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from bench.adapters.keras_network import all_layers, load_network
from bench.adapters.litert import (
    FLOAT_FILE,
    LiteRTClassifier,
    constant_bytes,
    is_installed,
    load_tflite,
)
from bench.adapters.litert_packing import with_paired_columns
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.spec import Images, ImageSet, Probabilities, Shape

__all__ = [
    "HoldsNetwork",
    "QuantizedModel",
    "convert_float32",
    "keep_float32",
    "quantize_int8",
    "representative_images",
]

_REPRESENTATIVE: Final = 500
_PROBED: Final = 8
_TOLERANCE: Final = 1e-4


class HoldsNetwork(Protocol):
    """A trained classifier whose network is one of Keras."""

    @property
    def network(self) -> Any:
        """The trained Keras model, float32."""

    @property
    def image_shape(self) -> "Shape":
        """Height, width and channels of the images it was built for."""

    @property
    def n_classes(self) -> int:
        """The number of its classes."""

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return (n, n_classes) float32 in [0, 1]."""


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
    source: "Path | HoldsNetwork", representative: "Images", file: Path
) -> QuantizedModel:
    """Write the network as a full-integer int8 LiteRT file.

    Parameters
    ----------
    source : Path or HoldsNetwork
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


def convert_float32(
    source: "Path | HoldsNetwork", file: Path, *, half_weights: bool = False
) -> QuantizedModel:
    """Write the network as a LiteRT file that computes in float32.

    Parameters
    ----------
    half_weights : bool
        Store the weights as float16: half the bytes, for what is handed round.
    """

    def as_it_is(network: Any, shape: "Shape") -> Callable[[Any], Any]:
        return lambda images: network(images, training=False)

    def settings(converter: Any, tf: Any) -> None:
        if half_weights:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]

    return _convert(source, as_it_is, settings, file)


def keep_float32(classifier: "HoldsNetwork", folder: Path) -> Path | None:
    """Write what a classifier computes as a LiteRT file beside its network, and return the file.

    None where there is no such form: layers that are not Keras', a network that the converter
    refuses, or one that LiteRT computes to something else.
    """
    are_known = all(type(x).__module__.startswith("keras.") for x in all_layers(classifier.network))
    if not (is_installed() and are_known):
        return None
    file = folder / FLOAT_FILE
    try:
        convert_float32(classifier, file)
        if _computes_the_same(load_tflite(file), classifier):
            return file
    except BenchError:
        pass
    file.unlink(missing_ok=True)
    return None


def _computes_the_same(read: LiteRTClassifier, classifier: "HoldsNetwork") -> bool:
    images = np.random.default_rng(0).random((_PROBED, *classifier.image_shape), np.float32)
    rows = read.predict_proba(images)
    return rows.shape[1] == classifier.n_classes and np.allclose(
        rows, classifier.predict_proba(images), atol=_TOLERANCE
    )


def _convert(
    source: "Path | HoldsNetwork",
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
    return QuantizedModel(file=file, file_bytes=len(content), model_bytes=constant_bytes(content))


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
            fix="use layers that LiteRT knows",
        ) from error
    return content


def _one_by_one(images: "Images") -> Iterator[list["Images"]]:
    for image in images:
        yield [np.ascontiguousarray(image[None], dtype=np.float32)]
