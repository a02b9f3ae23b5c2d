"""What preprocessing can be told: every step of it is an option."""

from dataclasses import dataclass, fields
from typing import Any, Final

from bench.options import Option, Options

__all__ = ["MODES", "PREPROCESS_OPTIONS", "PreprocessOptions"]

MODES: Final = ("auto", "classic", "none", "resize", "mnist", "natural")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessOptions:
    """How a photo becomes what a model sees; each field is an option of the same name.

    Parameters
    ----------
    preprocess : str
        One of `MODES`. ``auto``: every step below, and a second picture of the digit from the
        network that learned where ink is (`bench.images.looks`). ``classic``: without it, as up to
        version 0.1. ``mnist``:
        grey, polarity from the border, one threshold, box and centre, as most tutorials do.
        ``resize``: grey and resized, nothing else. ``none``: grey. ``natural``: cut around the
        digit, grey, resized, for models trained on photos of house numbers.
    channel, polarity : str
        ``auto``, or what to take.
    flatten, remove_lines : bool
        Level the light of the page; take printed lines out.
    select : str
        ``digit``: the marks that look most like one digit. ``all``: all ink of the photo.
    side_px, box_px : int
        Side of the picture, and of the box the digit is scaled into.
    centre : str
        What lies in the middle of the picture: the centre of ``mass`` of the ink or of its ``box``.
    length : int
        How many digits a photo of several has; 0: as many as are found.
    stroke_px : float
        Thinner strokes are made so wide; 0: as they are.
    """

    preprocess: str = "auto"
    channel: str = "auto"
    flatten: bool = True
    polarity: str = "auto"
    remove_lines: bool = True
    select: str = "digit"
    side_px: int = 28
    box_px: int = 20
    centre: str = "mass"
    length: int = 0
    stroke_px: float = 2.4

    @classmethod
    def of(cls, options: Options) -> "PreprocessOptions":
        """Take the preprocessing options out of a dataset's; one it does not declare is usual."""
        values: dict[str, Any] = {
            field.name: options[field.name] for field in fields(cls) if field.name in options
        }
        return cls(**values)


PREPROCESS_OPTIONS: Final[dict[str, Option]] = {
    "preprocess": Option(
        default="auto",
        choices=MODES,
        help="how a photo becomes what a model sees; auto: the digit, drawn as in MNIST, as a "
        "network finds its ink and as fixed steps do; classic: by the fixed steps alone",
    ),
    "channel": Option(
        default="auto",
        choices=("auto", "grey", "red", "green", "blue"),
        help="the grey picture to read: auto takes the one in which ink stands out most",
    ),
    "flatten": Option(default=True, help="level shadows and vignettes"),
    "polarity": Option(
        default="auto", choices=("auto", "dark", "light"), help="is the ink darker or lighter"
    ),
    "remove_lines": Option(default=True, help="take the lines of ruled or squared paper out"),
    "select": Option(
        default="digit", choices=("digit", "all"), help="the marks of one digit, or all ink"
    ),
    "side_px": Option(default=28, minimum=8, maximum=256, help="side of the picture"),
    "box_px": Option(default=20, minimum=4, maximum=256, help="side of the digit's box"),
    "centre": Option(
        default="mass", choices=("mass", "box"), help="what lies in the middle of the picture"
    ),
    "length": Option(
        default=0,
        minimum=0,
        maximum=100,
        help="how many digits a photo of a whole ID has; 0: as many as are found",
    ),
    "stroke_px": Option(
        default=2.4, minimum=0.0, maximum=8.0, help="thinner strokes are widened; 0: as they are"
    ),
}
