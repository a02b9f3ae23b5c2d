"""Output where the terminal's encoding has no Unicode: plain characters of the same width."""

import codecs
from contextlib import suppress
from typing import Any, Final

__all__ = ["spare_the_terminal"]

_NAME: Final = "plainer"
_PLAINER: Final = {
    "▀": '"', "▄": "_", "█": "#", "·": "-", "–": "-", "—": "-", "−": "-", "…": "~", "→": ">",
    "←": "<", "✓": "+", "✗": "x", "●": "o", "⋯": "~", "×": "x", "µ": "u", "≥": ">", "≤": "<",
    "±": "~", "━": "=", "─": "-", "│": "|", "╸": "-", "╺": "-", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """Stand in for what cannot be encoded; what has no stand-in is written as JSON would."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAINER.get(each, _escaped(each)) for each in missing), error.end


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def spare_the_terminal(*streams: Any) -> None:
    """Let streams take every character: what their encoding lacks is written more plainly."""
    codecs.register_error(_NAME, _plainer)
    for stream in streams:
        with suppress(AttributeError, ValueError):  # a notebook's streams, or none
            stream.reconfigure(errors=_NAME)
