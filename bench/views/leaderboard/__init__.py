"""The leaderboard of each test split: rows over seeds, ranked; people's digits below it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from bench.board.boards import Boards
from bench.board.rows import Board, Row, row_as_dict
from bench.errors import OptionError
from bench.render.field_table import Table, shown
from bench.render.people import people_lines
from bench.store.fields import LEADERBOARD_FIELDS
from bench.store.layout import Store
from bench.views import Screen, View, flag
from bench.views.leaderboard.drawing import board_view, closing_lines

__all__ = ["VIEW", "Leaderboards", "draw_boards"]

_SEEDS: Final = Table(
    columns=(
        shown("label", wraps_at=24),
        shown("test_dataset"),
        shown("train_dataset"),
        shown("accuracy"),
        shown("macro_f1", keep=1),
        shown("fit_seconds", keep=2),
        shown("trials", heading="trial", keep=3),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much of the boards."""

    all_rows: bool = flag("--all-rows", meaning="Every row, not only the best.")
    per_seed: bool = flag("--per-seed", meaning="A row an evaluation, not one over the seeds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboards:
    """The boards of a store; ``seeds`` holds a row an evaluation where these were asked for."""

    store: Store
    boards: tuple[Board, ...]
    seeds: tuple[Row, ...] | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the table."""
        return tuple(r for b in self.boards for r in b.rows) if self.seeds is None else self.seeds


def compute(boards: Boards, options: Options) -> Leaderboards:
    """Return the boards asked for."""
    if options.per_seed and boards.exclude_duplicates:
        raise OptionError(
            "--per-seed and --exclude-duplicates",
            why="images are left out for all rows of a board",
            fix="leave one out",
        )
    found = tuple(boards.all)
    seeds = None
    if options.per_seed:
        from bench.board.building import per_seed

        rows = per_seed(boards.store, test_datasets={board.test_dataset for board in found})
        seeds = tuple(boards.chosen(rows))
    return Leaderboards(store=boards.store, boards=found, seeds=seeds)


def draw(value: Leaderboards, options: Options, screen: Screen) -> Iterator[RenderableType]:
    """Yield the boards, each with its part for people, and the closing lines."""
    if value.seeds is None:
        yield from draw_boards(value, screen, all_rows=options.all_rows)
        yield from map(Text, closing_lines(value.boards))
    else:
        yield from _SEEDS.lay_out(value.seeds, screen.width)


def draw_boards(
    value: Leaderboards, screen: Screen, *, all_rows: bool = False, brief: bool = False
) -> Iterator[RenderableType]:
    """Yield the boards, each with its part for people; `brief`: of what ships that part alone."""
    for board in value.boards:
        is_brief = brief and bool(board.test_embedded)
        lines = people_lines(board, board.people, screen.width, all_rows=all_rows, brief=is_brief)
        if not (is_brief and lines):
            yield board_view(board, screen.width, all_rows=all_rows)
            if lines:
                yield Text()
        yield from lines
        yield Text()


def rows_of(value: Leaderboards) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table."""
    yield from map(row_as_dict, value.rows)


VIEW = View(
    name="leaderboard",
    summary="Show the leaderboard of each test split.",
    about="For example:\n  bench show leaderboard -d digits-uci --csv",
    takes=("dataset", "model", "exclude_duplicates"),
    options=Options,
    compute=compute,
    columns=LEADERBOARD_FIELDS,
    rows=rows_of,
    draw=draw,
)
