"""What a field is, and how a person reads its value: shares, counts, sizes, times."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "MISSING",
    "Field",
    "about",
    "count",
    "duration",
    "field",
    "figure",
    "listed",
    "mapped",
    "points",
    "share",
    "short_count",
    "size",
    "text",
    "truth",
]

MISSING: Final = "–"
_SIZES: Final = ("B", "kB", "MB", "GB", "TB")


def share(value: float, digits: int = 3) -> str:
    """Return a share of 0 to 1 as ``.989``; only a perfect one is ``1.000``."""
    text = f"{value:.{digits}f}"
    if text.startswith("1") and value < 1:
        text = f"{1 - 10**-digits:.{digits}f}"  # rounding must not make it perfect
    return text.replace("0.", ".", 1) if abs(value) < 1 and text[:1] in "0-" else text


def points(value: float) -> str:
    """Return a difference of shares in points, ``+1.1``."""
    return f"{value * 100:+.1f}".replace("-", "−")


def count(value: float) -> str:
    """Return a whole number with thousands marked, ``887,530``."""
    return f"{value:,.0f}"


def short_count(value: float) -> str:
    """Return a large number in two or three digits, ``12 M``."""
    number, units = float(value), ("", "k", "M", "G", "T")
    for unit in units:
        if number < 999.5 or unit == units[-1]:
            return f"{number:.3g} {unit}".rstrip()
        number /= 1000
    raise AssertionError("the last unit takes every number")


def size(value: float) -> str:
    """Return bytes as ``3.5 MB`` (1 MB is 1,000,000 bytes)."""
    number = float(value)
    for unit in _SIZES:
        if number < 999.5 or unit == _SIZES[-1]:
            return (
                f"{number:.0f} {unit}" if unit == "B" or number > 99.9 else f"{number:.1f} {unit}"
            )
        number /= 1000
    raise AssertionError("the last unit takes every number")


def duration(value: float) -> str:
    """Return seconds as ``18.2 s``, ``1 min 31 s`` or ``2 h 40 min``."""
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours} h {minutes:02d} min"


def about(value: float) -> str:
    """Return an estimate of seconds in round figures, ``2 min 40 s``, ``9 min``."""
    if value < 60:
        return f"{max(1, round(value))} s"
    if value < 300:
        minutes, seconds = divmod(round(value / 10) * 10, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else "{} h {:02d}".format(*divmod(minutes, 60))


def figure(value: float) -> str:
    """Return a number in two or three digits, ``61``, ``4.2``, ``0.04``."""
    if abs(value) >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.995 else f"{value:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name is the column in CSV and JSON, its unit is part of the name.

    ``format`` gives a short text for a person; None is shown as a dash by `format_value`.
    ``heading`` stands over the column in a terminal. ``over_seeds`` says how the values of seeds
    become a row's: the first, their mean, median, largest or sum, or that of the median speed.
    """

    name: str
    type: str
    summary: str
    unit: str = ""
    format: Callable[[Any], str] = str
    heading: str = ""
    over_seeds: str = "first"


def text(value: Any) -> str:
    """Return a value as its own text."""
    return str(value)


def listed(value: Any) -> str:
    """Return the items of a list, separated by commas."""
    return ", ".join(map(str, value))


def mapped(value: Mapping[str, Any]) -> str:
    """Return a mapping as ``name=value`` pairs."""
    return ", ".join(f"{name}={each}" for name, each in value.items())


def truth(value: bool) -> str:
    """Return ``yes`` or ``no``."""
    return "yes" if value else "no"


def field(
    name: str,
    kind: str,
    summary: str,
    form: Callable[[Any], str] = text,
    *,
    heading: str = "",
    over_seeds: str = "first",
) -> Field:
    """Return a field, its unit by its format or name; `heading` where the name is no good one."""
    units: dict[Callable[[Any], str], str] = {
        share: "share of 0 to 1",
        size: "bytes",
        duration: "seconds",
    }
    unit = units.get(form, "")
    if name.endswith("us_per_image"):
        unit = "microseconds an image"
    elif name.startswith("latency_ms"):
        unit = "milliseconds"
    elif name.endswith("images_per_second"):
        unit = "images a second"
    return Field(
        name=name,
        type=kind,
        summary=summary,
        unit=unit,
        format=form,
        heading=heading or name.replace("_", " "),
        over_seeds=over_seeds,
    )
