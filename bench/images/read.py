"""From a file to what a model sees: a photo of one digit, or of several."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.images.decode import read_photo
from bench.images.preprocess import Preprocessed, preprocess
from bench.images.preprocess_options import PreprocessOptions
from bench.images.strips import Strip, segment_strip

__all__ = ["read_digit", "read_strip"]

# A digit shorter than this share of the reduced photo is read again from the photo at full size.
_SMALL_SHARE: Final = 0.07


def read_digit(path: Path, options: PreprocessOptions, *, keep_steps: bool = False) -> Preprocessed:
    """Return what a model sees of one photo of one digit; a tiny digit is read at full size.

    Raises
    ------
    DataError
        If the photo cannot be read.
    """
    photo = read_photo(path)
    seen = preprocess(photo, options, keep_steps=keep_steps)
    if seen.box is None or max(photo.shape[:2]) < 500:
        return seen
    top, left, bottom, right = seen.box
    size = max(bottom - top, right - left)
    if size > _SMALL_SHARE:
        return seen
    region = (
        max(0.0, top - size),
        max(0.0, left - size),
        min(1.0, bottom + size),
        min(1.0, right + size),
    )
    closer = preprocess(read_photo(path, region=region), options, keep_steps=keep_steps)
    if closer.box is None:
        return seen
    height, width = region[2] - region[0], region[3] - region[1]
    part = closer.box
    box = (
        region[0] + part[0] * height,
        region[1] + part[1] * width,
        region[0] + part[2] * height,
        region[1] + part[3] * width,
    )
    # A box that shrinks to a speck means that the closer look lost the digit.
    is_same = max(part[2] - part[0], part[3] - part[1]) > 0.2
    return replace(closer, box=box) if is_same else seen


def read_strip(path: Path, options: PreprocessOptions) -> Strip:
    """Return the digits of one photo of several.

    Raises
    ------
    DataError
        If the photo cannot be read.
    """
    return segment_strip(read_photo(path), options)
