"""The standard streams as a command finds them, and keeps for itself."""

import os
import sys
from _thread import get_ident
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Final

__all__ = ["keep_output", "open_closed_streams"]

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_closed_streams() -> None:
    """Open the null device for each standard stream that was closed (``>&-``).

    Its number is taken too: the next file to be opened would have it otherwise, and get what any
    library prints there.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
                os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode, errors="replace", encoding="utf-8")  # noqa: SIM115  # for the process's whole life
            setattr(sys, name, nowhere)


class _Kept(TextIOWrapper):
    """Standard output for the thread that made it; what others write goes to standard error."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        super().__init__(os.fdopen(descriptor, "wb", closefd=False), encoding=encoding)
        self.thread = get_ident()

    def write(self, text: str, /) -> int:
        """Write it where it belongs."""
        if get_ident() != self.thread and sys.stderr is not None:
            return sys.stderr.write(text)
        return super().write(text)


def keep_output() -> None:
    """Keep standard output for what this command prints, where a program may read it.

    Threads of plugins and libraries below Python print whenever they like: they get standard error
    under the usual number.
    """
    output = sys.stdout
    with suppress(OSError, ValueError, AttributeError):
        if output.isatty() or output.fileno() != 1:
            return
        os.fstat(2)
        output.flush()
        kept = _Kept(os.dup(1), output.encoding)
        os.dup2(2, 1)
        sys.stdout = kept
