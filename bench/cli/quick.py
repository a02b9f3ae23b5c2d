"""Command-line values without pydantic, whose import would be a third of a short command's time.

Typer (since it carries its own click) checks each value with pydantic. The plain cases need none of
it; everything else, every error among them, is left to typer.
"""

from pathlib import Path
from typing import Any, Final

from typer import core

__all__ = ["spare_pydantic"]

_UNKNOWN: Final = object()


def spare_pydantic() -> None:
    """Let typer's parameters take plain values directly; older versions stay as they are."""
    kind: Any = getattr(core, "_TyperParameter", None)
    if kind is None or hasattr(kind, "typers_own_converter"):
        return
    kind.typers_own_converter = kind.get_runtime_param
    kind.get_runtime_param = lambda param: _QuickValue(param)


class _QuickValue:
    """Stands in for typer's converter of one parameter."""

    def __init__(self, param: Any) -> None:
        self._param = param

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        """Return the value as the parameter's type, or hand it to typer."""
        plain = _plain(value, param)
        if plain is not _UNKNOWN:
            return plain
        return self._param.typers_own_converter().coerce(value, param=param, ctx=ctx)


def _plain(value: Any, param: Any) -> Any:
    kind = param.type_descriptor.annotation
    is_several = param.multiple or param.nargs == -1
    if value is None:
        return () if is_several else None
    if is_several:
        texts = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        if texts and kind == list[Path] and not _is_checked_path(param):
            return [Path(each) for each in value]
        return list(value) if texts and kind == list[str] else _UNKNOWN
    if param.type_descriptor.is_choice:
        return value if value in param.type_descriptor.choices else _UNKNOWN
    if kind is str and isinstance(value, str):
        return value
    if kind is Path and isinstance(value, str) and not _is_checked_path(param):
        return Path(value)
    if kind in (int, float) and type(value) is kind:
        return _within(value, param.type_descriptor.parameter_info)
    return _UNKNOWN


def _is_checked_path(param: Any) -> bool:
    info = param.type_descriptor.parameter_info
    names = ("exists", "writable", "resolve_path", "allow_dash", "path_type")
    return any(getattr(info, name, None) for name in names)


def _within(value: float, info: Any) -> Any:
    is_low = info.min is not None and value < info.min
    is_high = info.max is not None and value > info.max
    return _UNKNOWN if is_low or is_high or info.clamp else value
