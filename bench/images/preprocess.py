"""A photo of a digit becomes what a model trained on MNIST expects: one pure function.

``preprocess(photo, options)`` is all of it; the steps are the other modules of this package, in
order: ``ink`` (channel, light, polarity), ``ruling`` (printed lines), ``segment``, ``components``
(which marks are the digit), ``normalise`` (box, centre, stroke width), ``findings`` (what a person
should know). ``looks`` finds the digit in another way, and gives a second picture of it.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.images.findings import Fault, fault, judge_digit
from bench.images.ink import grey_channels
from bench.images.inks import Inks, Photo, scale_photo
from bench.images.looks import Look, overlap, read_looks
from bench.images.normalise import mnist_frame
from bench.images.preprocess_options import PreprocessOptions
from bench.images.segment import Digit, Ink, find_digit, read_ink

__all__ = ["Preprocessed", "preprocess"]

WORK_SIDE: Final = 512
# Smaller pictures are enlarged, so that a line of one pixel has an edge on both sides.
_LEAST_SIDE: Final = 112
# A digit found smaller than this is looked at again in the photo as it came.
_SMALL_DIGIT: Final = 64
# The network is surer than this of a digit.
_LEAST_DIGIT: Final = 0.5
# Where the photo cuts the digit, the network saw the same one with this intersection over union.
_SAME_DIGIT: Final = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessed:
    """What a model sees of a photo, and how it came about.

    Parameters
    ----------
    image : ndarray of shape (height, width), uint8
        Light ink on dark, except in the modes that leave the polarity alone.
    box : (float, float, float, float) or None
        Top, left, bottom, right of the digit as shares of the photo's sides.
    faults : tuple of Fault
        What a person should know, worst first.
    steps : dict of str to ndarray of shape (height, width), uint8
        The pictures in between, by name, in order; empty unless they were asked for.
    looks : tuple of ndarray of shape (height, width), uint8
        Further pictures of the same digit: a model's answer is pooled over all.
    is_digit : float
        How likely it is a digit at all, as the network sees it; 1 without the network.
    """

    image: Photo
    box: tuple[float, float, float, float] | None = None
    faults: tuple[Fault, ...] = ()
    steps: dict[str, Photo] = field(default_factory=dict)
    looks: tuple[Photo, ...] = ()
    is_digit: float = 1.0


def preprocess(
    photo: Photo,
    options: PreprocessOptions | None = None,
    *,
    keep_steps: bool = False,
    inks: Inks | None = None,
) -> Preprocessed:
    """Return what a model sees of one photo of one digit.

    Parameters
    ----------
    photo : ndarray of shape (height, width) or (height, width, 3), uint8
        Upright; reduced to about 1,000 pixels if it was larger.
    options : PreprocessOptions
        Which steps to do; all, by default.
    keep_steps : bool
        Also return the pictures in between.
    inks : Inks
        Of the photo, where it is looked at for something else as well.
    """
    options = options or PreprocessOptions()
    if options.preprocess in ("none", "resize"):
        return Preprocessed(image=_grey_picture(photo, options))
    if options.preprocess == "mnist":
        return _as_tutorials_do(photo, options)
    digit, window = _look_closely(inks or Inks(photo=photo, options=options))
    image = _frame(digit, photo, window, options)
    faults = judge_digit(digit)
    steps = _steps(digit, image) if keep_steps and digit is not None else {}
    classic = Preprocessed(image=image, box=_share(digit, window), faults=faults, steps=steps)
    if options.preprocess != "auto" or options.select == "all":
        return classic
    return _with_reader(classic, photo, read_looks(photo, options))


def _with_reader(classic: Preprocessed, photo: Photo, looks: tuple[Look, ...]) -> Preprocessed:
    """Show the digit as the network saw it, with the classic picture as a further look."""
    is_digit = looks[-1].is_digit if looks else 0.0
    faults = classic.faults
    if is_digit >= _LEAST_DIGIT:  # it saw what the classic steps did not
        faults = tuple(each for each in faults if each.code != "blank")
    elif all(each.code != "blank" for each in faults):
        faults = (fault("no-digit"), *faults)
    if not looks or (classic.box is None and is_digit < _LEAST_DIGIT):
        return replace(classic, faults=faults, is_digit=is_digit)
    look = looks[-1]
    codes = {each.code for each in faults}
    if classic.box is not None and "cropped" in codes and "ruled-paper" not in codes:
        seen = look.share_of((photo.shape[0], photo.shape[1]))
        if overlap(seen, classic.box) < _SAME_DIGIT:  # it learned from whole digits alone
            return replace(classic, is_digit=is_digit)
    steps = dict(classic.steps)
    if steps:
        shown = np.rint(look.ink * 255).astype(np.uint8)
        steps |= {"classic": steps.pop("model"), "network's ink": shown, "model": look.image}
    return Preprocessed(
        image=look.image,
        box=look.share_of(photo.shape[:2]),
        faults=faults,
        steps=steps,
        looks=(classic.image,) if classic.image.any() else (),
        is_digit=is_digit,
    )


def _look_closely(
    inks: Inks,
) -> tuple[Digit | None, tuple[float, float, float, float]]:
    """Find the digit in the whole photo; a small one again in its part of the photo as it came.

    Returns the digit and where in the photo the picture it was found in lies, as shares.
    """
    whole = (0.0, 0.0, 1.0, 1.0)
    photo, options, longer = inks.photo, inks.options, inks.longer
    side = min(max(longer, _LEAST_SIDE), WORK_SIDE)
    digit = _find(inks.at(side), options)
    if longer <= WORK_SIDE:
        return digit, whole
    if digit is None:
        return _find(inks.at(longer), options), whole
    if _size(digit) >= _SMALL_DIGIT:
        return digit, whole
    height, width = photo.shape[:2]
    top, left, bottom, right = _around(digit.box, digit.alpha.shape, (height, width), margin=1.0)
    part = photo[top:bottom, left:right]
    closer = _find(read_ink(part, options), options)
    if closer is None or _size(closer) < 0.6 * _size(digit) * longer / side:
        return digit, whole
    return closer, (top / height, left / width, bottom / height, right / width)


def _find(readings: list[Ink], options: PreprocessOptions) -> Digit | None:
    found = [
        digit
        for ink in readings
        if (digit := find_digit(ink, take_all=options.select == "all")) is not None
    ]
    return max(found, key=lambda digit: digit.score, default=None)


def _size(digit: Digit) -> int:
    top, left, bottom, right = digit.box
    return max(bottom - top, right - left)


def _around(
    box: tuple[int, int, int, int], of: tuple[int, ...], to: tuple[int, int], *, margin: float
) -> tuple[int, int, int, int]:
    """Return the square around `box`, a part of a picture of shape `of`, in one of shape `to`."""
    scale = to[0] / of[0], to[1] / of[1]
    top, left, bottom, right = box
    reach = (0.5 + margin) * max((bottom - top) * scale[0], (right - left) * scale[1])
    y, x = (top + bottom) / 2 * scale[0], (left + right) / 2 * scale[1]
    return (
        max(0, int(y - reach)),
        max(0, int(x - reach)),
        min(to[0], int(np.ceil(y + reach))),
        min(to[1], int(np.ceil(x + reach))),
    )


def _share(
    digit: Digit | None, window: tuple[float, float, float, float]
) -> tuple[float, float, float, float] | None:
    if digit is None:
        return None
    height, width = digit.alpha.shape
    top, left, bottom, right = window
    y, x = bottom - top, right - left
    box = digit.box
    return (
        top + box[0] / height * y,
        left + box[1] / width * x,
        top + box[2] / height * y,
        left + box[3] / width * x,
    )


def _frame(
    digit: Digit | None,
    photo: Photo,
    window: tuple[float, float, float, float],
    options: PreprocessOptions,
) -> Photo:
    if options.preprocess == "natural":
        return _natural(photo, _share(digit, window), options)
    if digit is None:
        return np.zeros((options.side_px, options.side_px), dtype=np.uint8)
    return mnist_frame(digit.alpha, options)


def _natural(
    photo: Photo, share: tuple[float, float, float, float] | None, options: PreprocessOptions
) -> Photo:
    """Cut the photo to the digit with some paper around, grey, resized: light stays as it is."""
    from PIL import Image

    height, width = photo.shape[:2]
    part = photo
    if share is not None:
        box = (
            round(share[0] * height),
            round(share[1] * width),
            round(share[2] * height),
            round(share[3] * width),
        )
        top, left, bottom, right = _around(box, (height, width), (height, width), margin=0.2)
        part = photo[top : max(bottom, top + 1), left : max(right, left + 1)]
    size = options.side_px, options.side_px
    return np.asarray(Image.fromarray(_grey(part)).resize(size, Image.Resampling.BOX))


def _grey(photo: Photo) -> Photo:
    grey = grey_channels(photo)["grey"]
    return np.asarray(np.round(grey * 255), dtype=np.uint8)


def _grey_picture(photo: Photo, options: PreprocessOptions) -> Photo:
    """Return the photo in grey, resized for mode ``resize``; nothing else is done to it."""
    from PIL import Image

    grey = _grey(photo)
    if options.preprocess == "none":
        return grey
    size = options.side_px, options.side_px
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS))


def _as_tutorials_do(photo: Photo, options: PreprocessOptions) -> Preprocessed:
    """Grey, polarity from the border, Otsu's threshold, box, centre: the recipe of MNIST itself."""
    from skimage.filters import threshold_otsu

    longer = max(photo.shape[:2])
    side = min(max(longer, _LEAST_SIDE), WORK_SIDE)
    grey = _grey(photo if side == longer else scale_photo(photo, side))
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    otsu = threshold_otsu(grey) if np.ptp(grey) else 128.0  # type: ignore[no-untyped-call] # skimage
    threshold = float(otsu)
    if np.median(border) > threshold:
        grey, threshold = 255 - grey, 255 - threshold
    alpha = np.clip(grey / max(2 * threshold, 1.0), 0, 1).astype(np.float32)
    return Preprocessed(image=mnist_frame(alpha, replace(options, stroke_px=0)))


def _steps(digit: Digit, image: Photo) -> dict[str, Photo]:
    def shown(picture: npt.NDArray[Any]) -> Photo:
        return np.asarray(np.round(np.clip(picture, 0, 1) * 255), dtype=np.uint8)

    strongest = max(digit.level, 1e-3)
    return {
        "grey": shown(digit.ink.grey),
        "ink": shown(digit.ink.raw_strength / strongest),
        "lines removed": shown(digit.ink.strength / strongest),
        "digit": shown(digit.alpha),
        "model": image,
    }
