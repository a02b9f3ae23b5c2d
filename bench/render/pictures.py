"""Small pictures of digits in a terminal: two pixels a character, one above the other."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
from rich.text import Text

from bench.render.console import clean

__all__ = ["half_blocks", "side_by_side"]

_GREYS_FROM, _GREYS = 232, 24  # the grey ramp of the 256 colours
_LIGHT = 0.4  # of the range: a stroke narrower than a character is not lost
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def half_blocks(
    image: npt.NDArray[np.float32], columns: int = 16, *, colour: bool = False
) -> list[Text]:
    """Return an image as lines of text.

    Parameters
    ----------
    image : ndarray of shape (height, width, channels)
        float32 in [0, 1].
    columns : int
        The width in characters; the height follows.
    colour : bool
        Shades of grey; else blocks where the image is light.

    Returns
    -------
    list of Text
        Each `columns` wide.
    """
    from bench.images.shape import resize, to_grey

    height, width, channels = image.shape
    rows = max(2, 2 * round(columns * height / width / 2))
    grey = to_grey(image[np.newaxis]) if channels > 1 else image[np.newaxis]
    small = resize(grey, rows, columns)[0, ..., 0]
    pairs = zip(small[0::2], small[1::2], strict=True)
    if colour:
        return [_shaded(above, below) for above, below in pairs]
    darkest, lightest = float(small.min()), float(small.max())
    level = darkest + _LIGHT * (lightest - darkest)
    return [_plain(above > level, below > level) for above, below in pairs]


def _shaded(above: npt.NDArray[np.float32], below: npt.NDArray[np.float32]) -> Text:
    line = Text()
    for high, low in zip(above, below, strict=True):
        line.append("▀", style=f"{_shade(high)} on {_shade(low)}")
    return line


def _shade(value: float) -> str:
    return f"color({_GREYS_FROM + min(_GREYS - 1, int(value * _GREYS))})"


def _plain(above: npt.NDArray[np.bool_], below: npt.NDArray[np.bool_]) -> Text:
    return Text("".join(_BLOCKS[bool(a), bool(b)] for a, b in zip(above, below, strict=True)))


def side_by_side(
    pictures: Sequence[Sequence[Text]], captions: Sequence[str], columns: int, width: int
) -> Iterator[Text]:
    """Yield lines that show captioned pictures of `columns` characters beside one another."""
    across = max(1, (width + 2) // (columns + 2))
    for start in range(0, len(pictures), across):
        shown = pictures[start : start + across]
        titles = [Text(clean(text)[:columns]) for text in captions[start : start + across]]
        for parts in [titles, *zip_longest(*shown, fillvalue=Text())]:
            line = Text()
            for part in parts:
                line.append_text(part)
                line.append(" " * (columns + 2 - part.cell_len))
            line.rstrip()
            yield line
