"""The images that one row read wrong, and which other models got them right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bench.board.leaderboard import Board
from bench.board.rows import Row
from bench.board.sides import SideData, read_side
from bench.errors import StoreError
from bench.store.layout import Store
from bench.store.read import read_split, read_trial
from bench.store.record import State

__all__ = ["Misread", "MisreadImage", "misread_images"]


Pixels: TypeAlias = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class MisreadImage:
    """One image read wrong.

    ``read`` is empty where no digit could be made of the photo. ``probability`` is the one the
    model gave its answer; None where it gives only scores, or there is no answer.
    ``right_models`` are the other models that read it right.
    """

    image: int
    name: str
    truth: str
    read: str
    probability: float | None
    right_models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Misread:
    """What a row's first seed read wrong, the surest mistake first.

    ``pixels`` are all the test images, (n, height, width, channels), as the data cache holds them;
    None where it does not. ``n_others`` is how many other models read the same images.
    """

    row: Row
    n_images: int
    images: tuple[MisreadImage, ...]
    n_others: int
    pixels: Pixels | None


def misread_images(
    store: Store, board: Board, row: Row, pixels_of: Callable[[str], Pixels | None]
) -> Misread:
    """Return the images of a board that one of its rows read wrong.

    Parameters
    ----------
    pixels_of : callable
        From the hash of the test images to their pixels, or None.

    Raises
    ------
    StoreError
        If the row's predictions cannot be read.
    """
    side = read_side(store, row)
    others = _others(store, board, side)
    names = read_split(store, row.split_hash).names
    is_sure = read_trial(store.trial(row.trials[0])).probabilities == "calibrated"
    predicted, probabilities = side.predicted[0], side.probabilities[0]
    wrong = np.flatnonzero(predicted != side.labels)
    # What was not read comes last: its probability says nothing.
    sureness = np.where(predicted < 0, 0.0, probabilities[np.arange(len(predicted)), predicted])
    order = wrong[np.argsort(-sureness[wrong], kind="stable")]
    images = tuple(
        MisreadImage(
            image=int(i),
            name=names[i] if names else f"image {i}",
            truth=side.classes[side.labels[i]],
            read=side.classes[predicted[i]] if predicted[i] >= 0 else "",
            probability=float(sureness[i]) if is_sure and predicted[i] >= 0 else None,
            right_models=tuple(label for label, right in others if right[i]),
        )
        for i in (order if is_sure else wrong)
    )
    pixels = pixels_of(side.test_hash)
    return Misread(
        row=row,
        n_images=len(side.labels),
        images=images,
        n_others=len(others),
        pixels=pixels if pixels is not None and len(pixels) == len(side.labels) else None,
    )


def _others(
    store: Store, board: Board, side: SideData
) -> Sequence[tuple[str, npt.NDArray[np.bool_]]]:
    """Return the other rows on the same images: a label, and for each image if it was right."""
    rows = [
        row
        for row in board.rows
        if row.state is State.OK
        and row.labelled
        and row.split_hash == side.row.split_hash
        and row.evaluations != side.row.evaluations
    ]
    names = [row.label for row in rows]
    found = []
    for row, name in zip(rows, names, strict=True):
        try:
            other = read_side(store, row)
        except StoreError:  # bench results verify names it; this row is not the subject here
            continue
        if other.classes == side.classes and np.array_equal(other.labels, side.labels):
            label = name if names.count(name) == 1 else f"{name} ← {row.train_dataset}"
            found.append((label, other.correct[0]))
    return found
