"""What surrounds a trial: its own folders, its environment, the code it was planned on."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from bench.errors import BenchError
from bench.execution.privacy import is_secret, scrub_paths
from bench.planning.task import TrialTask
from bench.plugins.sources import Sources, drop_old_bytecode, hash_of_sources, read_sources

__all__ = [
    "HERE",
    "NOTED",
    "CodeChangedError",
    "check_sources",
    "enter_own_folder",
    "environment_that_computes",
    "importable_elsewhere",
    "own_temporary_folder",
]

HERE: Final = "here"
"""A trial's working folder, within its folder of the run."""
NOTED: Final = "noted"
"""The file, beside it, in which processes of the plugin's note what they load."""
# Those of libraries whose value changes the last digits, or how many threads share a sum.
_COMPUTES: Final = (
    "ONEDNN_", "DNNL_", "NPY_", "OPENBLAS_", "MKL_", "OMP_", "KMP_", "GOMP_", "BLIS_", "TF_",
    "XLA_", "CUDA_VISIBLE_DEVICES", "CUBLAS_", "NVIDIA_TF32", "KERAS_", "SKLEARN_", "NUMBA_",
    "LOKY_MAX_CPU_COUNT", "JAX_", "TORCH_", "NUMEXPR_", "VECLIB_",
)  # fmt: skip
_SOCKET_PATH_MAX: Final = 60  # what a socket's path of 107 bytes leaves for names of libraries
_VALUE_MAX: Final = 200
_ELSEWHERE: Final = "bench-trial-"


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


@contextmanager
def own_temporary_folder(work: Path) -> Iterator[None]:
    """Give a trial a temporary folder, named in the environment of what is started in here."""
    temporary = work / "tmp"
    temporary.mkdir(exist_ok=True)
    if len(str(temporary)) > _SOCKET_PATH_MAX:
        _remove_forgotten()
        with suppress(OSError):
            temporary = Path(tempfile.mkdtemp(prefix=f"{_ELSEWHERE}{os.getpid()}-"))
    for name in ("TMPDIR", "TEMP", "TMP"):
        os.environ[name] = str(temporary)
    tempfile.tempdir = None
    try:
        yield
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_forgotten() -> None:
    """Remove such folders of this user's whose process was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_ELSEWHERE}*-*"):
        number = folder.name.removeprefix(_ELSEWHERE).partition("-")[0]
        with suppress(OSError, ValueError):
            is_mine = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if is_mine and not psutil.pid_exists(int(number)):
                shutil.rmtree(folder, ignore_errors=True)


def enter_own_folder(work: Path) -> None:
    """Make a trial's working folder, and go there."""
    here = work / HERE
    here.mkdir(exist_ok=True)
    os.chdir(here)


def importable_elsewhere(module: str, file: str, work: Path, excluded: Sequence[str]) -> None:
    """Let processes that the plugin starts import its file under the name that it has here.

    From then on they note what they load, as the trial's own does: see `watching`.
    """
    folder = work / "modules"
    folder.mkdir(exist_ok=True)
    lines = (
        "import importlib.util as u, sys",
        "from bench.plugins.ground import ground_of",
        "from bench.plugins.loaded import watch_for_life",
        f"watch_for_life(ground_of(file={file!r}), {[*excluded]!r}, {str(work / NOTED)!r})",
        f"s = u.spec_from_file_location(__name__, {file!r})",
        "m = u.module_from_spec(s)",
        "sys.modules[__name__] = m",
        "s.loader.exec_module(m)",
    )
    (folder / f"{module}.py").write_text("\n".join(lines), encoding="utf-8")
    sys.path.append(str(folder))
    paths = [os.environ.get("PYTHONPATH", ""), str(folder)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


def environment_that_computes(words: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that may change how libraries compute, without private `words`."""
    return {
        name: scrub_paths(value, words)[:_VALUE_MAX]
        for name, value in sorted(os.environ.items())
        if name.startswith(_COMPUTES) and not is_secret(name)
    }
