"""From a folder to the one reading that explains it, or to a question that a person must answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.errors import DataError, OptionError, UndecidedError
from bench_datasets._folder.class_names import given_classes
from bench_datasets._folder.folder_reading import read_folders, split_of_path, writer_of
from bench_datasets._folder.id_reading import read_id_folders, read_id_texts
from bench_datasets._folder.layout import (
    Draft,
    Layout,
    LayoutOptions,
    Photo,
    Problem,
    Reading,
    Rejected,
    Strength,
)
from bench_datasets._folder.loose_tables import doubt_by_list
from bench_datasets._folder.name_reading import read_names
from bench_datasets._folder.pattern_reading import read_pattern
from bench_datasets._folder.questions import pairs_of, question, two_readings, with_readings
from bench_datasets._folder.scan import Listing, Unread, scan_folder
from bench_datasets._folder.table_reading import Tables, read_tables

__all__ = ["KINDS", "recognise"]

KINDS: Final = ("", "folder", "table", "name", "none")
_WHAT_LABELS_AN_ORDER: Final = (
    "what gives labels: an id.txt with the ID beside them, the folder named by the ID, a table "
    "labels.csv (file,label), or, where the numbers are the digits, --labels name"
)
_NO_PICTURES: Final = ("no-picture", "hidden", "same-folder")
_WHAT_LABELS: Final = (
    "what gives labels: folders named 0 to 9, a table labels.csv (file,label), persons' folders "
    "with ids.csv (person,id) or an id.txt each, or the digit in each file's name"
)


def recognise(
    folder: Path, options: LayoutOptions | None = None, left_out: tuple[Unread, ...] = ()
) -> Layout:
    """Return how the photos of a folder are labelled: the one reading that explains all of them.

    Parameters
    ----------
    left_out : tuple of Unread
        Files that should lie in the folder and could not be put there.

    Raises
    ------
    DataError
        If the folder is missing, cannot be opened or holds no picture.
    UndecidedError
        If two readings explain it as well, or the best leaves something open.
    OptionError
        If an option says what is not there.
    """
    options = options or LayoutOptions()
    listing = scan_folder(folder)
    listing = replace(listing, unread=(*left_out, *listing.unread))
    if not listing.images:
        raise _no_pictures(listing)
    given = given_classes(options.classes)
    rejected: list[Rejected] = []
    try:
        reading = _decide(listing, options, given, rejected)
    except UndecidedError as error:
        others = [*read_folders(listing.images, options, given)[0]]
        others += read_names(listing.images, given)[0]
        raise with_readings(error, others, rejected) from None
    labels = {photo.label for photo in reading.photos}
    _check_list(listing, reading, is_sure=bool(given or options.labels or options.levels))
    if given and options.labels != "none" and not labels & set(given.values()):
        raise OptionError(
            f"classes {', '.join(options.classes)}",
            why=f"nothing in {folder.name or folder} is labelled with one of them",
            fix="name the class folders as they are named there",
        )
    problems = (*reading.problems, *_scan_problems(listing, reading))
    return Layout(
        rule=reading.words,
        photos=reading.photos,
        truths=reading.truths,
        notes=(*reading.notes, *_scan_notes(listing)),
        problems=problems,
        examples=reading.examples,
        rejected=tuple(rejected),
        doubt=reading.doubt if reading.strength is Strength.ORDER else "",
    )


def _check_list(listing: Listing, reading: Reading, *, is_sure: bool) -> None:
    """Ask where a list of classes says that numbered folders are other digits."""
    if is_sure or reading.kind != "folder":
        return
    numbered = {
        photo.label
        for photo in reading.photos
        if photo.label and any(part.lstrip("0") in (photo.label, "") for part in photo.path.parts)
    }
    doubt, answer = doubt_by_list(listing, numbered)
    if doubt:
        raise UndecidedError(
            f"{listing.root.name}: what do the numbers of the folders mean?",
            why=doubt,
            fix=f"say {answer} or --labels folder",
            readings=pairs_of((reading,)),
        )


def _no_pictures(listing: Listing) -> DataError:
    name = listing.root.name or str(listing.root)
    if listing.unread:
        first, more = listing.unread[0], len(listing.unread) - 1
        also = f" (and {more:,} more files)" if more else ""
        return DataError(name, why=f"no pictures: {first.name}: {first.why}{also}", fix=first.fix)
    return DataError(
        name,
        why="no pictures in this folder",
        fix="put photos there: JPEG, PNG, GIF, BMP, TIFF, WebP, PPM or HEIC",
    )


def _decide(
    listing: Listing,
    options: LayoutOptions,
    given: Mapping[str, str],
    rejected: list[Rejected],
) -> Reading:
    kind = options.labels
    if options.label_pattern not in ("", "none"):
        return read_pattern(listing.images, options.label_pattern)
    if kind == "none":
        return _unlabelled(listing, [])
    if kind in ("", "table") and not options.levels:
        tables = read_tables(listing, options, given)
        rejected += tables.rejected
        if tables.readings or tables.doubts or kind or options.table:
            table = _from_tables(listing, tables, options)
            return _against_folders(table, listing, options, given)
        by_text = read_id_texts(listing)
        if by_text is not None:
            return by_text
    readings: list[Reading] = []
    if kind in ("", "folder"):
        for found in (read_id_folders(listing), read_folders(listing.images, options, given)):
            readings += found[0]
            rejected += found[1]
    if kind in ("", "name") and not options.levels and options.label_pattern != "none":
        by_name = read_names(listing.images, given)
        readings += by_name[0]
        rejected += by_name[1]
    return _best(listing, readings, rejected, kind)


def _best(
    listing: Listing, readings: Sequence[Reading], rejected: list[Rejected], kind: str
) -> Reading:
    """Return the reading that explains more than any other; ask where two explain as much."""
    if not kind:
        rejected += [
            Rejected(words=r.words, why=r.doubt)
            for r in readings
            if r.strength is Strength.COUNTING
        ]
        readings = [r for r in readings if r.strength > Strength.COUNTING]
    if not readings:
        if kind:
            why = f"{rejected[-1].words}: {rejected[-1].why}" if rejected else "there are none"
            raise OptionError(f"--labels {kind}", why=f"nothing gives labels so: {why}")
        return _unlabelled(listing, rejected)
    top = max(reading.strength for reading in readings)
    best = [reading for reading in readings if reading.strength == top]
    rejected += [
        Rejected(words=r.words, why=r.doubt or f"less sure than {best[0].words}")
        for r in readings
        if r.strength < top
    ]
    if best[0].kind == "name" and not kind:  # folders of digits beside it speak against it
        best += [r for r in readings if r.kind == "folder" and r.strength < top]
    unlike = [best[0], *(r for r in best[1:] if r.labels != best[0].labels)]
    if len(unlike) > 1:
        raise two_readings(listing, unlike)
    taken = best[0]
    asked = taken.strength in (Strength.POSSIBLE, Strength.ORDER)
    if taken.answer and asked:
        raise question(listing, taken)
    if kind:
        return Reading(
            kind=taken.kind,
            words=taken.words,
            photos=taken.photos,
            strength=Strength.GIVEN,
            truths=taken.truths,
            notes=taken.notes,
            problems=taken.problems,
        )
    if taken.strength is Strength.POSSIBLE:
        raise question(listing, taken)
    return taken


def _from_tables(listing: Listing, tables: Tables, options: LayoutOptions) -> Reading:
    name = listing.root.name or str(listing.root)
    sure = [reading for reading in tables.readings if reading.strength is Strength.GIVEN]
    unlike = [*sure[:1], *(r for r in tables.readings if sure and r.labels != sure[0].labels)]
    if len(unlike) > 1 or (not sure and len(tables.readings) > 1):
        both = [*unlike, *tables.readings][:2]
        files = [reading.words.rpartition(" ")[2] for reading in both]
        raise UndecidedError(
            f"{name}: which table holds the labels?",
            why=f"two tables name pictures, {both[0].words} and {both[1].words}",
            fix=f"say --table {files[0]} or --table {files[1]}, or both: --table {','.join(files)}",
            readings=pairs_of(tables.readings),
        )
    if sure:
        return sure[0]
    if tables.readings:
        reading = tables.readings[0]
        if options.labels == "table":
            return reading
        raise UndecidedError(
            f"{name}: is this the table of these pictures?",
            why=reading.doubt,
            fix="say --labels table to leave the others out, or correct the table",
            readings=pairs_of(tables.readings),
        )
    if tables.doubts:
        table, doubt, answer = tables.doubts[0]
        others = " --labels folder, --labels name or --labels none"
        raise UndecidedError(
            f"{name}: {table}",
            why=doubt,
            fix=f"{answer}, or say" * bool(answer) + others,
            readings=tuple((each, why) for each, why, _ in tables.doubts),
        )
    raise OptionError("--labels table", why=f"no table in {name} names its pictures")


def _against_folders(
    table: Reading, listing: Listing, options: LayoutOptions, given: Mapping[str, str]
) -> Reading:
    """Return the table's reading; ask if class folders that are sure differ from it."""
    if options.labels or options.table:
        return table
    for reading in read_folders(listing.images, options, given)[0]:
        if reading.strength is not Strength.PROVEN:
            continue
        differ = [
            path.as_posix()
            for path, label in table.labels.items()
            if label is not None and reading.labels[path] not in (None, label)
        ]
        if differ:
            raise UndecidedError(
                f"{listing.root.name}: the table or the folders?",
                why=f"{table.words} and {reading.words} differ on {len(differ):,} of "
                f"{len(listing.images):,} pictures, such as {differ[0]}",
                fix="say --labels table or --labels folder",
                readings=pairs_of((table, reading)),
            )
    return table


def _unlabelled(listing: Listing, rejected: Sequence[Rejected]) -> Reading:
    """Take any folder, for predictions only."""
    writers = writer_of(listing.images)
    reasons = "; ".join(f"{each.words}: {each.why}" for each in rejected[:3])
    what = _WHAT_LABELS_AN_ORDER if "an order" in reasons else _WHAT_LABELS
    note = f"predictions only; {f'{reasons}; ' if reasons else ''}{what}"
    draft = Draft(
        photos=[
            Photo(path=path, person=writers[path], split=split_of_path(path))
            for path in listing.images
        ],
        notes=[note],
    )
    return draft.finish("none", "no labels", Strength.PROVEN)


def _scan_problems(listing: Listing, reading: Reading) -> list[Problem]:
    found = [
        Problem(
            sample=e.name,
            code=e.code,
            fault=e.why,
            remedy=e.fix,
            is_lost=e.code not in _NO_PICTURES,
        )
        for e in listing.unread
    ]
    labels = reading.labels
    for twin, first in listing.twins.items():
        if twin in labels and first in labels:
            differ = "" if labels[twin] == labels[first] else ", labelled otherwise"
            fault = f"the same file as {first.as_posix()}{differ}"
            remedy = "keep one of them: it counts twice"
            found.append(
                Problem(sample=twin.as_posix(), code="same-file", fault=fault, remedy=remedy)
            )
    return found


def _scan_notes(listing: Listing) -> list[str]:
    n = len(listing.unread)
    if not n:
        return []
    reasons = sorted({each.why for each in listing.unread})
    return [f"{n:,} file{'s' * (n != 1)} not read: {'; '.join(reasons[:3])}"]
