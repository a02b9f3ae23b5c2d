"""Checkpoints of a torch fit: all its state after an epoch, in one file that is replaced whole."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.adapters.torch_runtime import import_safetensors
from bench.spec import Epoch

__all__ = ["Saved", "read_saved", "write_saved"]

_FILE: Final = "checkpoint.safetensors"
_HEADER: Final = "digitbench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The state of a fit after its last finished epoch.

    ``optimizer`` is keyed by the number of the weight and the name of its state: "3.exp_avg".
    """

    history: tuple[Epoch, ...]
    weights: dict[str, Any]
    optimizer: dict[str, Any]
    best: dict[str, Any]
    watch: dict[str, Any]
    learning_rate: float


def write_saved(folder: Path, saved: Saved, mark: str) -> None:
    """Replace the checkpoint in `folder`; a kill at any moment leaves the old or the new one."""
    header = {
        "mark": mark,
        "history": [asdict(epoch) for epoch in saved.history],
        "watch": saved.watch,
        "learning_rate": saved.learning_rate,
    }
    groups = {"weights": saved.weights, "optimizer": saved.optimizer, "best": saved.best}
    # Copies: layers may share weights, which the format knows nothing of.
    tensors = {
        f"{group}/{name}": tensor.detach().cpu().contiguous().clone()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f"{_FILE}.{os.getpid()}"
    try:
        import_safetensors().save_file(tensors, str(beside), metadata={_HEADER: json.dumps(header)})
        beside.replace(folder / _FILE)
    finally:
        beside.unlink(missing_ok=True)


def read_saved(folder: Path, mark: str) -> Saved | None:
    """Return the checkpoint in `folder`, or None where it is missing, torn or of another fit."""
    file = folder / _FILE
    if not file.is_file():
        return None
    safetensors = import_safetensors()
    try:
        with safetensors.safe_open(str(file), framework="pt") as opened:
            header = json.loads(opened.metadata()[_HEADER])
            if header["mark"] != mark:
                return None
            groups: dict[str, dict[str, Any]] = {"weights": {}, "optimizer": {}, "best": {}}
            for key in opened.keys():  # noqa: SIM118  # it is no mapping
                group, _, name = key.partition("/")
                groups[group][name] = opened.get_tensor(key)
            return Saved(
                history=tuple(Epoch(**epoch) for epoch in header["history"]),
                watch=header["watch"],
                learning_rate=float(header["learning_rate"]),
                **groups,
            )
    except Exception:  # noqa: BLE001  # a torn file raises almost anything; the fit then starts anew
        return None
