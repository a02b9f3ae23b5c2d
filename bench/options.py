"""Typed options: what a model or dataset can be told, with defaults, limits and documentation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bench.errors import OptionError, did_you_mean

__all__ = ["Option", "OptionValue", "Options", "parse_setting", "resolve_options"]

OptionValue: TypeAlias = bool | int | float | str
Options: TypeAlias = Mapping[str, OptionValue]

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One typed option; its type is the type of its default.

    Parameters
    ----------
    default : bool, int, float or str
        The value unless it is set. An empty string means "not set" for text options.
    help : str
        One line for ``bench list models NAME``.
    choices : tuple
        The only values allowed, if not empty.
    minimum, maximum : float or None
        Limits of a number, both allowed themselves.
    """

    default: OptionValue
    help: str = ""
    choices: tuple[OptionValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def type_name(self) -> str:
        """The word for the type in messages and documentation."""
        return {"bool": "true/false", "int": "whole number", "float": "number", "str": "text"}[
            type(self.default).__name__
        ]

    def parse(self, value: OptionValue, name: str) -> OptionValue:
        """Return `value`, perhaps text from a command line, as this option's type.

        Raises
        ------
        OptionError
            If it is of another type, out of the limits or not among the choices.
        """
        typed = _convert(value, type(self.default))
        if typed is None:
            raise OptionError(f"{name}={value}", why=f"{name} takes a {self.type_name}")
        if self.choices and typed not in self.choices:
            valid = ", ".join(map(str, self.choices))
            raise OptionError(f"{name}={value}", why=f"{name} is one of {valid}")
        if not isinstance(typed, bool | str):
            self._check_limits(typed, name)
        return typed

    def _check_limits(self, number: float, name: str) -> None:
        low, high = self.minimum, self.maximum
        # `not (a <= b)` also catches NaN.
        if low is not None and not number >= low:
            raise OptionError(f"{name}={number}", why=f"{name} is at least {low:g}")
        if high is not None and not number <= high:
            raise OptionError(f"{name}={number}", why=f"{name} is at most {high:g}")


def _convert(value: OptionValue, kind: type) -> OptionValue | None:
    if kind is bool:
        return value if isinstance(value, bool) else _WORDS.get(str(value).lower())
    if isinstance(value, bool):
        return None
    try:
        if kind is int:
            return value if isinstance(value, int) else int(str(value).replace("_", ""))
        return float(value) if kind is float else str(value)
    except ValueError:
        return None


def as_options(declared: Mapping[str, Option | OptionValue]) -> dict[str, Option]:
    """Give every shorthand (a bare default) its `Option`."""
    return {
        name: value if isinstance(value, Option) else Option(default=value)
        for name, value in declared.items()
    }


def resolve_options(
    owner: str, declared: Mapping[str, Option | OptionValue], settings: Options
) -> dict[str, OptionValue]:
    """Return every declared option with its set or default value, in the declared order.

    Raises
    ------
    OptionError
        If a setting is unknown or of the wrong type; the message names the valid ones.
    """
    options = as_options(declared)
    for name in settings:
        if name not in options:
            raise _unknown(owner, name, list(options))
    return {
        name: option.parse(settings[name], f"{owner}.{name}")
        if name in settings
        else option.default
        for name, option in options.items()
    }


def _unknown(owner: str, name: str, valid: list[str]) -> OptionError:
    why = f"{did_you_mean(name, valid, 2)} its options are: {', '.join(valid) or 'none'}".strip()
    return OptionError(f"unknown option '{name}' of {owner}", why=why)


def parse_setting(text: str) -> tuple[str, str, str]:
    """Split ``NAME.option=value`` into its three parts.

    Raises
    ------
    OptionError
        If it is not of that form.
    """
    left, equals, value = text.partition("=")
    # A dataset may have a dot in its name (a folder's), an option never has.
    owner, dot, option = left.rpartition(".")
    if not (equals and dot and owner and option):
        raise OptionError(f"--set {text}", why="it is not of the form NAME.option=value")
    return owner, option, value
