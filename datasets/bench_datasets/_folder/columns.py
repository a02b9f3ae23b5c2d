"""Which columns of a table are file, writer, truth and split: by header, then by content."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bench.images.decode import is_image_name
from bench_datasets._folder.class_names import fit_names
from bench_datasets._folder.matching import PictureIndex
from bench_datasets._folder.tables import Sheet, clean_digits
from bench_datasets._folder.words import is_guess

if TYPE_CHECKING:
    from bench_datasets._folder.scan import Listing

__all__ = ["Columns", "Table", "find_columns"]

_TITLES: Final = {
    "file": "file filename file_name filepath file_path image_path img_path image_name image_file "
    "image img path picture photo pic fname image_id img_id imageid file_id fileid name sample uri "
    "url src key datei dateiname bild fichier archivo",
    "person": "person writer writer_id person_id folder student author who user subject "
    "participant schreiber ecrivain autor",
    "truth": "label labels digit digits class classes class_name class_label class_id classid "
    "category target truth true actual choice choices expected true_label ground_truth gt y y_true "
    "value number text answer ziffer zahl klasse etiquette etiqueta student_id annotation tag",
    "split": "split subset set usage partition",
}
_HEADERS: Final = {kind: words.split() for kind, words in _TITLES.items()}
_ANYTHING: Final = ("id", "ids", "student_id")
_SURE: Final = frozenset({"label", "labels", "digit", "digits", "class", "classes"})
_NO_LABELS: Final = (
    "confidence probability prob score width height size w h comment comments note notes remark "
    "date time index bytes channels quality annotator source hash md5 sha256 page row col x left "
    "top right bottom xmin ymin xmax ymax unnamed:_0 fold rotation angle orientation day month "
    "year hour minute second weekday count counts n age size area rating gender sex hand batch "
    "session group device camera pen dpi order rank seq sequence position pos line rater"
)
_BESIDE: Final = frozenset(["", *_NO_LABELS.split()])
_WHICH: Final = ": which column holds the labels?"
_LEAST_COUNTED: Final = 3
_TRIED: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Places of the columns; None for one that is not there."""

    truth: int
    file: int | None = None
    person: int | None = None
    split: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of labels: its lines below the header, and its columns."""

    sheet: Sheet
    columns: Columns
    body: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def name(self) -> str:
        """How a person knows it."""
        return self.sheet.name

    def cell(self, row: Sequence[str], place: int | None) -> str:
        """Return a cell, empty where the row is too short or there is no such column."""
        return row[place].strip() if place is not None and place < len(row) else ""

    def column(self, place: int | None) -> list[str]:
        """Return all cells of a column."""
        return [self.cell(row, place) for _, row in self.body]


def find_columns(
    sheet: Sheet, listing: "Listing", index: PictureIndex, wanted: str = ""
) -> Table | str:
    """Return the table with its columns known, or why it is none of labels.

    A text that ends in a question mark is a doubt that a person has to settle.

    Parameters
    ----------
    wanted : str
        The column of labels that was named; empty: find it.
    """
    header = [_word(cell) for cell in sheet.lines[0][1]]
    known = {word for words in _HEADERS.values() for word in words} | set(_ANYTHING)
    is_title = bool(wanted) and not wanted.isdecimal() and _word(wanted) in header
    has_header = is_title or any(cell in known for cell in header)
    body = sheet.lines[1:] if has_header else sheet.lines
    if not body:
        return "it has no rows"
    named = _Named(
        header=header if has_header else [], body=body, listing=listing, index=index, sheet=sheet
    )
    file = named.file()
    person = named.by_word("person", {file})
    if file is None and person is None:
        person = named.person()
    if file is None and person is None:
        return "none of its columns names a picture or a writer"
    split = named.by_word("split", {file, person})
    taken = {file, person, split} - {None}
    named = replace(named, has_files=file is not None)
    truth = named.wanted(wanted) if wanted else named.truth(taken)
    if wanted and truth == file:  # numbers that may be either
        file = next((place for place in range(named.width) if named.is_either(place, file)), None)
    elif not wanted and not isinstance(truth, str) and named.is_either(truth, file):
        truth = named.which(*sorted((file or 0, truth)))
    if isinstance(truth, str):
        knows_pictures = not wanted and file is not None and named.n_matched(file)
        return (
            f"it names pictures, but {truth}{_WHICH * (not truth.endswith('?'))}"
            if knows_pictures
            else truth
        )
    columns = Columns(truth=truth, file=file, person=person, split=split)
    if not has_header and file is not None and named.is_title(file, truth):
        body = body[1:]
    return Table(sheet=sheet, columns=columns, body=tuple(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What is looked at to find columns."""

    header: list[str]
    body: tuple[tuple[int, tuple[str, ...]], ...]
    listing: "Listing"
    index: PictureIndex
    sheet: Sheet
    has_files: bool = False

    @property
    def width(self) -> int:
        return max(len(row) for _, row in self.body)

    def cells(self, place: int) -> list[str]:
        return [row[place].strip() if place < len(row) else "" for _, row in self.body]

    def by_word(self, kind: str, taken: set[int | None]) -> int | None:
        for word in _HEADERS[kind]:
            if word in self.header and self.header.index(word) not in taken:
                return self.header.index(word)
        return None

    def file(self) -> int | None:
        """Return the column that names most pictures, by header where one has a usual name."""
        words = [*_HEADERS["file"], "id"]
        titled = [self.header.index(word) for word in words if word in self.header]
        persons = {self.header.index(word) for word in _HEADERS["person"] if word in self.header}
        places = [p for p in range(self.width) if p not in persons]
        shares = {place: self.n_matched(place) for place in places}
        usual = [place for place in titled if shares.get(place)]
        if usual:
            return max(usual, key=lambda place: (shares[place], -titled.index(place)))
        if persons and not any(self.looks_like_files(place) for place in places):
            return None
        truths = {self.header.index(w) for w in _HEADERS["truth"] if w in self.header}
        free = [place for place in places if place not in truths]
        free = free or [place for place in places if place != self.by_word("truth", set())]
        looks = [place for place in free if self.looks_like_files(place)]
        if looks:
            return max(looks, key=lambda place: shares[place])
        best = max(free, key=lambda place: shares[place], default=None)
        if best is not None and 2 * shares[best] > min(len(self.body), len(self.listing.images)):
            return best
        is_named = [p for p in titled if self.header[p] not in ("name", "id", "key", "sample")]
        return is_named[0] if is_named and not persons else None

    def is_either(self, place: int, file: int | None) -> bool:
        """Whether a column without a title names the pictures as well as the one taken for it."""
        if file in (None, place) or self.title(place) or self.title(file or 0):
            return False
        return self.n_matched(place) >= self.n_matched(file or 0) and self.is_truth(file or 0)

    def n_matched(self, place: int) -> int:
        cells = self.cells(place)[:_TRIED]
        files = self.index.match(cells, self.sheet.path).files
        return len({file for file in files if file is not None})

    def looks_like_files(self, place: int) -> bool:
        cells = self.cells(place)[:_TRIED]
        return sum(is_image_name(cell) for cell in cells) > 0.5 * len(cells)

    def person(self) -> int | None:
        folders = {part.casefold() for path in self.listing.images for part in path.parts[:-1]}
        folders |= {path.parent.as_posix().casefold() for path in self.listing.images}
        shares = {
            place: sum(cell.replace("\\", "/").casefold() in folders for cell in self.cells(place))
            for place in range(self.width)
        }
        best = max(shares, key=lambda place: shares[place])
        titled = self.header[best] if best < len(self.header) else ""
        if titled in _HEADERS["truth"] or 2 * shares[best] <= len(self.body):
            return None
        return best

    def wanted(self, column: str) -> int | str:
        if _word(column) in self.header:
            return self.header.index(_word(column))
        if column.isdecimal() and 1 <= int(column) <= self.width:
            return int(column) - 1
        return f"it has no column '{column}'"

    def truth(self, taken: set[int | None]) -> int | str:
        places = [p for p in range(self.width) if p not in taken]
        titled = [
            self.header.index(word)
            for word in _HEADERS["truth"]
            if word in self.header and self.header.index(word) in places
        ]
        if not titled and not self.has_files:  # persons and their IDs
            titled = [p for p in places if self.title(p) in _ANYTHING and self.is_truth(p)]
        if not titled:
            titled = [p for p in places if not self.is_beside(p) and self.is_truth(p)]
        counting = [p for p in titled if self.numbers_rows(p)]
        if counting and len(titled) == len(counting):
            return f"its column {self.title(counting[0])} only numbers the rows"
        titled = [p for p in titled if p not in counting]
        return self.one_of([p for p in titled if any(self.cells(p))])

    def one_of(self, places: list[int]) -> int | str:
        if not places:
            return "none of its columns holds labels"
        first = [_plainly(cell) for cell in self.cells(places[0])]
        for place in places[1:]:
            other = [_plainly(cell) for cell in self.cells(place)]
            if other == first:
                continue
            return self.which(places[0], place)
        return places[0]

    def which(self, *places: int) -> str:
        """Ask which of two columns it is; one without a title by its number."""
        names = [self.title(place) or f"number {place + 1}" for place in places]
        return f"which column holds the labels, {' or '.join(names)}?"

    def title(self, place: int) -> str:
        return self.header[place] if place < len(self.header) else ""

    def is_beside(self, place: int) -> bool:
        """Whether the header says that a column is about something else."""
        title = self.title(place)
        return bool(self.header) and (title in _BESIDE or is_guess(title))

    def is_truth(self, place: int) -> bool:
        cells = [cell for cell in self.cells(place) if cell]
        good = sum(bool(clean_digits(cell)) for cell in cells)
        if good < 0.9 * len(cells):
            fit = fit_names(set(cells[:_TRIED]), {})
            good = 0 if fit is None else sum(cell in fit.classes for cell in cells)
        return bool(cells) and good >= 0.9 * len(cells)

    def is_count(self, place: int) -> bool:
        """Whether a column only numbers the rows."""
        cells = self.cells(place)
        if not all(cell.isascii() and cell.isdigit() and len(cell) < 10 for cell in cells):
            return False
        return [int(cell) - int(cells[0]) for cell in cells] == list(range(len(cells)))

    def numbers_rows(self, place: int) -> bool:
        """Whether a column numbers the rows and is not called a label, or counts beyond 9."""
        if not self.has_files or len(self.body) < _LEAST_COUNTED or not self.is_count(place):
            return False
        is_label = not self.header or self.title(place) in _SURE
        return not is_label or len(self.body) > 10

    def is_title(self, file: int, truth: int) -> bool:
        """Whether the first row is a header of words that are not known."""
        first = self.body[0][1]
        if len(self.body) < 2 or max(file, truth) >= len(first):
            return False
        matched = self.index.match([first[file]], self.sheet.path).files[0]
        return matched is None and not is_image_name(first[file]) and not clean_digits(first[truth])


def _word(title: str) -> str:
    return title.strip().casefold().replace(" ", "_")


def _plainly(cell: str) -> str:
    fit = fit_names([cell], {}) if cell else None
    return fit.classes.get(cell, cell) if fit else clean_digits(cell) or cell.casefold()
