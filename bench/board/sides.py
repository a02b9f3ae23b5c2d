"""What a person calls A or B: a model, a trial, or a whole store; and its stored predictions."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.board.building import per_seed
from bench.board.find import find_rows, named, names_a_model
from bench.board.leaderboard import leaderboards
from bench.board.rows import Row
from bench.errors import StoreError
from bench.store.layout import Store
from bench.store.read import find_trial, read_evaluation, read_predictions
from bench.store.record import State

__all__ = ["Side", "SideData", "is_store", "read_side", "resolve_side"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Rows that stand for A or B; a whole store stands for every row it holds."""

    name: str
    store: Store
    rows: tuple[Row, ...]
    is_store: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SideData:
    """The predictions of one row, a line a seed.

    ``labels`` is (n,) int64, ``predicted`` (n_seeds, n) int64, ``probabilities``
    (n_seeds, n, n_classes) float32; all are columns of ``classes``.
    """

    row: Row
    classes: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    test_hash: str

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(n_seeds, n), bool."""
        right: npt.NDArray[np.bool_] = self.predicted == self.labels
        return right


def resolve_side(text: str, store: Store) -> Side:
    """Return what `text` names: a store's folder, one model and variant, or a trial.

    Raises
    ------
    BenchError
        If it is none of them, with the close names.
    """
    if is_store(text):
        other = Store(Path(text).expanduser())
        rows = tuple(row for board in leaderboards(other) for row in board.rows)
        return Side(name=text, store=other, rows=_usable(rows), is_store=True)
    rows = _usable(row for board in leaderboards(store) for row in board.rows)
    if names_a_model(rows, text):
        return Side(name=text, store=store, rows=tuple(find_rows(rows, text)))
    try:
        trial = find_trial(store, text).name
    except StoreError:
        named(rows, text)  # says which names are close
        raise
    of_trial = tuple(row for row in per_seed(store) if row.trials == (trial,) and row.labelled)
    return Side(name=text, store=store, rows=of_trial)


def is_store(text: str) -> bool:
    """Tell whether `text` names a store's folder."""
    folder = Path(text).expanduser()
    return (folder / "trials").is_dir() or (folder / "evaluations").is_dir()


def _usable(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.state is State.OK and row.labelled)


def read_side(store: Store, row: Row, *, scored_only: bool = False) -> SideData:
    """Read the predictions of a row's evaluations.

    Parameters
    ----------
    scored_only : bool
        Without the images that the row leaves out as duplicates; places are then others.

    Raises
    ------
    StoreError
        If one is damaged, or the seeds were not tested on the same images.
    """
    stored = [read_predictions(store.evaluations / name) for name in row.evaluations]
    if scored_only:
        stored = [each.without(np.array(row.left_out, dtype=np.intp)) for each in stored]
    record = read_evaluation(store.evaluations / row.evaluations[0])
    labels = stored[0].labels
    if labels is None:
        raise StoreError(f"{row.model} on {row.test_dataset}", why="its images have no labels")
    for each in stored:
        if each.labels is None or not np.array_equal(each.labels, labels):
            raise StoreError(
                f"{row.model} on {row.test_dataset}", why="its seeds saw different images"
            )
    return SideData(
        row=row,
        classes=record.classes,
        labels=labels,
        predicted=np.stack([each.predicted for each in stored]),
        probabilities=np.stack([each.probabilities for each in stored]),
        test_hash=record.test_hash,
    )
