"""``bench.toml``: the nearest one upwards from the working folder."""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.options import Options

__all__ = ["CONFIG_NAME", "Config", "find_config", "read_config"]

CONFIG_NAME = "bench.toml"
_BYTES_MAX = 256 << 10
_LINE_MAX = 4000
_KEYS = ("store", "data_dir", "plugins", "disable", "prefer", "options", "folders")


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
            if (place / CONFIG_NAME).is_file():
                return place / CONFIG_NAME
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
    try:
        raw = tomllib.loads(_text(path))
    except RecursionError as error:
        raise BenchError(f"{path}", why="cannot be read: it is nested too deep") from error
    except OSError as error:
        raise BenchError(f"{path}", why=f"cannot be read: {error.strerror}") from error
    # Beside what is no TOML or no UTF-8: a number of thousands of digits.
    except ValueError as error:
        raise BenchError(f"{path}", why=f"cannot be read: {error}") from error
    unknown = sorted(set(raw) - set(_KEYS))
    if unknown:
        raise BenchError(
            f"{path}: unknown key '{unknown[0]}'", why=f"the keys are {', '.join(_KEYS)}"
        )
    return Config(
        path=path,
        store=_path(path, raw, "store"),
        data_dir=_path(path, raw, "data_dir"),
        plugins=_plugins(path, raw),
        disable=_texts(path, raw, "disable"),
        prefer=_prefer(path, raw),
        options=_tables(path, raw),
        folders={
            name: _place(path, f"folders.{name}", text)
            for name, text in _named_texts(
                path, raw, "folders", 'a table of NAME = "folder"'
            ).items()
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


def _wrong(path: Path, key: str, wanted: str) -> BenchError:
    return BenchError(f"{path}: '{key}'", why=f"must be {wanted}")


def _path(path: Path, raw: Mapping[str, Any], key: str) -> Path | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(path, key, "a path in quotes")
    return _place(path, key, value)


def _place(path: Path, key: str, text: str) -> Path:
    """Return a path as the file means it: relative to its folder."""
    if not text.isprintable():
        raise _wrong(path, key, "a path without control characters")
    try:
        return path.parent / Path(text).expanduser()
    except RuntimeError as error:  # ~ of a user that there is not
        raise BenchError(f"{path}: '{key}'", why=str(error)) from error


def _texts(path: Path, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(path, key, "a list of texts")
    return tuple(value)


def _plugins(path: Path, raw: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_plugin(path, text) for text in _texts(path, raw, "plugins"))


def _tables(path: Path, raw: Mapping[str, Any]) -> dict[str, Options]:
    value = raw.get("options", {})
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        raise _wrong(path, "options", "tables such as [options.cnn-mnist-wide]")
    for name, table in value.items():
        for option, setting in table.items():
            if not isinstance(setting, bool | int | float | str):
                raise _wrong(path, f"options.{name}.{option}", "a number, a text or true/false")
    return value


def _prefer(path: Path, raw: Mapping[str, Any]) -> dict[str, str]:
    named = _named_texts(path, raw, "prefer", 'a table of NAME = "plugin"')
    return {name: _plugin(path, text) for name, text in named.items()}


def _plugin(path: Path, text: str) -> str:
    """Return a plugin as `find_plugins` takes it: a file of the folder, or a module."""
    return str(path.parent / text) if text.endswith(".py") else text


def _named_texts(path: Path, raw: Mapping[str, Any], key: str, wanted: str) -> dict[str, str]:
    value = raw.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _wrong(path, key, wanted)
    return value
