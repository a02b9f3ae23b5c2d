"""From a photo's file to what a model sees: the one way of every verb, and of every dataset."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from bench.images.decode import read_photo
from bench.images.inks import Inks, Photo
from bench.images.preprocess import Preprocessed, preprocess
from bench.images.preprocess_options import PreprocessOptions
from bench.images.strips import WHOLE_SIDE, Strip, find_boxes, segment_strip

__all__ = ["PhotoDigits", "read_file"]

# A digit shorter than this share of the reduced photo is read again from the photo at full size.
_SMALL_SHARE: Final = 0.07
# Beside a digit larger than this share of the photo others are seen in a small picture of it.
_LARGE_SHARE: Final = 0.15
_CHECKED_SIDE: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoDigits(Strip):
    """The digits of a photo, with the photo, (height, width) or (height, width, 3), uint8."""

    photo: Photo


def read_file(
    path: Path,
    options: PreprocessOptions,
    *,
    digits: Literal["one", "several", "any"] = "any",
    keep_steps: bool = False,
) -> PhotoDigits:
    """Return the digits that a model sees of a photo; a single tiny one is read at full size.

    Parameters
    ----------
    digits : str
        How many the photo is known to show. ``one`` is always returned, however little of it was
        found. With ``any`` there are none on a blank page; in modes that do not look for the digit
        (``none``, ``resize``, ``mnist``) it is looked for as in ``auto``, to tell how many.
    keep_steps : bool
        Also return the pictures in between, of a photo known to show one digit.

    Raises
    ------
    DataError
        If the photo cannot be read.
    """
    inks = Inks(photo=read_photo(path), options=options)
    if digits == "several":
        strip = segment_strip(inks.photo, options, inks=inks)
    elif digits == "one":
        one = _read_one(path, inks, options, keep_steps=keep_steps)
        strip = Strip(lines=((one,),), faults=one.faults)
    else:
        strip = _read_any(path, inks, options)
    return PhotoDigits(photo=inks.photo, lines=strip.lines, faults=strip.faults)


def _read_any(path: Path, inks: Inks, options: PreprocessOptions) -> Strip:
    one = seen = _read_one(path, inks, options)
    if options.preprocess not in ("auto", "classic", "natural"):
        seen = _read_one(path, inks, replace(options, preprocess="auto"))
    if _are_several(inks, seen):
        return segment_strip(inks.photo, options, inks=inks)
    is_blank = any(each.code in {"blank", "no-digit"} for each in seen.faults)
    lines = () if is_blank else ((replace(one, faults=seen.faults),),)
    return Strip(lines=lines, faults=seen.faults)


def _read_one(
    path: Path, inks: Inks, options: PreprocessOptions, *, keep_steps: bool = False
) -> Preprocessed:
    photo = inks.photo
    seen = preprocess(photo, options, keep_steps=keep_steps, inks=inks)
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


def _are_several(inks: Inks, one: Preprocessed) -> bool:
    """Whether there are more digits of about the same size beside the likeliest one.

    The grain of a page and the pieces of a digit make small marks, or lie within the digit.
    """
    size = 0.0 if one.box is None else max(one.box[2] - one.box[0], one.box[3] - one.box[1])
    boxes = find_boxes(inks, _CHECKED_SIDE if size > _LARGE_SHARE else WHOLE_SIDE)
    if one.box is None or len(boxes) < 2:
        return len(boxes) > 1
    top, left, bottom, right = one.box
    for box in boxes:
        y, x = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        is_beside = not (top <= y <= bottom and left <= x <= right)
        if is_beside and 0.5 <= (box[2] - box[0]) / (bottom - top) <= 2:
            return True
    return False
