"""LiteRT (TensorFlow Lite): running a network's ``.tflite`` file, without TensorFlow."""

import struct
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.adapters.greetings import without_greeting
from bench.errors import BenchError, DataError
from bench.spec import Description

if TYPE_CHECKING:
    from bench.spec import FitContext, Images, ImageSet, Probabilities

__all__ = [
    "FLOAT_FILE",
    "TFLITE_FILE",
    "LiteRTClassifier",
    "constant_bytes",
    "is_installed",
    "load_tflite",
]

TFLITE_FILE: Final = "model-int8.tflite"
FLOAT_FILE: Final = "model-float32.tflite"
"""Beside a stored network where LiteRT computes the same: photos are read with it."""
_BATCH: Final = 64
# A float32 this large has no fraction: added to a number, it leaves the nearest whole number in the
# lowest bits, in half the time of rounding and converting.
_ROUNDING: Final = 1.5 * 2**23


def constant_bytes(content: bytes) -> int:
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
        self._runners: dict[int, _Runner] = {}
        self._single = self._runner(1)

    def fit(self, train: "ImageSet", context: "FitContext") -> None:
        """Refuse: it is what another classifier became.

        Raises
        ------
        BenchError
            Always.
        """
        raise BenchError("a LiteRT file cannot be trained", fix="train the network it came from")

    def predict_proba(self, images: "Images") -> "Probabilities":
        """Return class probabilities, (n, n_classes) float32; rows sum to 1.

        int8 probabilities are multiples of 1/256, so that they are scaled to a sum of 1.
        """
        return _as_shares(self._raw(images))

    def rows(self, images: "Images") -> "Probabilities":
        """Return what the file gives, (n, n_classes) float32: probabilities, or logits."""
        return self._raw(images) * self._single.output_scale

    def _raw(self, images: "Images") -> "Probabilities":
        images = np.asarray(images, dtype=np.float32)
        if len(images) == 1:
            return self._single(images)
        rows = np.empty((len(images), self.n_classes), dtype=np.float32)
        for first in range(0, len(images), _BATCH):
            part = images[first : first + _BATCH]
            rows[first : first + _BATCH] = self._runner(_BATCH)(_fill_up(part))[: len(part)]
        return rows

    @property
    def n_classes(self) -> int:
        """How many columns ``predict_proba`` returns."""
        return self._single.n_classes

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height, width and channels of the images it takes."""
        return self._single.image_shape

    def describe(self) -> Description:
        """Return the bytes of the stored weights and the engine."""
        from importlib.metadata import version

        major, minor, *_ = version("ai-edge-litert").split(".")
        kind = self._single.dtype.name
        return Description(
            model_bytes=constant_bytes(self._content), engine=f"litert {major}.{minor} ({kind})"
        )

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
        make = _import_litert("interpreter").Interpreter
        with without_greeting():
            interpreter = make(model_content=content, num_threads=threads)
            given = interpreter.get_input_details()[0]
            shape = (size, *map(int, given["shape"][1:]))
            interpreter.resize_tensor_input(given["index"], shape)
            interpreter.allocate_tensors()
        returned = interpreter.get_output_details()[0]
        self.n_classes = int(returned["shape"][-1])
        self.image_shape = shape[1:]
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
        self.output_scale = np.float32(returned["quantization"][0] or 1)
        # That scale drops out where rows are divided by their sums.
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


def is_installed() -> bool:
    """Whether this system can run LiteRT files."""
    return find_spec("ai_edge_litert") is not None


def _import_litert(module: str) -> Any:
    try:
        return import_module(f"ai_edge_litert.{module}")
    except ImportError as error:
        raise BenchError(
            "LiteRT is not installed",
            why="such a file is run by the package ai-edge-litert, which Windows does not have",
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
