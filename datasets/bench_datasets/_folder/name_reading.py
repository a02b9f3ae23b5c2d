"""File names that say what the pictures show: which number or word is the label, if any is."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench_datasets._folder.class_names import is_run
from bench_datasets._folder.folder_reading import split_of_path, writer_of
from bench_datasets._folder.layout import Photo, Reading, Rejected, Strength, listed
from bench_datasets._folder.name_fields import Field, FileName, file_names
from bench_datasets._folder.words import (
    CLASS_WORDS,
    COUNTER_WORDS,
    GUESS_WORDS,
    fold,
    is_container,
    numeral,
    word_digit,
)

__all__ = ["read_names"]

_ALL: Final = frozenset(range(10))
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})
_LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A field of every name that may be the label: what it is called, and what it says."""

    words: str
    names: tuple[FileName, ...]
    fields: tuple[Field, ...]
    values: tuple[int, ...]

    @property
    def by_folder(self) -> list[list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for name, value in zip(self.names, self.values, strict=True):
            found[name.folder].append(value)
        return list(found.values())

    @property
    def alike(self) -> list[set[int]]:
        """The values of names that are otherwise the same."""
        found: dict[tuple[object, ...], set[int]] = defaultdict(set)
        for name, field, value in zip(self.names, self.fields, self.values, strict=True):
            found[name.without(field)].add(value)
        return list(found.values())

    def beside(self, test: Callable[[Field], bool]) -> bool:
        return all(map(test, self.fields))


def read_names(
    images: Sequence[Path], given: Mapping[str, str]
) -> tuple[list[Reading], list[Rejected]]:
    """Return the readings that the files' names allow, and those that they do not."""
    names = tuple(file_names(images))
    by_words = _by_words(images, names, given)
    if by_words is not None or given:
        return [by_words] if by_words else [], []
    readings: list[Reading] = []
    rejected = [
        Rejected(words="numbers in the names", why=f"{why} is no label")
        for why in sorted({reason for name in names for reason in name.reasons})
    ]
    for candidate in _candidates(names):
        strength, why = _judge(candidate)
        labels = [str(value) for value in candidate.values]
        readings.append(_reading(images, labels, candidate.words, strength, why))
    if not readings and not rejected:
        rejected += _counters(names)
    return readings, rejected


def _reading(
    images: Sequence[Path],
    labels: Sequence[str | None],
    words: str,
    strength: Strength,
    doubt: str = "",
) -> Reading:
    writers = writer_of(images)
    return Reading(
        kind="name",
        words=f"labels in file names: {words}",
        photos=tuple(
            Photo(path=path, label=label, person=writers[path], split=split_of_path(path))
            for path, label in zip(images, labels, strict=True)
        ),
        strength=strength,
        doubt=doubt,
    )


def _by_words(
    images: Sequence[Path], names: Sequence[FileName], given: Mapping[str, str]
) -> Reading | None:
    """Read names that each hold one word for a digit, or one of the classes given."""
    labels: list[str | None] = []
    befores: set[str] = set()
    for name in names:
        found = {
            label: fold(field.before)
            for field in name.fields
            if fold(field.before) not in COUNTER_WORDS - CLASS_WORDS | GUESS_WORDS
            and (label := _word(field.text, given)) is not None
        }
        befores |= set(found.values())
        labels.append(next(iter(found)) if len(found) == 1 else None)
    known = [label for label in labels if label is not None]
    if len(known) < max(1, _LEAST_SHARE * len(images)):
        return None
    if len(known) < len(labels):
        lost = [str(p) for p, label in zip(images, labels, strict=True) if label is None]
        doubt = f"{len(lost):,} of {len(images):,} names hold no such word: {listed(lost)}"
        return _reading(images, labels, "the word", Strength.POSSIBLE, doubt)
    if len(images) > 1 and len(set(known)) == 1 and not given:
        doubt = f"all names hold the same word for {known[0]}"
        return _reading(images, labels, "the word", Strength.POSSIBLE, doubt)
    if not given and (thing := _counted_in_words(set(map(int, known)), befores)):
        doubt = f"the words after '{thing}' may be the digits, or only count"
        return _reading(images, labels, "the word", Strength.POSSIBLE, doubt)
    return _reading(images, labels, "the word", Strength.PROVEN)


def _counted_in_words(numbers: set[int], befores: set[str]) -> str:
    """Return what the words one, two, three seem to count: each stands after the same word."""
    thing = next(iter(befores)) if len(befores) == 1 else ""
    counts = is_run(numbers) and 0 not in numbers and len(numbers) < 9
    return (
        thing
        if counts and thing.isalpha() and not (thing in CLASS_WORDS or is_container(thing))
        else ""
    )


def _word(text: str, given: Mapping[str, str]) -> str | None:
    if given:
        return given.get(fold(text))
    found = word_digit({text})
    if found:
        return str(found[text])
    value = None if text.isascii() else numeral(text)
    return None if value is None else str(value)


def _candidates(names: tuple[FileName, ...]) -> list[_Candidate]:
    """Return each field that is one digit in every name, counted from the left or the right."""
    found: list[_Candidate] = []
    most = min(len(name.fields) for name in names)
    for place in [*range(most), *range(-1, -most - 1, -1)]:
        fields = tuple(name.fields[place] for name in names)
        if not all(map(_is_digit, fields)):
            continue
        values = tuple(int(field.text) for field in fields)
        starts = [field.start for field in fields]
        if any([f.start for f in other.fields] == starts for other in found):
            continue
        found.append(
            _Candidate(
                words=_called(names, fields, place), names=names, fields=fields, values=values
            )
        )
    return found


def _is_digit(field: Field) -> bool:
    return field.text.isdecimal() and len(field.text) <= 2 and int(field.text) <= 9


def _called(names: Sequence[FileName], fields: Sequence[Field], place: int) -> str:
    befores = {fold(field.before) for field in fields}
    if len(befores) == 1 and "" not in befores and next(iter(befores)).isalpha():
        return f"the number after '{fields[0].before}'"
    numbers = [f for f in names[0].fields if f.text.isdecimal()]
    if len(numbers) == 1:
        return "the number in the name"
    at = next((n for n, f in enumerate(numbers) if f.start == fields[0].start), 0)
    if place < 0 and at == len(numbers) - 1:
        return "the last number"
    return f"the {('first', 'second', 'third', 'fourth')[min(at, 3)]} number"


def _judge(one: _Candidate) -> tuple[Strength, str]:
    """Return how well a field explains the labels, and what speaks against it."""
    if one.beside(lambda f: fold(f.before) in COUNTER_WORDS - CLASS_WORDS):
        return Strength.COUNTING, f"it counts the {one.fields[0].before}"
    if one.beside(lambda f: fold(f.before) in GUESS_WORDS):
        return Strength.COUNTING, f"after '{one.fields[0].before}' it is no label"
    if one.beside(lambda f: fold(f.after) in _ORDINALS):
        return Strength.COUNTING, "it is an order"
    is_named = one.beside(lambda f: fold(f.before) in CLASS_WORDS or fold(f.after) in CLASS_WORDS)
    if all(len(set(values)) == len(values) for values in one.by_folder):
        return _judge_unique(one)
    return _judge_repeated(one, is_named=is_named)


def _judge_unique(one: _Candidate) -> tuple[Strength, str]:
    """Judge a number that no two pictures of a folder share: more likely it counts them."""
    sets = [set(values) for values in one.by_folder]
    if all(values == _ALL for values in sets):
        return Strength.ORDER, "0 … 9 may be the order of the files"
    if max(map(len, sets)) > 1 and all(is_run(values) for values in sets):
        last = max(map(max, sets))
        return (
            Strength.COUNTING,
            f"it counts the files, {min(map(min, sets))} to {last}: an order, no labels",
        )
    shown = listed([str(value) for value in sorted(set(one.values))])
    return Strength.POSSIBLE, f"{shown} may be the digits, or only count the files"


def _judge_repeated(one: _Candidate, *, is_named: bool) -> tuple[Strength, str]:
    values, groups = set(one.values), one.alike
    counts = any(len(group) > 1 for group in groups)  # without it, names would be the same
    if counts and all(is_run(group) for group in groups):
        if any(group == _ALL for group in groups):
            return Strength.ORDER, "0 … 9 may be an order within the names that are otherwise alike"
        if is_named:
            return Strength.POSSIBLE, "it may be the digit, or only count"
        return Strength.COUNTING, "it counts names that are otherwise alike"
    if is_named:
        return Strength.PROVEN, ""
    if values != _ALL:
        shown = listed([str(value) for value in sorted(values)], 10)
        return Strength.POSSIBLE, f"{shown} may be the digits, or number sheets or persons"
    if counts and not _is_counted(one):
        return Strength.ORDER, "0 … 9 may be an order"
    if _follows_a_counter(one):
        return Strength.ORDER, "0 … 9 follows the running number: it may be an order"
    return Strength.PROVEN, ""


def _others(one: _Candidate) -> list[tuple[Field, ...]]:
    """Return the other numbers that every name has, counted from the left or the right."""
    most = min(len(name.fields) for name in one.names)
    found = []
    for place in [*range(most), *range(-1, -most - 1, -1)]:
        fields = tuple(name.fields[place] for name in one.names)
        is_other = [f.start for f in fields] != [f.start for f in one.fields]
        if is_other and all(f.text.isdecimal() and len(f.text) < 19 for f in fields):
            found.append(fields)
    return found


def _is_counted(one: _Candidate) -> bool:
    """Whether another number counts the pictures of each value, from 0 or 1 without a gap."""
    for fields in _others(one):
        counted: dict[tuple[object, ...], set[int]] = defaultdict(set)
        for name, field, value in zip(one.names, fields, one.values, strict=True):
            counted[(*name.without(field), value)].add(int(field.text))
        if all(is_run(numbers) for numbers in counted.values()):
            return True
    return False


def _follows_a_counter(one: _Candidate) -> bool:
    """Whether another number says it already: its last digit, or the one before it."""
    for fields in _others(one):
        numbers = [int(field.text) for field in fields]
        for shift in (0, 1):
            last = [(number - shift) % 10 for number in numbers]
            if all(a == b for a, b in zip(last, one.values, strict=True)):
                return True
    return False


def _counters(names: Sequence[FileName]) -> list[Rejected]:
    """Say of numbers of several digits what they are, where no other reading was looked at."""
    numbers = [[f.text for f in name.fields if f.text.isdecimal()] for name in names]
    if not all(numbers):
        return []
    last = [int(each[-1]) for each in numbers if len(each[-1]) < 19]
    if len(set(last)) == len(names) and len(names) > 1:
        return [Rejected(words="numbers in the names", why="they differ in every file: an order")]
    return [Rejected(words="numbers in the names", why="no one of them is a single digit in all")]
