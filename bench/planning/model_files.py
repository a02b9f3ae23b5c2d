"""Model files as rows: trained elsewhere, read here, at no training."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.errors import BenchError
from bench.loading.refs import LoadedDataset
from bench.planning.computing import harness_hash
from bench.planning.grid import Cell, CellState
from bench.planning.identity import versions
from bench.planning.shipped import stored_cell
from bench.planning.task import PluginRef
from bench.store.ids import config_id, trial_id
from bench.store.layout import RECORD, Store
from bench.store.record import Identity, State, TrialRecord
from bench.store.variant import MODEL_FILE, Variant
from bench.store.write import file_hash, sealed, utc_now

__all__ = ["FileModel", "file_cells"]

_ENGINES: Final = {
    ".keras": ("tensorflow", "keras"),
    ".tflite": ("ai-edge-litert",),
    ".onnx": ("onnxruntime",),
    ".skops": ("scikit-learn",),
}
_ELSEWHERE: Final = "elsewhere"


class FileModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model file: its name, where it lies with its card, and what was found in it."""

    name: str
    folder: Path
    sha256: str
    suffix: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    fed: dict[str, bool | int | float | str]
    """How images enter it, as options of the row."""
    engine: str
    trained_on: str = ""
    parameters: int | None = None
    model_bytes: int | None = None


def file_cells(
    models: Iterable[FileModel], tests: Sequence[LoadedDataset], store: Store
) -> list[Cell]:
    """Return a cell for each model file, and one for each dataset with classes it does not know.

    Raises
    ------
    BenchError
        If there is nothing to read.
    """
    if not tests:
        raise BenchError(
            "--model-file", why="there is nothing to read", fix="add -d DATASET or --folder DIR"
        )
    cells = []
    for model in models:
        fitting = [test for test in tests if set(test.classes) <= set(model.classes)]
        cells += [_impossible(model, test) for test in tests if test not in fitting]
        folder = _recorded(model)
        cell = stored_cell(folder, PluginRef(), fitting, store, heavy=model.suffix == ".keras")
        if cell is not None:
            cells.append(cell)
    return cells


def _impossible(model: FileModel, test: LoadedDataset) -> Cell:
    missing = [name for name in test.classes if name not in model.classes]
    return Cell(
        model=model.name,
        train_dataset=model.trained_on or _ELSEWHERE,
        test_dataset=test.name,
        state=CellState.IMPOSSIBLE,
        reason=f"the model file has no class {', '.join(missing[:5])}",
    )


def _recorded(model: FileModel) -> Path:
    """Return the folder with a record beside the model, as a trial that ships has one."""
    identity = Identity(
        model=model.name,
        options=model.fed,
        model_source=model.sha256[:16],
        harness_source=harness_hash(),
        train_hash="",
        seed=0,
        precision="float32",
        requires=versions(_ENGINES[model.suffix]),
    )
    key = trial_id(identity)
    folder = model.folder.with_name(f"{model.folder.name}-{key}")
    if (folder / RECORD).is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model.folder / "model", folder / "model")
    files = {
        p.relative_to(folder).as_posix(): file_hash(p) for p in folder.rglob("*") if p.is_file()
    }
    variant = Variant(origin=MODEL_FILE)
    record = TrialRecord(
        trial_id=key,
        attempt=model.sha256[:12],
        config_id=config_id(identity),
        identity=identity,
        model=model.name,
        summary=f"a model file ({model.suffix}), trained elsewhere",
        variant=variant.words,
        differs=variant,
        train_dataset=model.trained_on or _ELSEWHERE,
        classes=model.classes,
        image_shape=model.image_shape,
        state=State.OK,
        started_at=utc_now(),
        seed=0,
        engine=model.engine,
        parameters=model.parameters,
        model_bytes=model.model_bytes,
        file_bytes=sum(p.stat().st_size for p in folder.rglob(f"model{model.suffix}")),
        notes=("it was trained elsewhere: its training was not seen",),
        files=files,
    )
    (folder / RECORD).write_bytes(sealed(record))
    return folder
