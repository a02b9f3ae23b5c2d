"""A text beside each picture that says what it shows: one label, or boxes with class numbers."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench_datasets._folder.layout import Draft, Photo, Reading, Strength, listed
from bench_datasets._folder.scan import Listing
from bench_datasets._folder.table_labels import Truths, read_truths
from bench_datasets._folder.words import split_of

__all__ = ["read_beside", "texts_beside"]

_MOST_CHARACTERS: Final = 4096
_BOX: Final = re.compile(r"(\d{1,4})(?:\s+[-+.\de]+){4,5}")
_NAMES: Final = ("classes.txt", "obj.names", "labels.txt")
_LEAST_SHARE: Final = 0.9


def texts_beside(listing: Listing) -> dict[Path, Path]:
    """Return the text of each picture that has one of its own name, in its folder or a parallel."""
    texts = {_key(path): path for path in listing.texts}
    found = {image: texts[_key(image)] for image in listing.images if _key(image) in texts}
    return found if 2 * len(found) > len(listing.images) else {}


def _key(path: Path) -> tuple[str, ...]:
    folders = [part.casefold() for part in path.parts[:-1]]
    return (*(part for part in folders if part not in ("images", "labels")), path.stem.casefold())


def read_beside(
    listing: Listing, texts: Mapping[Path, Path], given: Mapping[str, str]
) -> tuple[Reading | None, str]:
    """Return what the texts say of their pictures, or a question about them."""
    raw = {image: _read(listing.root / text) for image, text in texts.items()}
    first = next(iter(texts.values())).as_posix()
    boxes = {image: _boxes(text) for image, text in raw.items()}
    if any(boxes.values()):
        names = _class_names(listing)
        if not names:
            return None, (
                f"the texts beside the pictures, such as {first}, hold boxes with class numbers, "
                "and no classes.txt says what these are: what are the labels?"
            )
        raw = {i: "".join(names.get(n, "?") for n in each or ()) for i, each in boxes.items()}
    truths = read_truths(list(raw.values()), given, "of texts")
    if truths.doubt:
        return None, f"the texts beside the pictures, such as {first}: {truths.doubt}"
    if not truths.classes and not truths.digits:
        return None, ""
    return _reading(listing, raw, truths, first), ""


def _reading(listing: Listing, raw: Mapping[Path, str], truths: Truths, first: str) -> Reading:
    draft = Draft()
    for image in listing.images:
        text = raw.get(image, "")
        split = next((s for s in map(split_of, reversed(image.parts[:-1])) if s), "")
        label, digits = truths.classes.get(text), truths.digits.get(text)
        draft.photos.append(Photo(path=image, label=label, digits=digits, split=split))
        if label is None and digits is None:
            said = f"its text says '{text[:20]}'" if text else "no text beside it says what it is"
            remedy = "give it one, or take the file out of the folder"
            draft.blame(image.as_posix(), "no-label", f"no label: {said}", remedy)
    missing = [photo.path.as_posix() for photo in draft.photos if photo.truth is None]
    share = 1 - len(missing) / len(listing.images)
    doubt = ""
    if share < _LEAST_SHARE:
        doubt = f"{len(missing):,} of {len(listing.images):,} have no such label: {listed(missing)}"
    strength = Strength.POSSIBLE if doubt else Strength.GIVEN
    words = f"labels in a text beside each picture, such as {first}"
    return draft.finish("table", words, strength, doubt=doubt)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:  # the scan has seen that it is an ordinary one
            return file.read(_MOST_CHARACTERS).decode("utf-8-sig", errors="replace").strip()
    except OSError:
        return ""


def _boxes(text: str) -> list[int] | None:
    """Return the class numbers of the boxes in a text, from left to right; None for other texts."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [_BOX.fullmatch(line) for line in lines]
    if not lines or not all(found):
        return None
    order = Counter({place: -_left(line) for place, line in enumerate(lines)})
    return [int(lines[place].split()[0]) for place, _ in order.most_common()]


def _left(line: str) -> float:
    try:
        return float(line.split()[1])
    except ValueError:
        return 0.0


def _class_names(listing: Listing) -> dict[int, str]:
    """Return the names of the classes by number, from the file that boxes come with."""
    for path in listing.texts:
        if path.name.casefold() in _NAMES:
            lines = _read(listing.root / path).splitlines()
            return {n: line.strip() for n, line in enumerate(lines) if line.strip()}
    return {}
