"""The program's name as the user typed it, for every hint the program prints."""

import os
import re
import sys
from pathlib import Path
from typing import Final

__all__ = ["VERBS", "as_help", "as_typed", "prog"]

VERBS: Final = (
    "run", "show", "compare", "predict", "reproduce", "report", "publish", "data",
    "results", "new", "check", "tune", "list", "doctor",
)  # fmt: skip

# A hint in a message written by a lower layer: "bench" followed by one of its verbs.
_HINT: Final = re.compile(rf"(?<![\w/.-])(?<!-m )bench(?= (?:{'|'.join(VERBS)})\b)")


def prog() -> str:
    """Return how the user called the program: ``bench``, ``digitbench``, ``script/bench``.

    ``script/bench`` says so in ``BENCH_PROG``; in a notebook or a script it is ``bench``.
    """
    typed = os.environ.get("BENCH_PROG", "")
    if typed:
        return typed
    path = Path(sys.argv[0] if sys.argv else "")
    if path.name == "__main__.py" and path.parent.name == "bench":
        return "python -m bench"
    return path.stem if path.stem in {"bench", "digitbench"} else "bench"


def as_typed(text: str) -> str:
    """Return `text` with each hint such as ``bench list models`` in the user's own words."""
    name = prog()
    return text if name == "bench" else _HINT.sub(lambda _: name, text)


def as_help(text: str) -> str:
    """Return a help text with its examples marked, whose lines click would join otherwise."""
    return as_typed(re.sub(r"\n\n(?=(?:For example|Examples?):\n)", "\n\n\b\n", text))
