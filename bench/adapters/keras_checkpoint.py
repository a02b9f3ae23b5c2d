"""Checkpoints of a fit: all its state after an epoch, in one file that is replaced whole."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from bench.spec import Epoch

if TYPE_CHECKING:
    from bench.spec import FitContext, ImageSet

__all__ = ["Checkpoint", "fingerprint", "read_checkpoint", "write_checkpoint"]

_FORMAT: Final = 1
_FILE: Final = "checkpoint.npz"
_HASHED_IMAGES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of a fit after its last finished epoch.

    Parameters
    ----------
    history : tuple of Epoch
        The epochs done.
    variables : sequence of ndarray
        Weights, seed generators, optimiser state, in the order the fit lists them.
    best : sequence of ndarray
        The weights of the best epoch, where early stopping keeps them.
    watch : dict
        State of the watch on the loss: best loss and epochs since.
    """

    history: tuple[Epoch, ...]
    variables: Sequence[npt.NDArray[Any]]
    best: Sequence[npt.NDArray[Any]] = ()
    watch: dict[str, Any] = field(default_factory=dict)


def fingerprint(context: "FitContext", train: "ImageSet") -> str:
    """Return a hash of what decides the course of a fit: a checkpoint of another is ignored."""
    digest = hashlib.sha256()
    decides = {
        "format": _FORMAT,
        "options": dict(context.options),
        "seed": context.seed,
        "precision": context.precision,
        "classes": context.classes,
        "pixels": [str(train.pixels.dtype), *train.pixels.shape],
    }
    digest.update(json.dumps(decides, sort_keys=True).encode())
    digest.update(np.asarray(train.labels).tobytes())
    # The harness tells trials apart by all pixels; a sample is enough to notice a mix-up here.
    some = np.linspace(0, len(train) - 1, min(_HASHED_IMAGES, len(train)), dtype=np.intp)
    digest.update(train.pixels[some].tobytes())
    return digest.hexdigest()


def write_checkpoint(folder: Path, checkpoint: Checkpoint, mark: str) -> None:
    """Replace the checkpoint in `folder`; a kill at any moment leaves the old or the new one.

    It is not forced to the disk: after a power failure it may be torn, and is then ignored.
    """
    header = {
        "mark": mark,
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "watch": checkpoint.watch,
        "n_variables": len(checkpoint.variables),
        "n_best": len(checkpoint.best),
    }
    arrays = {f"variable_{i}": _as_bytes(value) for i, value in enumerate(checkpoint.variables)}
    arrays |= {f"best_{i}": _as_bytes(value) for i, value in enumerate(checkpoint.best)}
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{_FILE}.{os.getpid()}"
    try:
        with beside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # no name is `allow_pickle`
        beside.replace(folder / _FILE)
    finally:
        beside.unlink(missing_ok=True)


def read_checkpoint(
    folder: Path,
    mark: str,
    variables: Sequence[npt.NDArray[Any]],
    weights: Sequence[npt.NDArray[Any]],
) -> Checkpoint | None:
    """Return the checkpoint in `folder`, or None where it is missing, torn or of another fit.

    Parameters
    ----------
    folder : Path
    mark : str
        The `fingerprint` it must carry.
    variables, weights : sequence of ndarray
        Arrays of the shapes and dtypes that the state and the best weights have.
    """
    try:
        # Opened here, because numpy leaves a torn file open.
        with (folder / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            if header["mark"] != mark or header["n_variables"] != len(variables):
                return None
            best = weights[: header["n_best"]]
            return Checkpoint(
                history=tuple(Epoch(**epoch) for epoch in header["history"]),
                variables=[_like(stored[f"variable_{i}"], v) for i, v in enumerate(variables)],
                best=[_like(stored[f"best_{i}"], w) for i, w in enumerate(best)],
                watch=header["watch"],
            )
    except Exception:  # noqa: BLE001  # a torn zip raises almost anything; the fit then starts anew
        return None


def _as_bytes(value: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    # Raw bytes, because npz keeps no dtype that numpy lacks, such as bfloat16.
    return np.frombuffer(np.ascontiguousarray(value).tobytes(), dtype=np.uint8)


def _like(stored: npt.NDArray[np.uint8], like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.frombuffer(stored.tobytes(), dtype=like.dtype).reshape(like.shape)
