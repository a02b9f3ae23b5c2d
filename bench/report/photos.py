"""The photos of a page: small, side by side in one JPEG that is embedded in it."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from bench.images.decode import read_photo

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PhotoSheet"]

_HEIGHT: Final = 72
_BLOCK: Final = 16  # of JPEG: photos in blocks of their own do not run into one another
_WIDTH: Final = 1024
_MOST: Final = 96
_QUALITY: Final = 72


@dataclass(kw_only=True)
class PhotoSheet:
    """Photos of a page; each is drawn by its place in one picture."""

    name: str = "photos"
    _photos: "list[tuple[Image, int, int]]" = field(default_factory=list)
    _end: tuple[int, int] = (0, 0)
    _bottom: int = 0

    def add(self, path: Path, digits: int) -> Markup:
        """Take a photo of so many digits and return it drawn; empty once there are enough.

        Raises
        ------
        DataError
            If it cannot be read.
        """
        if len(self._photos) >= _MOST:
            return Markup("")
        from PIL import Image

        height = _HEIGHT * min(digits, 2)
        photo = Image.fromarray(read_photo(path, side_px=2 * _HEIGHT * digits)).convert("RGB")
        photo.thumbnail((min(_WIDTH, _HEIGHT * digits), height))
        (x, y), step = self._end, _up(photo.width)
        if x + step > _WIDTH:
            x, y = 0, self._bottom
        self._end, self._bottom = (x + step, y), max(self._bottom, y + _up(height))
        self._photos.append((photo, x, y))
        return Markup(
            '<svg class="ph" viewBox="{} {} {} {}" role="img" aria-label="photo {}">'
            '<use href="#{}"/></svg>'
        ).format(x, y, photo.width, photo.height, len(self._photos), self.name)

    def definition(self) -> Markup:
        """Return the picture that all photos are parts of; empty if there are none."""
        if not self._photos:
            return Markup("")
        from PIL import Image

        size = (
            max(x + _up(photo.width) for photo, x, _ in self._photos),
            self._bottom,
        )
        sheet = Image.new("RGB", size, "white")
        for photo, x, y in self._photos:
            sheet.paste(photo, (x, y))
        file = io.BytesIO()
        sheet.save(file, "JPEG", quality=_QUALITY, optimize=True)
        url = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
        return Markup(
            '<svg width="0" height="0" aria-hidden="true" class="vh"><defs>'
            '<image id="{}" width="{}" height="{}" href="{}"/></defs></svg>'
        ).format(self.name, *size, url)


def _up(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK
