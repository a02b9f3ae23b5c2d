"""What the cells of a column of labels say: digits, IDs, classes by name; or a doubt."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench_datasets._folder.class_names import Quality, fit_names
from bench_datasets._folder.layout import listed
from bench_datasets._folder.tables import clean_digits
from bench_datasets._folder.words import fold, says_nothing, spoken

__all__ = ["Truths", "read_truths"]

_MOST_CLASSES: Final = 250
_LONGEST_CLASS: Final = 30
_CODE: Final = re.compile(r"([0-9])\1+|[0-9]/[0-9]")  # 99, or 4/9
_PADDED: Final = re.compile("00?[0-9]")
TEN_QUESTION: Final = "is 10 the digit 0, or a class of its own?"
TEN_ANSWER: Final = (
    "--classes 0=10,1,2,3,4,5,6,7,8,9 for the digit 0, --classes 1,2,3,4,5,6,7,8,9,10 for a class"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truths:
    """What each distinct cell says: a class, or the digits of a whole photo.

    ``doubt`` is a question that has to be settled first, ``answer`` the option that does.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    digits: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""
    answer: str = ""


def read_truths(cells: Sequence[str], given: Mapping[str, str], column: str) -> Truths:
    """Return what the labels of a table say; cells that say nothing have no entry."""
    counts = Counter(cell for cell in cells if cell)
    bare = {cell: clean_digits(cell) or cell.strip().lstrip("'").strip() for cell in counts}
    bare = _without_blanks(bare)
    if given:
        classes = {c: given[fold(t)] for c, t in bare.items() if fold(t) in given}
        if classes:
            return Truths(classes=classes)
    numbers = {cell: text for cell, text in bare.items() if clean_digits(text)}
    if numbers and 2 * sum(counts[cell] for cell in numbers) >= counts.total():
        return _numbers(numbers, bare)
    fit = fit_names(set(bare.values()), {})
    if fit is not None and fit.quality is Quality.TEN:
        return Truths(doubt=TEN_QUESTION, answer=TEN_ANSWER)
    if fit is not None and 2 * len(fit.classes) > len(set(bare.values())):
        return Truths(classes={c: fit.classes[t] for c, t in bare.items() if t in fit.classes})
    return _names(bare, column)


def _without_blanks(bare: Mapping[str, str]) -> dict[str, str]:
    """Leave out cells such as ``nan``; ``null`` stays beside words that it is the zero of."""
    texts = set(bare.values())
    said = {text for text in texts if not says_nothing(text)}
    said |= {text for text in texts - said if spoken({*said, text})}
    return {cell: text for cell, text in bare.items() if text in said}


def _numbers(numbers: Mapping[str, str], bare: Mapping[str, str]) -> Truths:
    """Read digits: of one each, of whole photos, or both; with zeros before them, or up to 10."""
    lengths = {len(text.replace("/", "")) for text in numbers.values()}
    fit = fit_names(set(numbers.values()), {})
    others = {c: t for c, t in bare.items() if c not in numbers}
    words = fit_names(set(others.values()), {}) if others else None
    spelled = {} if words is None or words.quality is not Quality.CERTAIN else words.classes
    classes = {c: spelled[t] for c, t in others.items() if t in spelled}
    if fit is not None and len(fit.classes) == len(set(numbers.values())):
        if fit.quality is Quality.TEN:
            return Truths(doubt=TEN_QUESTION, answer=TEN_ANSWER)
        is_padded = lengths in ({2}, {3}) and all(text[0] == "0" for text in numbers.values())
        if lengths == {1} or is_padded:
            classes |= {cell: fit.classes[text] for cell, text in numbers.items()}
            return Truths(classes=classes)
    longer = sorted({text for text in numbers.values() if len(text) > 1})
    if 1 in lengths and longer and all(_PADDED.fullmatch(text) for text in longer):
        return Truths(
            doubt=f"some labels are one digit, others such as {longer[0]} have a zero before it: "
            f"is {longer[0]} the digit {longer[0][-1]}, or a photo of {len(longer[0])} digits?",
            answer="write all labels one way, 7 or 07",
        )
    if 1 in lengths and len(longer) == 1 and _CODE.fullmatch(longer[0]):
        return Truths(
            doubt=f"most labels are one digit, and some are {longer[0]}: is that a photo of "
            "several digits, or no label?",
            answer="leave the cell empty where there is no label, or name the photo in a table "
            "of its own",
        )
    classes |= {c: t.strip("/") for c, t in numbers.items() if len(t.strip("/")) == 1}
    digits = {c: t.strip("/") for c, t in numbers.items() if len(t.strip("/")) > 1}
    return Truths(classes=classes, digits=digits)


def _names(bare: Mapping[str, str], column: str) -> Truths:
    """Take short names for classes of their own; sentences are none."""
    names = sorted(set(bare.values()))
    if names and (languages := spoken(set(names))):
        language, digits = next(iter(languages.items()))
        return Truths(
            doubt=f"its labels are {listed(names)}: in {language} '{names[0]}' is "
            f"{digits[names[0]]}; are they digits, or names of classes?",
            answer=f"--classes {','.join(f'{digits[n]}={n}' for n in names)} for digits, "
            f"--classes {','.join(names)} for names",
        )
    long = [name for name in names if len(name) > _LONGEST_CLASS or len(name.split()) > 4]
    if long:
        return Truths(
            doubt=f"its column {column} holds sentences, such as '{long[0][:40]}…', and no labels: "
            "which column holds the digits?",
            answer="--table FILE:COLUMN",
        )
    if len(names) > _MOST_CLASSES:
        return Truths(
            doubt=f"its column {column} holds {len(names):,} different names, such as "
            f"'{names[0]}': are they classes?",
            answer="--table FILE:COLUMN",
        )
    return Truths(classes=dict(bare))
