"""Tables that say what the pictures show: each a reading of the folder, or a reason why not."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench.errors import DataError, OptionError
from bench.images.sample_names import split_page
from bench_datasets._folder.beside import read_beside, texts_beside
from bench_datasets._folder.cells import plainer
from bench_datasets._folder.columns import Table, find_columns
from bench_datasets._folder.folder_reading import split_of_path
from bench_datasets._folder.layout import (
    Draft,
    LayoutOptions,
    Photo,
    Reading,
    Rejected,
    Strength,
    listed,
)
from bench_datasets._folder.loose_tables import doubt_by_list, may_hold_labels, names_pictures
from bench_datasets._folder.matching import Matches, PictureIndex
from bench_datasets._folder.person_table import read_persons
from bench_datasets._folder.scan import Listing
from bench_datasets._folder.table_labels import Truths, read_truths
from bench_datasets._folder.tables import Sheet, read_sheets
from bench_datasets._folder.words import is_container, is_part, split_of

__all__ = ["LEAST_SHARE", "Tables", "read_tables"]

LEAST_SHARE: Final = 0.9
_REMEDY: Final = "correct the table or add the file"
_GUESSES: Final = ("submission", "sample_sub")


@dataclass(slots=True, kw_only=True)
class Tables:
    """What the tables of a folder give.

    ``doubts`` are those that may be the folder's labels and cannot be read so: (table, question,
    answer).
    """

    readings: list[Reading] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    doubts: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A table that names pictures, or might."""

    table: Table
    matches: Matches
    truths: Truths

    @property
    def files(self) -> set[Path]:
        return {file for file in self.matches.files if file is not None}


def read_tables(listing: Listing, options: LayoutOptions, given: Mapping[str, str]) -> Tables:
    """Return what every table in the folder says of its pictures."""
    found = Tables()
    beside = {} if options.table else texts_beside(listing)
    if beside:
        reading, doubt = read_beside(listing, beside, given)
        found.readings += [reading] if reading else []
        found.doubts += [("the texts beside the pictures", doubt, "")] if doubt else []
    own = set(beside.values())
    listing = replace(listing, texts=tuple(path for path in listing.texts if path not in own))
    index = PictureIndex(listing.images, listing.root)
    named: list[_Named] = []
    for sheet, column in _sheets(listing, options, found):
        sheet = plainer(sheet)
        table = find_columns(sheet, listing, index, column)
        if isinstance(table, str):
            is_lost = not _is_guess(sheet.name) and may_hold_labels(sheet, len(listing.images))
            _refuse(found, sheet.name, table, is_named=bool(options.table), is_lost=is_lost)
        elif table.columns.file is None:
            _add_persons(found, listing, table)
        else:
            matches = index.match(table.column(table.columns.file), sheet.path)
            title = f"'{sheet.lines[0][1][table.columns.truth]}'"
            truths = read_truths(table.column(table.columns.truth), given, title)
            named.append(_Named(table=table, matches=matches, truths=truths))
    for group in _together(named, bool(options.table)):
        _add(found, listing, group, is_sure=bool(given or options.labels or options.table))
    return found


def _sheets(listing: Listing, options: LayoutOptions, found: Tables) -> "list[tuple[Sheet, str]]":
    if options.table:
        chosen = [_chosen(listing, text.strip()) for text in options.table.split(",")]
        return [(s, column) for path, column in chosen for s in read_sheets(listing.root, path)]
    sheets: list[tuple[Sheet, str]] = []
    for path in listing.data:
        if names_pictures(listing, path):
            why = "it names pictures, and files of this kind are not read: does it hold the labels?"
            found.doubts.append((path.as_posix(), why, "export them as CSV"))
    for path in (*listing.tables, *listing.texts):
        try:
            read = read_sheets(listing.root, path)
        except DataError as error:
            if path in listing.texts:
                why = error.why
                found.rejected.append(Rejected(words=path.as_posix(), why=why))
            else:
                found.doubts.append((path.as_posix(), f"{error.why}: is it the labels?", error.fix))
            continue
        if not read:
            found.rejected.append(Rejected(words=path.as_posix(), why="it is no table of labels"))
        sheets += [(sheet, "") for sheet in read]
    return sheets


def _chosen(listing: Listing, text: str) -> tuple[Path, str]:
    """Return the table that ``--table FILE[:COLUMN]`` names, and the column."""
    for name, column in ((text, ""), text.rpartition(":")[::2]):
        for base in (listing.root, Path()):
            file = base / Path(name).expanduser()
            if name and file.is_file():
                return Path(_relative(file, listing.root)), column
    raise OptionError(
        f"--table {text}",
        why="there is no such file",
        fix=f"name one of {listed([path.as_posix() for path in listing.tables]) or 'your tables'}",
    )


def _relative(file: Path, root: Path) -> str:
    """Return a file's path relative to the folder if it lies in it, else in full."""
    file, root = file.absolute(), root.absolute()
    return str(file.relative_to(root) if file.is_relative_to(root) else file)


def _is_guess(name: str) -> bool:
    return any(guess in name.casefold() for guess in _GUESSES)


def _refuse(found: Tables, name: str, why: str, *, is_named: bool, is_lost: bool) -> None:
    if why.endswith("?"):
        found.doubts.append((name, why, f"--table {name}:COLUMN"))
    elif is_named:
        raise OptionError(
            f"--table {name}", why=why, fix="it needs a column of files and of labels"
        )
    else:
        found.rejected.append(Rejected(words=name, why=why))
        if is_lost:
            doubt = f"it may hold the labels, and {why}: which label is whose?"
            found.doubts.append((name, doubt, "give it a column 'file' with each picture's name"))


def _together(named: list[_Named], is_chosen: bool) -> list[list[_Named]]:
    """Return tables that are one: of one name in several folders, or chosen together."""
    if is_chosen:
        return [named] if named else []
    groups: dict[str, list[_Named]] = defaultdict(list)
    for one in named:
        name = one.table.sheet.path.name.casefold()
        # train.csv and test.csv side by side are one table in two parts.
        groups["split" if split_of(Path(name).stem) else name].append(one)
    together: list[list[_Named]] = []
    for group in groups.values():
        claimed = Counter(file for one in group for file in one.files)
        is_apart = max(claimed.values(), default=0) <= 1
        together += [group] if is_apart else [[one] for one in group]
    return together


def _add_persons(found: Tables, listing: Listing, table: Table) -> None:
    draft = Draft()
    if read_persons(draft, listing, table):
        words = f"persons' folders with {table.name}"
        found.readings.append(_with_rest(draft, listing, table.name, words))
    else:
        found.rejected.append(
            Rejected(words=table.name, why="it names none of the folders as a writer")
        )


def _add(found: Tables, listing: Listing, group: list[_Named], *, is_sure: bool) -> None:
    name = " and ".join(one.table.name for one in group)
    files = {file for one in group for file in one.files}
    asked = [one.truths for one in group if one.truths.doubt]
    if all(_is_guess(one.table.name) for one in group):
        why = "a submission holds guesses, no labels: ignored"
        found.rejected.append(Rejected(words=name, why=why))
        return
    if not files:
        first = next(
            (cell for cell in group[0].table.column(group[0].table.columns.file) if cell), ""
        )
        here = listing.images[0].as_posix()
        why = f"it names none of the pictures (it says {first[-60:]}, here is {here})"
        if group[0].matches.why:
            row, said = next(iter(group[0].matches.why.items()))
            name_there = group[0].table.column(group[0].table.columns.file)[row]
            why = f"its rows name no picture for sure ({name_there[-60:]} {said})"
        found.rejected.append(Rejected(words=name, why=why))
        found.doubts.append((name, f"{why}: is it the table of this folder?", "correct it"))
        return
    if asked:
        found.doubts.append((name, asked[0].doubt, asked[0].answer))
        return
    cells = {cell for one in group for cell in one.truths.classes}
    doubt, answer = ("", "") if is_sure else doubt_by_list(listing, cells)
    if doubt:
        found.doubts.append((name, doubt, answer))
        return
    draft = Draft()
    parts = [split_of(one.table.sheet.path.stem) for one in group]
    for one, part in zip(group, parts, strict=True):
        _by_file(draft, listing, one, part if len(set(parts)) > 1 else "")
    if len({photo.path for photo in draft.photos}) < len(draft.photos):  # chosen together, unlike
        draft.photos = list({photo.path: photo for photo in draft.photos}.values())
    found.readings.append(_with_rest(draft, listing, name, _words(draft, name), by_files=True))


def _words(draft: Draft, name: str) -> str:
    several = sum(photo.digits is not None for photo in draft.photos)
    single = sum(photo.label is not None for photo in draft.photos)
    kind = "photos of several digits with" if several > single else "labels in"
    return f"{kind} {name}"


def _by_file(draft: Draft, listing: Listing, one: _Named, part: str) -> None:
    table, rows = one.table, defaultdict(list)
    cells = table.column(table.columns.file)
    lost: list[str] = []
    for place, file in enumerate(one.matches.files):
        if file is not None:
            rows[file].append(place)
            continue
        line, cell = table.body[place][0], cells[place]
        why = one.matches.why.get(place, "names it, but there is no such file")
        lost.append(cell or f"line {line}")
        code = "outside" if "outside" in why else "file-missing"
        draft.blame(cell or f"line {line}", code, f"{table.name}, line {line} {why}", _REMEDY)
    if one.matches.renamed:
        draft.notes.append(f"{table.name}: {one.matches.renamed}")
    if lost:
        draft.notes.append(
            f"{len(lost):,} of {len(cells):,} rows of {table.name} match no picture: {listed(lost)}"
        )
    levels = _writer_levels(listing)
    pages: dict[Path, list[Path]] = defaultdict(list)
    for image in listing.images:
        pages[image].append(image)
        file = image.with_name(split_page(image.name)[0])
        if file != image and image not in rows:
            pages[file].append(image)
    for file, places in rows.items():  # in the order of the table
        for image in pages[file]:
            draft.photos.append(_photo(draft, image, places, one, levels, part))


def _writer_levels(listing: Listing) -> list[int]:
    """Return the levels of folders that may be writers: several names, no splits, no 'images'."""
    depth = max(len(path.parts) for path in listing.images) - 1
    levels = []
    for level in range(depth):
        names = {p.parts[level] for p in listing.images if len(p.parts) - 1 > level}
        if not all(split_of(n) or is_container(n) or is_part(n) for n in names):
            levels.append(level)
    return levels


def _photo(
    draft: Draft, path: Path, places: list[int], one: _Named, levels: list[int], part: str
) -> Photo:
    table, row = one.table, one.table.body[places[0]][1]
    columns, folders = table.columns, path.parts[:-1]
    by_folder = "/".join(folders[level] for level in levels if level < len(folders))
    person = table.cell(row, columns.person) or by_folder or None
    said = split_of(table.cell(row, columns.split))
    split = said or next((s for s in map(split_of, reversed(folders)) if s), part)
    texts = sorted({table.cell(table.body[place][1], columns.truth) for place in places})
    truths = {one.truths.classes.get(t) or one.truths.digits.get(t) for t in texts}
    line = table.body[places[0]][0]
    if len(truths) > 1:
        draft.blame(
            path.as_posix(),
            "two-labels",
            f"{table.name} gives it two labels, {' and '.join(texts)}; it is not scored",
            f"leave one of them in {table.name}",
        )
        return Photo(path=path, person=person, split=split)
    if truths == {None}:
        draft.blame(
            path.as_posix(),
            "no-label",
            f"no label: {table.name}, line {line} says '{texts[0]}'",
            "a label is one digit, or the digits of the photo",
        )
        return Photo(path=path, person=person, split=split)
    return Photo(
        path=path,
        label=one.truths.classes.get(texts[0]),
        digits=one.truths.digits.get(texts[0]),
        person=person,
        split=split,
    )


def _with_rest(
    draft: Draft, listing: Listing, name: str, words: str, *, by_files: bool = False
) -> Reading:
    """Add the pictures that a table does not name; below nine in ten named, it is a question."""
    used = {photo.path for photo in draft.photos}
    rest = [image for image in listing.images if image not in used]
    splits = {photo.split for photo in draft.photos}
    unlabelled = [i for i in rest if split_of_path(i) not in (*splits, "")]
    draft.photos += [Photo(path=path, split=split_of_path(path)) for path in unlabelled]
    if unlabelled:
        draft.notes.append(
            f"{len(unlabelled):,} pictures of another split have no labels in {name}"
        )
    apart = set(unlabelled)
    others = [image for image in rest if image not in apart]
    shown = listed([image.as_posix() for image in others])
    for image in others:
        draft.photos.append(Photo(path=image, split=split_of_path(image)))
        draft.blame(
            image.as_posix(),
            "no-label",
            f"no label: {name} does not name it",
            f"add a line to {name}, or take the file out of the folder",
        )
    n = len(listing.images) - len(unlabelled)
    doubt = ""
    if others:
        draft.notes.append(f"{name} does not name {len(others):,} of {n:,} pictures: {shown}")
    if n - len(others) < LEAST_SHARE * n:
        doubt = f"{name} does not name {len(others):,} of the {n:,} pictures ({shown})"
    elif not draft.truths and all(photo.truth is None for photo in draft.photos) and by_files:
        doubt = f"{name} names the pictures, and gives none of them a label"
    strength = Strength.POSSIBLE if doubt else Strength.GIVEN
    return draft.finish("table", words, strength, doubt=doubt)
