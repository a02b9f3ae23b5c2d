"""Files that may hold the labels and are no table of pictures: lists, columns without names."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench_datasets._folder.class_names import fit_names
from bench_datasets._folder.scan import Listing
from bench_datasets._folder.tables import Sheet, clean_digits, read_sheets
from bench_datasets._folder.words import CLASS_WORDS, word_digit

__all__ = ["doubt_by_list", "may_hold_labels", "names_pictures"]

_TITLES: Final = CLASS_WORDS - {"number", "num", "value", "tal"} | {
    "labels", "classes", "y", "y_true", "ground_truth", "true_label", "actual",
}  # fmt: skip
_FEWEST: Final = 5
_MOST_LOOKED_AT: Final = 20_000_000
_NAMES_TRIED: Final = 20
_LEAST_SHARE, _LARGEST_SHARE = 0.9, 1.1
_MOST_BESIDE: Final = 3
_LONGEST_LIST: Final = 13
_LIST_NAME: Final = re.compile(r"class|label|categor|names|map", re.IGNORECASE)


def names_pictures(listing: Listing, path: Path) -> bool:
    """Whether a file such as JSON holds the names of pictures."""
    try:
        with (listing.root / path).open("rb") as file:
            text = file.read(_MOST_LOOKED_AT)
    except OSError:
        return False
    first = listing.images[:_NAMES_TRIED]
    return 2 * sum(os.fsencode(image.name) in text for image in first) > len(first)


def may_hold_labels(sheet: Sheet, n_images: int) -> bool:
    """Whether a table that names no picture may hold the labels: in the pictures' order, say."""
    rows = [row for _, row in sheet.lines]
    is_titled = any(cell.strip().casefold().replace(" ", "_") in _TITLES for cell in rows[0])
    if is_titled and len(rows) - 1 >= min(_LEAST_SHARE * n_images, _LONGEST_LIST):
        return True
    columns = [list(column) for column in zip(*rows, strict=False)]
    lines = [*(columns if len(columns) <= _MOST_BESIDE else ())]
    lines += [list(row) for row in rows] if len(rows) <= _MOST_BESIDE else []
    most = max((sum(map(_is_label, line)) for line in lines), default=0)
    is_as_many = _LEAST_SHARE * n_images <= most <= _LARGEST_SHARE * n_images
    return n_images >= _FEWEST and is_as_many


def _is_label(cell: str) -> bool:
    return len(clean_digits(cell)) == 1 or bool(word_digit({cell}))


def doubt_by_list(listing: Listing, labels: Iterable[str]) -> tuple[str, str]:
    """Return what a list of classes in the folder says against labels that are numbers.

    As a question and the option that goes by the list; both empty where nothing does.
    """
    numbers = {int(label) for label in labels if label.isdecimal() and len(label) < 4}
    for path in (*listing.texts, *listing.tables):
        if not numbers or not _LIST_NAME.search(path.stem):
            continue
        try:
            sheets = read_sheets(listing.root, path)
        except DataError:
            continue  # said where the tables are read
        for sheet in sheets:
            known = _classes_of(sheet)
            if not numbers <= known.keys() or all(str(n) == known[n] for n in numbers):
                continue
            first = next(n for n in sorted(numbers) if str(n) != known[n])
            doubt = (
                f"{sheet.name} says that class {first} is the digit {known[first]}: do the numbers "
                "go by it, or are they the digits?"
            )
            return doubt, "--classes " + ",".join(f"{known[n]}={n}" for n in sorted(known))
    return "", ""


def _classes_of(sheet: Sheet) -> dict[int, str]:
    """Return the digit of each number in a list of classes, by position or with the number."""
    rows = [row for _, row in sheet.lines]
    width = {len(row) for row in rows}
    if len(rows) > _LONGEST_LIST or width not in ({1}, {2}):
        return {}
    for body in (rows, rows[1:]):
        pairs = [row if len(row) == 2 else (str(n), row[0]) for n, row in enumerate(body)]
        for at in (0, 1):
            numbers = [clean_digits(pair[at]) for pair in pairs]
            names = [pair[1 - at] for pair in pairs]
            is_plain = len(rows[0]) == 2 and all(map(clean_digits, names))  # two columns of numbers
            fit = fit_names(names, {}) if names and not is_plain else None
            if fit and all(numbers) and len(set(numbers)) == len(fit.classes) == len(pairs) > 1:
                return {int(n): fit.classes[name] for n, name in zip(numbers, names, strict=True)}
    return {}
