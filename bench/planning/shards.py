"""One plan in several shares, which runs without a word between them do: ``--shard 3/16``."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from bench.planning.grid import Cell

__all__ = ["Shard", "in_shard", "parse_shard"]

_SHARDS_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Share `number` of `of`, counted from 1."""

    number: int
    of: int


def parse_shard(text: str) -> Shard:
    """Read ``3/16``.

    Raises
    ------
    BenchError
        If it is no such share.
    """
    number, slash, of = text.partition("/")
    if not slash or not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit()):
        raise BenchError(f"--shard {text}", why="it is a share of the plan such as 3/16")
    if not 1 <= int(number) <= int(of) <= _SHARDS_MAX:
        raise BenchError(f"--shard {text}", why=f"shares are numbered from 1 to {of[:6]}")
    return Shard(number=int(number), of=int(of))


def in_shard(cells: Sequence[Cell], shard: Shard) -> list[Cell]:
    """Return the cells of one share; those that are no trials are in every one.

    The cut follows from what the trials are, not from what is stored or how the code reads today,
    so that runs at different times agree. Seeds of one model go to different shares, which hence
    take about as long. What follows from a trial, like folds of ``--fine-tune``, stays with it.
    """
    trials = [cell for cell in cells if cell.trial_id]
    order = sorted(range(len(trials)), key=lambda place: _key(trials[place]))
    chosen = {id(trials[place]) for place in order[shard.number - 1 :: shard.of]}
    return [cell for cell in cells if not cell.trial_id or id(cell) in chosen]


def _key(cell: Cell) -> tuple[str, str, str, int]:
    return cell.model, cell.train_dataset, cell.variant.words, cell.seed or 0
