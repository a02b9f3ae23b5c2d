"""Which test images a board leaves out, so that no row is scored on what it was trained on.

They are the same for every row: intervals, ranks and paired tests need the same images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.board.entries import Score
from bench.board.index import score_evaluation
from bench.store.layout import Store
from bench.store.read import read_predictions

__all__ = ["LeftOut", "images_left_out"]

Places = npt.NDArray[np.intp]


def _nowhere() -> Places:
    return np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """The places of the images, (n,), the evaluations scored without them, and what to say."""

    places: Places = field(default_factory=_nowhere)
    folders: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    is_asked: bool = False

    def of(self, folder: str) -> Places:
        """Return what is left out of the evaluation in `folder`."""
        return self.places if folder in self.folders else _nowhere()

    def rest(self, folder: str, writers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Return the writers of the images that are scored."""
        places = self.of(folder)
        if writers is None or not len(places):
            return writers
        return tuple(np.delete(np.array(writers), places).tolist())

    def rescore(self, store: Store, score: Score) -> Score:
        """Return the score of an evaluation without what is left out of it."""
        places = self.of(score.folder)
        return score_evaluation(store, score.folder, places) if len(places) else score


def images_left_out(store: Store, groups: Sequence[Sequence[Score]], split_hash: str) -> LeftOut:
    """Return the images of a test split that are duplicates, exact or near, for any of its rows.

    A row that would have no image left, or was recorded before the places were, keeps its leak.

    Parameters
    ----------
    groups : sequence of sequences of Score
        A row each, its seeds within.
    split_hash : str
        Of the current images; rows tested on others are left alone.

    Raises
    ------
    StoreError
        If predictions cannot be read.
    """
    rows = [group for group in groups if group[0].labelled and group[0].split_hash == split_hash]
    scored: list[Sequence[Score]] = []
    found: list[Places] = []
    n_unknown = n_whole = 0
    for group in rows:
        places = [_duplicates(store, score) for score in group]
        known = [each for each in places if each is not None]
        own = np.unique(np.concatenate(known)) if known else _nowhere()
        if len(known) < len(places):
            n_unknown += 1
        elif len(own) == group[0].n_test:
            n_whole += 1
        else:
            scored.append(group)
            found.append(own)
    left_out = np.unique(np.concatenate(found)) if found else _nowhere()
    notes = _notes(len(left_out), n_unknown, n_whole)
    if scored and len(left_out) == scored[0][0].n_test:
        notes = ("no image would be left without the duplicates: all are scored",)
        return LeftOut(notes=notes, is_asked=True)
    folders = frozenset(score.folder for group in scored for score in group)
    return LeftOut(places=left_out, folders=folders, notes=notes, is_asked=True)


def _duplicates(store: Store, score: Score) -> Places | None:
    """Return the places of an evaluation's duplicates; None where only their number is known."""
    if not score.leaked + score.near_duplicates:
        return _nowhere()
    stored = read_predictions(store.evaluations / score.folder).duplicates
    return None if stored is None else np.flatnonzero(stored)


def _notes(n_left_out: int, n_unknown: int, n_whole: int) -> tuple[str, ...]:
    notes = []
    if n_left_out:
        which = f"{n_left_out:,} test images are" if n_left_out > 1 else "1 test image is"
        notes.append(f"{which} left out for every row, as duplicates of some row's training images")
    else:
        notes.append("no duplicates of training images to leave out")
    if n_whole:
        notes.append(f"{_rows(n_whole)} a leak still: every test image is a training image")
    if n_unknown:
        notes.append(
            f"{_rows(n_unknown)} a leak still: recorded without its places; bench run --fresh"
        )
    return tuple(notes)


def _rows(n: int) -> str:
    return "1 row has" if n == 1 else f"{n} rows have"
