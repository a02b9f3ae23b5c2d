"""Running an ONNX file with onnxruntime, and what such a file says of itself."""

from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError

__all__ = ["OnnxModel", "metadata_of", "sizes_of"]

Floats: TypeAlias = npt.NDArray[np.float32]
_NOT_CHECKED: Final = 3  # onnxruntime's level of messages: errors only


class OnnxModel:
    """State: a session. ``run`` takes a batch as the file's input wants it, and gives its rows."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        self._session = _open(file, threads)
        self._given = _only_input(self._session, file)
        self._returned = _rows_output(self._session, file)
        first = self._given.shape[0]
        self._batch = first if isinstance(first, int) and first > 0 else 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input, without the batch."""
        return tuple(self._given.shape[1:])

    @property
    def n_classes(self) -> int:
        """How many columns its rows have; 0 where the file leaves it open."""
        last = self._returned.shape[-1]
        return last if isinstance(last, int) else 0

    @property
    def engine(self) -> str:
        """The runtime, with its version."""
        import onnxruntime

        return f"onnxruntime {'.'.join(onnxruntime.__version__.split('.')[:2])}"

    def run(self, inputs: Floats) -> Floats:
        """Return a row for each input, (n, n_classes)."""
        kind = np.float64 if self._given.type == "tensor(double)" else np.float32
        inputs = inputs.astype(kind, copy=False)
        if not self._batch:
            return self._rows(inputs)
        # A file for batches of one size: the last is filled up.
        rows = [
            self._rows(_filled(inputs[first : first + self._batch], self._batch))
            for first in range(0, len(inputs), self._batch)
        ]
        return np.concatenate(rows)[: len(inputs)]

    def _rows(self, inputs: Floats) -> Floats:
        (rows,) = self._session.run([self._returned.name], {self._given.name: inputs})
        return np.asarray(rows, dtype=np.float32)


def sizes_of(file: Path) -> tuple[int | None, int | None]:
    """Return how many parameters a file holds and their bytes; None without the package onnx."""
    try:
        import onnx
    except ImportError:
        return None, None
    kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
    try:
        tensors = list(onnx.load(file).graph.initializer)
    except Exception as error:  # whatever its parser raises on a damaged file
        raise DataError(f"{file.name} cannot be read", why=type(error).__name__) from error
    weights = [each for each in tensors if each.data_type in kinds]
    n_bytes = sum(onnx.numpy_helper.to_array(each).nbytes for each in tensors)
    return sum(int(np.prod(each.dims)) for each in weights), n_bytes


def metadata_of(file: Path) -> dict[str, str]:
    """Return the texts that a file holds by their names."""
    found: dict[str, str] = _open(file, 1).get_modelmeta().custom_metadata_map
    return found


def _filled(inputs: Floats, size: int) -> Floats:
    more = size - len(inputs)
    return np.concatenate([inputs, np.repeat(inputs[-1:], more, axis=0)]) if more else inputs


def _open(file: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise BenchError(
            "onnxruntime is not installed",
            why=f"it reads {file.name}",
            fix="pip install 'digitbench[onnx]'",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _NOT_CHECKED
    try:
        return onnxruntime.InferenceSession(
            str(file), sess_options=options, providers=["CPUExecutionProvider"]
        )
    # Its exceptions have no base of their own.
    except Exception as error:
        raise DataError(f"{file.name} cannot be read", why=_said(error)) from error


def _said(error: Exception) -> str:
    """Return what the runtime says, without its code and paths."""
    text = " ".join(str(error).split())
    if "is not a registered function/op" in text or "NOT_IMPLEMENTED" in text:
        operator = text.rpartition("Fatal error: ")[2].partition(" is not")[0]
        return f"onnxruntime has no operator {operator[-80:]}"
    text = text.rpartition("] : ")[2].rpartition(" failed:")[2]
    return text[:200].strip() or type(error).__name__


def _only_input(session: Any, file: Path) -> Any:
    given = session.get_inputs()
    if len(given) != 1:
        raise DataError(f"{file.name} has {len(given)} inputs", why="images go into one")
    if given[0].type not in ("tensor(float)", "tensor(double)"):
        raise DataError(
            f"{file.name} takes {given[0].type}", why="images are numbers in float32", fix=_AGAIN
        )
    shape = given[0].shape
    open_axes = [i for i, side in enumerate(shape) if i and not isinstance(side, int)]
    if len(shape) < 2 or open_axes:
        listed = " × ".join(str(side) for side in shape)
        raise DataError(
            f"{file.name} takes images of {listed}", why="their sides are open", fix=_AGAIN
        )
    return given[0]


_AGAIN: Final = "export it again for images of one size; only the first axis may be dynamic"


def _rows_output(session: Any, file: Path) -> Any:
    """Return the output that holds a row of floats for each image."""
    outputs = session.get_outputs()
    rows = [
        each
        for each in outputs
        if each.type in ("tensor(float)", "tensor(double)") and len(each.shape) == 2
    ]
    if len(rows) == 1:
        return rows[0]
    listed = ", ".join(f"{each.name} {each.type}" for each in outputs)
    raise DataError(
        f"{file.name} gives {listed}",
        why="one output must hold a row of numbers for each image",
        fix="of scikit-learn's, export with zipmap=False",
    )
