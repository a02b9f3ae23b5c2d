"""The 8-bit LiteRT variant of ``cnn-mnist-compact`` beside the float network it comes from."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from bench.adapters.litert import load_tflite
from bench.adapters.litert_writing import (
    convert_float32,
    quantize_int8,
    representative_images,
)
from bench.options import resolve_options
from bench.plugins.discovery import load_plugins
from bench.spec import BuildContext, FitContext, ImageSet

pytestmark = [pytest.mark.heavy, pytest.mark.realdata]
CALLS = 300


def call_seconds(call: Callable[[Any], Any], images: Any) -> float:
    """Return the median seconds of a call with one image, after warm-up."""
    seconds = []
    for start in range(CALLS):
        one = images[start : start + 1]
        began = perf_counter()
        call(one)
        seconds.append(perf_counter() - began)
    return median(seconds[CALLS // 10 :])


def traced(network: Any) -> Callable[[Any], Any]:
    """Return the network as one traced function, as a careful user of Keras calls it."""
    import tensorflow as tf

    function = tf.function(lambda images: network(images, training=False), reduce_retracing=True)
    return lambda images: function(tf.constant(images)).numpy()


def test_int8(
    side_by_side: Any, real_data: Path, tmp_path: Path, scale: Callable[[int], int]
) -> None:
    with np.load(real_data / "mnist" / "mnist.npz") as file:
        n = scale(20_000)
        train = ImageSet(
            pixels=file["x_train"][:n, :, :, None], labels=file["y_train"][:n].astype(np.int64)
        )
        test = ImageSet(pixels=file["x_test"][:, :, :, None])
        labels = file["y_test"]
    spec = load_plugins().models["cnn-mnist-compact"]
    told: dict[str, Any] = {
        "image_shape": (28, 28, 1),
        "classes": tuple("0123456789"),
        "options": resolve_options(spec.name, spec.options, {"epochs": 3}),
    }
    keras_classifier: Any = spec.build(BuildContext(**told))
    keras_classifier.fit(train, FitContext(**told))
    quantize_int8(keras_classifier, representative_images(train), tmp_path / "int8.tflite")
    convert_float32(keras_classifier, tmp_path / "float32.tflite")
    small, large = (load_tflite(tmp_path / f"{name}.tflite") for name in ("int8", "float32"))
    images = test.images

    def accuracy(classifier: Any) -> float:
        return float((classifier.predict_proba(images).argmax(axis=1) == labels).mean())

    float_bytes = keras_classifier.describe().model_bytes
    side_by_side.keep(
        "int8 cnn-mnist-compact: bytes of the file",
        f"float32 weights, {float_bytes:,} bytes",
        value=(tmp_path / "int8.tflite").stat().st_size / float_bytes,
        limit=0.27,
        unit="ratio",
    )
    side_by_side.keep(
        "int8 cnn-mnist-compact: accuracy lost on 10,000 images",
        "its float32 Keras model",
        value=100 * (accuracy(keras_classifier) - accuracy(small)),
        limit=0.2,
        unit="points",
    )
    call = traced(keras_classifier.network)
    ratio = side_by_side(
        "int8 cnn-mnist-compact: batch-1 latency",
        "its float32 LiteRT model",
        ours=lambda: call_seconds(small.predict_proba, images),
        plain=lambda: call_seconds(large.predict_proba, images),
        limit=0.8,
    )
    assert ratio > 0
    seconds = call_seconds(call, images)
    side_by_side.keep(
        "int8 cnn-mnist-compact: batch-1 latency",
        "a traced Keras call",
        value=call_seconds(small.predict_proba, images) / seconds,
        limit=0.1,
        unit="ratio",
    )
