"""The boards of one store that a view asks for: chosen, scored, and found by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.board.find import Named, chosen
from bench.board.leaderboard import leaderboards
from bench.board.rows import Board, Row
from bench.config import find_config, read_config
from bench.errors import StoreError
from bench.store.layout import Store
from bench.store.record import State
from bench.store.remote import readable_store

__all__ = ["Boards", "open_store"]

_Row = TypeVar("_Row", bound=Named)


@dataclass(frozen=True, kw_only=True)
class Boards:
    """A store, and which of its boards and rows are asked for.

    ``datasets`` are test datasets or ``TRAIN:TEST``, ``models`` names, rows' names or trials' ids,
    both also globs; empty ones choose everything.
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
            If nothing fits a dataset or a model.
        """
        boards = leaderboards(self.store, exclude_duplicates=self.exclude_duplicates)
        if not self.datasets and not self.models:
            return boards
        kept = {id(row) for row in self.chosen(row for board in boards for row in board.rows)}
        fitting = [
            msgspec.structs.replace(board, rows=tuple(r for r in board.rows if id(r) in kept))
            for board in boards
        ]
        return [board for board in fitting if board.rows]

    @property
    def rows(self) -> list[Row]:
        """The rows that succeeded, board by board."""
        return [row for board in self.all for row in board.rows if row.state is State.OK]

    def chosen(self, rows: Iterable[_Row]) -> list[_Row]:
        """Return those of some rows, or of scores, that are asked for."""
        return chosen(rows, models=self.models, datasets=self.datasets)


def open_store(explicit: Path | None) -> Store:
    """Return the store to read.

    Raises
    ------
    StoreError
        If there is none, or nothing in it.
    """
    store, place = readable_store(explicit, read_config(find_config()))
    if not store.trials.is_dir() and not store.evaluations.is_dir():
        why = "it holds no records" if store.root.is_dir() else "there is no such folder"
        raise StoreError(f"store {place}", why=why, fix="try bench run --all")
    return store
