"""From a file to what a model sees: a photo of one digit, or of several."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.images.decode import read_photo
from bench.images.preprocess import Preprocessed, preprocess
from bench.images.preprocess_options import PreprocessOptions
from bench.images.strips import Strip, segment_strip

__all__ = ["read_any", "read_digit", "read_strip"]

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


def read_any(path: Path, options: PreprocessOptions) -> Strip:
    """Return the digits of a photo of which nothing is known: none, one, or several on lines.

    In modes that do not look for the digit (``none``, ``resize``, ``mnist``) it is looked for as in
    ``auto``, to tell how many there are.

    Raises
    ------
    DataError
        If the photo cannot be read.
    """
    one = read_digit(path, options)
    seen = one
    if options.preprocess not in ("auto", "reader", "natural"):
        seen = read_digit(path, replace(options, preprocess="auto"))
    strip = read_strip(path, options)
    if _is_strip(strip, seen):
        return strip
    is_blank = any(each.code == "blank" for each in seen.faults)
    lines = () if is_blank else ((replace(one, faults=seen.faults),),)
    return Strip(lines=lines, faults=seen.faults)


def _is_strip(strip: Strip, one: Preprocessed) -> bool:
    """Whether there are more digits of about the same size beside the likeliest one.

    The grain of a page and the pieces of a digit make small marks, or lie within the digit.
    """
    boxes = [digit.box for digit in strip.digits if digit.box is not None]
    if one.box is None or len(boxes) < 2:
        return len(boxes) > 1
    top, left, bottom, right = one.box
    for box in boxes:
        y, x = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        is_beside = not (top <= y <= bottom and left <= x <= right)
        if is_beside and 0.5 <= (box[2] - box[0]) / (bottom - top) <= 2:
            return True
    return False
