"""Writing a stored model as ONNX: Keras networks by tf2onnx, estimators by skl2onnx."""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.adapters.card import Card
from bench.adapters.greetings import without_greeting
from bench.errors import BenchError

__all__ = ["write_onnx"]

_OPSET: Final = 17


def write_onnx(model: Path, file: Path, card: Card) -> Card:
    """Write the network or estimator in a trial's model folder as ONNX; return its card.

    Raises
    ------
    BenchError
        If a package of the extra ``onnx`` is missing, or the model has no such form.
    """
    write = _write_keras if (model / "model.keras").is_file() else _write_sklearn
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries about each other's names
            return write(model, file, card)
    except BenchError:
        raise
    # What the converters raise on a layer or estimator that they do not know.
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise BenchError(f"{card.model} has no ONNX form", why=said) from error


def _needed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise BenchError(
            f"{name} is not installed", why="it writes ONNX", fix="pip install 'digitbench[onnx]'"
        ) from error


def _write_keras(model: Path, file: Path, card: Card) -> Card:
    _needed("onnx")
    from bench.adapters.keras_network import load_network

    network = load_network(model)
    _needed("tf2onnx")
    with without_greeting():
        network(_one(card))  # Keras exports what has been called
        network.export(str(file), format="onnx", verbose=False, opset_version=_OPSET)
    return card


def _one(card: Card) -> Any:
    import numpy as np

    return np.zeros((1, *card.image_shape), dtype=np.float32)


def _write_sklearn(model: Path, file: Path, card: Card) -> Card:
    import numpy as np

    from bench.adapters.sklearn_classifier import read_estimator
    from bench.adapters.sklearn_model import nested

    skl2onnx = _needed("skl2onnx")
    classifier = read_estimator(model / "model.skops", 1)
    if classifier.temperature > 0:
        raise BenchError(
            f"{card.model} has no ONNX form",
            why="its calibration by temperature is none of scikit-learn's",
            fix="export it as skops",
        )
    estimator = classifier.estimator
    for part in nested(estimator):  # one score a class, where a vote has one for each pair
        if getattr(part, "decision_function_shape", "") == "ovo":
            part.decision_function_shape = "ovr"
    one = np.zeros((1, estimator.n_features_in_), dtype=np.float32)
    made = skl2onnx.to_onnx(estimator, one, options={"zipmap": False}, target_opset=_OPSET)
    file.write_bytes(made.SerializeToString())
    names = tuple(card.classes[int(each)] for each in estimator.classes_)
    return msgspec.structs.replace(card, input_layout="flat", classes=names)
