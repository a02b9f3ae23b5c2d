"""What surrounds a trial: its own folders, its environment, the code it was planned on."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.errors import BenchError
from bench.planning.task import TrialTask
from bench.plugins.sources import Sources, drop_old_bytecode, hash_of_sources, read_sources

__all__ = [
    "HERE",
    "CodeChangedError",
    "check_sources",
    "enter_own_folder",
    "environment_that_computes",
    "importable_elsewhere",
]

HERE: Final = "here"
"""A trial's working folder, within its folder of the run."""
# Those of libraries whose value changes the last digits, or how many threads share a sum.
_COMPUTES: Final = (
    "ONEDNN_", "DNNL_", "NPY_", "OPENBLAS_", "MKL_", "OMP_", "KMP_", "GOMP_", "BLIS_", "TF_",
    "XLA_", "CUDA_VISIBLE_DEVICES", "CUBLAS_", "NVIDIA_TF32", "KERAS_", "SKLEARN_", "NUMBA_",
    "LOKY_MAX_CPU_COUNT", "JAX_", "TORCH_",
)  # fmt: skip
_SOCKET_PATH_MAX: Final = 60  # what a socket's path of 107 bytes leaves for names of libraries
_VALUE_MAX: Final = 200


class CodeChangedError(BenchError):
    """The plugin's code is not what the trial was planned on."""


def check_sources(task: TrialTask) -> Sources:
    """Return the plugin's sources, which are those that the trial was planned on.

    Raises
    ------
    CodeChangedError
        If they were changed since.
    """
    sources = read_sources(module=task.plugin.module, file=task.plugin.file)
    # A model that ships is read, whatever its plugin has become.
    if task.train is not None and hash_of_sources(sources) != task.identity.model_source:
        raise CodeChangedError(
            f"the code of {task.model} was changed after the run was planned",
            fix="run again: it is planned anew",
        )
    drop_old_bytecode(sources)
    return sources


def enter_own_folder(work: Path) -> None:
    """Make a trial's working and temporary folders, and go there."""
    here, temporary = work / HERE, work / "tmp"
    here.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    if len(str(temporary)) > _SOCKET_PATH_MAX:
        temporary = Path(tempfile.mkdtemp(prefix="bench-"))
    for name in ("TMPDIR", "TEMP", "TMP"):
        os.environ[name] = str(temporary)
    tempfile.tempdir = None
    os.chdir(here)


def importable_elsewhere(module: str, file: str, work: Path) -> None:
    """Let processes that the plugin starts import its file under the name that it has here."""
    folder = work / "modules"
    folder.mkdir(exist_ok=True)
    lines = (
        "import importlib.util as u, sys",
        f"s = u.spec_from_file_location(__name__, {file!r})",
        "m = u.module_from_spec(s)",
        "sys.modules[__name__] = m",
        "s.loader.exec_module(m)",
    )
    (folder / f"{module}.py").write_text("\n".join(lines), encoding="utf-8")
    sys.path.append(str(folder))
    paths = [os.environ.get("PYTHONPATH", ""), str(folder)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


def environment_that_computes() -> dict[str, str]:
    """Return the variables that may change how libraries compute."""
    return {
        name: value[:_VALUE_MAX]
        for name, value in sorted(os.environ.items())
        if name.startswith(_COMPUTES)
    }
