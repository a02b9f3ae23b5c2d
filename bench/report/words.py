"""The report's answer in words: which model leads where, by how much, what is real, what is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.board.rows import Board, Row
from bench.store.formats import count, points
from bench.store.record import State

__all__ = ["Sentence", "describe", "headline", "lead_of", "ranked_rows"]

_NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is said of one board; `strong` is the part of it that the eye should find."""

    before: str
    strong: str
    after: str


def number(n: int, what: str = "") -> str:
    """Return a small number as a word, with what it counts."""
    word = _NUMBERS[n] if n < len(_NUMBERS) else count(n)
    return f"{word} {what}{'s' * (n != 1)}" if what else word


def ranked_rows(board: Board) -> list[Row]:
    """Return the rows that have a rank, best first."""
    return [row for row in board.rows if row.rank_low is not None and row.accuracy is not None]


def lead_of(board: Board) -> list[Row]:
    """Return the rows that may be first."""
    return [row for row in ranked_rows(board) if row.rank_low == 1]


def headline(boards: Sequence[Board]) -> str:
    """Return the finding of all boards in one line."""
    led = [lead_of(board) for board in boards if len(ranked_rows(board)) > 1]
    if not led:
        tried = sum(len(ranked_rows(board)) for board in boards)
        return "One model, measured" if tried == 1 else "What was measured"
    sure = {rows[0].model for rows in led if len(rows) == 1}
    n_sure = sum(len(rows) == 1 for rows in led)
    if n_sure == 0:
        return "Nothing separates the first models yet"
    if len(led) == 1:
        return f"{next(iter(sure))} is clearly first"
    if len(sure) == 1 and n_sure == len(led):
        return f"{next(iter(sure))} leads on every dataset"
    if len(sure) == 1:
        return f"{next(iter(sure))} is the only clear leader"
    if n_sure == len(led) == len(sure):
        return "Each kind of digits has its own best reader"
    return f"{number(len(sure)).capitalize()} models lead clearly, each on its own digits"


def describe(boards: Sequence[Board]) -> Iterator[Sentence]:
    """Yield a sentence a board; boards without a labelled row have none."""
    for board in boards:
        rows = ranked_rows(board)
        if rows:
            yield _sentence(board, rows)


def _sentence(board: Board, rows: Sequence[Row]) -> Sentence:
    name, first = board.test_dataset, rows[0]
    reads = f"reads {_percent(first)} of {count(board.n_test)} images right"
    if len(rows) == 1:
        return Sentence(
            before=f"On {name}, ", strong=first.label, after=f" {reads}; nothing stands beside it."
        )
    lead = lead_of(board)
    if len(lead) == 1:
        gap = points((first.accuracy or 0) - (rows[1].accuracy or 0)).lstrip("+")
        after = f" is clearly first: it {reads}, {gap} points more than {rows[1].label}."
        if not board.is_of_recipes:
            after = (
                after[:-1] + " (of these trained models; more seeds would speak of training again)."
            )
        return Sentence(before=f"On {name}, ", strong=first.label, after=after)
    what = number(len(lead))
    why = _why(board)
    after = f": {first.label} {reads}, the others not surely fewer{why}."
    return Sentence(
        before=f"On {name}, ", strong=f"nothing separates the first {what}", after=after
    )


def _percent(row: Row) -> str:
    value = 100 * (row.accuracy or 0)
    # Only a perfect one may read 100.
    return (
        "100\N{NO-BREAK SPACE}%" if value == 100 else f"{min(value, 99.9):.1f}\N{NO-BREAK SPACE}%"
    )


def _why(board: Board) -> str:
    needed = []
    if board.more_images:
        needed.append(f"about {count(board.more_images)} test images")
    if board.more_seeds:
        needed.append(f"{count(board.more_seeds)} seeds")
    if needed:
        return f"; {' or '.join(needed)} would separate the first two"
    if not board.inseparable:
        return ""
    return f"; neither more seeds nor more images would separate the first two: {board.inseparable}"


def failures(boards: Sequence[Board]) -> list[Row]:
    """Return the rows of trials that did not succeed."""
    return [row for board in boards for row in board.rows if row.state is not State.OK]
