"""The rules by which a folder's layout is recognised, in order; the first that fits is taken."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from bench.errors import DataError, OptionError
from bench_datasets._folder.layout import Draft, Layout, LayoutOptions, Photo, Rule
from bench_datasets._folder.persons import place_digits
from bench_datasets._folder.scan import Listing, scan_folder
from bench_datasets._folder.table_rule import by_table

__all__ = ["RULES", "recognise"]

_DIGITS: Final = frozenset("0123456789")
_WHAT_LABELS: Final = (
    "what gives labels: folders named 0 to 9, a table labels.csv (file,label), persons' folders "
    "with ids.csv (person,id) or an id.txt each, or the digit in each file's name"
)

_WHAT_LABELS_AN_ORDER: Final = (
    "the files are numbered from 1: an order, no labels; what gives labels: an id.txt with the ID "
    "beside them, the folder named by the ID, a table labels.csv (file,label), or, where the "
    "numbers are the digits, --label-pattern '([0-9])'"
)


def recognise(folder: Path, options: LayoutOptions | None = None) -> Layout:
    """Return how the photos of a folder are labelled, by the first rule that fits.

    Raises
    ------
    DataError
        If the folder is missing, cannot be opened or holds no picture.
    OptionError
        If the label pattern is no regular expression with a group, or fits no file; if none of the
        classes is there.
    """
    options = options or LayoutOptions()
    listing = scan_folder(folder)
    if not listing.images:
        raise DataError(
            folder.name or str(folder),
            why="no pictures in this folder",
            fix="put photos there: JPEG, PNG, BMP, TIFF, WebP or HEIC",
        )
    layout = next(found for rule in RULES if (found := rule(listing, options)) is not None)
    labels = {photo.label for photo in layout.photos}
    if options.classes and not labels & set(options.classes):
        raise OptionError(
            f"classes {', '.join(options.classes)}",
            why=f"nothing in {folder.name or folder} is labelled with one of them",
            fix="name the class folders as they are named there",
        )
    return _with_scan_problems(layout, listing)


def _with_scan_problems(layout: Layout, listing: Listing) -> Layout:
    draft = Draft(
        photos=list(layout.photos),
        truths=dict(layout.truths),
        notes=list(layout.notes),
        problems=list(layout.problems),
    )
    for name in listing.unreadable:
        fault = "no permission to open this folder"
        draft.blame(name, "unreadable", fault, "change its permissions")
    for name in listing.misnamed:
        fault = "its name is not in this system's encoding; left out"
        draft.blame(name, "misnamed", fault, "rename it")
    return draft.finish(layout.rule)


def by_id_texts(listing: Listing, options: LayoutOptions) -> Layout | None:
    """Take the ``id.txt`` in each person's folder."""
    del options
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
    _add_unlabelled(draft, rest, "it lies in no folder with an id.txt")
    return draft.finish("persons' folders with id.txt")


def _read_id(path: Path) -> str:
    try:
        text = path.read_bytes()[:4096].decode("utf-8-sig", errors="replace")
    except OSError:
        return ""
    return "".join(character for character in text if character in _DIGITS)


def by_id_folders(listing: Listing, options: LayoutOptions) -> Layout | None:
    """Take persons' folders named by the ID, holding as many images as it has digits.

    The folder itself may be the one person's; a name of digits alone is no ID there.
    """
    del options
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in listing.images:
        folders[path.parent].append(path)
    own = listing.root.resolve().name
    is_own_id = re.fullmatch("[0-9]{2,20}", own) and len(listing.images) == len(own)
    if is_own_id and set(folders) == {Path()}:
        draft = Draft()
        place_digits(draft, own, own, listing.images, is_named=True)
        return draft.finish("a person's folder named by the ID")
    named = {f: files for f, files in folders.items() if re.fullmatch("[0-9]{2,20}", f.name)}
    fitting = [f for f, files in named.items() if len(files) in (len(f.name), 1)]
    if not fitting or 2 * len(fitting) < len(named):
        return None
    draft = Draft()
    for folder, files in named.items():
        place_digits(draft, folder.as_posix(), folder.name, files, is_named=True)
    rest = [path for path in listing.images if path.parent not in named]
    _add_unlabelled(draft, rest, "its folder is not named by an ID")
    return draft.finish("persons' folders named by their IDs")


def by_class_folders(listing: Listing, options: LayoutOptions) -> Layout | None:
    """Take folders named by classes, a person's folder above or below them."""
    wanted = {name.casefold(): name for name in options.classes}

    def class_of(name: str) -> str | None:
        if wanted:
            return wanted.get(name.casefold())
        return name if len(name) == 1 else None

    depth = _class_depth(listing.images, class_of)
    if depth is None:
        return None
    draft, rest = Draft(), []
    for path in listing.images:
        folders = path.parts[:-1]
        label = class_of(folders[depth]) if depth < len(folders) else None
        if label is None:
            rest.append(path)
            continue
        person = "/".join(folders[:depth] + folders[depth + 1 :]) or None
        draft.photos.append(Photo(path=path, label=label, person=person))
    _add_unlabelled(draft, rest, "it lies in no class folder")
    where = ""
    if any(photo.person for photo in draft.photos):
        where = ", persons above" if depth else ", persons below"
    return draft.finish(f"class folders{where}")


def _class_depth(images: Sequence[Path], class_of: Callable[[str], str | None]) -> int | None:
    """Return the level of folders that are classes: most images, then most digits, then deepest."""
    counts: list[tuple[int, int, int]] = []
    deepest = max(len(path.parts) - 1 for path in images)
    for depth in range(deepest):
        names = [path.parts[depth] for path in images if len(path.parts) - 1 > depth]
        fitting = [name for name in names if class_of(name) is not None]
        counts.append((len(fitting), sum(name in _DIGITS for name in fitting), depth))
    best = max(counts, default=(0, 0, 0))
    return best[2] if 2 * best[0] > len(images) else None


def by_file_names(listing: Listing, options: LayoutOptions) -> Layout | None:
    """Take the digit in each file's name, or what a given pattern finds there."""
    if options.label_pattern:
        return _by_pattern(listing, options.label_pattern)
    fields = [re.findall("[0-9]+", path.stem) for path in listing.images]
    n_common = min(map(len, fields))
    fitting = [k for k in range(n_common) if all(f[k] in _DIGITS for f in fields)]
    if not fitting or _is_order(listing.images, fitting[0]):
        return None
    draft = Draft()
    for path, field in zip(listing.images, fields, strict=True):
        draft.photos.append(Photo(path=path, label=field[fitting[0]], person=_parent(path)))
    if n_common == max(map(len, fields)) == 1 and _only_counts(listing.images):
        draft.notes.append(
            "the files are named by one number each: if that only counts them, give "
            "--label-pattern none, or put the truth into labels.csv or id.txt"
        )
    return draft.finish("labels in file names")


def _is_order(images: Sequence[Path], field: int) -> bool:
    """Whether that number only counts the files: in each folder 1 to n once, the names else alike.

    With a 0 among them, or one twice, they are digits.
    """
    counts: dict[Path, list[int]] = defaultdict(list)
    names: set[tuple[Path, str]] = set()
    for path in images:
        parts = re.split("([0-9]+)", path.stem)
        counts[path.parent].append(int(parts[2 * field + 1]))
        parts[2 * field + 1] = ""
        names.add((path.parent, "#".join(parts)))
    return (
        len(names) == len(counts)
        and any(len(numbers) > 1 for numbers in counts.values())
        and all(sorted(numbers) == [*range(1, len(numbers) + 1)] for numbers in counts.values())
    )


def _only_counts(images: "Sequence[Path]") -> bool:
    stems = [path.stem for path in images]
    return len(stems) == len(set(stems)) and all(stem.isdigit() for stem in stems)


def _by_pattern(listing: Listing, pattern: str) -> Layout | None:
    if pattern == "none":
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        why = f"no regular expression: {error}"
        raise OptionError(f"label pattern {pattern}", why=why) from None
    if not compiled.groups:
        raise OptionError(
            f"label pattern {pattern}",
            why="it has no group",
            fix="put the part that is the label in parentheses: 'x([0-9])'",
        )
    draft, rest = Draft(), []
    for path in listing.images:
        found = compiled.search(path.as_posix())
        if found is None:
            rest.append(path)
            continue
        groups = found.groupdict()
        label = groups.get("label") or found.group(1)
        if not label:
            rest.append(path)
            continue
        person = groups.get("person") or _parent(path)
        is_several = len(label) > 1 and set(label) <= _DIGITS
        draft.photos.append(
            Photo(
                path=path,
                label=None if is_several else label,
                digits=label if is_several else None,
                person=person,
            )
        )
    if not draft.photos:
        raise OptionError(
            f"label pattern {pattern}", why=f"it fits no file, for example {listing.images[0]}"
        )
    _add_unlabelled(draft, rest, "its name does not fit the label pattern")
    return draft.finish("labels in file names, by the given pattern")


def without_labels(listing: Listing, options: LayoutOptions) -> Layout | None:
    """Take any folder, for predictions only."""
    del options
    photos = [Photo(path=path, person=_parent(path)) for path in listing.images]
    n_common = min(len(re.findall("[0-9]+", path.stem)) for path in listing.images)
    is_order = any(_is_order(listing.images, field) for field in range(n_common))
    what = _WHAT_LABELS_AN_ORDER if is_order else _WHAT_LABELS
    draft = Draft(photos=photos, notes=[f"predictions only; {what}"])
    return draft.finish("no labels")


def _parent(path: Path) -> str | None:
    return path.parent.as_posix() if len(path.parts) > 1 else None


def _add_unlabelled(draft: Draft, paths: "Iterable[Path]", why: str) -> None:
    for path in paths:
        draft.photos.append(Photo(path=path))
        remedy = "give it one, or take it out of the folder"
        draft.blame(path.as_posix(), "no-label", f"no label: {why}", remedy)


RULES: Final[tuple[Rule, ...]] = (
    by_table,
    by_id_texts,
    by_id_folders,
    by_class_folders,
    by_file_names,
    without_labels,
)
