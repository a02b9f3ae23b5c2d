"""What ``bench new`` writes: a plugin to start from, as a file or as a package, from templates."""

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, TypeAlias

from bench.errors import BenchError
from bench.spec import API_VERSION

__all__ = ["Kind", "Start", "check_name", "files_of", "with_plugin"]

Kind: TypeAlias = Literal["model", "dataset"]
_TEMPLATES: Final = Path(__file__).with_name("templates")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_NAME_LENGTH_MAX: Final = 60
_REQUIRES: Final = {
    "torch": ', "torch", "safetensors"',
    "keras": ', "keras"',
    "sklearn": ', "scikit-learn"',
}
# Windows keeps these for devices, with any ending.
_DEVICES: Final = frozenset({"aux", "con", "nul", "prn"})
_PLUGINS: Final = re.compile(r"^plugins[ \t]*=[ \t]*\[(?P<inside>[^\]]*)\]", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is asked for: a model of an engine ("function": none), or a dataset."""

    kind: Kind
    name: str
    engine: str = ""
    is_package: bool = False
    version: str = ""

    @property
    def module(self) -> str:
        """The plugin's module."""
        return self.name.replace("-", "_")

    @property
    def file(self) -> str:
        """The plugin's file."""
        return f"{self.module}.py"


def check_name(name: str, registered: dict[str, str], folder: Path) -> None:
    """See that a name is free, can be typed, and that a module of it hides no other.

    Parameters
    ----------
    registered : dict
        Names of models and datasets that there are -> whose they are.
    folder : Path
        Where the file is to be written.

    Raises
    ------
    BenchError
        If it is none of that.
    """
    if not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH_MAX:
        raise BenchError(
            f"the name {name!r:.80}",
            why=f"a name is small letters, digits and hyphens, up to {_NAME_LENGTH_MAX}",
            fix="for example my-model",
        )
    if name in registered:
        raise BenchError(
            f"'{name}' is there already", why=f"it is registered by {registered[name]}"
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or module in _DEVICES:
        raise BenchError(f"the name '{name}'", why=f"no module can be called {module}")
    found = None if module in sys.builtin_module_names else find_spec(module)
    origin = Path(found.origin or "") if found else None
    if module in sys.builtin_module_names or (origin and folder not in origin.parents):
        raise BenchError(
            f"the name '{name}'", why=f"the module {module} of Python or a library has it"
        )


def files_of(start: Start) -> dict[str, str]:
    """Return each file to write, relative to the folder, with its text."""
    plugin = "dataset" if start.kind == "dataset" else f"model-{start.engine}"
    inside = f"{start.name}/" if start.is_package else ""
    files = {f"{inside}{start.file}": _filled(plugin, start)}
    if start.is_package:
        files |= {
            f"{inside}pyproject.toml": _filled("package-pyproject", start),
            f"{inside}README.md": _filled("package-readme", start),
            f"{inside}tests/test_contract.py": _filled("package-test", start),
            f"{inside}.github/workflows/test.yml": _filled("package-ci", start),
        }
    return files | {f"{inside}AUTHORING.md": _filled("authoring", start)}


def _filled(template: str, start: Start) -> str:
    text = (_TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")
    where = "pyproject.toml" if start.is_package else "bench.toml"
    loads = "installs it, and says that it is a plugin" if start.is_package else "says to load it"
    files = [f"| `{start.file}` | the plugin: a {start.kind} |", f"| `{where}` | {loads} |"]
    if start.is_package:
        files.append("| `tests/test_contract.py` | the contract as a test; `.github` runs it |")
    run = f"-m {start.name} -d digits-uci" if start.kind == "model" else f"-m mlp -d {start.name}"
    values = {
        "NAME": start.name,
        "MODULE": start.module,
        "FILE": start.file,
        "FILES": "\n".join(files),
        "KIND": start.kind,
        "RUN": run,
        "API": str(API_VERSION),
        "VERSION": start.version,
        "REQUIRES": _REQUIRES.get(start.engine, ""),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def with_plugin(text: str, file: str) -> str:
    """Return the text of a ``bench.toml`` that loads one more plugin; the rest of it is kept.

    Raises
    ------
    BenchError
        If the list of plugins is written in a way that cannot be added to.
    """
    import tomllib

    before = tomllib.loads(text)
    named = before.get("plugins", [])
    if file in named:
        return text
    found = _PLUGINS.search(text)
    if found is None:
        after = f'plugins = ["{file}"]\n{text}'
    else:
        inside = found["inside"].rstrip()
        comma = "," if inside.strip() and not inside.endswith(",") else ""
        space = " " if inside.strip() and "\n" not in inside else ""
        line = "\n" if "\n" in inside else ""
        indent = "    " if line else ""
        entry = f'{inside}{comma}{line}{space}{indent}"{file}"{line}'
        after = text[: found.start("inside")] + entry + text[found.end("inside") :]
    try:
        is_right = tomllib.loads(after) == before | {"plugins": [*named, file]}
    except tomllib.TOMLDecodeError:
        is_right = False
    if not is_right:
        raise BenchError("bench.toml: its plugins", why="cannot be added to", fix=f'add "{file}"')
    return after
