"""What was found damaged: left out of every view of this process, and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from bench.errors import DamagedError, StoreError
from bench.store.layout import Store

__all__ = ["damage_of", "is_left_out", "leave_out", "without_damaged"]

_Value = TypeVar("_Value")
_LEFT_OUT: Final[dict[Path, dict[str, str]]] = {}
_PLACES: Final = ("trials", "evaluations", "splits")


def damage_of(store: Store) -> dict[str, str]:
    """Return what is left out of a store, as ``evaluations/NAME``, with the reason of each."""
    return dict(_LEFT_OUT.get(store.root, {}))


def is_left_out(store: Store, place: str) -> bool:
    """Whether ``trials/NAME``, ``evaluations/NAME`` or ``splits/NAME.npz`` is left out."""
    return place in _LEFT_OUT.get(store.root, ())


def leave_out(store: Store, error: StoreError) -> str:
    """Leave out from now on what an error speaks of; return its place.

    Empty where it speaks of no trial, evaluation or split of this store, or of one that is left out
    already: then leaving it out helps nothing.
    """
    path = Path(error.what)
    if not isinstance(error, DamagedError) or not path.is_relative_to(store.root):
        return ""
    parts = path.relative_to(store.root).parts[:2]
    place = "/".join(parts)
    if len(parts) < 2 or parts[0] not in _PLACES or is_left_out(store, place):
        return ""
    name = "" if path.name == parts[1] else f"{path.name} "
    _LEFT_OUT.setdefault(store.root, {})[place] = f"{name}{error.why}"
    return place


def without_damaged(store: Store, compute: Callable[[], _Value]) -> _Value:
    """Compute something of a store; again without each thing that turns out to be damaged.

    Raises
    ------
    StoreError
        If the damage is no single trial's, evaluation's or split's.
    """
    while True:
        try:
            return compute()
        except DamagedError as error:
            if not leave_out(store, error):
                raise
