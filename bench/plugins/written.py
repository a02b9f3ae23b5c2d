"""Specs handed over in Python, written down as a plugin file: a notebook has no plugin.

A worker is a process of its own and reads no pickle: what it needs of a cell is the source of the
functions, and of what they name, run anew. What has no source of its own is refused.
"""

import ast
import dis
import linecache
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, Protocol
from uuid import uuid4

from bench.errors import BenchError, PluginError
from bench.spec import DatasetSpec, ModelSpec

__all__ = ["write_plugin"]

_PLAIN: Final = (bool, int, float, str, bytes, type(None))
_MOVE: Final = "put it in a file and name that: plugins=['FILE.py']"


class Kept(Protocol):
    """An object that is kept as a file beside the plugin: a digest of it, and how it is written."""

    @property
    def digest(self) -> str:
        """Of what it says."""

    @property
    def suffix(self) -> str:
        """With which its file's name ends."""

    @property
    def write(self) -> Callable[[Path], None]:
        """Writes the file."""


def write_plugin(
    spec: ModelSpec | DatasetSpec,
    folder: Path,
    keep: Callable[[object], Kept | None] = lambda value: None,
) -> Path:
    """Write a plugin file that registers `spec`, and return it.

    Its name and its bytes follow from the spec alone: the same cell is the same plugin.

    Parameters
    ----------
    keep : callable
        Says which objects that a function names are kept as files, and how.

    Raises
    ------
    PluginError
        If a function is a closure, a lambda, or names what cannot be written down.
    """
    sources = _Sources(spec.name, keep)
    kind = type(spec).__name__
    what = "models" if isinstance(spec, ModelSpec) else "datasets"
    given = [(each, getattr(spec, each.name)) for each in fields(spec)]
    arguments = [
        f"        {each.name}={sources.value(value, each.name)},"
        for each, value in given
        if not _is_default(each, value)
    ]
    text = "\n\n\n".join(
        [
            f'"""{kind} {spec.name}, as it was handed over."""',
            f"from bench import {kind} as _Spec, hookimpl as _hookimpl",
            *sources.lines,
            "\n".join(
                [
                    "@_hookimpl",
                    f"def bench_register_{what}(register):",
                    "    register(_Spec(",
                    *arguments,
                    "    ))",
                ]
            ),
        ]
    )
    target = folder / sha256(text.encode()).hexdigest()[:16]
    target.mkdir(parents=True, exist_ok=True)
    for name, kept in sources.kept.items():
        _write_once(target / name, kept, sources)
    file = target / f"given_{''.join(c if c.isalnum() else '_' for c in spec.name)}.py"
    file.write_text(text + "\n", encoding="utf-8")
    return file


def _write_once(path: Path, kept: Kept, sources: "_Sources") -> None:
    """Write an object's file, beside its name first; one that is there is the same object's."""
    if path.exists():
        return
    beside = path.with_name(f".{uuid4().hex}{kept.suffix}")
    try:
        kept.write(beside)
        beside.replace(path)
    except BenchError as error:
        raise sources.refusal(path.stem.rpartition("-")[0], f"{error}") from error
    finally:
        beside.unlink(missing_ok=True)


def _is_default(each: Any, value: object) -> bool:
    default = each.default_factory() if each.default_factory is not MISSING else each.default
    return bool(value is default or (type(value) is type(default) and value == default))


class _Sources:
    """State: the definitions written so far, each once, what they name before them."""

    def __init__(self, subject: str, keep: Callable[[object], Kept | None]) -> None:
        self.subject = subject
        self.lines: list[str] = []
        self.kept: dict[str, Kept] = {}
        self._keep = keep
        self._names: dict[str, object] = {}

    def value(self, value: Any, name: str) -> str:
        """Return an expression for a value; functions and classes are defined on the way."""
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, Enum):
            return f"{self.value(type(value), name)}[{value.name!r}]"
        if isinstance(value, Path):
            return f"{self.value(Path, name)}({str(value.resolve())!r})"
        if isinstance(value, list):
            return f"[{', '.join(self.value(each, name) for each in value)}]"
        if isinstance(value, tuple):
            return f"({''.join(f'{self.value(each, name)}, ' for each in value)})"
        if isinstance(value, Mapping):
            pairs = (f"{self.value(k, name)}: {self.value(v, name)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, partial):
            given = [self.value(part, name) for part in (value.func, *value.args)]
            given += [f"{key}={self.value(part, name)}" for key, part in value.keywords.items()]
            return f"{self.value(partial, name)}({', '.join(given)})"
        if is_dataclass(value) and not isinstance(value, type):
            parts = ((each.name, getattr(value, each.name)) for each in fields(value))
            inner = ", ".join(f"{each}={self.value(part, name)}" for each, part in parts)
            return f"{self.value(type(value), name)}({inner})"
        if isinstance(value, FunctionType | type):
            self.define(value.__name__, value)
            return value.__name__
        raise self.refusal(name, f"a {type(value).__name__} cannot be written down")

    def define(self, name: str, value: Any) -> None:
        """Write the definition of a global name, and of what it names itself, before it."""
        if name in self._names:
            if self._names[name] is not value:
                raise self.refusal(name, "two things of the cell have that name")
            return
        self._names[name] = value
        if isinstance(value, ModuleType):
            self.lines.append(f"import {value.__name__} as {name}")
        elif isinstance(value, FunctionType | type):
            self._define_code(name, value)
        elif type(value).__module__ == "builtins" or isinstance(value, Path):
            self.lines.append(f"{name} = {self.value(value, name)}")
        else:
            self._define_kept(name, value)

    def _define_kept(self, name: str, value: object) -> None:
        try:
            kept = self._keep(value)
        except BenchError as error:
            raise self.refusal(name, f"{error}") from error
        if kept is None:
            raise self.refusal(name, f"a {type(value).__name__} cannot be written down")
        file = f"{name}-{kept.digest[:16]}{kept.suffix}"
        if not self.kept:
            self.lines.append("from bench.adapters.given import read_given as _read_given")
        self.kept[file] = kept
        self.lines.append(f"{name} = _read_given(__file__, {file!r})")

    def _define_code(self, name: str, value: Any) -> None:
        if _is_importable(value):
            self.lines.append(f"from {value.__module__} import {value.__qualname__} as {name}")
            return
        if getattr(value, "__closure__", None):
            inner = ", ".join(value.__code__.co_freevars)
            raise self.refusal(name, f"it is a closure over {inner}")
        if value.__name__ == "<lambda>" or "<locals>" in value.__qualname__:
            raise self.refusal(name, "it has no definition of its own: write a def in the cell")
        source, node = _definition(value)
        if node is None:
            raise self.refusal(name, "its source is not known")
        code = compile(ast.Module([node], []), "<cell>", "exec")
        around = _globals_of(value)
        for each in sorted(_names_of(code) - {name, "__name__"}):
            if each in around:
                self.define(each, around[each])
        self.lines.append(source)

    def refusal(self, name: str, why: str) -> PluginError:
        """Return the error that says what cannot travel to a worker."""
        return PluginError(f"{name} of {self.subject}", why=why, fix=_MOVE)


def _is_importable(value: Any) -> bool:
    """Whether another process finds it by its module: not what a script or a notebook defines."""
    module = value.__module__
    return module != "__main__" and bool(module) and "<locals>" not in value.__qualname__


def _functions(value: Any) -> Iterator[FunctionType]:
    members = [value] if isinstance(value, FunctionType) else list(vars(value).values())
    for each in members:
        plain = getattr(each, "__func__", getattr(each, "fget", each))
        if isinstance(plain, FunctionType) and plain.__module__ == value.__module__:
            yield plain


def _definition(value: Any) -> tuple[str, ast.stmt | None]:
    """Return the source of a function or class, and its node: the last one of that name."""
    for function in _functions(value):
        text = "".join(linecache.getlines(function.__code__.co_filename))
        nodes = ast.parse(text).body if text else []
        for node in reversed(nodes):
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            if isinstance(node, kinds) and node.name == value.__name__:
                return ast.unparse(node), node
    return "", None


def _globals_of(value: Any) -> Mapping[str, Any]:
    return next((each.__globals__ for each in _functions(value)), {})


def _names_of(code: CodeType) -> Set[str]:
    """Return the global names that code reads, nested functions included."""
    found = {
        each.argval
        for each in dis.get_instructions(code)
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    for each in code.co_consts:
        if isinstance(each, CodeType):
            found |= _names_of(each)
    return found
