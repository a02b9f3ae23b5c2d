"""Foreign code in the harness's own process: what it prints, and what it leaves behind."""

import functools
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, ParamSpec, TypeVar, cast

__all__ = ["guarded", "hearing_ctrl_c", "undisturbed"]

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_FLOATS: Final = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
"""What numpy does when it is imported."""
P = ParamSpec("P")
T = TypeVar("T")


def guarded(function: Callable[P, T]) -> Callable[P, T]:
    """Return `function`, of a plugin, so that each call of it is `undisturbed`.

    One that leaves Python raises RuntimeError instead.
    """

    @functools.wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> T:
        with undisturbed():
            try:
                return function(*args, **named)
            except SystemExit as error:
                raise RuntimeError(f"it left Python with code {error.code}") from error

    return call


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a plugin do as it likes: folder, output, environment, warnings, locale are put back.

    So are the answers to signals, the mask of new files' modes and numpy's to odd floats.

    What it prints goes to standard error, however it prints: standard output may be a table that a
    program reads.
    """
    folder = _open_folder()
    environment = dict(os.environ)
    streams = sys.stdin, sys.stdout, sys.stderr
    filters = list(warnings.filters)
    language = locale.setlocale(locale.LC_ALL)
    answers = {number: signal.getsignal(number) for number in _SIGNALS}
    mask = _mask()
    limit = sys.getrecursionlimit()
    floats = sys.modules["numpy"].geterr() if "numpy" in sys.modules else {}
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
        for number, answer in answers.items():
            # Only Python's main thread may, and None is an answer that Python did not give.
            with suppress(ValueError, TypeError):
                if signal.getsignal(number) is not answer:
                    signal.signal(number, answer)
        os.umask(mask)
        sys.setrecursionlimit(limit)
        if "numpy" in sys.modules:
            sys.modules["numpy"].seterr(**floats or _FLOATS)
        with suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, language)


@contextmanager
def hearing_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yield what says whether a KeyboardInterrupt is a person's: a plugin may raise one by itself.

    Where that cannot be told (another thread, somebody's own handler), it is a person's.
    """
    before = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    can_tell = in_main and before is signal.default_int_handler
    is_pressed = False

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal is_pressed
        is_pressed = True
        signal.default_int_handler(number, frame)

    if can_tell:
        signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: is_pressed or not can_tell
    finally:
        if can_tell:
            signal.signal(signal.SIGINT, before)


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


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
