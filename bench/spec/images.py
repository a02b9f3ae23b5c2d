"""Image sets, and what their arrays are.

numpy is imported by what uses it: listing needs none of it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Images: TypeAlias = npt.NDArray[Any]
    Labels: TypeAlias = npt.NDArray[np.int64]
    Probabilities: TypeAlias = npt.NDArray[np.float32]
else:
    Images = Labels = Probabilities = Any

__all__ = ["UNREAD", "ImageSet", "Images", "Labels", "Probabilities", "Shape", "as_float"]

UNREAD = -1
"""What stands for the class of an image that was not read: it is wrong whatever the truth is."""
Shape: TypeAlias = tuple[int, int, int]


def as_float(pixels: Images) -> "npt.NDArray[np.float32]":
    """Return pixels as float32 in [0, 1]; uint8 stands for value / 255."""
    import numpy as np

    if pixels.dtype == np.uint8:
        return np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
    return np.asarray(pixels, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSet:
    """Images with what is known about each.

    Parameters
    ----------
    pixels : ndarray of shape (n, height, width, channels)
        As stored, often memory-mapped: uint8 (0 to 255) or float32 in [0, 1].
    labels : ndarray of shape (n,), int64, or None
        Indices into the dataset's classes.
    names : tuple of str
        A name per sample (a file's, relative to its folder), or empty.
    groups : tuple of str or None
        The writer of each sample, where known.
    unread : ndarray of shape (n,), bool, or None
        Samples of which no digit could be made: each keeps its place, blank, and counts as wrong
        for every model. None: there are none.
    looks : ndarray of shape (n, k, height, width, channels), or None
        Further pictures of the same samples, of the kind of ``pixels``: a model's answer is pooled
        over all of them (`bench.scoring.looks`). They are never trained on. The last one changes
        least between two photos of one page. None: there are none.
    """

    pixels: Images
    labels: "Labels | None" = None
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    unread: "npt.NDArray[np.bool_] | None" = None
    looks: "Images | None" = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def images(self) -> "npt.NDArray[np.float32]":
        """(n, height, width, channels), float32 in [0, 1]; converted at each call."""
        return as_float(self.pixels)

    @property
    def steadiest(self) -> Images:
        """Of each sample's pictures the one that changes least between two photos of one page."""
        return self.pixels if self.looks is None else self.looks[:, -1]

    @property
    def shape(self) -> Shape:
        """Height, width and channels of each image."""
        _, height, width, channels = self.pixels.shape
        return height, width, channels

    def take(self, indices: "npt.NDArray[np.intp]") -> "ImageSet":
        """Return the samples at `indices`, in that order."""
        return ImageSet(
            pixels=self.pixels[indices],
            labels=None if self.labels is None else self.labels[indices],
            names=tuple(self.names[i] for i in indices) if self.names else (),
            groups=None if self.groups is None else tuple(self.groups[i] for i in indices),
            unread=None if self.unread is None else self.unread[indices],
            looks=None if self.looks is None else self.looks[indices],
        )
