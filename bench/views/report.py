"""One model by class: table, confusions, learning curve, calibration, people, misread photos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from rich.text import Text

from bench.board.boards import Boards
from bench.board.calibration import RowCalibration, row_calibration
from bench.board.intervals import RowInterval, row_intervals
from bench.board.misread import Misread, misread_images
from bench.board.rows import Board, Row
from bench.board.views import PersonReading, RowReport, abstaining, find_row, people_of, row_report
from bench.loading.pixels import cached_pixels
from bench.render import report as render
from bench.render.calibration import calibration_lines
from bench.render.hints import prog
from bench.render.intervals import interval_lines
from bench.render.misread import misread_lines
from bench.render.people import people_lines, person_lines
from bench.scoring.abstention import Abstention
from bench.store.layout import Store
from bench.views import Screen, View, argument, flag, option

__all__ = ["VIEW", "Report", "draw_misread"]

_MISREAD_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which row, and how much of it."""

    model: str = argument("MODEL", "A model's name, or how a trial's id begins.")
    pairing: str = argument("[TRAIN:TEST]", "The datasets, where there are several.", default="")
    variant: str = option(
        "--variant", metavar="TEXT", meaning="What the row's variant contains.", default=""
    )
    abstain_below: float = option(
        "--abstain-below",
        metavar="P",
        meaning="Also say what is left where a model may abstain below this probability.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
    )
    show_all: bool = flag("--all", meaning="Every person and misread photo, not only the first.")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything about one row, each part computed when it is asked for."""

    store: Store
    board: Board
    row: Row
    abstain_below: float = 0.0

    @cached_property
    def classes(self) -> RowReport:
        """The report by class, the confusions and the histories."""
        return row_report(self.store, self.row)

    @cached_property
    def intervals(self) -> Sequence[RowInterval]:
        """The intervals of accuracy and macro F1."""
        return row_intervals(self.store, self.row)

    @cached_property
    def calibration(self) -> RowCalibration | str:
        """The reliability of the probabilities, or why there is none."""
        return row_calibration(self.store, self.row)

    @cached_property
    def abstention(self) -> Abstention | str:
        """What is answered where the model may abstain, or why that cannot be said."""
        return abstaining(self.store, self.row, self.abstain_below)

    @cached_property
    def people(self) -> Sequence[PersonReading]:
        """How each person's digits were read; on boards of own folders."""
        return people_of(self.store, self.row) if self.board.evaluation_only else ()

    @cached_property
    def misread(self) -> Misread | None:
        """The images read wrong; on labelled boards of own folders."""
        if not self.board.evaluation_only or not self.row.labelled:
            return None
        return misread_images(self.store, self.board, self.row, cached_pixels)


def compute(boards: Boards, options: Options) -> Report:
    """Return the report of the row named by model, pairing and variant."""
    row = find_row(boards.all, options.model, options.pairing, options.variant)
    board = next(board for board in boards.all if row in board.rows)
    return Report(store=boards.store, board=board, row=row, abstain_below=options.abstain_below)


def draw(value: Report, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield every part that there is."""
    width, found, row = screen.width, value.classes, value.row
    yield from render.report_lines(row, found.report, found.confusions, width)
    intervals = list(interval_lines(value.intervals, width))
    if intervals:
        yield Text()
        yield from intervals
    if value.abstain_below:
        yield render.abstention_line(value.abstention, value.abstain_below)
    yield Text()
    yield from render.worst_lines(found.confusions)
    yield from render.confusion_lines(found.matrix, found.classes, width)
    people = people_lines(value.board, {row.evaluations[0]: value.people}, width)
    for part in (
        render.history_lines(found.histories, width),
        list(calibration_lines(value.calibration, width)),
        people,
        person_lines(value.people, width, all_persons=options.show_all),
    ):
        if part:
            yield Text()
            yield from part
    if value.board.evaluation_only:
        yield Text()
    yield from draw_misread(value, screen, limit=0 if options.show_all else _MISREAD_SHOWN)


def draw_misread(value: Report, screen: Screen, *, limit: int) -> Iterator[Text]:
    """Yield what a row misread of an own folder, at most `limit` images (0: all), as pictures."""
    if value.misread is None:
        return
    row = value.row
    more = f"{prog()} show report {row.model} {row.train_dataset}:{row.test_dataset} --all"
    yield from misread_lines(
        value.misread, screen.width, limit=limit, more=more, colour=screen.has_colour
    )


def rows_of(value: Report) -> Iterator[dict[str, Any]]:
    """Yield the classes and the averages, under scikit-learn's names."""
    yield from render.report_records(value.classes.report)


def document(value: Report) -> dict[str, Any]:
    """Return scikit-learn's dictionary of the report."""
    return value.classes.report.as_dict()


VIEW = View(
    name="report",
    summary="Show one model by class: table, confusions, learning curve, people, misread photos.",
    about="For example:\n  bench show report cnn-mnist-wide mnist:usps",
    takes=("exclude_duplicates",),
    options=Options,
    compute=compute,
    columns=render.REPORT_COLUMNS,
    rows=rows_of,
    document=document,
    draw=draw,
)
