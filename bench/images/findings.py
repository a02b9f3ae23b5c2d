"""Findings: what is wrong with a photo, how it shows, and what to do about it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.images.components import score_marks

if TYPE_CHECKING:
    from bench.images.segment import Digit

__all__ = ["FAULTS", "Fault", "fault", "judge_digit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One finding on one photo: its code, the fault, the remedy."""

    code: str
    fault: str
    remedy: str


FAULTS: Final[dict[str, tuple[str, str]]] = {
    "blank": (
        "no digit was found on the page",
        "write larger or darker, or take the photo from nearer",
    ),
    "no-digit": (
        "the marks look like no digit",
        "if it is one, write larger, and one digit a photo",
    ),
    "two-digits": (
        "there is a second mark as large as the digit",
        "one digit a photo, or label the photo with all its digits to have it cut up",
    ),
    "cropped": (
        "the digit touches the border of the photo",
        "leave a margin of paper around the digit",
    ),
    "polarity-uncertain": (
        "it is not clear whether the ink is darker or lighter than the paper",
        "set polarity=dark or polarity=light",
    ),
    "low-contrast": (
        "the ink is hardly darker than the paper",
        "use a darker pen, or more light",
    ),
    "faint": (
        "the ink hardly stands out from the grain of the photo",
        "use a darker pen, or more light",
    ),
    "ruled-paper": (
        "printed lines were taken out, perhaps with strokes that lie on them",
        "write on blank paper, or set remove_lines=false",
    ),
    "small": (
        "the digit is only a few pixels high",
        "take the photo from nearer",
    ),
    "ink-left-out": (
        "there are more marks near the digit than were taken",
        "look at the picture; select=all takes all ink",
    ),
    "broken": (
        "the digit is in several pieces",
        "look at the picture; write with one stroke of a darker pen",
    ),
    "wrong-count": (
        "another number of digits was found than the label has",
        "leave more space between the digits, or photograph each alone",
    ),
    "unreadable": (
        "the file could not be read as a picture",
        "save it again as JPEG or PNG, or take it out of the folder",
    ),
}


def fault(code: str, detail: str = "") -> Fault:
    """Return the finding of that code; `detail` replaces the usual words for the fault."""
    usual, remedy = FAULTS[code]
    return Fault(code=code, fault=detail or usual, remedy=remedy)


def judge_digit(digit: "Digit | None") -> tuple[Fault, ...]:
    """Return the findings on a digit as it was found, worst first; None stands for a blank page."""
    if digit is None:
        return (fault("blank"),)
    top, left, bottom, right = digit.box
    size, members = max(bottom - top, right - left), sorted(digit.members)
    marks, ink = digit.marks, digit.ink
    side = min(digit.alpha.shape)
    codes = []
    if size < 0.025 * side or marks.area[members].sum() < 12:
        codes.append("blank")
    if size < 14:
        codes.append("small")
    codes += _other_marks(digit, size)
    if marks.contact[members].sum() > 0:
        codes.append("cropped")
    if ink.polarity_certainty < 0.75:
        codes.append("polarity-uncertain")
    if digit.level < 0.12:
        codes.append("low-contrast")
    if digit.level < 9 * ink.noise:
        codes.append("faint")
    if len(members) > 1:
        codes.append("broken")
    if ink.n_lines > 2:
        codes.append("ruled-paper")
    return tuple(fault(code) for code in codes)


def _other_marks(digit: "Digit", size: int) -> list[str]:
    marks = digit.marks
    others = np.array([i for i in range(len(marks)) if i not in digit.members], dtype=int)
    if not len(others):
        return []
    main = max(digit.members, key=lambda i: marks.area[i])
    scores = score_marks(marks)
    dark = marks.level[others] > 0.4 * marks.level[main]
    alike = dark & (marks.extent[others] > 0.5 * size) & (scores[others] > 0.25 * scores[main])
    if alike.any():
        return ["two-digits"]
    top, left, bottom, right = digit.box
    reach = 0.5 * size
    boxes = marks.boxes[others]
    near = (
        (boxes[:, 0] < bottom + reach)
        & (boxes[:, 2] > top - reach)
        & (boxes[:, 1] < right + reach)
        & (boxes[:, 3] > left - reach)
    )
    large = marks.extent[others] > 0.15 * size
    return ["ink-left-out"] if (near & large & dark).any() else []
