"""Own folders, person by person: digits right, IDs right, and the IDs as they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from rich.text import Text

from bench.board.leaderboard import Board, Row
from bench.board.rows import PersonReading
from bench.render.console import clean, plain
from bench.render.hints import prog
from bench.render.table import Column, Line, choose, lay_out
from bench.store.formats import MISSING, share

__all__ = ["marked", "people_lines", "person_lines"]

_MIN_WRITERS: Final = 5
_ROWS_SHOWN: Final = 10
_READINGS_SHOWN: Final = 2
_WIDE: Final = 100  # from here on there is room for the readings beside the figures
_PERSONS_SHOWN: Final = 30
_PERSON_COLUMNS: Final = (
    Column(name="person", heading="person", align="left", wraps_at=16),
    Column(name="digits", heading="digits right"),
    Column(name="read", heading="as read (wrong digits marked)", align="left"),
    Column(name="truth", heading="", align="left"),
)
_COLUMNS: Final = (
    Column(name="model", heading="model", align="left", wraps_at=24),
    Column(name="train", heading="trained on", align="left", keep=2),
    Column(name="digits", heading="digits right", align="left"),
    Column(name="ids", heading="IDs right"),
    Column(name="read", heading="as read (wrong digits marked)", align="left", keep=1),
)


def people_lines(
    board: Board,
    readings: Mapping[str, Sequence[PersonReading]],
    width: int,
    *,
    all_rows: bool = False,
    brief: bool = False,
) -> list[Text]:
    """Return the part for people of one board; empty where no person is known.

    `brief` stands for the board: every model, with no more than one misread ID.

    Parameters
    ----------
    readings : mapping
        For the first evaluation of each row, how it read each person.
    """
    chosen = board.best_of_each if brief else board.rows
    rows = [row for row in chosen if row.evaluations and readings.get(row.evaluations[0])]
    if not rows:
        return []
    people = readings[rows[0].evaluations[0]]
    digits = sum(len(person.truth) for person in people)
    writers = {person.writer for person in people}
    what = "person" if _are_persons(people) else "photo"
    title = plain(board.test_dataset, "heading").append(
        f" · {len(people)} {what}{'s' * (len(people) != 1)}, {digits} digits · what the models "
        f"saw: {prog()} data inspect {clean(board.test_dataset)}"
    )
    shown = rows if all_rows or brief else rows[:_ROWS_SHOWN]
    readings_shown = 1 if brief else _READINGS_SHOWN
    is_several = len({row.train_dataset for row in shown}) > 1
    columns = [replace(c, keep=0) if c.name == "train" and is_several else c for c in _COLUMNS]

    def lines(is_narrow: bool) -> list[Line]:
        return [
            one
            for row in shown
            for one in _lines(row, readings[row.evaluations[0]], is_narrow, readings_shown)
        ]

    has_room = width >= _WIDE and choose(columns, lines(False), width - 1) == columns
    if brief and not has_room:
        readings_shown = 0
    texts = [title, *lay_out(columns, lines(not has_room), width, indent=1)]
    hidden = (len(board.rows) if brief else len(rows)) - len(shown)
    if hidden > 0:
        texts.append(Text(f" … {hidden} more row{'s' * (hidden > 1)}: --all-rows"))
    if any(row.seeds > 1 for row in shown):
        texts.append(Text("Digits of rows over several seeds are those their first seed read."))
    number = {1: "One writer is", 2: "Two writers are", 3: "Three writers are"}
    if "" in writers:
        texts.append(Text("The writers are not known: the intervals speak of these images only."))
    elif len(writers) < _MIN_WRITERS:
        texts.append(
            Text(
                f"{number.get(len(writers), 'Four writers are')} too few to say how other people's "
                "digits would fare; the intervals speak of these images only."
            )
        )
    return texts


def _are_persons(people: Sequence[PersonReading]) -> bool:
    """Whether each reading is all of one writer's, not one photo of a whole ID."""
    return all(person.writer == person.person for person in people)


def _lines(
    row: Row, people: Sequence[PersonReading], is_narrow: bool, n_readings: int
) -> list[Line]:
    wrong = [person for person in people if person.has_id and not person.is_right]
    cells = {
        "model": plain(row.label),
        "train": plain(row.train_dataset),
        "digits": Text(_digits(row, people)),
        "ids": Text(_ids(people)),
    }
    shown = [_reading(person) for person in wrong[:n_readings]]
    if shown and len(wrong) > len(shown):
        shown[-1].append(f" … and {len(wrong) - len(shown)} more")
    if is_narrow:
        below = [Line(tail=Text("  ") + text, tail_at="model") for text in shown]
        return [Line(cells=cells), *below]
    first = {"read": shown[0]} if shown else {}
    return [Line(cells={**cells, **first}), *(Line(cells={"read": text}) for text in shown[1:])]


def _digits(row: Row, people: Sequence[PersonReading]) -> str:
    if not row.labelled:
        return MISSING
    text = f"{sum(p.right for p in people)}/{sum(len(p.truth) for p in people)}"
    if row.accuracy_low is None or row.accuracy_high is None or row.seeds > 1:
        return text
    return f"{text} [{share(row.accuracy_low, 2)}, {share(row.accuracy_high, 2)}]"


def _ids(people: Sequence[PersonReading]) -> str:
    known = [person for person in people if person.has_id]
    return f"{sum(p.is_right for p in known)}/{len(known)}" if known else MISSING


def _reading(person: PersonReading) -> Text:
    text = plain(person.person).append(" ")
    text.append_text(marked(person))
    return text.append(f" → truth {clean(person.whole_id or ''.join(person.truth))}")


def marked(person: PersonReading) -> Text:
    """Return the ID as it was read, wrong digits in brackets: ``1087[34]92``."""
    text = Text()
    pairs = zip(person.truth, person.read, strict=True)
    for is_right, run in groupby(pairs, key=lambda pair: pair[0] == pair[1]):
        digits = clean("".join(read for _, read in run))
        text.append_text(Text(digits) if is_right else Text(f"[{digits}]", style="bad"))
    return text


def person_lines(
    people: Sequence[PersonReading], width: int, *, all_persons: bool = False
) -> list[Text]:
    """Return one row's table of persons: digits right, and the ID as it was read."""
    if not people:
        return []
    shown = people if all_persons else people[:_PERSONS_SHOWN]
    lines = [Line(cells=_person_cells(person)) for person in shown]
    what = "person" if _are_persons(people) else "photo"
    columns = [replace(c, heading=what) if c.name == "person" else c for c in _PERSON_COLUMNS]
    texts = lay_out(columns, lines, width, indent=1)
    if any(text.cell_len > width for text in texts):  # long IDs stand below
        cells = [_person_cells(person) for person in shown]
        lines = [line for each in cells for line in _in_two(each)]
        texts = lay_out(columns[:2], lines, width, indent=1)
    if len(shown) < len(people):
        texts.append(Text(f" … {len(people) - len(shown)} more {what}s: --all"))
    return texts


def _in_two(cells: Mapping[str, Text]) -> list[Line]:
    below = Text("  ").append_text(cells.get("read", Text()))
    below.append(" ").append_text(cells.get("truth", Text()))
    return [Line(cells=cells), *([Line(tail=below, tail_at="person")] if "read" in cells else [])]


def _person_cells(person: PersonReading) -> dict[str, Text]:
    cells = {"person": plain(person.person), "digits": Text(f"{person.right}/{len(person.truth)}")}
    if person.has_id:
        cells["read"] = marked(person)
        is_right = person.is_right
        truth = clean(person.whole_id)
        cells["truth"] = Text("✓", style="good") if is_right else Text(f"→ truth {truth}")
    return cells
