"""Foreign code in the harness's own process: what it prints, and what it leaves behind."""

import locale
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

__all__ = ["undisturbed"]


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a plugin do as it likes: folder, output, environment, warnings, locale are put back.

    What it prints goes to standard error, however it prints: standard output may be a table that a
    program reads.
    """
    folder = _open_folder()
    environment = dict(os.environ)
    streams = sys.stdin, sys.stdout, sys.stderr
    filters = list(warnings.filters)
    language = locale.setlocale(locale.LC_ALL)
    with suppress(ValueError, OSError, AttributeError):
        sys.stdout.flush()
    output = _divert()
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        with suppress(ValueError, OSError, AttributeError):
            sys.stdout.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        if output is not None:
            os.dup2(output, 1)
            os.close(output)
        if folder is not None:
            os.fchdir(folder)
            os.close(folder)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        warnings.resetwarnings()
        cast("list[Any]", warnings.filters).extend(filters)
        with suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, language)


def _open_folder() -> int | None:
    try:
        return os.open(".", os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:  # it was deleted
        return None


def _divert() -> int | None:
    """Let descriptor 1 write to standard error; return what it was."""
    try:
        output = os.dup(1)
    except OSError:  # it is closed
        return None
    try:
        os.dup2(2, 1)
    except OSError:
        os.close(output)
        return None
    return output
