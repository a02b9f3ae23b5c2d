"""What models get wrong together: hard images, doubtful labels, who agrees with whom."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.board.boards import Boards
from bench.board.rows import Board, Row
from bench.board.sides import SideData, read_side
from bench.errors import BenchError
from bench.loading.pixels import cached_pixels
from bench.scoring.agreement import (
    HardImage,
    SuspectLabel,
    agreement_matrix,
    error_overlap,
    hardest_images,
    likely_label_errors,
    majority_vote,
    only_one_right,
    oracle,
)
from bench.spec import UNREAD
from bench.store.layout import Store
from bench.store.read import read_split, read_trial
from bench.store.record import State

__all__ = ["ErrorAnalysis", "JointConfusion", "analyse_board", "analyse_errors"]

_GOOD_SHARE = 0.9  # of the best accuracy: what a model's word on a label is worth
_NOTHING = "nothing"
_COUNTED_SHARE = 0.5  # of it: what reads less would drown what the others get wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class JointConfusion:
    """A class read as another, over all models: how often, and by how many of the models."""

    true: str
    predicted: str
    count: int
    n_models: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorAnalysis:
    """What the models of one board get wrong; each stands by its first seed.

    Models that read less than half of what the best reads, such as the floor, have their accuracy
    and their agreement shown and count for nothing else; ``is_counted`` tells which do.

    ``agreement`` and ``overlap`` are (n_models, n_models), float64: the share of images that a pair
    reads the same, and of their errors those that both make (NaN without any). ``predicted`` is
    (n_models, n), int64, columns of ``classes``.
    """

    test_dataset: str
    n_test: int
    classes: tuple[str, ...]
    """The classes, then "nothing": where no digit could be made of the photo."""
    models: tuple[str, ...]
    rows: tuple[Row, ...]
    accuracies: tuple[float, ...]
    is_counted: tuple[bool, ...]
    oracle_accuracy: float
    vote_accuracy: float
    confusions: tuple[JointConfusion, ...]
    hardest: tuple[HardImage, ...]
    suspects: tuple[SuspectLabel, ...]
    n_witnesses: int
    """How many models were good enough to speak about labels, and know their confidence."""
    alone: tuple[tuple[int, ...], ...]
    """For each model the images that it alone reads right."""
    agreement: npt.NDArray[np.float64]
    overlap: npt.NDArray[np.float64]
    names: tuple[str, ...]
    pixels: npt.NDArray[np.generic] | None
    """The test images, (n, height, width, channels), where the data cache still holds them."""
    notes: tuple[str, ...]
    doubtful: frozenset[int]
    """The images whose label people doubt."""


def analyse_errors(boards: Boards) -> tuple[ErrorAnalysis, ...]:
    """Return the analysis of each board asked for.

    Raises
    ------
    BenchError
        If none has labels.
    """
    analyses = (analyse_board(boards.store, board) for board in boards.all)
    found = tuple(one for one in analyses if one is not None)
    if not found:
        raise BenchError("no errors to show", why="no row has labelled test images")
    return found


def analyse_board(store: Store, board: Board) -> ErrorAnalysis | None:
    """Return the analysis of one board; None where no row has labels."""
    rows, notes = _rows(board)
    sides: list[SideData] = []
    for row in rows:
        side = read_side(store, row)
        if sides and not _same_images(sides[0], side):
            notes.append(f"{_label(row)} left out: its images or classes are others")
            continue
        sides.append(side)
    if not sides:
        return None
    labels = sides[0].labels
    # What no model could be shown is a reading of its own, after the classes.
    classes = (*sides[0].classes, _NOTHING)
    predicted = np.stack([side.predicted[0] for side in sides])
    predicted = np.where(predicted == UNREAD, len(classes) - 1, predicted)
    suspects, n_witnesses = _suspects(store, sides, predicted, labels)
    accuracies = (predicted == labels).mean(axis=1)
    counted = accuracies >= _COUNTED_SHARE * accuracies.max()
    readers = predicted[counted]
    alone = iter(only_one_right(readers, labels))
    return ErrorAnalysis(
        test_dataset=board.test_dataset,
        n_test=len(labels),
        classes=classes,
        models=tuple(_label(side.row) for side in sides),
        rows=tuple(side.row for side in sides),
        accuracies=tuple(float(a) for a in accuracies),
        is_counted=tuple(bool(c) for c in counted),
        oracle_accuracy=float((oracle(readers, labels) == labels).mean()),
        vote_accuracy=float((majority_vote(readers) == labels).mean()),
        confusions=_confusions(readers, labels, classes),
        hardest=tuple(hardest_images(readers, labels)),
        suspects=suspects,
        n_witnesses=n_witnesses,
        alone=tuple(tuple(map(int, next(alone))) if c else () for c in counted),
        agreement=agreement_matrix(predicted),
        overlap=error_overlap(predicted == labels),
        names=read_split(store, sides[0].row.split_hash).names,
        pixels=cached_pixels(sides[0].test_hash),
        notes=tuple(notes),
        doubtful=frozenset(board.doubtful),
    )


def _rows(board: Board) -> tuple[list[Row], list[str]]:
    """Return the ranked rows: on the board's current images, without a leak, of one budget."""
    rows = [row for row in board.rows if row.state is State.OK and row.labelled]
    ranked = [row for row in rows if row.rank]
    if not ranked:  # every row has a leak: they share their images all the same
        ranked = [row for row in rows if row.split_hash == rows[0].split_hash]
    others = sum(row.split_hash != ranked[0].split_hash for row in rows) if ranked else 0
    notes = []
    if others:
        notes.append(f"{others} rows left out: tested on other images, or in another order")
    rest = len(rows) - len(ranked) - others
    if rest:
        notes.append(f"{rest} rows left out: not ranked (a leak, or trained on less)")
    return ranked, notes


def _same_images(a: SideData, b: SideData) -> bool:
    return a.classes == b.classes and np.array_equal(a.labels, b.labels)


def _label(row: Row) -> str:
    is_home = row.train_dataset == row.test_dataset
    return row.label if is_home else f"{row.label} ← {row.train_dataset}"


def _confusions(
    predicted: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[JointConfusion, ...]:
    counts: Counter[tuple[int, int]] = Counter()
    models: Counter[tuple[int, int]] = Counter()
    for line in predicted:
        wrong = line != labels
        pairs = Counter(zip(labels[wrong].tolist(), line[wrong].tolist(), strict=True))
        counts.update(pairs)
        models.update(pairs.keys())
    ordered = sorted(counts, key=lambda pair: (-counts[pair], -models[pair], pair))
    return tuple(
        JointConfusion(
            true=classes[a], predicted=classes[b], count=counts[a, b], n_models=models[a, b]
        )
        for a, b in ordered
    )


def _suspects(
    store: Store,
    sides: Sequence[SideData],
    predicted: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
) -> tuple[tuple[SuspectLabel, ...], int]:
    """Ask the good models only: one that always says 7 would veto every doubt."""
    accuracies = (predicted == labels).mean(axis=1)
    good = np.flatnonzero(accuracies >= _GOOD_SHARE * accuracies.max())
    confidence = np.full((len(good), len(labels)), np.nan)
    for line, index in enumerate(good):
        side = sides[int(index)]
        if read_trial(store.trial(side.row.trials[0])).probabilities == "calibrated":
            read = side.predicted[0] != UNREAD
            images = np.flatnonzero(read)
            confidence[line, read] = side.probabilities[0][images, predicted[index, read]]
    n_witnesses = int(np.isfinite(confidence).any(axis=1).sum())
    return tuple(likely_label_errors(predicted[good], labels, confidence)), n_witnesses
