"""Which names are classes: digits in any spelling, or the names that a person gave."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from bench.errors import OptionError
from bench_datasets._folder.words import CLASS_WORDS, fold, numeral, roman, spoken, word_digit

__all__ = ["Fit", "Quality", "fit_names", "given_classes", "is_run"]

_FRAMED: Final = re.compile(
    r"(?P<before>[^\W\d_]*)[\s_-]*(?P<number>[^\W_]+)[\s_-]*(?P<after>[^\W\d_]*)"
)
_LEAST_LETTERS: Final = 8


class Quality(IntEnum):
    """How surely a set of names are the names of classes."""

    NUMBERING = 0
    """1, 2, 3: digits, or a numbering of anything."""
    TEN = 1
    """1 to 10: what 10 means is not known."""
    SOME = 2
    """Some digits that no numbering gives, such as 1, 4, 7."""
    COMPLETE = 3
    """All of 0 to 9."""
    CERTAIN = 4
    """Words, ``digit_3``, other scripts, or names that were given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What names mean: the class of each that has one."""

    classes: Mapping[str, str]
    quality: Quality
    doubt: str = ""


def given_classes(classes: Sequence[str]) -> dict[str, str]:
    """Return the class by folded name of ``--classes``: each ``NAME``, or ``CLASS=NAME``.

    Raises
    ------
    OptionError
        If one name is to mean two classes.
    """
    plain = [name for name in classes if "=" not in name]
    digits = word_digit(set(plain)) if plain else {}
    found: dict[str, str] = {}
    for text in classes:
        label, equals, name = text.partition("=")
        label, name = (label.strip(), name.strip()) if equals else (text, text)
        meant = label if equals else str(digits.get(text, text))
        if found.setdefault(fold(name), meant) != meant:
            raise OptionError(f"--classes {text}", why=f"'{name}' is to mean two classes")
    return found


def fit_names(names: Iterable[str], given: Mapping[str, str]) -> Fit | None:
    """Return which of these names are classes, None where none is."""
    every = set(names)
    if given:
        return _fit_given(every, given)
    words = _words(every)
    values = {name: value for name in every if (value := _number(name)) is not None}
    values |= words
    certain = bool(words) or any(_is_certain(name) for name in values)
    if every and (romans := roman(every)):
        values = romans
        numbers = set(values.values())
        certain = bool(values) and (len(numbers) > 8 or not is_run(numbers))  # i, ii, iii: parts?
    if not values:
        return _letters(every)
    return _judged(values, certain=certain)


def _fit_given(names: set[str], given: Mapping[str, str]) -> Fit | None:
    found = {name: given[fold(name)] for name in names if fold(name) in given}
    for name in names - found.keys():
        value = _number(name)  # --classes 0,1,2 for folders 00, 01, 02
        if value is not None and str(value) in given:
            found[name] = given[str(value)]
    return Fit(classes=found, quality=Quality.CERTAIN) if found else None


def _judged(values: Mapping[str, int], *, certain: bool) -> Fit:
    classes = {name: str(value) for name, value in values.items()}
    numbers = set(values.values())
    if 10 in numbers:
        return Fit(classes=classes, quality=Quality.TEN)
    twice = sorted(name for name in values if list(values.values()).count(values[name]) > 1)
    if twice:
        doubt = f"{' and '.join(twice[:2])} mean the same digit"
        return Fit(classes=classes, quality=Quality.NUMBERING, doubt=doubt)
    if numbers == set(range(10)):
        return Fit(classes=classes, quality=Quality.CERTAIN if certain else Quality.COMPLETE)
    if certain:
        return Fit(classes=classes, quality=Quality.CERTAIN)
    if is_run(numbers) or any(len(name.strip()) > 1 for name in values):
        return Fit(classes=classes, quality=Quality.NUMBERING)
    return Fit(classes=classes, quality=Quality.SOME)


def is_run(numbers: set[int]) -> bool:
    """Whether numbers go from 0 or from 1 without a gap: what counting gives."""
    return min(numbers) in (0, 1) and len(numbers) == max(numbers) - min(numbers) + 1


def _words(names: set[str]) -> dict[str, int]:
    """Return the digit of each name that is a word, alone or beside ``digit``; of one language."""
    bare = {name: _bare(name) for name in names}
    spelled = {name for name, word in bare.items() if word.isalpha() and numeral(word) is None}
    known = word_digit({bare[name] for name in spelled}) if spelled else {}
    if not known:  # in English any of them, whatever the others are
        each = {name: word_digit({bare[name]}) for name in spelled}
        known = {bare[name]: found[bare[name]] for name, found in each.items() if found}
    return {name: known[bare[name]] for name in spelled if bare[name] in known}


def _bare(name: str) -> str:
    """Return a name without a word such as ``digit`` before or after it."""
    found = _FRAMED.fullmatch(name.strip())
    parts = [part for part in re.split(r"[\s_()\[\].:=-]+", name.strip()) if part]
    if len(parts) == 2 and parts[0].isdigit() != parts[1].isdigit():  # 3 - three, three (3)
        number, word = sorted(parts, key=str.isalpha)
        if number.isdecimal() and int(number) in {each[word] for each in spoken({word}).values()}:
            return number
    if len(parts) == 2:
        for word, other in (parts, parts[::-1]):
            if fold(word) in CLASS_WORDS:
                return other
    if found and found["number"].isdigit():
        beside = [fold(found[side]) for side in ("before", "after") if found[side]]
        if beside and all(word in CLASS_WORDS for word in beside):
            return found["number"]
    return name.strip()


def _is_certain(name: str) -> bool:
    bare = _bare(name)
    return bare != name.strip() or not bare.isascii()


def _number(name: str) -> int | None:
    """Return the number 0 to 10 of ``7``, ``07``, ``digit_7``, ``٧``; None for another name."""
    bare = _bare(name)
    one = numeral(bare)
    if one is not None:
        return one
    if not bare.isdecimal() or len(bare) > 4 or int(bare) > 10:
        return None
    return int(bare)


def _letters(names: set[str]) -> Fit | None:
    """Take single letters for classes; a few of them may as well be persons."""
    letters = {name: name for name in names if len(name) == 1 and name.isalpha()}
    if not letters or len(letters) < len(names):
        return None
    many = len(letters) >= _LEAST_LETTERS
    return Fit(
        classes=letters,
        quality=Quality.COMPLETE if many else Quality.NUMBERING,
        doubt="" if many else "single letters may be persons as well as classes",
    )
