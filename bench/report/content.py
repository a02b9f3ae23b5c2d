"""What a report holds: the values of views, computed once, and which images are shown."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.board.boards import Boards
from bench.board.rows import Board, Row
from bench.errors import BenchError, StoreError
from bench.loading.pixels import cached_pixels
from bench.report.axis import Axis, axis_of
from bench.report.words import Sentence, describe, failures, headline, ranked_rows
from bench.store.inside import read_file
from bench.store.layout import LOG, Store
from bench.store.read import find_trial, read_evaluation, read_predictions, read_trial
from bench.store.record import EvaluationRecord, State, TrialRecord
from bench.views import get_view
from bench.views.cost import Cost
from bench.views.errors.analysis import ErrorAnalysis, analyse_board
from bench.views.learning_curve import LearningCurve
from bench.views.matrix import Away
from bench.views.report import Report
from bench.views.robustness import Robustness

__all__ = [
    "BoardPart",
    "Content",
    "Failed",
    "Mistake",
    "board_parts",
    "collect",
    "collect_of",
    "keys_of",
]

_LOG_LINES: Final = 12
_KEY: Final = re.compile(r"[^a-z0-9]+")
_KEY_LENGTH: Final = 40

Pixels = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An image read wrong; `read` is −1 where nothing could be read. Classes are places."""

    image: int
    truth: int
    read: int


@dataclass(frozen=True, kw_only=True)
class BoardPart:
    """One board of the report. `key` names it in links; `is_private`: its images are somebody's."""

    board: Board
    key: str
    store: Store

    @cached_property
    def errors(self) -> ErrorAnalysis | None:
        """What its models get wrong together; None where no row has labels."""
        return analyse_board(self.store, self.board)

    @cached_property
    def axis(self) -> Axis:
        """The axis of its accuracies."""
        return axis_of(self.board)

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows that succeeded, in the board's order."""
        return [row for row in self.board.rows if row.state is State.OK]

    @cached_property
    def ranked(self) -> Sequence[Row]:
        """The rows with a rank."""
        return ranked_rows(self.board)

    @cached_property
    def reports(self) -> Mapping[str, Report]:
        """What is known of each labelled row by class, under its first evaluation's name."""
        return {
            row.evaluations[0]: Report(store=self.store, board=self.board, row=row)
            for row in self.rows
            if row.labelled and row.evaluations
        }

    @property
    def leader(self) -> Report | None:
        """The report of the first row; None where no row has labels."""
        return next(iter(self.reports.values()), None)

    def mistakes(self, evaluation: str) -> "tuple[Mistake, ...] | None":
        """Return what an evaluation read wrong; None where it was of other images than the first.

        Raises
        ------
        StoreError
            If its predictions cannot be read.
        """
        first = next(iter(self.reports.values())).row
        if self.reports[evaluation].row.split_hash != first.split_hash:
            return None
        stored = read_predictions(self.store.evaluations / evaluation)
        if stored.labels is None:
            return None
        return tuple(
            Mistake(image=int(i), truth=int(stored.labels[i]), read=int(stored.predicted[i]))
            for i in np.flatnonzero(stored.predicted != stored.labels)
        )

    @property
    def is_private(self) -> bool:
        """Whether its images are an own folder's."""
        return self.board.evaluation_only and not self.board.test_embedded

    @cached_property
    def tested(self) -> EvaluationRecord | None:
        """The first row's evaluation, which names the images; None where it cannot be read."""
        row = next((row for row in self.rows if row.evaluations), None)
        if row is None:
            return None
        try:
            return read_evaluation(self.store.evaluations / row.evaluations[0])
        except StoreError:
            return None

    @cached_property
    def pixels(self) -> Pixels | None:
        """The test images as the models see them, (n, height, width, channels); None if gone."""
        if self.tested is None:
            return None
        found = cached_pixels(self.tested.test_hash)
        return found if found is not None and len(found) == self.tested.n_test else None

    @property
    def n_train(self) -> int | None:
        """How many images its home rows were trained on, where all say the same."""
        sizes = {record.n_train for row, record in self.records if _is_home(row)}
        return sizes.pop() if len(sizes) == 1 else None

    @cached_property
    def records(self) -> Sequence[tuple[Row, TrialRecord]]:
        """Each row with the record of its first trial, where that can be read."""
        found = []
        for row in self.rows:
            try:
                found.append((row, read_trial(self.store.trial(row.trials[0]))))
            except (StoreError, IndexError):
                continue
        return found


def _is_home(row: Row) -> bool:
    return row.train_dataset == row.test_dataset and not row.variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A trial that did not succeed, with the end of its log."""

    row: Row
    log: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything a report shows. Parts that a store has no results for are empty."""

    store: Store
    title: str
    sentences: tuple[Sentence, ...]
    parts: tuple[BoardPart, ...]
    away: tuple[Away, ...]
    costs: Mapping[str, Sequence[Cost]]
    curves: tuple[LearningCurve, ...]
    robustness: tuple[Robustness, ...]
    failed: tuple[Failed, ...]

    @property
    def models(self) -> list[str]:
        """The labels of all rows at home, by how high they stand on average."""
        places: dict[str, list[float]] = {}
        for part in self.home_parts:
            for place, row in enumerate(part.rows):
                places.setdefault(row.label, []).append((place + 0.5) / len(part.rows))
        return sorted(places, key=lambda label: (fmean(places[label]), label))

    @property
    def home_parts(self) -> list[BoardPart]:
        """The boards of datasets that can be trained on."""
        return [part for part in self.parts if not part.board.evaluation_only]

    def home_row(self, label: str, part: BoardPart) -> Row | None:
        """Return the row of a model trained and tested on one dataset."""
        name = part.board.test_dataset
        return next(
            (row for row in part.rows if row.label == label and row.train_dataset == name), None
        )


def collect(boards: Boards) -> Content:
    """Compute everything a report shows.

    Raises
    ------
    StoreError
        If the store holds no result that fits.
    """
    return collect_of(boards, board_parts(boards))


def collect_of(boards: Boards, parts: tuple[BoardPart, ...]) -> Content:
    """Compute everything a report shows of some boards."""
    found = [part.board for part in parts]
    costs: dict[str, list[Cost]] = {}
    for cost in _value(boards, "cost") or ():
        costs.setdefault(cost.row.test_dataset, []).append(cost)
    return Content(
        store=boards.store,
        title=headline(found),
        sentences=tuple(describe(found)),
        parts=parts,
        away=tuple(_value(boards, "matrix") or ()),
        costs=costs,
        curves=tuple(_value(boards, "learning-curve") or ()),
        robustness=tuple(_value(boards, "robustness") or ()),
        failed=tuple(Failed(row=row, log=_log_of(boards.store, row)) for row in failures(found)),
    )


def board_parts(boards: Boards) -> tuple[BoardPart, ...]:
    """Return the boards in the order of a report.

    Raises
    ------
    StoreError
        If the store holds no result that fits.
    """
    found = sorted((board for board in boards.all if board.rows), key=_order)
    if not found:
        raise StoreError(f"store {boards.store.root}", why="nothing in it fits")
    keys = keys_of(board.test_dataset for board in found)
    return tuple(
        BoardPart(board=board, key=key, store=boards.store)
        for board, key in zip(found, keys, strict=True)
    )


def _order(board: Board) -> tuple[bool, bool, str]:
    """Put real data first, then embedded data, then own folders and other test sets."""
    return board.evaluation_only, bool(board.test_embedded), board.test_dataset


def _value(boards: Boards, name: str) -> Any:
    """Return what a view computes; None where the store holds nothing for it."""
    view = get_view(name)
    try:
        return view.compute(boards, view.options())
    except BenchError:
        return None


def keys_of(names: Iterable[str]) -> Iterator[str]:
    """Yield for each name one that a link can hold, each once."""
    seen: set[str] = set()
    for name in names:
        stem = _KEY.sub("-", name.lower()).strip("-")[:_KEY_LENGTH] or "board"
        key, n = stem, 1
        while key in seen:
            n += 1
            key = f"{stem}-{n}"
        seen.add(key)
        yield key


def _log_of(store: Store, row: Row) -> str:
    try:
        text = read_file(find_trial(store, row.trials[0]) / LOG).decode("utf-8", "replace")
    except (OSError, StoreError, IndexError):
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
