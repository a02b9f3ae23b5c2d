"""The digits a model misread: small pictures, and beside each what is known of it."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from rich.text import Text

from bench.render.console import clean, plain
from bench.render.pictures import half_blocks
from bench.spec import as_float
from bench.store.fields import share

if TYPE_CHECKING:
    from bench.board.misread import Misread, MisreadImage

__all__ = ["misread_lines"]

_PICTURE: Final = 14
_FACTS: Final = 23  # the narrowest column of facts beside a picture
_GAP: Final = 2
_FACT_LINES: Final = _PICTURE // 2  # as many as the picture of a square image has


def misread_lines(
    found: "Misread", width: int, *, limit: int = 0, more: str = "", colour: bool = False
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


def _block(found: "Misread", each: "MisreadImage", width: int, colour: bool) -> list[Text]:
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


def _facts(found: "Misread", each: "MisreadImage", width: int) -> list[Text]:
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
