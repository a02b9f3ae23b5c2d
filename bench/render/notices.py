"""Lines that a person should see beside the output of any command, each once."""

import sys
from collections.abc import Iterable

from bench.render.console import clean
from bench.render.hints import as_typed

__all__ = ["tell_once"]

_TOLD: set[str] = set()


def tell_once(lines: Iterable[str]) -> None:
    """Print each line to standard error, unless this process has printed it before."""
    for line in lines:
        if line not in _TOLD:
            _TOLD.add(line)
            if sys.stderr is not None:
                sys.stderr.write(f"bench: {as_typed(clean(line))}\n")
