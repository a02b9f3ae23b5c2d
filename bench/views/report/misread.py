"""The images that one row read wrong, as small pictures, and who read them right."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from rich.text import Text

from bench.board.leaderboard import Board
from bench.board.rows import Row
from bench.board.sides import SideData, read_side
from bench.errors import StoreError
from bench.render.console import clean, plain
from bench.render.pictures import half_blocks
from bench.spec import as_float
from bench.store.formats import share
from bench.store.layout import Store
from bench.store.read import read_split, read_trial
from bench.store.record import State

__all__ = ["Misread", "MisreadImage", "misread_images", "misread_lines"]

_PICTURE: Final = 14
_FACTS: Final = 23  # the narrowest column of facts beside a picture
_GAP: Final = 2
_FACT_LINES: Final = _PICTURE // 2  # as many as the picture of a square image has


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
    others = _other_rows(store, board, side)
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


def _other_rows(
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


def misread_lines(
    found: Misread, width: int, *, limit: int = 0, more: str = "", colour: bool = False
) -> Iterator[Text]:
    """Yield the images a row misread, as many beside one another as the width allows.

    Parameters
    ----------
    limit : int
        At most so many; 0: all.
    more : str
        What to type to see the others.
    """
    if not found.images:
        return
    n = len(found.images)
    title = f"misread: {n:,} of {found.n_images:,}"
    title += ", the surest mistakes first" * (found.images[0].probability is not None and n > 1)
    yield Text(title, style="heading")
    shown = found.images[:limit] if limit else found.images
    picture = _PICTURE if found.pixels is not None else 0
    across = max(1, (width - 1 + _GAP) // (picture + _FACTS + 2 * _GAP))
    facts = (width - 1 + _GAP) // across - picture - 2 * _GAP
    for start in range(0, len(shown), across):
        blocks = [_block(found, each, facts, colour) for each in shown[start : start + across]]
        block_width = picture + _GAP + facts
        for parts in zip_longest(*blocks, fillvalue=Text()):
            line = Text(" ")
            for part in parts:
                line.append_text(part).append(" " * (block_width + _GAP - part.cell_len))
            line.rstrip()
            yield line
    if len(shown) < n:
        yield Text(" ").append_text(plain(f"… {n - len(shown):,} more: {more}"))
        yield Text()
    if found.pixels is None:
        yield Text("The pictures are no longer in the data cache; a run makes them again.")


def _block(found: Misread, each: MisreadImage, width: int, colour: bool) -> list[Text]:
    """Return a picture with facts on its right, each line at most picture + gap + width wide."""
    facts = _facts(found, each, width)
    if found.pixels is None:
        return [*facts, Text()]
    image = as_float(found.pixels[each.image])
    picture = half_blocks(image, _PICTURE, colour=colour)
    blank = Text(" " * _PICTURE)
    pairs = zip_longest(picture, facts, fillvalue=None)
    lines = [
        Text.assemble(left if left is not None else blank, " " * _GAP, right or Text())
        for left, right in pairs
    ]
    return [*lines, Text()]


def _facts(found: Misread, each: MisreadImage, width: int) -> list[Text]:
    sure = "" if each.probability is None else f" ({share(each.probability, 2)})"
    # The end of a path tells files apart.
    name = wrap(clean(each.name), width) or [""]
    lines = [plain(line, "heading") for line in name[-2:]]
    read = f"read {clean(each.read)}{sure}" if each.read else "not read"
    lines.append(Text(f"truth {clean(each.truth)}, ").append(read, style="bad"))
    said = wrap(_others(found.n_others, each.right_models), width)
    room = _FACT_LINES - len(lines)
    if len(said) > room:
        said = [*said[: room - 1], f"{said[room - 1][: width - 2]} …"]
    return [*lines, *map(Text, said)]


def _others(n_others: int, right: Sequence[str]) -> str:
    if not n_others:
        return ""
    if not right:
        return f"wrong: all {n_others} others too" if n_others > 1 else "wrong: the other too"
    names = ", ".join(map(clean, right))
    return f"right: {len(right)} of {n_others} others: {names}"
