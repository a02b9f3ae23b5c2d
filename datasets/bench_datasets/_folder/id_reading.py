"""Whole IDs: an ``id.txt`` with the pictures, or a person's folder named by the ID."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from bench_datasets._folder.class_names import fit_names
from bench_datasets._folder.layout import Draft, Photo, Reading, Rejected, Strength
from bench_datasets._folder.persons import place_digits
from bench_datasets._folder.scan import Listing
from bench_datasets._folder.words import split_of

__all__ = ["read_id_folders", "read_id_texts"]

_DIGITS: Final = frozenset("0123456789")
_MOST_CHARACTERS: Final = 4096
_ID: Final = re.compile("[0-9]{2,20}")
_DATE: Final = re.compile(
    r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])?)?"
    r"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:(?:19|20)?\d\d)"
)


def read_id_texts(listing: Listing) -> Reading | None:
    """Take the ``id.txt`` in each person's folder."""
    if not listing.id_texts:
        return None
    draft = Draft()
    homes = {path.parent: path for path in listing.id_texts}
    files: dict[Path, list[Path]] = defaultdict(list)
    rest: list[Path] = []
    for path in listing.images:
        home = next((parent for parent in path.parents if parent in homes), None)
        (rest if home is None else files[home]).append(path)
    for home, text_path in homes.items():
        person = home.as_posix() if home.parts else (listing.root.resolve().name or "person")
        truth = _read_id(listing.root / text_path)
        if truth and files[home]:
            place_digits(draft, person, truth, files[home])
            continue
        draft.photos += [Photo(path=path, person=person) for path in files[home]]
        fault = "no images beside id.txt" if truth else f"{text_path.as_posix()} holds no digits"
        draft.blame(person, "no-id", fault, "write the ID into id.txt, digits only")
    draft.unlabelled(rest, "it lies in no folder with an id.txt")
    return draft.finish("table", "persons' folders with id.txt", Strength.GIVEN)


def _read_id(path: Path) -> str:
    try:
        with path.open("rb") as file:  # the scan has seen that it is an ordinary one
            text = file.read(_MOST_CHARACTERS).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""
    return "".join(character for character in text if character in _DIGITS)


def read_id_folders(listing: Listing) -> tuple[list[Reading], list[Rejected]]:
    """Take persons' folders named by the ID, holding as many images as it has digits.

    The folder itself may be the one person's. Years, dates and numbered folders are no IDs; where
    the numbers of images fit all the same, it is a question.
    """
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in listing.images:
        folders[path.parent].append(path)
    own = listing.root.resolve().name
    if set(folders) == {Path()} and _ID.fullmatch(own) and len(listing.images) == len(own):
        draft = Draft()
        place_digits(draft, own, own, listing.images, is_named=True)
        return [_finish(draft, [own], "a person's folder named by the ID")], []
    named = {f: files for f, files in folders.items() if _ID.fullmatch(f.name)}
    fitting = [f for f, files in named.items() if len(files) == len(f.name)]
    strips = [f for f, files in named.items() if len(files) == 1]
    if not named or len(named) < len(folders) or len(fitting) + len(strips) < len(named):
        return [], []
    draft = Draft()
    for folder, files in named.items():
        place_digits(draft, folder.as_posix(), folder.name, files, is_named=True)
    names = [folder.name for folder in named]
    is_split = any(split_of(part) for folder in named for part in folder.parts)
    is_counted = bool(fitting) and not is_split and fit_names(names, {}) is None
    return [_finish(draft, names, "persons' folders named by their IDs", is_counted)], []


def _finish(draft: Draft, names: list[str], words: str, is_counted: bool = True) -> Reading:
    numbers = sorted(map(int, names))
    is_numbering = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1))
    if all(_DATE.fullmatch(name) for name in names):
        doubt = f"{names[0]} may be an ID, or a year or date"
    elif is_numbering or max(map(len, names)) < 3 or not is_counted:
        doubt = f"{names[0]} may be an ID, or only a number of the folder"
    else:
        return draft.finish("folder", words, Strength.PROVEN)
    return draft.finish("folder", words, Strength.POSSIBLE, doubt=doubt)
