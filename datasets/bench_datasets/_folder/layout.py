"""How a folder's photos are labelled: what a reading says of each, and what speaks against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

__all__ = [
    "MOST_NAMED",
    "Draft",
    "Layout",
    "LayoutOptions",
    "Photo",
    "Problem",
    "Reading",
    "Rejected",
    "Strength",
    "listed",
]

MOST_NAMED: Final = 3


def listed(names: "list[str] | tuple[str, ...]", most: int = MOST_NAMED) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One picture and what it shows.

    Parameters
    ----------
    path : Path
        Relative to the folder.
    label : str or None
        The class of its one digit.
    digits : str or None
        All digits of a photo of several, lines separated by ``/``.
    person : str or None
        Who wrote it.
    split : str
        ``train``, ``validation`` or ``test`` where the folder is split; else empty.
    """

    path: Path
    label: str | None = None
    digits: str | None = None
    person: str | None = None
    split: str = ""

    @property
    def truth(self) -> str | None:
        """What it shows, if that is known."""
        return self.digits or self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A finding of the layout on one file or person: its code, the fault, the remedy."""

    sample: str
    code: str
    fault: str
    remedy: str
    is_lost: bool = True


class Strength(IntEnum):
    """How well a reading explains a folder."""

    COUNTING = 0
    """A number that counts: taken only where it is named."""
    POSSIBLE = 1
    """Another explanation is as good: it is asked about, never taken."""
    ORDER = 2
    """One complete set of names: taken with a warning, scored only if it is named."""
    PROVEN = 3
    """It explains every picture."""
    GIVEN = 4
    """A table, an ID or an option says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a whole folder.

    Parameters
    ----------
    kind : str
        What ``--labels`` calls it: ``table``, ``folder``, ``name`` or ``none``.
    words : str
        The reading, for a person.
    photos : tuple of Photo
        In the order of their digits; those without a truth have neither label nor digits.
    strength : Strength
    doubt : str
        Why it may be wrong, as a clause; empty where nothing speaks against it.
    answer : str
        The options that take it, where ``--labels KIND`` is not enough.
    truths : mapping of str to str
        A person's whole ID.
    notes : tuple of str
        What a person should know of the whole folder.
    problems : tuple of Problem
    """

    kind: str
    words: str
    photos: tuple[Photo, ...]
    strength: Strength
    doubt: str = ""
    answer: str = ""
    truths: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def labels(self) -> dict[Path, str | None]:
        """The truth of each picture."""
        return {photo.path: photo.truth for photo in self.photos}

    @property
    def examples(self) -> tuple[str, ...]:
        """Three pictures with what they show, as different as can be."""
        found: dict[str, str] = {}
        for photo in self.photos:
            truth = photo.truth
            if truth is not None:
                found.setdefault(truth, f"{photo.path.as_posix()} is {truth}")
        chosen = [found[truth] for truth in sorted(found)]
        step = max(1, -(-len(chosen) // MOST_NAMED))
        return tuple(chosen[::step][:MOST_NAMED])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A reading that was not taken, and why."""

    words: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What was made of a folder: the reading taken, and those rejected.

    ``doubt`` is why its labels are not scored before ``--labels name`` says so; else empty.
    """

    rule: str
    photos: tuple[Photo, ...]
    truths: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    examples: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    doubt: str = ""

    @property
    def is_labelled(self) -> bool:
        """Whether any photo has a truth."""
        return any(photo.truth is not None for photo in self.photos)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutOptions:
    """What a person said about the folder; empty: find out."""

    classes: tuple[str, ...] = ()
    """Names of classes, each ``NAME`` or ``CLASS=NAME``."""
    label_pattern: str = ""
    labels: str = ""
    levels: str = ""
    table: str = ""


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a reading collects on its way."""

    photos: list[Photo] = field(default_factory=list)
    truths: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def blame(self, sample: str, code: str, fault: str, remedy: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(sample=sample, code=code, fault=fault, remedy=remedy))

    def unlabelled(self, paths: "list[Path]", why: str) -> None:
        """Add pictures without a label, and say why each has none."""
        for path in paths:
            self.photos.append(Photo(path=path))
            remedy = "give it one, or take it out of the folder"
            self.blame(path.as_posix(), "no-label", f"no label: {why}", remedy)

    def finish(
        self, kind: str, words: str, strength: Strength, *, doubt: str = "", answer: str = ""
    ) -> Reading:
        """Return the reading."""
        return Reading(
            kind=kind,
            words=words,
            photos=tuple(self.photos),
            strength=strength,
            doubt=doubt,
            answer=answer,
            truths=dict(self.truths),
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )
