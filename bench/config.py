"""``bench.toml``, the nearest one upwards from the working folder; where the data cache lies."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bench.errors import BenchError, DataError, did_you_mean
from bench.options import Options

__all__ = ["CONFIG_NAME", "Config", "find_config", "read_config", "user_cache_folder"]

CONFIG_NAME = "bench.toml"
_BYTES_MAX = 256 << 10
_LINE_MAX = 4000

_Place = Annotated[str, Meta(description="a path in quotes")]
_Texts = Annotated[tuple[str, ...], Meta(description="a list of texts")]
_Setting = Annotated[bool | int | float | str, Meta(description="a number, a text or true/false")]
_Tables = Annotated[
    dict[str, dict[str, Any]], Meta(description="tables such as [options.cnn-mnist-wide]")
]


class _File(msgspec.Struct):
    """The keys of the file: the type of each, and what it must be in words."""

    store: _Place | None = None
    data_dir: _Place | None = None
    plugins: _Texts = ()
    disable: _Texts = ()
    prefer: Annotated[dict[str, str], Meta(description='a table of NAME = "plugin"')] = {}
    options: _Tables = {}
    folders: Annotated[dict[str, str], Meta(description='a table of NAME = "folder"')] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``bench.toml`` says; paths are relative to its folder.

    ``options`` holds settings by model or dataset name, ``folders`` own folders by name, ``prefer``
    the plugin of a name that several register.
    """

    path: Path | None = None
    store: Path | None = None
    data_dir: Path | None = None
    plugins: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    prefer: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Options] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)


def find_config(start: Path | None = None) -> Path | None:
    """Return the nearest ``bench.toml`` at or above `start` (default: the working folder)."""
    folder = (start or Path.cwd()).resolve()
    for place in (folder, *folder.parents):
        with suppress(OSError):  # a folder above may be closed to us
            path = place / CONFIG_NAME
            if path.is_file() or path.is_symlink() or (path.exists() and not path.is_dir()):
                return path
    return None


def read_config(path: Path | None) -> Config:
    """Return the settings of a ``bench.toml``; none for None.

    Raises
    ------
    BenchError
        If it is not TOML, holds an unknown key or a value of the wrong type.
    """
    if path is None:
        return Config()
    if not path.is_file():
        why = "is a link that leads to no file" if path.is_symlink() else "is no file"
        raise BenchError(f"{path}", why=why, fix="put the settings there, or remove it")
    import tomllib  # most commands have no such file

    try:
        raw = tomllib.loads(_text(path))
    except RecursionError as error:
        raise BenchError(f"{path}", why="cannot be read: it is nested too deep") from error
    except OSError as error:
        raise BenchError(f"{path}", why=f"cannot be read: {error.strerror}") from error
    # Beside what is no TOML or no UTF-8: a number of thousands of digits.
    except ValueError as error:
        raise BenchError(f"{path}", why=f"cannot be read: {error}") from error
    written = _read(path, raw)
    return Config(
        path=path,
        store=None if written.store is None else _place(path, "store", written.store),
        data_dir=None if written.data_dir is None else _place(path, "data_dir", written.data_dir),
        plugins=tuple(_plugin(path, text) for text in written.plugins),
        disable=written.disable,
        prefer={name: _plugin(path, text) for name, text in written.prefer.items()},
        options=written.options,
        folders={
            name: _place(path, f"folders.{name}", text) for name, text in written.folders.items()
        },
    )


def _text(path: Path) -> str:
    """Return the file's text: a few lines, as a person writes them.

    The parser takes the square of a line's length, for hours where somebody made it so.
    """
    with path.open("rb") as file:
        data = file.read(_BYTES_MAX + 1)
    if len(data) > _BYTES_MAX:
        raise BenchError(f"{path}", why=f"is larger than {_BYTES_MAX >> 10} KiB")
    text = data.decode("utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > _LINE_MAX:
            raise BenchError(f"{path}", why=f"line {number} has over {_LINE_MAX:,} characters")
    return text


def _read(path: Path, raw: Mapping[str, Any]) -> _File:
    kinds = {key.name: key.type for key in msgspec.structs.fields(_File)}
    for key, value in raw.items():
        if key not in kinds:
            hint = did_you_mean(key, kinds)
            why = f"{hint} the keys are {', '.join(kinds)}".strip()
            raise BenchError(f"{path}: unknown key '{key}'", why=why)
        _check(path, key, value, kinds[key])
    for name, table in raw.get("options", {}).items():
        for option, setting in table.items():
            _check(path, f"options.{name}.{option}", setting, _Setting)
    return msgspec.convert(raw, _File)


def _check(path: Path, key: str, value: Any, kind: Any) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(path, key, _described(kind)) from error


def _described(kind: Any) -> str:
    """Return what a value must be, as its type says it; of an optional one the type itself."""
    for each in (kind, *getattr(kind, "__args__", ())):
        for about in getattr(each, "__metadata__", ()):
            return str(about.description)
    raise AssertionError(f"{kind} says nothing")


def _wrong(path: Path, key: str, wanted: str) -> BenchError:
    return BenchError(f"{path}: '{key}'", why=f"must be {wanted}")


def user_cache_folder() -> Path:
    """Return the folder for what can be made again: ``BENCH_CACHE_DIR``, else the user's cache.

    Raises
    ------
    DataError
        If this user has none.
    """
    variable = os.environ.get("BENCH_CACHE_DIR", "")
    if variable:
        return Path(variable).expanduser().absolute()
    import platformdirs

    try:
        return platformdirs.user_cache_path("digitbench", appauthor=False)
    except RuntimeError as error:
        raise DataError(
            "there is no folder for the data cache",
            why="this user has no home",
            fix="name one in BENCH_CACHE_DIR",
        ) from error


def _place(path: Path, key: str, text: str) -> Path:
    """Return a path as the file means it: relative to its folder."""
    if not text.isprintable():
        raise _wrong(path, key, "a path without control characters")
    if "://" in text:
        return Path(text)  # an address
    try:
        return path.parent / Path(text).expanduser()
    except RuntimeError as error:  # ~ of a user that there is not
        raise BenchError(f"{path}: '{key}'", why=str(error)) from error


def _plugin(path: Path, text: str) -> str:
    """Return a plugin as `find_plugins` takes it: a file of the folder, or a module."""
    return str(path.parent / text) if text.endswith(".py") else text
