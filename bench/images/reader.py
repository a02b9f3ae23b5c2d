"""The network that marks a digit's ink, run in whole numbers: the same bytes everywhere."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.images.exact import exponential
from bench.images.inks import Photo

__all__ = ["READER", "Network", "Shares", "network"]

Shares = npt.NDArray[np.float32]

READER: Final = Path(__file__).parent / "reader.tflite"
_NOT_A_DIGIT: Final = 10


class Network:
    """State: an interpreter, which is told one picture at a time."""

    def __init__(self, content: bytes) -> None:
        module = _litert()
        self._interpreter = module.Interpreter(
            model_content=content,
            num_threads=1,
            # A delegate's kernels differ between processors.
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        given = self._interpreter.get_input_details()[0]
        self.side = int(given["shape"][1])
        self._given = given["index"], *given["quantization"]
        outputs = self._interpreter.get_output_details()
        mask, classes = sorted(outputs, key=lambda each: -len(each["shape"]))
        self._mask, self._classes = mask["index"], classes["index"]
        self._shares = _shares_of(*mask["quantization"])
        self._class_scale = classes["quantization"]

    def __call__(self, seen: Photo) -> tuple[Shares, float]:
        """Return the share of ink at each pixel, and how likely the marks are a digit."""
        index, scale, zero = self._given
        steps = np.rint(_levelled(seen) / scale) + zero
        self._interpreter.set_tensor(index, np.clip(steps, -128, 127).astype(np.int8)[np.newaxis])
        self._interpreter.invoke()
        mask = self._interpreter.get_tensor(self._mask)[0, ..., 0]
        logits = self._interpreter.get_tensor(self._classes)[0].astype(np.float64)
        scale, zero = self._class_scale
        odds = exponential((logits - logits.max()) * scale)
        return self._shares[mask.astype(np.intp) + 128], float(1 - odds[_NOT_A_DIGIT] / odds.sum())


def _levelled(seen: Photo) -> npt.NDArray[np.float64]:
    """Return a picture less its mean colour, in units of its contrast.

    Sums of whole numbers are exact, and IEEE 754 fixes the rest.
    """
    n = seen.shape[0] * seen.shape[1]
    whole = seen.astype(np.int64)
    sums = whole.sum(axis=(0, 1))
    squares = (whole * whole).sum()
    mean = sums / n
    variance = (squares - (sums * sums).sum() / n) / (3 * n)
    levelled: npt.NDArray[np.float64] = (whole - mean) / (np.sqrt(max(variance, 0.0)) + 4)
    return levelled


def _shares_of(scale: float, zero: int) -> Shares:
    """Return the share of ink that each of the 256 outputs stands for."""
    logits = (np.arange(-128, 128) - zero) * float(scale)
    return np.asarray(1 / (1 + exponential(-logits)), dtype=np.float32)


@cache
def network() -> Network:
    """Return the network that comes with the package, read once."""
    return Network(READER.read_bytes())


def _litert() -> Any:
    for name in ("ai_edge_litert.interpreter", "tensorflow.lite.python.interpreter"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise BenchError(
        "photos cannot be read", why="LiteRT is not installed", fix="install ai-edge-litert"
    )
