"""The classifiers of one trial: the trained one, and what evaluations ask to be made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.execution.latency import Latency
from bench.spec import Classifier, Images, ImageSet, Probabilities

__all__ = ["Variant", "make_variant"]


@dataclass(slots=True, kw_only=True)
class Variant:
    """State: a classifier that predicts, and what is known of it once measured."""

    predict_proba: Callable[[Images], Probabilities]
    predict: Callable[[Images], npt.NDArray[np.int64]] | None = None
    latency: Latency | None = None
    model_bytes: int | None = None
    file: Path | None = None
    """What it was written to, to be stored with the evaluation; None for the trial's own model."""


def make_variant(
    transform: dict[str, str | int | float],
    classifier: Classifier,
    trained_on: Callable[[], ImageSet],
    folder: Path,
    threads: int,
) -> Variant:
    """Return the classifier itself, or what `transform` makes of it.

    Parameters
    ----------
    transform : dict
        Empty, or ``{"quantize": "int8"}``.
    trained_on : callable
        Returns the training images, which show an 8-bit network the range of its activations.
    folder : Path
        Where to write a new form of the model.

    Raises
    ------
    BenchError
        If the transform is unknown or the model has no such form.
    """
    if not transform:
        predict = getattr(classifier, "predict", None)
        return Variant(
            predict_proba=classifier.predict_proba, predict=predict if callable(predict) else None
        )
    if transform != {"quantize": "int8"}:
        named = ", ".join(f"{name} {value}" for name, value in sorted(transform.items()))
        raise BenchError(f"cannot evaluate with {named}", why="this digitbench knows no such thing")
    from bench.adapters.keras import KerasClassifier
    from bench.adapters.litert import TFLITE_FILE, load_tflite
    from bench.adapters.litert_writing import quantize_int8, representative_images

    if not isinstance(classifier, KerasClassifier):
        raise BenchError("no 8-bit form", why="only networks made by bench.keras_classifier have")
    file = folder / TFLITE_FILE
    quantized = quantize_int8(classifier, representative_images(trained_on()), file)
    reader = load_tflite(file, threads=threads)
    return Variant(predict_proba=reader.predict_proba, model_bytes=quantized.model_bytes, file=file)
