"""What is found damaged while something is computed of a store: left out of it, and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from bench.errors import BenchError, DamagedError, StoreError
from bench.store.layout import Store

__all__ = ["damage_of", "damage_words", "is_left_out", "leave_out", "without_damaged"]

_Value = TypeVar("_Value")
_LEFT_OUT: Final[dict[Path, dict[str, str]]] = {}
_COMPUTING: Final[list[object]] = []
_PLACES: Final = ("trials", "evaluations", "splits")


def damage_of(store: Store) -> dict[str, str]:
    """Return what is left out of a store, as ``evaluations/NAME``, with the reason of each."""
    return dict(_LEFT_OUT.get(store.root, {}))


def is_left_out(store: Store, place: str) -> bool:
    """Whether ``trials/NAME``, ``evaluations/NAME`` or ``splits/NAME.npz`` is left out."""
    return place in _LEFT_OUT.get(store.root, ())


def leave_out(error: StoreError) -> str:
    """Leave out from now on what an error speaks of; return its place in its store.

    Empty where it speaks of no trial, evaluation or split, or of one that is left out already:
    then leaving it out helps nothing.
    """
    path = Path(error.what)
    folder = next((each for each in (path, *path.parents) if each.parent.name in _PLACES), None)
    if not isinstance(error, DamagedError) or folder is None:
        return ""
    store, place = Store(folder.parents[1]), f"{folder.parent.name}/{folder.name}"
    if is_left_out(store, place):
        return ""
    name = "" if path == folder else f"{path.name} "
    _LEFT_OUT.setdefault(store.root, {})[place] = f"{name}{error.why}"
    return place


def without_damaged(compute: Callable[[], _Value]) -> _Value:
    """Compute something of stores; again without each thing that turns out to be damaged.

    Raises
    ------
    StoreError
        If the damage is no single trial's, evaluation's or split's.
    BenchError
        What `compute` raises of another kind; where something is left out, that may be why, and it
        is said.
    """
    outermost = not _COMPUTING
    if outermost:  # what was damaged before may have been mended
        _LEFT_OUT.clear()
    _COMPUTING.append(compute)
    try:
        while True:
            try:
                return compute()
            except DamagedError as error:
                if not leave_out(error):
                    raise
            except BenchError as error:
                left_out = "; ".join(damage_words())
                if isinstance(error, StoreError) or not left_out:  # the first says it itself
                    raise
                why = f"{error.why}; {left_out}" if error.why else left_out
                raise BenchError(error.what, why=why, fix=error.fix) from error
    finally:
        _COMPUTING.pop()


def damage_words() -> list[str]:
    """Say what is left out, and why, a line each."""
    found = [pair for each in _LEFT_OUT.values() for pair in each.items()]
    return [f"{place} is left out: {why}" for place, why in found]
