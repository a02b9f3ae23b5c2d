"""Columns of a table: which are pixels and in what order, which is the label; by their names."""

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise, product
from math import isqrt
from typing import Final

from bench.errors import DataError

__all__ = ["LABEL_NAMES", "Columns", "by_names", "is_square"]

LABEL_NAMES: Final = (
    "label", "labels", "class", "classes", "target", "targets", "y", "digit", "digits", "number",
    "category", "truth", "character", "char", "letter", "lab", "cls", "class_label", "classlabel",
    "class_id", "label_id", "ground_truth", "answer", "y_true", "numeral",
    "ziffer", "zahl", "klasse", "chiffre", "classe", "numero", "cifra", "clase", "etiqueta",
    "etiquette", "etikett",
)  # fmt: skip
_INDEX_NAMES: Final = (
    "", "id", "index", "idx", "imageid", "image_id", "rowid", "row_id", "row", "no", "nr", "#",
    "unnamed: 0",
    "unnamed:0", "__index_level_0__", "sample", "sample_id", "key", "uid",
)  # fmt: skip
_GROUP_NAMES: Final = ("writer", "writer_id", "person", "author", "user", "user_id", "subject")
_SPLIT_NAMES: Final = ("split", "set", "subset", "usage", "partition", "fold")
_ONE: Final = re.compile(r"^(.*?)(\d+)$")
_TWO: Final = re.compile(r"^(.*?)(\d+)(\D+)(\d+)(\D*)$")
_PIXELS_MIN: Final = 16
_ACROSS_DOWN: Final = {("x", "y"), *product(("c", "col", "column"), ("r", "row", "line"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What each column of a table is; the pixels in the order of the image's rows.

    ``label`` holds one place, or those of a one-hot label; ``one_hot`` their class names.
    """

    names: tuple[str, ...]
    pixels: tuple[int, ...]
    label: tuple[int, ...] = ()
    one_hot: tuple[str, ...] = ()
    index: int | None = None
    group: int | None = None
    split: int | None = None
    side: tuple[int, int] | None = None
    words: str = ""
    has_header: bool = True


def is_square(count: int) -> bool:
    """Whether so many pixels make a square image, grey or of three colours."""
    return isqrt(count) ** 2 == count or (count % 3 == 0 and isqrt(count // 3) ** 2 == count // 3)


def by_names(names: tuple[str, ...], file: str, wanted: str = "") -> Columns:
    """Tell columns apart by the header.

    Parameters
    ----------
    wanted : str
        The label's column where a person named it; ``none`` for no label.

    Raises
    ------
    DataError
        If no pixel columns are numbered, a number is missing or twice, or labels are in doubt.
    """
    plain = [name.strip().strip("\"'").strip().casefold() for name in names]
    pixels, side, how = _pixel_columns(plain, names, file)
    rest = [i for i in range(len(names)) if i not in set(pixels)]
    label, one_hot = _label_columns(plain, rest, names, file, wanted)
    left = [i for i in rest if i not in label]
    index = next((i for i in left if plain[i] in _INDEX_NAMES), None)
    group = next((i for i in left if plain[i] in _GROUP_NAMES), None)
    split = next((i for i in left if plain[i] in _SPLIT_NAMES), None)
    strange = [names[i] for i in left if i not in (index, group, split)]
    if strange:
        raise DataError(
            f"{file} has the column '{strange[0][:40]}'",
            why="it is neither a pixel nor a label by its name",
            fix=f"which column is the label? --set {{name}}.labels={strange[0][:40]}, or remove it",
        )
    shown = "no label"
    if len(label) == 1:
        shown = f"label in column '{names[label[0]].strip()[:40]}'"
    elif label:
        shown = f"one-hot labels in {len(label)} columns"
    if index is not None:
        shown += f", column '{names[index].strip()[:40]}' left out"
    return Columns(
        names=names, pixels=pixels, label=label, one_hot=one_hot, index=index, group=group,
        split=split, side=side, words=f"{len(pixels):,} pixel columns {how}, {shown}",
    )  # fmt: skip


def _pixel_columns(
    plain: list[str], names: tuple[str, ...], file: str
) -> tuple[tuple[int, ...], tuple[int, int] | None, str]:
    numbered = _best_family(plain)
    if numbered is None:
        listed = ",".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise DataError(
            f"{file} has no columns pixel0 … pixel783",
            why=f"its header is '{listed[:80]}'. Is this another competition's file?",
            fix="name the pixel columns pixel0, pixel1, … in the order of the image's rows",
        )
    numbers, kind = numbered
    ordered = sorted(numbers, key=lambda item: item[1])
    places, keys = tuple(place for place, _ in ordered), [key for _, key in ordered]
    twice = next((a for a, b in pairwise(keys) if a == b), None)
    if twice is not None:
        raise DataError(
            f"{file} has two columns for one pixel", why=f"number {twice[0]} is there twice"
        )
    how = "matched by name" if places != tuple(sorted(places)) else "in order"
    if kind != "numbers":
        side = _grid(keys, [key for _, key in sorted(numbers)], file, kind)
        return places, side, f"{how}, named by row and column"
    first, last = keys[0][0], keys[-1][0]
    if last - first + 1 != len(keys) or first > 1:
        whole = last + 1 if first != 1 else last
        raise DataError(
            f"{file} has {len(keys):,} pixel columns",
            why=f"a table of digits has {whole:,} of them, up to number {last}: some were left out",
            fix="save all pixels, those that are always 0 too",
        )
    if not is_square(len(keys)):
        raise DataError(
            f"{file} has {len(keys):,} pixel columns",
            why="that is no square image; a table of digits has 784",
            fix="--set {name}.shape=HEIGHTxWIDTH if it is right",
        )
    return places, None, how


def _best_family(
    plain: list[str],
) -> tuple[list[tuple[int, tuple[int, ...]]], str] | None:
    """Return places and numbers of the largest family of names that differ in numbers alone."""
    pairs: dict[tuple[str, ...], list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    singles: dict[str, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    for place, name in enumerate(plain):
        if len(name) > 60:
            continue
        if two := _TWO.match(name):
            pairs[two[1], two[3], two[5]].append((place, (int(two[2]), int(two[4]))))
        elif one := _ONE.match(name):
            singles[one[1]].append((place, (int(one[2]),)))
    key = max(pairs, key=lambda each: len(pairs[each]), default=("", "", ""))
    single = max(singles.values(), key=len, default=[])
    best, kind = pairs.get(key, []), "pairs"
    axes = (_axis(key[0]), _axis(key[1]))
    if axes in _ACROSS_DOWN:
        best = [(place, numbers[::-1]) for place, numbers in best]
    if axes in _ACROSS_DOWN or axes[::-1] in _ACROSS_DOWN:
        kind = "axes" if "x" in axes else "rows"
    best, kind = (best, kind) if len(best) > len(single) else (single, "numbers")
    return (best, kind) if len(best) >= _PIXELS_MIN else None


def _axis(text: str) -> str:
    """Return the last word of what stands before a number, such as ``x`` or ``row``."""
    found = re.search(r"[^\W\d_]+(?=[\W_]*$)", text)
    return found.group() if found else ""


def _grid(
    keys: list[tuple[int, ...]], in_file: list[tuple[int, ...]], file: str, kind: str
) -> tuple[int, int]:
    rows, columns = sorted({k[0] for k in keys}), sorted({k[1] for k in keys})
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    if height * width != len(keys) or rows[0] > 1 or columns[0] > 1:
        raise DataError(
            f"{file} has {len(keys):,} pixel columns",
            why=f"their names speak of {height} rows and {width} columns",
            fix="save all pixels, those that are always 0 too",
        )
    is_down_first = in_file == sorted(in_file, key=lambda key: (key[1], key[0])) and height > 1
    if kind == "axes" and in_file != keys:  # many who write x first count the rows by it
        raise DataError(
            f"{file} names its pixels by x and y, and x does not count fastest",
            why="is x the column or the row of the image?",
            fix="name them pixel0, pixel1, … in the order of the image's rows",
        )
    if kind == "pairs" and is_down_first:
        raise DataError(
            f"{file} names its pixels by two numbers, and the first counts fastest",
            why="is it the row or the column of the image?",
            fix="name them pixel0, pixel1, … in the order of the image's rows",
        )
    return height, width


def _label_columns(
    plain: list[str], rest: list[int], names: tuple[str, ...], file: str, wanted: str
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if wanted == "none":
        return (), ()
    if wanted and wanted not in ("first", "last"):
        asked = [i for i in rest if plain[i] == wanted.strip().casefold()]
        if not asked:
            others = ", ".join(names[i] for i in rest[:8]) or "only pixels"
            raise DataError(
                f"{file} has no column '{wanted}'", why=f"besides pixels it has {others}"
            )
        return (asked[0],), ()
    if wanted:
        return (rest[0 if wanted == "first" else -1],) if rest else (), ()
    named = [i for i in rest if plain[i] in LABEL_NAMES]
    if len(named) > 1:
        listed = " or ".join(f"'{names[i]}'" for i in named[:3])
        raise DataError(
            f"{file} has {len(named)} columns of labels",
            why=f"which is it, {listed}?",
            fix=f"--set {{name}}.labels={names[named[0]]}",
        )
    if named:
        return (named[0],), ()
    family: dict[str, list[int]] = defaultdict(list)
    for i in rest:
        if one := _ONE.match(plain[i]):
            family[one[1]].append(i)
    hot = max(family.values(), key=len, default=[])
    if len(hot) >= 2:
        ordered = sorted(hot, key=lambda i: int(plain[i][len(_ONE.match(plain[i])[1]) :]))  # type: ignore[index]
        return tuple(ordered), tuple(str(int(_ONE.match(plain[i])[2])) for i in ordered)  # type: ignore[index]
    return (), ()
