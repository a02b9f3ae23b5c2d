"""The standard streams as a command finds them: to a closed one, things are written unread."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["open_closed_streams"]

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
