"""A table of persons' IDs: the files of a person's folder, in natural order, are the digits."""

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from bench_datasets._folder.columns import Table
from bench_datasets._folder.layout import Draft
from bench_datasets._folder.persons import MOST_LOST_ZEROS, place_digits
from bench_datasets._folder.scan import Listing
from bench_datasets._folder.tables import clean_digits

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_persons"]

_REMEDY: Final = "correct the table or add the file"


def read_persons(draft: Draft, listing: Listing, table: Table) -> bool:
    """Place the digits of each person's ID; return whether the table knows any of the folders."""
    files: dict[str, list[Path]] = defaultdict(list)
    for path in listing.images:
        for parent in path.parents:
            if parent.parts:
                files[parent.as_posix().casefold()].append(path)
                if parent.name.casefold() != parent.as_posix().casefold():
                    files[parent.name.casefold()].append(path)
    rows = [
        (line, table.cell(row, table.columns.person), table.cell(row, table.columns.truth))
        for line, row in table.body
    ]
    if not files and len(rows) == 1:  # the folder is the one person's own
        _, person, truth = rows[0]
        lost_zeros = len(listing.images) - len(clean_digits(truth))
        if 0 <= lost_zeros <= MOST_LOST_ZEROS:
            files[person.casefold()] = list(listing.images)
    if not any(person.casefold() in files for _, person, _ in rows):
        return False
    seen: dict[str, str] = {}
    for line, person, text in rows:
        key, truth = person.casefold(), clean_digits(text).replace("/", "")
        where = f"{table.name}, line {line}"
        if key not in files:
            draft.blame(person, "file-missing", f"{where}: there is no such folder", _REMEDY)
        elif not truth:
            draft.blame(person, "no-id", f"{where} says '{text}', no ID", "digits only")
        elif key in seen:
            if seen[key] != truth:
                fault = f"{where} gives a second ID, {truth}; {seen[key]} was taken"
                draft.blame(person, "two-labels", fault, "leave one of them")
        else:
            seen[key] = truth
            place_digits(draft, person, truth, files[key])
    return True
