"""What a person may say of files of arrays, and what a named dataset knows of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bench import Option
from bench.options import OptionValue

__all__ = ["OPTIONS", "READING_OPTIONS", "SPLIT_OPTIONS", "Known"]

READING_OPTIONS: Final[dict[str, Option | OptionValue]] = {
    "labels": Option(
        default="", help="where the labels are: a column, a key, first, last, none; empty: found"
    ),
    "images": Option(default="", help="the key of the images; empty: found"),
    "values": Option(
        default="", help="which values are black and white, such as 0..16; empty: told from all"
    ),
    "ink": Option(
        default="",
        choices=("", "light", "dark"),
        help="light ink on dark, or dark ink on paper; empty: told from the borders",
    ),
    "shape": Option(
        default="", help="HEIGHTxWIDTH of images kept as rows of pixels; empty: square"
    ),
    "samples": Option(
        default="", choices=("", "first", "last"), help="which axis counts the images; empty: told"
    ),
    "order": Option(
        default="",
        choices=("", "rows", "columns"),
        help="an image is stored row by row, or column by column (transposed); empty: rows",
    ),
    "ten": Option(
        default="",
        choices=("", "zero", "ten"),
        help="what label 10 means where there is no 0; empty: 0 in MATLAB files, else asked",
    ),
    "classes": Option(default="", help="names of the classes by label, with commas; empty: found"),
    "unlabelled": Option(
        default=False, help="read the images without labels, a competition's test file"
    ),
}
"""How the files are read."""

SPLIT_OPTIONS: Final[dict[str, Option | OptionValue]] = {
    "train_fraction": Option(
        default=0.8, help="share of the rows trained on", minimum=0.01, maximum=0.99
    ),
    "split_seed": Option(default=42, help="seed of the split", minimum=0, maximum=2**32 - 1),
    "stratify": Option(default=False, help="split each class by the same share"),
    "test_file": Option(
        default="", help="a second table to test on; the first is trained on whole"
    ),
}
"""How one table is split, where the files do not say it."""

OPTIONS: Final = {**READING_OPTIONS, **SPLIT_OPTIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a named dataset knows; the defaults are those of any file.

    Parameters
    ----------
    classes : tuple of str
        By label, from `first_label` on; empty: found.
    shape : tuple of int or None
        Height, width, channels that its images must have.
    counts : tuple of int or None
        Its standard numbers of training and test images: others are noted.
    order : str
        ``columns`` where its files are known to be transposed.
    is_natural : bool
        Photos of scenes: no polarity is told.
    first_labels : tuple of int
        Of its training split, as published: tells files of the same names apart.
    """

    classes: tuple[str, ...] = ()
    first_label: int = 0
    shape: tuple[int, int, int] | None = None
    counts: tuple[int, int] | None = None
    order: str = ""
    is_natural: bool = False
    first_labels: tuple[int, ...] = ()
    settings: Mapping[str, OptionValue] = field(default_factory=dict)
