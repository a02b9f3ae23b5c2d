"""IDs of persons: the files of a person's folder, in natural order, are the digits of the ID."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench_datasets._folder.layout import Draft, Photo

__all__ = ["MOST_LOST_ZEROS", "place_digits"]

# A spreadsheet drops leading zeros; a difference of more is another mistake.
MOST_LOST_ZEROS: Final = 3


def place_digits(
    draft: Draft, person: str, truth: str, files: Sequence[Path], *, is_named: bool = False
) -> None:
    """Give each file of a person its digit, or say why that cannot be.

    Parameters
    ----------
    draft : Draft
        Takes the photos, the whole ID, notes and problems.
    person, truth : str
        Who, and the ID as it was found; only digits.
    files : sequence of Path
        The person's photos in natural order.
    is_named : bool
        The ID is the folder's own name: no zero can have been lost.
    """
    if len(files) == 1 and len(truth) > 1:
        draft.photos.append(Photo(path=files[0], digits=truth, person=person))
        draft.truths[person] = truth
        return
    missing = len(files) - len(truth)
    if 0 < missing <= MOST_LOST_ZEROS and not is_named:
        full = truth.zfill(len(files))
        zeros = "a leading zero" if missing == 1 else f"{missing} leading zeros"
        draft.notes.append(
            f"{person}: the ID {truth} has {len(truth)} digits for {len(files)} images; read as "
            f"{full}, with {zeros} that a spreadsheet may have dropped"
        )
        truth = full
    if len(files) == len(truth):
        pairs = zip(files, truth, strict=True)
        draft.photos += [Photo(path=path, label=digit, person=person) for path, digit in pairs]
        draft.truths[person] = truth
        return
    numbered = _by_number(files, truth)
    if numbered:
        draft.photos += [Photo(path=path, label=d, person=person) for path, d in numbered]
        draft.blame(
            person,
            "files-missing",
            f"the ID {truth} has {len(truth)} digits, there are {len(files)} images; each was "
            "placed by the number in its name",
            "add the missing images, or correct the ID",
        )
        return
    draft.photos += [Photo(path=path, person=person) for path in files]
    draft.blame(
        person,
        "id-does-not-fit",
        f"the ID {truth} has {len(truth)} digits, there are {len(files)} images; not scored",
        "one image a digit, numbered in order; or correct the ID",
    )


def _by_number(files: Sequence[Path], truth: str) -> list[tuple[Path, str]]:
    """Return files with their digits where every name is a place in the ID, else nothing."""
    stems = [path.stem for path in files]
    numbers = [int(stem) if stem.isascii() and stem.isdigit() else 0 for stem in stems]
    places_differ = len(set(numbers)) == len(numbers)
    if not places_differ or not all(1 <= number <= len(truth) for number in numbers):
        return []
    return [(path, truth[number - 1]) for path, number in zip(files, numbers, strict=True)]
