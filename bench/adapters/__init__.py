"""Bridges from engines (Keras, scikit-learn, LiteRT) to the classifier protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.spec import BuildContext, Classifier, ModelSpec

__all__ = ["load_trained"]


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
    if (folder / "model.skops").is_file():
        from bench.adapters.sklearn import load_sklearn_classifier

        return load_sklearn_classifier(folder, context)
    if (folder / "model.keras").is_file():
        from bench.adapters.keras import read_keras_classifier

        return read_keras_classifier(folder, context)
    raise BenchError(f"{spec.name} has no stored model that can be read")
