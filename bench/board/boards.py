"""The boards of one store that a view asks for: chosen, scored, and found by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import msgspec

from bench.board.leaderboard import leaderboards
from bench.board.rows import Board, Row
from bench.config import find_config, read_config
from bench.errors import StoreError
from bench.store.layout import Store, store_of
from bench.store.record import State

__all__ = ["Boards", "open_store"]


@dataclass(frozen=True, kw_only=True)
class Boards:
    """A store, and which of its boards and rows are asked for.

    ``datasets`` are test datasets and ``models`` names and globs; empty ones choose everything.
    """

    store: Store
    datasets: Sequence[str] = ()
    models: Sequence[str] = ()
    exclude_duplicates: bool = False

    @cached_property
    def all(self) -> list[Board]:
        """The boards asked for, with the rows asked for.

        Raises
        ------
        StoreError
            If a dataset has no board, or no row fits the models.
        """
        boards = leaderboards(self.store, exclude_duplicates=self.exclude_duplicates)
        known = [board.test_dataset for board in boards]
        for name in self.datasets:
            if name not in known:
                close = get_close_matches(name, known, n=3)
                why = f"did you mean {' or '.join(close)}?" if close else ""
                why = why or f"the store holds {', '.join(known)}"
                raise StoreError(f"no results on '{name}'", why=why)
        chosen = [
            each for each in boards if not self.datasets or each.test_dataset in self.datasets
        ]
        return [self._of_models(board) for board in chosen] if self.models else chosen

    @property
    def rows(self) -> list[Row]:
        """The rows that succeeded, board by board."""
        return [row for board in self.all for row in board.rows if row.state is State.OK]

    def _of_models(self, board: Board) -> Board:
        rows = tuple(row for row in board.rows if self.has_model(row.model))
        return msgspec.structs.replace(board, rows=rows)

    def has_model(self, name: str) -> bool:
        """Whether a model of this name is asked for."""
        return not self.models or any(fnmatchcase(name, each) for each in self.models)

    def has_dataset(self, name: str) -> bool:
        """Whether a test dataset of this name is asked for."""
        return not self.datasets or name in self.datasets


def open_store(explicit: Path | None) -> Store:
    """Return the store to read.

    Raises
    ------
    StoreError
        If there is none, or nothing in it.
    """
    store = store_of(explicit, read_config(find_config()))
    if not store.trials.is_dir() and not store.evaluations.is_dir():
        why = "it holds no records" if store.root.is_dir() else "there is no such folder"
        raise StoreError(f"store {store.root}", why=why, fix="try bench run --all")
    return store
