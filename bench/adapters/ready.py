"""Models that were trained elsewhere and come as a file: ONNX, Keras, LiteRT, skops."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from bench.adapters.card import FORMATS, Card
from bench.errors import BenchError, DataError
from bench.spec import Description, ModelSpec

if TYPE_CHECKING:
    from bench.spec import BuildContext, FitContext, Images, ImageSet, Probabilities

__all__ = ["CARD_FILE", "Opened", "ReadyClassifier", "load_ready", "open_file", "ready_spec"]

Rows: TypeAlias = npt.NDArray[np.float32]
CARD_FILE: Final = "digitbench.json"
"""Beside the model's file in a trial: how it is fed, with what the user answered."""
_BATCH: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A model file in memory.

    Parameters
    ----------
    run : callable
        Takes (n, *input_shape) float32 as the file wants it, and returns (n, n_classes).
    input_shape : tuple
        Without the batch.
    classes : tuple of str
        Where the file itself names them; else empty.
    """

    run: Callable[[Rows], Rows]
    input_shape: tuple[int, ...]
    engine: str
    classes: tuple[str, ...] = ()
    parameters: int | None = None
    model_bytes: int | None = None


def open_file(file: Path, threads: int = 1) -> Opened:
    """Open a model file by its suffix.

    Raises
    ------
    DataError
        If it cannot be read, holds code, or takes or gives what is no image and no class.
    """
    opener = _OPENERS.get(file.suffix)
    if opener is None:
        raise DataError(f"{file.name}", why=f"a model file is {', '.join(_OPENERS)}")
    return opener(file, threads)


def _open_onnx(file: Path, threads: int) -> Opened:
    from bench.adapters.onnx import OnnxModel, sizes_of

    model = OnnxModel(file, threads)
    parameters, model_bytes = sizes_of(file)
    return Opened(
        run=model.run,
        input_shape=model.input_shape,
        engine=model.engine,
        parameters=parameters or None,  # trees have nodes, which are no parameters
        model_bytes=model_bytes or None,
    )


def _open_tflite(file: Path, threads: int) -> Opened:
    from bench.adapters.litert import load_tflite

    model = load_tflite(file, threads=threads)
    return Opened(
        run=model.rows,
        input_shape=tuple(model.image_shape),
        engine=model.describe().engine,
        model_bytes=model.describe().model_bytes,
    )


def _open_keras(file: Path, threads: int) -> Opened:
    from bench.adapters.keras import read_keras_classifier
    from bench.adapters.keras_file import refuse_code
    from bench.spec import BuildContext

    refuse_code(file)
    context = BuildContext(image_shape=(1, 1, 1), classes=(), options={}, threads=threads)
    network = read_keras_classifier(file.parent, context).network
    shape = network.input_shape
    if not isinstance(shape, tuple) or len(network.inputs) != 1 or None in shape[1:]:
        raise DataError(f"{file.name} takes {shape}", why="images of one size go into one input")
    classes = tuple(map(str, range(int(network.output_shape[-1]))))
    context = replace(context, image_shape=shape[1:], classes=classes)
    classifier = read_keras_classifier(file.parent, context)
    about = classifier.describe()
    return Opened(
        run=classifier.predict_proba,
        input_shape=shape[1:],
        engine=about.engine,
        parameters=about.parameters,
        model_bytes=about.model_bytes,
    )


def _open_skops(file: Path, threads: int) -> Opened:
    from bench.adapters.sklearn_classifier import read_estimator

    classifier = read_estimator(file, threads)
    about = classifier.describe()
    names = tuple(str(each) for each in classifier.estimator.classes_)
    return Opened(
        run=classifier.rows,
        input_shape=(int(classifier.estimator.n_features_in_),),
        engine=about.engine,
        classes=names,
        model_bytes=about.model_bytes,
    )


_OPENERS: Final[Mapping[str, Callable[[Path, int], Opened]]] = {
    ".keras": _open_keras,
    ".tflite": _open_tflite,
    ".onnx": _open_onnx,
    ".skops": _open_skops,
}


class ReadyClassifier:
    """A classifier that a file holds; it cannot be trained."""

    def __init__(self, opened: Opened, card: Card) -> None:
        self._opened, self._card = opened, card

    def fit(self, train: "ImageSet", context: "FitContext") -> None:
        """Refuse: it was trained elsewhere.

        Raises
        ------
        BenchError
            Always.
        """
        raise BenchError("a model file cannot be trained", fix="register what made it as a model")

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return class probabilities, (n, n_classes) float32; rows sum to 1."""
        n_classes = len(self._card.classes)
        rows = np.empty((len(images), n_classes), dtype=np.float32)
        for first in range(0, len(images), _BATCH):
            part = np.asarray(images[first : first + _BATCH], dtype=np.float32)
            found = self._opened.run(as_input(part, self._card))
            if found.shape != (len(part), n_classes):
                raise BenchError(
                    f"the model file gives {found.shape} for {len(part)} images",
                    why=f"its card names {n_classes} classes",
                )
            rows[first : first + _BATCH] = found
        return _shares(rows, self._card.output == "logits")

    def describe(self) -> Description:
        """Return what is known of its size, and the engine."""
        return Description(
            parameters=self._opened.parameters,
            model_bytes=self._opened.model_bytes,
            engine=self._opened.engine,
        )


def as_input(images: "Images", card: Card) -> Rows:
    """Return images, (n, height, width, channels) in [0, 1], as the model's input wants them."""
    fed = np.asarray(images, dtype=np.float32)
    if card.input_scale == "0..255":
        fed = fed * np.float32(255)
    elif card.input_scale == "-1..1":
        fed = fed * np.float32(2) - np.float32(1)
    if card.input_layout == "nchw":
        return np.ascontiguousarray(fed.transpose(0, 3, 1, 2))
    if card.input_layout == "nhw":
        return np.ascontiguousarray(fed[..., 0])
    return fed.reshape(len(fed), -1) if card.input_layout == "flat" else fed


def _shares(rows: Rows, is_logits: bool) -> "Probabilities":
    if is_logits:
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
    rows = np.maximum(rows, 0)
    sums = rows.sum(axis=1, keepdims=True)
    rows = np.where(sums > 0, rows, 1)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float32)


def load_ready(folder: Path, threads: int = 1) -> ReadyClassifier:
    """Return the classifier of a trial's model folder that holds a model file and its card.

    Raises
    ------
    BenchError
        If one of the two is missing or cannot be read.
    """
    files = [folder / f"model.{each}" for each in FORMATS if (folder / f"model.{each}").is_file()]
    if len(files) != 1:
        raise DataError(f"{folder.name}", why="does not hold one model file")
    try:
        card = msgspec.json.decode((folder / CARD_FILE).read_bytes(), type=Card)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(CARD_FILE, why=" ".join(str(error).split())[:200]) from error
    return ReadyClassifier(open_file(files[0], threads), card)


def ready_spec(name: str) -> ModelSpec:
    """Return the registration of a model that is a file: it can only be loaded."""
    return ModelSpec(name=name, summary="a model file", build=_refuse, load=_load, requires=())


def _load(folder: Path, context: "BuildContext") -> Any:
    return load_ready(folder, context.threads)


def _refuse(context: "BuildContext") -> Any:
    raise BenchError("a model file cannot be trained")
