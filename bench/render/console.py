"""Consoles and plain text: widths, colours that work on light and dark, nothing interpreted."""

import io
import os
import sys
import unicodedata
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

__all__ = ["GAP", "clean", "make_console", "plain"]

GAP: Final = 2  # spaces between columns
_PIPE_WIDTH: Final = 120
_NARROWEST: Final = 40

# Only colours that can be read on white and on black; none carries information by itself.
_THEME: Final = Theme(
    {
        "heading": "bold",
        "best": "bold",
        "good": "green",
        "bad": "red",
        "warn": "magenta",
        "quiet": "default",
        "bar.complete": "green",
        "bar.finished": "green",
        "bar.pulse": "green",
        "bar.back": "default",
    }
)


def make_console(
    file: TextIO | None = None, *, stderr: bool = False, width: int | None = None
) -> Console:
    """Return a console that interprets no markup, emoji or highlights.

    Its width is the terminal's or ``COLUMNS``; 120 in a pipe.
    """
    # A program without a console has no streams: what is printed goes nowhere.
    target = file or (sys.stderr if stderr else sys.stdout) or io.StringIO()
    if width is None and not target.isatty() and not os.environ.get("COLUMNS"):
        width = _PIPE_WIDTH
    console = Console(
        file=target, markup=False, highlight=False, emoji=False, theme=_THEME, width=width
    )
    # Narrower, nothing could be laid out; the terminal wraps what is too long for it.
    console.width = max(console.width, _NARROWEST)
    return console


def clean(text: str) -> str:
    """Return `text` without what would move a cursor, ring or turn writing round.

    Names of people, files and plugins come from outside; each run of blanks becomes one.
    """
    kept = "".join(
        character
        for character in " ".join(text.split())
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return " ".join(kept.split())


def plain(text: str, style: str = "") -> Text:
    """Return cleaned text in which nothing is markup."""
    return Text(clean(text), style=style)
