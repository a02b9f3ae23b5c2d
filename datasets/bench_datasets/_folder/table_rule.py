"""The first rule: a table in the folder says what each photo shows."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from bench_datasets._folder.layout import Draft, Layout, LayoutOptions, Photo
from bench_datasets._folder.persons import MOST_LOST_ZEROS, place_digits
from bench_datasets._folder.scan import Listing
from bench_datasets._folder.tables import Row, Table, choose_table, clean_digits, read_table

__all__ = ["by_table"]

_REMEDY: Final = "correct the table or add the file"


def by_table(listing: Listing, options: LayoutOptions) -> Layout | None:
    """``labels.csv``, ``ids.csv``, ``strips.csv``, ``dataset.csv`` or the only CSV."""
    path = choose_table(listing)
    table = None if path is None else read_table(path, listing)
    if table is None or not table.rows:
        return None
    draft = Draft()
    fits = _by_file if table.has_files else _by_person
    if not fits(draft, listing, table, options):
        return None
    used = {photo.path for photo in draft.photos}
    for image in listing.images:
        if image not in used:
            draft.photos.append(Photo(path=image))
            draft.blame(
                image.as_posix(),
                "no-label",
                f"no label: {table.path} does not name it",
                f"add a line to {table.path}, or take the file out of the folder",
            )
    return draft.finish(_rule_name(draft, table))


def _rule_name(draft: Draft, table: Table) -> str:
    if not table.has_files:
        return f"persons' folders with {table.path}"
    several = sum(photo.digits is not None for photo in draft.photos)
    single = sum(photo.label is not None for photo in draft.photos)
    kind = "photos of several digits with" if several > single else "labels in"
    return f"{kind} {table.path}"


def _by_file(draft: Draft, listing: Listing, table: Table, options: LayoutOptions) -> bool:
    found = _finder(listing)
    truths: dict[Path, list[Row]] = defaultdict(list)
    absent = []
    for row in table.rows:
        path = found.get(row.file.replace("\\", "/").removeprefix("./").casefold())
        if path is None:
            absent.append(row)
        else:
            truths[path].append(row)
    if not truths:
        return False
    for row in absent:
        fault = f"{table.path}, line {row.line} names it, but there is no such file"
        draft.blame(row.file or f"line {row.line}", "file-missing", fault, _REMEDY)
    for path, rows in truths.items():
        draft.photos.append(_photo_of(draft, path, rows, table, options))
    return True


def _photo_of(
    draft: Draft, path: Path, rows: list[Row], table: Table, options: LayoutOptions
) -> Photo:
    person = rows[0].person or (path.parent.as_posix() if len(path.parts) > 1 else None)
    if path.parent.name in ("img", "imgs", "image", "images", "photos", "data", "pictures"):
        person = rows[0].person or None
    texts = sorted({row.truth.strip() for row in rows})
    name = path.as_posix()
    if len(texts) > 1:
        draft.blame(
            name,
            "two-labels",
            f"{table.path} gives it two labels, {' and '.join(texts)}; it is not scored",
            f"leave one of them in {table.path}",
        )
        return Photo(path=path, person=person)
    truth = texts[0]
    digits = clean_digits(truth)
    if truth in options.classes or len(truth) == 1:
        return Photo(path=path, label=truth, person=person)
    if len(digits) == 1:
        return Photo(path=path, label=digits, person=person)
    if digits:
        return Photo(path=path, digits=digits.strip("/"), person=person)
    draft.blame(
        name,
        "no-label",
        f"no label: {table.path}, line {rows[0].line} says '{truth}'",
        "a label is one digit, or the digits of the photo",
    )
    return Photo(path=path, person=person)


def _finder(listing: Listing) -> dict[str, Path]:
    """Return files by whatever a table may call them; what names two files names none."""
    named: dict[str, set[Path]] = defaultdict(set)
    for path in listing.images:
        posix = path.as_posix().casefold()
        suffix = path.suffix.casefold()
        for name in (posix, path.name.casefold(), posix.removesuffix(suffix), path.stem.casefold()):
            named[name].add(path)
    exact = {path.as_posix().casefold(): path for path in listing.images}
    return {name: next(iter(paths)) for name, paths in named.items() if len(paths) == 1} | exact


def _by_person(draft: Draft, listing: Listing, table: Table, options: LayoutOptions) -> bool:
    del options
    files: dict[str, list[Path]] = defaultdict(list)
    for path in listing.images:
        for parent in path.parents:
            if parent.parts:
                files[parent.as_posix().casefold()].append(path)
                if parent.name.casefold() != parent.as_posix().casefold():
                    files[parent.name.casefold()].append(path)
    if not files and len(table.rows) == 1:  # the folder is the one person's own
        (row,) = table.rows
        lost_zeros = len(listing.images) - len(clean_digits(row.truth))
        if 0 <= lost_zeros <= MOST_LOST_ZEROS:
            files[row.person.casefold()] = list(listing.images)
    known = [row for row in table.rows if row.person.casefold() in files]
    if not known:
        return False
    seen: dict[str, str] = {}
    for row in table.rows:
        key, truth = row.person.casefold(), clean_digits(row.truth).replace("/", "")
        where = f"{table.path}, line {row.line}"
        if key not in files:
            draft.blame(row.person, "file-missing", f"{where}: there is no such folder", _REMEDY)
        elif not truth:
            draft.blame(row.person, "no-id", f"{where} says '{row.truth}', no ID", "digits only")
        elif key in seen:
            if seen[key] != truth:
                fault = f"{where} gives a second ID, {truth}; {seen[key]} was taken"
                draft.blame(row.person, "two-labels", fault, "leave one of them")
        else:
            seen[key] = truth
            place_digits(draft, row.person, truth, files[key])
    return True
