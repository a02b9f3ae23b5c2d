"""Leaderboards: rows over seeds from the index, ranked; the second view reads the index alone."""

from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import msgspec

from bench.board.entries import NEWER, layout
from bench.board.metrics_in_use import plugin_metrics
from bench.board.rows import COLUMNS, Board, Row, row_as_dict
from bench.errors import NewerFormatError, StoreError
from bench.scoring import METRICS_VERSION
from bench.store.atomic import write_bytes
from bench.store.damage import damage_of, without_damaged
from bench.store.inside import make_folder, read_file
from bench.store.layout import Store
from bench.store.read import evaluation_folders, trial_folders

__all__ = [
    "BOARDS_VERSION",
    "COLUMNS",
    "Board",
    "Row",
    "forget_gone",
    "leaderboards",
    "row_as_dict",
]

BOARDS_VERSION = 10
_BOARDS = "boards.msgpack"
_BOARDS_BYTES_MAX = 1 << 30


class _Cached(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    boards: list[Board]
    damaged: dict[str, str] = {}


def leaderboards(
    store: Store,
    *,
    test_datasets: Iterable[str] | None = None,
    exclude_duplicates: bool = False,
) -> list[Board]:
    """Return one board for each test dataset in the store, in order of their names.

    Parameters
    ----------
    test_datasets : iterable of str or None
        Only these.
    exclude_duplicates : bool
        Score without the test images that are, or nearly are, training images of a row.

    Raises
    ------
    StoreError
        If the store cannot be read at all; damaged single records become notes.
    """
    boards = without_damaged(lambda: _boards(store, exclude_duplicates))
    wanted = None if test_datasets is None else set(test_datasets)
    return [board for board in boards if wanted is None or board.test_dataset in wanted]


def _boards(store: Store, exclude_duplicates: bool) -> list[Board]:
    trials, evaluations = trial_folders(store), evaluation_folders(store)
    digest = _digest(trials, evaluations)
    path = store.index / _BOARDS
    may_be_kept = not exclude_duplicates and not damage_of(store)
    boards = _cached(path, digest) if may_be_kept else None
    if boards is None:
        # Imported here: boards that are remembered need no part of it.
        from bench.board.building import build_boards
        from bench.board.index import read_index

        index = read_index(store, trials=trials, evaluations=evaluations)
        boards = build_boards(store, index, exclude_duplicates=exclude_duplicates)
        if index.damaged and not boards:
            raise _nothing_readable(store, index.damaged.values())
        # What is damaged may be mended, and nothing in the names would tell.
        if may_be_kept and not index.damaged:
            _remember(path, digest, boards)
    return boards


def forget_gone(store: Store) -> None:
    """Forget the scores of what is gone, before new evaluations take the same names."""
    from bench.board.index import read_index

    with suppress(OSError):  # derived: who needs to write to the store will say so
        (store.index / _BOARDS).unlink(missing_ok=True)
    read_index(store)


def _nothing_readable(store: Store, reasons: Iterable[str]) -> StoreError:
    if set(reasons) == {NEWER}:
        return NewerFormatError(
            f"store {store.root}",
            why="a newer digitbench wrote its records",
            fix="install a newer digitbench",
        )
    return StoreError(
        f"store {store.root}", why="all its records are damaged", fix="see bench results verify"
    )


def _digest(trials: list[str], evaluations: list[str]) -> str:
    digest = blake2b(f"{BOARDS_VERSION}:{layout(METRICS_VERSION)}".encode(), digest_size=16)
    versions = plugin_metrics().versions
    for names in (trials, evaluations, [f"{name}:{versions[name]}" for name in versions]):
        digest.update("\n".join(sorted(names)).encode() + b"\0")
    return digest.hexdigest()


def _cached(path: Any, digest: str) -> list[Board] | None:
    try:
        cached = msgspec.msgpack.decode(read_file(path, _BOARDS_BYTES_MAX), type=_Cached)
    except (OSError, StoreError, ValueError, RecursionError):
        return None
    return cached.boards if cached.digest == digest else None


def _remember(path: Any, digest: str, boards: list[Board]) -> None:
    try:
        make_folder(path.parent)
        write_bytes(path, msgspec.msgpack.encode(_Cached(digest=digest, boards=boards)))
    except OSError:
        return  # derived: a read-only store is still shown
