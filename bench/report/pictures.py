"""The pictures of a page: once each, side by side in one image that is embedded in it.

Handwriting is ink on nothing, so that it shows on white and on black; what was photographed in
colour or on a natural ground is kept grey and opaque.
"""

import base64
import io
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from bench.spec import as_float

__all__ = ["Sprite"]

_GUTTER: Final = 2
_ACROSS: Final = 64
_SIDE: Final = 28
_LEVELS: Final = 16  # of grey: more cannot be told apart at this size
_MOST: Final = 4_000

Pixels = npt.NDArray[np.generic]


@dataclass(kw_only=True)
class Sprite:
    """Pictures by content; each is drawn by its place in one image."""

    name: str = "sprite"
    _places: dict[bytes, int] = field(default_factory=dict)
    _pictures: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether no more pictures are taken."""
        return len(self._pictures) >= _MOST

    def add(self, image: Pixels, *, is_natural: bool = False) -> int | None:
        """Take a picture (height, width, channels); return its place, None if it is full.

        Of a natural one what is dark is ink, of handwriting what is bright.
        """
        picture = _thumbnail(image)
        picture = 255 - picture if is_natural else picture
        key = blake2b(picture.tobytes(), digest_size=16).digest()
        if key not in self._places:
            if self.is_full:
                return None
            self._places[key] = len(self._pictures)
            self._pictures.append(picture)
        return self._places[key]

    def draw(self, place: int, words: str) -> Markup:
        """Return one picture; `words` say what it shows."""
        x, y = self._corner(place)
        return Markup(
            '<svg class="t" viewBox="{} {} {} {}" role="img" aria-label="{}">'
            '<use href="#{}"/></svg>'
        ).format(x, y, _SIDE, _SIDE, words, self.name)

    def _corner(self, place: int) -> tuple[int, int]:
        step = _SIDE + _GUTTER
        return place % _ACROSS * step, place // _ACROSS * step

    def definition(self) -> Markup:
        """Return the image that all pictures are parts of; empty if there are none."""
        if not self._pictures:
            return Markup("")
        from PIL import Image

        step, rows = _SIDE + _GUTTER, ceil(len(self._pictures) / _ACROSS)
        across = min(_ACROSS, len(self._pictures))
        sheet = np.zeros((rows * step, across * step), dtype=np.uint8)
        for place, picture in enumerate(self._pictures):
            x, y = self._corner(place)
            sheet[y : y + _SIDE, x : x + _SIDE] = picture
        # A palette of one colour in 16 strengths: a few bits a pixel.
        image = Image.fromarray(sheet // (256 // _LEVELS), "L").convert("P")
        image.putpalette([0, 0, 0] * _LEVELS)
        file = io.BytesIO()
        strengths = bytes(round(255 * level / (_LEVELS - 1)) for level in range(_LEVELS))
        image.save(file, "PNG", optimize=True, transparency=strengths, bits=4)
        url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
        return Markup(
            '<svg width="0" height="0" aria-hidden="true" class="vh"><defs>'
            '<image id="{}" width="{}" height="{}" href="{}"/></defs></svg>'
        ).format(self.name, across * step, rows * step, url)


def _thumbnail(image: Pixels) -> npt.NDArray[np.uint8]:
    """Return a grey picture of 28 × 28, on a square, reduced by area."""
    grey = as_float(image).mean(axis=2)
    side = max(grey.shape)
    square = np.zeros((side, side), dtype=np.float32)
    top, left = (side - grey.shape[0]) // 2, (side - grey.shape[1]) // 2
    square[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    if side != _SIDE:
        from PIL import Image

        small = Image.fromarray(np.rint(square * 255).astype(np.uint8), "L")
        small = small.resize((_SIDE, _SIDE), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.uint8)
    return np.asarray(np.rint(square * 255), dtype=np.uint8)
