"""One model by class: table, confusions, learning curve, calibration, people, misread photos."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from bench.board.boards import Boards
from bench.board.find import find_row
from bench.board.people import people_of
from bench.board.rows import Board, PersonReading, Row
from bench.board.views import RowReport, abstaining, row_report
from bench.render.abstention import abstention_line
from bench.render.field_table import record_of
from bench.render.people import people_lines, person_lines
from bench.scoring.abstention import Abstention
from bench.store.fields import REPORT_FIELDS
from bench.store.layout import Store
from bench.views import Screen, View, argument, flag, option
from bench.views.report import classes as render

# The other parts are imported where they are computed: after a run only the classes are shown.
if TYPE_CHECKING:
    from bench.views.report.calibration import RowCalibration
    from bench.views.report.intervals import RowInterval
    from bench.views.report.misread import Misread

__all__ = ["VIEW", "Report", "draw_misread"]

_MISREAD_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which row, and how much of it."""

    model: str = argument(
        "MODEL", "A model, its row as the leaderboard shows it, or how a trial's id begins."
    )
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
    confusions: bool = flag(
        "--confusions",
        meaning="Each class read as another, how often; with --csv the whole matrix.",
    )
    show_all: bool = flag(
        "--all", meaning="Every class, person and misread photo, not only the first."
    )


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything about one row, each part computed when it is asked for."""

    store: Store
    board: Board
    row: Row
    abstain_below: float = 0.0
    is_of_confusions: bool = False  # the rows of its table are those of the confusion matrix

    @cached_property
    def classes(self) -> RowReport:
        """The report by class, the confusions and the histories."""
        return row_report(self.store, self.row)

    @cached_property
    def intervals(self) -> "Sequence[RowInterval]":
        """The intervals of accuracy and macro F1."""
        from bench.views.report.intervals import row_intervals

        return row_intervals(self.store, self.row)

    @cached_property
    def calibration(self) -> "RowCalibration | str":
        """The reliability of the probabilities, or why there is none."""
        from bench.views.report.calibration import row_calibration

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
    def misread(self) -> "Misread | None":
        """The images read wrong; on labelled boards of own folders."""
        if not self.board.evaluation_only or not self.row.labelled:
            return None
        from bench.loading.pixels import cached_pixels
        from bench.views.report.misread import misread_images

        return misread_images(self.store, self.board, self.row, cached_pixels)


def compute(boards: Boards, options: Options) -> Report:
    """Return the report of the row named by model, pairing and variant."""
    row = find_row(boards.rows, options.model, options.pairing, options.variant)
    board = next(board for board in boards.all if row in board.rows)
    return Report(
        store=boards.store,
        board=board,
        row=row,
        abstain_below=options.abstain_below,
        is_of_confusions=options.confusions,
    )


def draw(value: Report, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield every part that there is."""
    from bench.views.report.calibration import calibration_lines
    from bench.views.report.intervals import interval_lines

    width, found, row = screen.width, value.classes, value.row
    if options.confusions:
        yield from render.all_confusion_lines(row, found, width)
        return
    limit = None if options.show_all else render.CLASSES_SHOWN
    yield from render.report_lines(row, found.report, found.confusions, width, limit=limit)
    intervals = list(interval_lines(value.intervals, width))
    if intervals:
        yield Text()
        yield from intervals
    rank = render.rank_line(row, len(value.board.ranked))
    if rank:
        yield Text(rank)
    if value.abstain_below:
        yield abstention_line(value.abstention, value.abstain_below)
    yield Text()
    yield from render.worst_lines(found.confusions)
    yield from render.confusion_lines(
        found.matrix, found.classes, width, elsewhere=render.command_for(row)
    )
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
    from bench.views.report.misread import misread_lines

    more = f"{render.command_for(value.row)} --all"
    yield from misread_lines(
        value.misread, screen.width, limit=limit, more=more, colour=screen.has_colour
    )


def columns_of(value: Report) -> Sequence[str]:
    """Return the columns of the classes, or those of the confusions where these were asked for."""
    return render.CONFUSION_COLUMNS if value.is_of_confusions else VIEW.columns


def rows_of(value: Report) -> Iterator[dict[str, Any]]:
    """Yield the classes and the averages, under scikit-learn's names; or the confusion matrix."""
    if value.is_of_confusions:
        yield from render.confusion_records(value.classes)
    else:
        yield from render.report_records(value.classes.report)


def document(value: Report) -> dict[str, Any]:
    """Return scikit-learn's dictionary, and beside it all else that the screen shows."""
    from bench.views.report.calibration import calibration_as_dict
    from bench.views.report.intervals import interval_as_dict

    found, row = value.classes, value.row
    matrix = found.matrix.tolist()
    names = record_of(
        row,
        columns=(
            *("model", "variant", "train_dataset", "test_dataset", "seeds"),
            *("rank", "rank_low", "rank_high", "first_in_halves"),
        ),
    )
    told = {
        "report": found.report.as_dict(),
        "confusion": {
            "truth": found.classes,
            "predicted": render.columns_of(found.matrix, found.classes),
            "counts": matrix,
        },
        "intervals": [interval_as_dict(each) for each in value.intervals],
        "people": [_person_as_dict(each) for each in value.people],
        "calibration": calibration_as_dict(value.calibration),
        "misread": [] if value.misread is None else list(map(asdict, value.misread.images)),
        "histories": [[asdict(epoch) for epoch in epochs] for epochs in found.histories],
    }
    return names | told | _abstention(value)


def _abstention(value: Report) -> dict[str, Any]:
    if not value.abstain_below:
        return {}
    found = value.abstention
    told = {"reason": found} if isinstance(found, str) else asdict(found)
    return {"abstention": {"threshold": value.abstain_below} | told}


def _person_as_dict(person: PersonReading) -> dict[str, Any]:
    return asdict(person) | {"right": person.right, "is_right": person.is_right}


VIEW = View(
    name="report",
    summary="Show one model by class: table, confusions, learning curve, people, misread photos.",
    about="For example:\n  bench show report cnn-mnist-wide mnist:usps",
    takes=("exclude_duplicates",),
    options=Options,
    compute=compute,
    columns=render.REPORT_COLUMNS,
    fields=REPORT_FIELDS,
    columns_of=columns_of,
    rows=rows_of,
    document=document,
    draw=draw,
)
