"""``bench.toml``: the nearest one upwards from the working folder."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.options import Options

__all__ = ["CONFIG_NAME", "Config", "find_config", "read_config"]

CONFIG_NAME = "bench.toml"
_KEYS = ("store", "data_dir", "plugins", "disable", "options", "folders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``bench.toml`` says; paths are relative to its folder.

    ``options`` holds settings by model or dataset name, ``folders`` own folders by name.
    """

    path: Path | None = None
    store: Path | None = None
    data_dir: Path | None = None
    plugins: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    options: Mapping[str, Options] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)


def find_config(start: Path | None = None) -> Path | None:
    """Return the nearest ``bench.toml`` at or above `start` (default: the working folder)."""
    folder = (start or Path.cwd()).resolve()
    for place in (folder, *folder.parents):
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
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
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
        options=_tables(path, raw),
        folders={name: path.parent / text for name, text in _folders(path, raw).items()},
    )


def _wrong(path: Path, key: str, wanted: str) -> BenchError:
    return BenchError(f"{path}: '{key}'", why=f"must be {wanted}")


def _path(path: Path, raw: Mapping[str, Any], key: str) -> Path | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(path, key, "a path in quotes")
    return path.parent / Path(value).expanduser()


def _texts(path: Path, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(path, key, "a list of texts")
    return tuple(value)


def _plugins(path: Path, raw: Mapping[str, Any]) -> tuple[str, ...]:
    names = _texts(path, raw, "plugins")
    return tuple(str(path.parent / name) if name.endswith(".py") else name for name in names)


def _tables(path: Path, raw: Mapping[str, Any]) -> dict[str, Options]:
    value = raw.get("options", {})
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        raise _wrong(path, "options", "tables such as [options.cnn-mnist-wide]")
    for name, table in value.items():
        for option, setting in table.items():
            if not isinstance(setting, bool | int | float | str):
                raise _wrong(path, f"options.{name}.{option}", "a number, a text or true/false")
    return value


def _folders(path: Path, raw: Mapping[str, Any]) -> dict[str, str]:
    value = raw.get("folders", {})
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _wrong(path, "folders", 'a table of NAME = "folder"')
    return value
