"""Bridges from engines (Keras, scikit-learn, torch, LiteRT) to the classifier protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.spec import BuildContext, Classifier, ModelSpec

__all__ = ["load_to_predict", "load_trained"]


def load_trained(spec: "ModelSpec", folder: Path, context: "BuildContext") -> "Classifier":
    """Return the trained classifier that ``save`` wrote to `folder`.

    A plugin's own ``load`` reads it; without one, the adapter whose file lies there does.

    Raises
    ------
    BenchError
        If nothing that an adapter saves is there, or it cannot be read.
    """
    if spec.load is not None:
        return spec.load(folder, context)
    if (folder / "digitbench.json").is_file():
        from bench.adapters.ready import load_ready

        return load_ready(folder, context.threads)
    if (folder / "model.skops").is_file() or (folder / "model.boosting.json").is_file():
        from bench.adapters.sklearn import load_sklearn_classifier

        return load_sklearn_classifier(folder, context, spec.build)
    if (folder / "model.keras").is_file():
        from bench.adapters.keras import read_keras_classifier

        return read_keras_classifier(folder, context)
    if (folder / "model.safetensors").is_file():
        # It holds weights alone: the plugin's code builds what they belong to.
        classifier = spec.build(context)
        if callable(read := getattr(classifier, "read", None)):
            read(folder)
            return classifier
    raise BenchError(f"{spec.name} has no stored model that can be read")


def load_to_predict(spec: "ModelSpec", folder: Path, context: "BuildContext") -> "Classifier":
    """Return the trained classifier, through LiteRT where `folder` holds such a file of it.

    It gives the same classes as the network itself, without importing TensorFlow.

    Raises
    ------
    BenchError
        As `load_trained`.
    """
    from bench.adapters.litert import FLOAT_FILE, is_installed, load_tflite

    file = folder / FLOAT_FILE
    if not (file.is_file() and is_installed()):
        return load_trained(spec, folder, context)
    read = load_tflite(file, threads=context.threads)
    if (read.image_shape, read.n_classes) != (context.image_shape, context.n_classes):
        raise BenchError(
            f"{file.name} cannot be read",
            why=f"it reads images of {read.image_shape} as {read.n_classes} classes, its record"
            f" says {context.image_shape} and {context.n_classes}",
        )
    return read
