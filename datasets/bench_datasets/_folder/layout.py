"""How a folder's photos are labelled: the rules, tried in order, and what they leave open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench_datasets._folder.scan import Listing

__all__ = ["Draft", "Layout", "LayoutOptions", "Photo", "Problem", "Rule"]

UNLABELLED: Final = "no labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One file and what it shows.

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
    """

    path: Path
    label: str | None = None
    digits: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A finding of the layout on one file or person: its code, the fault, the remedy."""

    sample: str
    code: str
    fault: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a rule made of a folder.

    Parameters
    ----------
    rule : str
        The rule that fired, in words for a person.
    photos : tuple of Photo
        In the order of their digits; those without a truth have neither label nor digits.
    truths : mapping of str to str
        A person's whole ID.
    notes : tuple of str
        What a person should know of the whole folder.
    problems : tuple of Problem
    """

    rule: str
    photos: tuple[Photo, ...]
    truths: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_labelled(self) -> bool:
        """Whether any photo has a truth."""
        return any(photo.label is not None or photo.digits for photo in self.photos)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutOptions:
    """What a person said about the folder; empty texts: find out."""

    classes: tuple[str, ...] = ()
    label_pattern: str = ""


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a rule collects on its way to a `Layout`."""

    photos: list[Photo] = field(default_factory=list)
    truths: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def blame(self, sample: str, code: str, fault: str, remedy: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(sample=sample, code=code, fault=fault, remedy=remedy))

    def finish(self, rule: str) -> Layout:
        """Return the layout."""
        return Layout(
            rule=rule,
            photos=tuple(self.photos),
            truths=dict(self.truths),
            notes=tuple(self.notes),
            problems=tuple(self.problems),
        )


Rule = Callable[["Listing", LayoutOptions], Layout | None]
