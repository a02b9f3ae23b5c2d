"""The images that only one of two sides reads."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.board.sides import SideData
from bench.spec import UNREAD
from bench.views.compare.pairs import Pair

__all__ = ["Differing", "images_only_one_reads"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """An image that most seeds of only one side read right; a reading of None is nothing read."""

    image: int
    name: str
    truth: str
    read_a: str | None
    read_b: str | None


def images_only_one_reads(pair: Pair, limit: int) -> tuple[list[Differing], list[Differing]]:
    """Return the images that only A reads, and those that only B does, the clearest first."""
    a, b = pair.a.correct.mean(axis=0), pair.b.correct.mean(axis=0)
    return _clearest(pair, a - b, limit), _clearest(pair, b - a, limit)


def _clearest(pair: Pair, gain: npt.NDArray[np.float64], limit: int) -> list[Differing]:
    order = np.argsort(-gain, kind="stable")[:limit]
    return [
        Differing(
            image=int(i),
            name=pair.names[i] if pair.names else "",
            truth=pair.a.classes[pair.a.labels[i]],
            read_a=_said(pair.a, int(i)),
            read_b=_said(pair.b, int(i)),
        )
        for i in order
        if gain[i] > 0.5
    ]


def _said(side: SideData, image: int) -> str | None:
    """Return what most seeds of a side read; of a side that is mostly wrong, what in error."""
    said = Counter(side.predicted[:, image].tolist())
    truth = int(side.labels[image])
    if 2 * said[truth] <= said.total():
        del said[truth]
    read = said.most_common(1)[0][0]
    return None if read == UNREAD else side.classes[read]
