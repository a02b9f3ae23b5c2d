"""A row's classification report, confusion matrix and learning curve, as a person reads them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.text import Text

from bench.board.rows import Row
from bench.board.views import RowReport
from bench.render.console import clean, plain
from bench.render.curve import curve_lines
from bench.render.hints import prog
from bench.render.table import Column, Line, lay_out
from bench.scoring.halves import HALVES
from bench.scoring.report import NOT_READ, ClassificationReport, ClassLine, Confusion
from bench.spec import Epoch
from bench.store.fields import REPORT_FIELDS
from bench.store.formats import count, share

__all__ = [
    "CLASSES_SHOWN",
    "CONFUSION_COLUMNS",
    "REPORT_COLUMNS",
    "all_confusion_lines",
    "columns_of",
    "command_for",
    "confusion_lines",
    "confusion_records",
    "history_lines",
    "rank_line",
    "report_lines",
    "report_records",
    "worst_lines",
]

REPORT_COLUMNS: Final = tuple(REPORT_FIELDS)

CLASSES_SHOWN: Final = 30
CONFUSION_COLUMNS: Final = ("truth", "predicted", "count")
_NAMED: Final = 12
_CONFUSIONS_SHOWN: Final = 6
_CLASSES_ACROSS: Final = 12
_MATRIX_CLASSES: Final = 20  # a larger matrix is no longer read, only searched
_COLUMNS: Final = (
    Column(name="name", heading="class", align="left"),
    Column(name="precision", heading="precision"),
    Column(name="recall", heading="recall"),
    Column(name="f1", heading="F1"),
    Column(name="support", heading="support"),
    Column(name="remark", heading="", align="left", keep=1, wraps_at=24),
)


def rank_line(row: Row, n_ranked: int) -> str:
    """Return the places the row may hold on its board, and how steadily it leads; "" unranked."""
    if row.rank_low is None or n_ranked < 2:
        return ""
    best = f", the best of {row.best_of} of its kind" if row.best_of else ""
    steady = "" if row.first_in_halves is None else f"; first in {row.first_in_halves} of {HALVES}"
    return f"rank {row.rank} of {n_ranked}{best}{steady and f'{steady} halves of the test set'}"


def title(row: Row) -> Text:
    """Return ``svm-ovo on digits-uci``, with the training dataset where it is another."""
    text = plain(row.label, "heading").append(f" on {clean(row.test_dataset)}", "heading")
    if row.train_dataset != row.test_dataset:
        text.append(f" · trained on {clean(row.train_dataset)}")
    if row.seeds > 1:
        text.append(f" · {row.seeds} seeds, their images counted together")
    return text


def report_lines(
    row: Row,
    report: ClassificationReport,
    confusions: Sequence[Confusion],
    width: int,
    *,
    brief: bool = False,
    limit: int | None = CLASSES_SHOWN,
) -> list[Text]:
    """Return the per-class table with its averages.

    Parameters
    ----------
    brief : bool
        Give each class a column where they fit, and name a confusion only of the classes that are
        read worst.
    limit : int or None
        Of more classes than that only those read worst; None: every one.
    """
    if brief and _fits_across(report, width):
        return [*_across(row, report, confusions, width), *_never_predicted(report)]
    worst = _remarks(report, confusions, brief=brief)
    shown = report.classes
    if limit is not None and len(shown) > limit:
        shown = tuple(sorted(shown, key=lambda line: (line.support == 0, line.f1)))[:limit]
    lines = [_class_line(line, worst.get(line.name, "")) for line in shown]
    lines.append(
        Line(
            cells={
                "name": Text("accuracy"),
                "f1": Text(share(report.accuracy)),
                "support": Text(count(report.support)),
            }
        )
    )
    averages = [report.macro] if brief else [report.macro, report.weighted]
    lines += [_class_line(line, "") for line in averages]
    texts = [title(row), *lay_out(_COLUMNS, lines, width, indent=1)]
    rest = len(report.classes) - len(shown)
    if rest:
        texts.append(
            Text(f" the {len(shown)} classes read worst; {rest} more: {command_for(row)} --all")
        )
    return [*texts, *_never_predicted(report, limit)]


def _fits_across(report: ClassificationReport, width: int) -> bool:
    names = [clean(line.name) for line in report.classes]
    return len(names) <= _CLASSES_ACROSS and 12 + sum(max(len(n), 5) + 2 for n in names) <= width


def _across(
    row: Row, report: ClassificationReport, confusions: Sequence[Confusion], width: int
) -> list[Text]:
    """Return the table with a column for each class, and the worst confusions below."""
    names = {str(index): line for index, line in enumerate(report.classes)}
    columns = [Column(name="of", heading="class", align="left")]
    columns += [Column(name=key, heading=clean(line.name)) for key, line in names.items()]

    def line_of(heading: str, figure: Callable[[ClassLine], str]) -> Line:
        return Line(
            cells={"of": Text(heading)} | {key: Text(figure(line)) for key, line in names.items()}
        )

    lines = [
        line_of("precision", lambda line: share(line.precision)),
        line_of("recall", lambda line: share(line.recall)),
        line_of("F1", lambda line: share(line.f1)),
        line_of("support", lambda line: count(line.support)),
    ]
    heading = title(row).append(
        f" · accuracy {share(report.accuracy)} · macro F1 {share(report.macro.f1)}"
    )
    worst = _remarks(report, confusions, brief=True)
    said = "; ".join(f"{clean(name)} {clean(remark)}" for name, remark in worst.items())
    return [
        heading,
        *lay_out(columns, lines, width, indent=1),
        *([Text(f" {said}")] if said else []),
    ]


def _never_predicted(report: ClassificationReport, limit: int | None = None) -> list[Text]:
    texts: list[Text] = []
    unread = [c.name for c in report.classes if c.is_never_predicted and c.support]
    if unread:
        more = len(unread) - _NAMED if limit is not None else 0
        named = unread[:_NAMED] if more > 0 else unread
        names = ", ".join(map(clean, named)) + (f" and {more} more" if more > 0 else "")
        texts.append(
            Text(
                f"Never predicted: {names}. Precision is then undefined and counts as 0 in the "
                "averages."
            )
        )
    return texts


def command_for(row: Row) -> str:
    """Return what to type for this row's report."""
    datasets = dict.fromkeys((row.train_dataset, row.test_dataset))
    name = f"'{clean(row.label)}'" if row.variant else clean(row.model)
    return f"{prog()} show report {name} {clean(':'.join(datasets))}"


def _class_line(line: ClassLine, remark: str) -> Line:
    style = "warn" if line.is_never_predicted else ""
    note = "never predicted" if line.is_never_predicted and line.support else line.remark
    return Line(
        cells={
            "name": plain(line.name),
            "precision": Text(share(line.precision), style=style),
            "recall": Text(share(line.recall)),
            "f1": Text(share(line.f1)),
            "support": Text(count(line.support)),
            "remark": Text(clean("; ".join(filter(None, (note, remark))))),
        }
    )


def _remarks(
    report: ClassificationReport, confusions: Sequence[Confusion], *, brief: bool
) -> dict[str, str]:
    """Return for each class what it is most often read as."""
    support = {line.name: line.support for line in report.classes}
    recalls = sorted(line.recall for line in report.classes if line.support)
    limit = recalls[min(2, len(recalls) - 1)] if brief and recalls else 1.0
    recall = {line.name: line.recall for line in report.classes}
    remarks: dict[str, str] = {}
    for pair in confusions:
        if pair.true not in remarks and recall[pair.true] <= limit:
            remarks[pair.true] = (
                f"most often read as {pair.predicted} ({count(pair.count)} of "
                f"{count(support[pair.true])})"
            )
    return remarks


def worst_lines(confusions: Sequence[Confusion]) -> list[Text]:
    """Return the worst confusions in words."""
    if not confusions:
        return [Text("No image was read wrong.")]
    shown = " · ".join(clean(str(pair)) for pair in confusions[:_CONFUSIONS_SHOWN])
    return [Text(f"Worst confusions: {shown}")]


def columns_of(matrix: npt.NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    """Return what the columns of a confusion matrix stand for."""
    return (*classes, NOT_READ)[: matrix.shape[1]]


def confusion_records(found: RowReport) -> Iterator[dict[str, object]]:
    """Yield the cells of the confusion matrix that hold an image, the right ones too."""
    columns = columns_of(found.matrix, found.classes)
    for i, j in zip(*np.nonzero(found.matrix), strict=True):
        counted = int(found.matrix[i, j])
        yield {"truth": found.classes[i], "predicted": columns[j], "count": counted}


def all_confusion_lines(row: Row, found: RowReport, width: int) -> list[Text]:
    """Return a line for each class read as another, the most frequent first."""
    if not found.confusions:
        return [title(row), *worst_lines(found.confusions)]
    columns = (
        Column(name="true", heading="truth", align="left"),
        Column(name="predicted", heading="read as", align="left"),
        Column(name="count", heading="images"),
        Column(name="share", heading="of the truth's"),
    )
    lines = [
        Line(
            cells={
                "true": plain(each.true),
                "predicted": plain(each.predicted),
                "count": Text(count(each.count)),
                "share": Text(share(each.share)),
            }
        )
        for each in found.confusions
    ]
    return [title(row), *lay_out(columns, lines, width, indent=1)]


def confusion_lines(
    matrix: npt.NDArray[np.int64], classes: Sequence[str], width: int, *, elsewhere: str = ""
) -> list[Text]:
    """Return the confusion matrix: rows are the truth, columns what was read.

    Parameters
    ----------
    matrix : ndarray of shape (n_classes, n_classes), int64, or one column wider
        The last column more counts what was not read.
    elsewhere : str
        What to type for one that the screen cannot hold, or an eye.
    """
    columns = columns_of(matrix, classes)
    cell = max(3, len(count(int(matrix.max()))), *(len(name) for name in columns)) + 1
    first = max(5, *(len(clean(name)) for name in classes))
    if len(classes) > _MATRIX_CLASSES or first + 1 + cell * len(columns) > width:
        where = f": {elsewhere} --confusions; whole with --csv or --json" * bool(elsewhere)
        what = f"The confusion matrix of {len(classes)} classes needs a wider screen"
        return [Text(f"{what}{where}.")]
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    heading = Text(" truth".ljust(first + 2), style="heading")
    heading.append("".join(clean(name).rjust(cell) for name in columns))
    heading.append("  read as" + f" ({NOT_READ}: not read)" * (len(columns) > len(classes)))
    texts = [heading]
    for index, name in enumerate(classes):
        text = Text(" " + clean(name).ljust(first + 1))
        for column in range(len(columns)):
            text.append_text(_heat(int(matrix[index, column]), index == column, wrong, cell))
        texts.append(text)
    return texts


def _heat(value: int, is_diagonal: bool, wrong: npt.NDArray[np.int64], width: int) -> Text:
    """Return one count: right ones bold, errors in red, the worst ones reversed."""
    if value == 0:
        return Text("·".rjust(width))
    if is_diagonal:
        return Text(f"{value:,}".rjust(width), style="bold")
    digits = f"{value:,}"
    text = Text(" " * (width - len(digits)))
    is_worst = value > 1 and value * 2 >= int(wrong.max())
    return text.append(digits, style="reverse" if is_worst else "bad")


def history_lines(histories: Sequence[Sequence[Epoch]], width: int) -> list[Text]:
    """Return the learning curve of the first seed that kept one, and where it is best."""
    history = next((epochs for epochs in histories if epochs), None)
    return curve_lines(history, width) if history else []


def report_records(report: ClassificationReport) -> list[dict[str, object]]:
    """Return the report as rows, with scikit-learn's names."""
    lines = (*report.classes, report.macro, report.weighted)
    rows: list[dict[str, object]] = [
        {
            "class": line.name,
            "precision": line.precision,
            "recall": line.recall,
            "f1-score": line.f1,
            "support": line.support,
        }
        for line in lines
    ]
    whole = {"class": "accuracy", "f1-score": report.accuracy, "support": report.support}
    return [*rows[:-2], whole, *rows[-2:]]
