"""Claims that hold for models and datasets alike."""

import subprocess
import sys
from collections.abc import Mapping

from bench.errors import OptionError
from bench.options import Option

__all__ = ["HEAVY_MODULES", "require_cheap_import", "require_sound_options"]

HEAVY_MODULES = (
    "tensorflow",
    "keras",
    "torch",
    "jax",
    "sklearn",
    "sklearnex",
    "pandas",
    "scipy",
    "skimage",
    "matplotlib",
    "pyarrow",
    "h5py",
    "lightgbm",
    "xgboost",
    "catboost",
)
_LIMIT_SECONDS = 60
_PROGRAM = """
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
module, file, heavy = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
if file:
    spec = spec_from_file_location("plugin_under_check", file)
    spec.loader.exec_module(module_from_spec(spec))
else:
    import_module(module)
print(",".join(name for name in heavy if name in sys.modules))
"""


def require_cheap_import(module: str, file: str) -> None:
    """Import a plugin in a fresh interpreter and see what came with it.

    Raises
    ------
    AssertionError
        If an engine or another slow library was imported, or the import failed.
    """
    command = [sys.executable, "-c", _PROGRAM, module, file, ",".join(HEAVY_MODULES)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False
    )
    last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    if done.returncode != 0:
        raise AssertionError(f"importing {module or file} failed: {last}\nrun it by itself")
    # The plugin may print while it is imported; the answer comes last.
    imported = done.stdout.splitlines()[-1]
    if imported:
        raise AssertionError(
            f"importing {module or file} imports {imported}\n"
            "every bench command would wait for it: import it inside build or load"
        )


def require_sound_options(declared: Mapping[str, Option]) -> str | None:
    """See that every option has a default within its own limits.

    Returns
    -------
    str or None
        Advice on the options without a line of help: a bare default is allowed.

    Raises
    ------
    AssertionError
        On the first default that is refused.
    """
    for name, option in declared.items():
        try:
            option.parse(option.default, name)
        except OptionError as error:
            raise AssertionError(f"the default is refused: {error}\nwiden the limits") from error
    bare = [name for name, option in declared.items() if not option.help]
    if not bare:
        return None
    one = declared[bare[0]].default
    named = ", ".join(f"'{name}'" for name in bare)
    return (
        f"advice: bench list models shows no help for {named}\n"
        f'Option(default={one!r}, help="…") in place of the bare default would give it'
    )
