"""Boards and trials for a notebook: a value to work with, which draws itself as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from bench.board.boards import Boards, open_store
from bench.board.rows import Board, Row, row_as_dict
from bench.render.console import clean
from bench.report.columns import BOARD, names_of
from bench.report.content import BoardPart, board_parts
from bench.store.fields import FIELDS, LEADERBOARD_FIELDS, format_value
from bench.store.formats import share
from bench.store.record import State
from bench.views import get_view
from bench.views.trial import Trial

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["BoardView", "TrialView", "load_boards", "load_trial"]


@dataclass(frozen=True, kw_only=True)
class BoardView:
    """One leaderboard: its rows as a frame, its figures, and HTML where a notebook shows it."""

    part: BoardPart

    @property
    def board(self) -> Board:
        """The board as the harness keeps it."""
        return self.part.board

    @property
    def rows(self) -> "pd.DataFrame":
        """Its rows under the stable columns."""
        import pandas as pd

        return pd.DataFrame(map(row_as_dict, self.board.rows), columns=list(LEADERBOARD_FIELDS))

    def figure(self) -> "Figure":
        """Return its accuracies with their intervals, as a figure of matplotlib's."""
        from bench.report.figures import board_figure

        return board_figure(self.part)

    def confusion_figure(self) -> "Figure":
        """Return the confusions of its first row, as a figure of matplotlib's."""
        from bench.report.figures import confusion_figure

        return confusion_figure(self.part)

    def confusions(self, model: str) -> npt.NDArray[np.int64]:
        """Return a model's confusion matrix, (n_classes, n_classes), over its seeds.

        Raises
        ------
        KeyError
            If no row of that name has labels.
        """
        found = {report.row.label: report for report in self.part.reports.values()}
        return found[model].classes.matrix

    def _repr_html_(self) -> str:
        columns = names_of(BOARD)
        heads = ["rank", "model", "accuracy", *(FIELDS[name].heading for name in columns)]
        body = [self._cells(row, columns) for row in self.board.rows]
        caption = f"{clean(self.board.test_dataset)} · {self.board.n_test:,} test images"
        return str(_table(caption, heads, body))

    def _cells(self, row: Row, columns: Sequence[str]) -> list[str]:
        label = clean(row.label)
        if row.train_dataset != self.board.test_dataset:
            label += f" ← {clean(row.train_dataset)}"
        if row.state is not State.OK:
            return ["–", label, f"{row.state}: {clean(row.reason)}", *[""] * len(columns)]
        accuracy = "–" if row.accuracy is None else share(row.accuracy)
        if row.accuracy_low is not None and row.accuracy_high is not None:
            accuracy += f" [{share(row.accuracy_low)}, {share(row.accuracy_high)}]"
        figures = [format_value(name, getattr(row, name)) for name in columns]
        return [row.rank or "–", label, accuracy, *figures]


@dataclass(frozen=True, kw_only=True)
class TrialView:
    """One trial: all that ``bench show trial`` knows, and HTML where a notebook shows it."""

    trial: Trial

    def _repr_html_(self) -> str:
        view = get_view("trial")
        (record,) = view.records(self.trial)[:1]
        told = {name: value for name, value in record.items() if value not in (None, "", {}, [])}
        body = [[name, format_value(name, value)] for name, value in told.items()]
        caption = f"{clean(self.trial.record.model)} · {self.trial.record.trial_id}"
        return str(_table(caption, ["field", "value"], [list(map(clean, line)) for line in body]))


def _table(caption: str, heads: Sequence[str], body: Sequence[Sequence[str]]) -> Markup:
    def line(kind: str, cells: Sequence[str]) -> Markup:
        inside = Markup("").join(Markup(f"<{kind}>{{}}</{kind}>").format(cell) for cell in cells)
        return Markup("<tr>{}</tr>").format(inside)

    return Markup("<table><caption>{}</caption><thead>{}</thead><tbody>{}</tbody></table>").format(
        caption, line("th", heads), Markup("").join(line("td", cells) for cells in body)
    )


def load_boards(
    store: str | Path | None = None, *, datasets: Sequence[str] = (), models: Sequence[str] = ()
) -> list[BoardView]:
    """Return a store's leaderboards, each of which draws itself in a notebook.

    Parameters
    ----------
    store : str, Path or None
        Its folder (default: ``BENCH_STORE``, ``bench.toml``, ``./results/local``).
    datasets, models : sequence of str
        Only these test datasets, and models of these names and globs.

    Raises
    ------
    StoreError
        If there is no such store, or no board of that name in it.
    """
    place = open_store(Path(store) if store else None)
    boards = Boards(store=place, datasets=datasets, models=models)
    return [BoardView(part=part) for part in board_parts(boards)]


def load_trial(trial_id: str, store: str | Path | None = None) -> TrialView:
    """Return one trial: its record, history, evaluations and log.

    Parameters
    ----------
    trial_id : str
        How its id begins; or a model's name, where that has one trial.

    Raises
    ------
    StoreError
        If none or several begin so.
    """
    view = get_view("trial")
    boards = Boards(store=open_store(Path(store) if store else None))
    return TrialView(trial=view.compute(boards, view.options(trial_id=trial_id)))
