"""The ink of one photo at several sizes, each read once."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.images.preprocess_options import PreprocessOptions
from bench.images.segment import Ink, read_ink

__all__ = ["Inks", "Photo", "scale_photo"]

Photo = npt.NDArray[np.uint8]


@dataclass(slots=True, kw_only=True)
class Inks:
    """State: a photo, and its ink at the sizes that were asked for."""

    photo: Photo
    options: PreprocessOptions
    _read: dict[int, list[Ink]] = field(default_factory=dict)

    @property
    def longer(self) -> int:
        """The photo's longer side."""
        height, width = self.photo.shape[:2]
        return max(int(height), int(width))

    def at(self, side_px: int) -> list[Ink]:
        """Return the readings of the ink with the photo's longer side at `side_px`."""
        if side_px not in self._read:
            is_whole = side_px == self.longer
            picture = self.photo if is_whole else scale_photo(self.photo, side_px)
            self._read[side_px] = read_ink(picture, self.options)
        return self._read[side_px]


def scale_photo(photo: Photo, side: int) -> Photo:
    """Return `photo` with its longer side at `side`: averaged if reduced, bicubic if enlarged."""
    from PIL import Image

    height, width = photo.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale >= 1:
        return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX, reducing_gap=2.0))
