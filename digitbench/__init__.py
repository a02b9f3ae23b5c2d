"""The command ``bench``, and ``python -m digitbench``: names that only look like ours go last.

A ``json.py`` or a ``bench.py`` in a folder of PYTHONPATH would be taken for Python's or for ours by
every import that follows. Hence nothing is imported here that Python has not loaded by itself.
"""

import gc
import os
import sys
import time

__all__ = ["main"]

_OWN = ("bench", "bench_plugins", "bench_datasets")
_THREADS_SECONDS = 10.0
_GARBAGE_LOOKED_FOR = 200_000  # after so many new objects
_DATE = "SOURCE_DATE_EPOCH"
_DATES_END = 253_402_300_800  # the year 10000
_OURS = os.path.join("bench", "hookspecs.py")  # noqa: PTH118  # pathlib imports much


def main() -> None:
    """Run the command line."""
    sys.path[:] = _without_lookalikes(sys.path)
    _drop_a_false_date()
    # What starting makes is kept to the end: looking through it for garbage is a tenth of the time.
    gc.set_threshold(_GARBAGE_LOOKED_FOR)
    from bench.cli import main as run

    try:
        run()
    except SystemExit as ended:
        _leave(ended.code if isinstance(ended.code, int) else 1)
        raise


def _leave(code: int) -> None:
    """Let nothing of plugins' last acts reach standard output, and no thread of theirs hold us.

    A thread that uploads results has a while to finish; one that never ends is left.
    """
    from contextlib import suppress

    gc.freeze()  # what is left goes with the process: nobody need look through it
    sys.stdout = sys.stderr
    with suppress(OSError):  # there is no standard error
        os.dup2(2, 1)
    threading = sys.modules.get("threading")
    if threading is None:
        return
    limit = time.monotonic() + _THREADS_SECONDS
    mine = threading.current_thread()
    others = [each for each in threading.enumerate() if each is not mine and not each.daemon]
    for each in others:
        each.join(max(0.0, limit - time.monotonic()))
    names = [each.name for each in others if each.is_alive()]
    if names:
        if sys.stderr is not None:
            told = ", ".join(names)
            sys.stderr.write(f"bench: left threads of plugins that do not end: {told}\n")
            sys.stderr.flush()
        os._exit(code)


def _drop_a_false_date() -> None:
    """Do without a build's date that is none: NumPy reads it as SciPy is imported, and fails."""
    said = os.environ.get(_DATE, "0")
    try:
        is_date = 0 <= int(said) < _DATES_END
    except ValueError:
        is_date = False
    if not is_date:
        del os.environ[_DATE]
        if sys.stderr is not None:
            sys.stderr.write(f"bench: {_DATE}={said!a:.40} is no date in seconds: ignored\n")


def _without_lookalikes(search: list[str]) -> list[str]:
    """Put the folders that hide Python's own modules, or ours, behind all others."""
    standard = os.path.dirname(os.__file__)  # noqa: PTH120
    before = search[: search.index(standard)] if standard in search else []
    last = [place for place in before if _hides(place)]
    return [place for place in search if place not in last] + last


def _hides(place: str) -> bool:
    try:
        names = os.listdir(place or ".")  # noqa: PTH208
    except OSError:
        return False
    is_ours = os.path.exists(os.path.join(place, _OURS))  # noqa: PTH110, PTH118
    hidden = sys.stdlib_module_names if is_ours else sys.stdlib_module_names.union(_OWN)
    return any(
        (name[:-3] if name.endswith(".py") else name) in hidden
        for name in names
        if name.endswith(".py") or os.path.isfile(os.path.join(place, name, "__init__.py"))  # noqa: PTH113, PTH118
    )
