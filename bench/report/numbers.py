"""What the page's script reads: each row's confusions, its mistakes, and every pair's p-value.

The numbers are views' values, packed once and inflated by the browser. Where they would grow past
a limit, the mistakes of the lowest rows are left out, and the page says so.
"""

import base64
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

import msgspec
import numpy as np

from bench.errors import BenchError
from bench.render.console import clean
from bench.report.content import BoardPart, Content

__all__ = ["Packed", "pack"]

_BYTES_MOST: Final = 1_200_000
_PICTURES_MOST: Final = 600  # a board
_MISTAKES_MOST: Final = 400_000  # over all boards: about a byte and a half each, packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Text for the page, and how many rows stand in it without their mistakes."""

    text: str
    n_without_mistakes: int


def pack(content: Content, picture_of: Callable[[BoardPart, int], int]) -> Packed:
    """Return the numbers of all boards as compressed text.

    Parameters
    ----------
    picture_of : callable
        From a board and the place of an image to the place of its picture on the page, −1 for none.
    """
    limit, without = _MISTAKES_MOST, 0
    while True:
        left = limit
        boards = []
        without = 0
        for part in content.parts:
            numbers, used, missing = _board(part, left)
            left -= used
            without += missing
            boards.append(numbers)
        for part, numbers in zip(content.parts, boards, strict=True):
            images = list(accumulate(numbers["images"]))
            shown = images[:_PICTURES_MOST]
            numbers["pictures"] = [picture_of(part, image) for image in shown]
        packed = gzip.compress(msgspec.json.encode(boards), mtime=0)
        if len(packed) <= _BYTES_MOST or limit == 0:
            text = base64.b64encode(packed).decode()
            return Packed(text=text, n_without_mistakes=without)
        limit //= 2


def _board(part: BoardPart, left: int) -> tuple[dict[str, Any], int, int]:
    """Return a board's numbers, how many mistakes they hold, and of how many rows none."""
    board, rows, used, missing = part.board, [], 0, 0
    named: dict[int, int] = {}
    places = {key: place for place, key in enumerate(board.ranked)}
    for key, report in part.reports.items():
        try:
            matrix = report.classes.matrix
        except BenchError:  # damaged: bench results verify names it
            continue
        found: dict[str, Any] = {
            "model": clean(report.row.label),
            "trained_on": clean(report.row.train_dataset),
            "accuracy": report.row.accuracy,
            "place": places.get(key, -1),
            "confusion": [[int(i), int(j), int(matrix[i, j])] for i, j in np.argwhere(matrix)],
        }
        mistakes = part.mistakes(key)
        if mistakes is not None and used + len(mistakes) <= left:
            used += len(mistakes)
            named |= {each.image: each.truth for each in mistakes}
            found["wrong"] = _steps([each.image for each in mistakes])
            found["read"] = [each.read for each in mistakes]
        else:
            missing += 1
        rows.append(found)
    images = sorted(named)
    return (
        {
            "key": part.key,
            "name": clean(board.test_dataset),
            "classes": list(map(clean, board.classes)),
            "n": board.n_test,
            "rows": rows,
            "images": _steps(images),
            "truth": [named[image] for image in images],
            "p_values": [round(p, 6) for p in board.p_values],
        },
        used,
        missing,
    )


def _steps(places: list[int]) -> list[int]:
    """Return ascending places as their differences, which pack well."""
    return [b - a for a, b in pairwise([0, *places])]
