"""Own handwriting on a page: each person's photos, what the models saw, and what they read.

Anonymous: persons have numbers, digits are masked, and there are no photos.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from markupsafe import Markup

from bench.board.people import people_of
from bench.board.rows import PersonReading, Row
from bench.errors import DataError
from bench.images.sample_names import file_of
from bench.loading.pixels import photo_folder, photo_of
from bench.report.content import BoardPart
from bench.report.photos import PhotoSheet
from bench.views.report import Report

__all__ = ["Digit", "Mentioned", "Person", "Reading", "mentioned", "n_persons", "persons_of"]

_READERS: Final = 3
_LISTED: Final = 8
_PERSONS: Final = 12
_DIGITS: Final = 12
_MASK: Final = "•"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """One digit as read."""

    read: str
    is_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one model read a person's digits; `right` is of all of them, not of those shown."""

    label: str
    digits: tuple[Digit, ...]
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person, or a photo of a whole ID. `photos` have how many digits each shows."""

    name: str
    truth: str
    written: tuple[str, ...]
    photos: tuple[tuple[Markup, int], ...]
    saw: tuple[Markup, ...]
    readings: tuple[Reading, ...]
    n_digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """A row of the table of all models: digits and IDs right over all persons."""

    row: Row
    right: int
    digits: int
    ids_right: int
    ids: int


def mentioned(part: BoardPart) -> list[Mentioned]:
    """Return the first models of a board with what they read right, over all persons."""
    found = []
    for report in list(part.reports.values())[:_LISTED]:
        people = _people(report)
        whole = [person for person in people if person.has_id]
        found.append(
            Mentioned(
                row=report.row,
                right=sum(person.right for person in people),
                digits=sum(len(person.truth) for person in people),
                ids_right=sum(person.is_right for person in whole),
                ids=len(whole),
            )
        )
    return [each for each in found if each.digits]


def _people(report: Report) -> Sequence[PersonReading]:
    return report.people or people_of(report.store, report.row, or_all=True)


def n_persons(part: BoardPart) -> int:
    """Return how many persons a board has, or photos of whole IDs."""
    return len(_people(part.leader)) if part.leader else 0


def persons_of(
    part: BoardPart,
    sheet: PhotoSheet,
    saw: Callable[[int], Markup],
    *,
    is_anonymous: bool,
) -> list[Person]:
    """Return the persons of a board, as its first models read them; at most some of each.

    Parameters
    ----------
    saw : callable
        Draws what the models saw of an image; empty where that is gone or not to be shown.
    is_anonymous : bool
        Without names, digits and photos.
    """
    reports = list(part.reports.values())[:_READERS]
    if not reports:
        return []
    by_person = {id(report): {one.person: one for one in _people(report)} for report in reports}
    photos = None if is_anonymous else _photos(part, sheet)
    found = []
    for number, person in enumerate(_people(reports[0])[:_PERSONS], start=1):
        readings = [
            (report, by_person[id(report)][person.person])
            for report in reports
            if person.person in by_person[id(report)]
        ]
        places = _chosen([reading for _, reading in readings])
        names = [person.names[place] for place in places] if person.names else []
        images = [person.images[place] for place in places]
        pictures = tuple(map(saw, images))
        found.append(
            Person(
                name=f"person {number}" if is_anonymous else person.person,
                truth="" if is_anonymous else person.whole_id or "".join(person.truth),
                written=tuple(_MASK if is_anonymous else person.truth[p] for p in places),
                photos=tuple(photos(names)) if photos is not None else (),
                saw=pictures if any(pictures) else (),
                readings=tuple(
                    _reading(report, reading, places, is_anonymous) for report, reading in readings
                ),
                n_digits=len(person.truth),
            )
        )
    return found


def _reading(
    report: Report, reading: PersonReading, places: Sequence[int], is_anonymous: bool
) -> Reading:
    digits = tuple(
        Digit(
            read=_MASK if is_anonymous else reading.read[place],
            is_right=reading.read[place] == reading.truth[place],
        )
        for place in places
    )
    row = report.row
    label = f"{row.label}, {row.train_dataset}" if report.board.is_mixed else row.label
    return Reading(label=label, digits=digits, right=reading.right)


def _chosen(readings: Sequence[PersonReading]) -> list[int]:
    """Return which digits are shown, in their order: all, or of many those misread first."""
    n = len(readings[0].truth)
    if n <= _DIGITS:
        return list(range(n))
    wrong = np.array([[a != b for a, b in zip(r.read, r.truth, strict=True)] for r in readings])
    return sorted(np.argsort(-wrong.sum(axis=0), kind="stable")[:_DIGITS].tolist())


def _photos(
    part: BoardPart, sheet: PhotoSheet
) -> Callable[[Sequence[str]], Iterator[tuple[Markup, int]]] | None:
    """Return what draws the photos of some digits; None where their folder is not known."""
    source = photo_folder(part.tested.test_hash) if part.tested else None
    if source is None:
        return None

    def drawn(names: Sequence[str]) -> Iterator[tuple[Markup, int]]:
        for file, of_file in groupby(names, file_of):
            n = len(list(of_file))
            photo = photo_of(*source, file)
            try:
                yield (Markup("") if photo is None else sheet.add(photo, n)), n
            except DataError:  # the folder's own findings say so
                yield Markup(""), n

    return drawn
