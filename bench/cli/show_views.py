"""What ``bench show`` prints: each view reads the store and hands it to render."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.board.leaderboard import Board, Row, leaderboards, per_seed, row_as_dict
from bench.config import find_config, read_config
from bench.errors import OptionError, StoreError
from bench.render.console import make_console
from bench.render.export import as_csv, as_json
from bench.render.hints import prog
from bench.render.leaderboard import board_view, closing_lines
from bench.session import store_of
from bench.store.fields import LEADERBOARD_FIELDS
from bench.store.layout import Store

__all__ = [
    "open_store",
    "print_lines",
    "print_table",
    "show_boards",
    "show_history",
    "show_leaderboard",
    "show_matrix",
    "show_misread",
    "show_people",
    "show_report",
    "show_robustness",
    "show_trial",
]

_MISREAD_SHOWN = 8


def open_store(explicit: Path | None) -> Store:
    """Return the store to read.

    Raises
    ------
    StoreError
        If there is none, or nothing in it.
    """
    store = store_of(explicit, read_config(find_config()))
    if not store.trials.is_dir() and not store.evaluations.is_dir():
        why = "it holds no records" if store.root.is_dir() else "there is no such folder"
        raise StoreError(f"store {store.root}", why=why, fix=f"try {prog()} run --all")
    return store


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], is_csv: bool) -> None:
    """Print rows as CSV, else as JSON."""
    print(as_csv(rows, columns) if is_csv else as_json(list(rows)), end="" if is_csv else "\n")


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print texts that are laid out already, and longer sentences wrapped at blanks."""
    for line in lines:
        console.print(line)


def show_boards(console: Console, store: Store, boards: Sequence[Board], *, all_rows: bool) -> None:
    """Print boards, each with its part for people, and the closing lines."""
    for board in boards:
        console.print(board_view(board, console.width, all_rows=all_rows))
        show_people(console, store, board, all_rows)
        console.print()
    print_lines(console, map(Text, closing_lines(boards)))


def show_people(console: Console, store: Store, board: Board, all_rows: bool) -> None:
    """Print how each person's digits were read, on boards of own folders and the like."""
    if not board.evaluation_only:
        return
    from bench.board.views import people_of
    from bench.render.people import people_lines

    readings = {row.evaluations[0]: people_of(store, row) for row in board.rows if row.evaluations}
    lines = people_lines(board, readings, console.width, all_rows=all_rows)
    if lines:
        console.print()
        print_lines(console, lines)


def show_leaderboard(
    explicit: Path | None,
    datasets: Sequence[str],
    all_rows: bool,
    each_seed: bool,
    exclude_duplicates: bool,
    is_json: bool,
    is_csv: bool,
) -> None:
    """Print the boards of a store."""
    if each_seed and exclude_duplicates:
        raise OptionError(
            "--per-seed and --exclude-duplicates",
            why="images are left out for all rows of a board",
            fix="leave one out",
        )
    store = open_store(explicit)
    boards = leaderboards(store, exclude_duplicates=exclude_duplicates)
    known = [board.test_dataset for board in boards]
    for name in datasets:
        if name not in known:
            raise StoreError(f"no results on '{name}'", why=f"the store holds {', '.join(known)}")
    boards = [board for board in boards if not datasets or board.test_dataset in datasets]
    if is_json or is_csv or each_seed:
        rows = [row for board in boards for row in board.rows]
        if each_seed:
            rows = per_seed(store, test_datasets=datasets or None)
        print_table([row_as_dict(row) for row in rows], LEADERBOARD_FIELDS, is_csv or not is_json)
        return
    show_boards(make_console(), store, boards, all_rows=all_rows)


def show_report(
    explicit: Path | None,
    named: tuple[str, str, str],
    abstain_below: float,
    show_all: bool,
    exclude_duplicates: bool,
    is_json: bool,
    is_csv: bool,
) -> None:
    """Print the classification report of the row named by model, pairing and variant."""
    from bench.board.views import abstaining, find_row, people_of, row_report
    from bench.render import report as render
    from bench.render.calibration import calibration_lines
    from bench.render.intervals import interval_lines
    from bench.render.people import people_lines, person_lines
    from bench.studies.calibration import row_calibration
    from bench.studies.intervals import row_intervals

    store = open_store(explicit)
    boards = leaderboards(store, exclude_duplicates=exclude_duplicates)
    row = find_row(boards, *named)
    found = row_report(store, row)
    if is_json:
        print(as_json(found.report.as_dict()))
        return
    if is_csv:
        print_table(render.report_records(found.report), render.REPORT_COLUMNS, is_csv)
        return
    console = make_console()
    width = console.width
    print_lines(console, render.report_lines(row, found.report, found.confusions, width))
    intervals = list(interval_lines(row_intervals(store, row), width))
    if intervals:
        console.print()
        print_lines(console, intervals)
    if abstain_below:
        found_at = abstaining(store, row, abstain_below)
        console.print(render.abstention_line(found_at, abstain_below))
    console.print()
    print_lines(console, render.worst_lines(found.confusions))
    print_lines(console, render.confusion_lines(found.matrix, found.classes, width))
    board = next(board for board in boards if row in board.rows)
    curve = render.history_lines(found.histories, width)
    calibration = list(calibration_lines(row_calibration(store, row), width))
    persons = people_of(store, row) if board.evaluation_only else []
    people = people_lines(board, {row.evaluations[0]: persons}, width)
    each = person_lines(persons, width, all_persons=show_all)
    for part in (curve, calibration, people, each):
        if part:
            console.print()
            print_lines(console, part)
    if board.evaluation_only:
        console.print()
    show_misread(console, store, board, row, limit=0 if show_all else _MISREAD_SHOWN)


def show_misread(console: Console, store: Store, board: Board, row: Row, *, limit: int) -> None:
    """Print what a row misread of an own folder, at most `limit` images (0: all), as pictures."""
    if not board.evaluation_only or not row.labelled:
        return
    from bench.render.misread import misread_lines
    from bench.studies.misread import misread_images

    found = misread_images(store, board, row)
    more = f"{prog()} show report {row.model} {row.train_dataset}:{row.test_dataset} --all"
    is_colour = console.color_system is not None
    print_lines(
        console, misread_lines(found, console.width, limit=limit, more=more, colour=is_colour)
    )


def show_matrix(
    explicit: Path | None,
    models: Sequence[str],
    exclude_duplicates: bool,
    is_json: bool,
    is_csv: bool,
) -> None:
    """Print train → test accuracies."""
    from bench.board.views import matrix_rows
    from bench.render.matrix import MATRIX_COLUMNS, matrix_lines, matrix_records

    boards = leaderboards(open_store(explicit), exclude_duplicates=exclude_duplicates)
    rows = matrix_rows(boards)
    if models:
        rows = [a for a in rows if any(fnmatchcase(a.row.model, name) for name in models)]
    if not rows:
        raise StoreError("nothing to show", why="no trial fits", fix=f"see {prog()} show")
    if is_json or is_csv:
        print_table(matrix_records(rows), MATRIX_COLUMNS, is_csv)
        return
    console = make_console()
    print_lines(console, matrix_lines(rows, console.width))


def show_trial(
    explicit: Path | None, prefix: str, whole_log: bool, is_json: bool, is_csv: bool
) -> None:
    """Print everything about one trial."""
    from bench.board.views import evaluations_of, read_history, read_log
    from bench.render.trial import HISTORY_COLUMNS, history_records, trial_lines
    from bench.store.read import find_trial, read_trial

    store = open_store(explicit)
    folder = find_trial(store, prefix)
    record, history, log = read_trial(folder), read_history(folder), read_log(folder)
    if is_csv:
        print_table(history_records(history), HISTORY_COLUMNS, is_csv)
        return
    evaluations = evaluations_of(store, record.trial_id)
    if is_json:
        import msgspec

        value = msgspec.to_builtins(record) | {
            "history": history_records(history),
            "evaluations": [
                msgspec.to_builtins(each) | {"accuracy": accuracy} for each, accuracy in evaluations
            ],
            "log": log,
        }
        print(as_json(value))
        return
    console = make_console()
    lines = trial_lines(record, evaluations, history, log, console.width, whole_log=whole_log)
    print_lines(console, lines)


def show_history(
    explicit: Path | None, model: str, dataset: str, is_json: bool, is_csv: bool
) -> None:
    """Print a model's results over time."""
    from bench.board.timeline import timeline
    from bench.render.timeline import TIMELINE_COLUMNS, timeline_lines, timeline_records

    entries = timeline(open_store(explicit), model, dataset)
    if is_json or is_csv:
        print_table(timeline_records(entries), TIMELINE_COLUMNS, is_csv)
        return
    console = make_console()
    print_lines(console, timeline_lines(model, dataset, entries, console.width))


def show_robustness(
    explicit: Path | None, datasets: Sequence[str], is_json: bool, is_csv: bool
) -> None:
    """Print accuracies under corruptions."""
    from bench.render import robustness as render
    from bench.studies.robustness import robustness_rows

    rows = robustness_rows(open_store(explicit), datasets)
    if not rows:
        fix = f"compute them with {prog()} run --all --corruptions all"
        raise StoreError("no results under corruptions", fix=fix)
    if is_json or is_csv:
        print_table(render.robustness_records(rows), render.ROBUSTNESS_COLUMNS, is_csv)
        return
    console = make_console()
    print_lines(console, render.robustness_lines(rows, console.width))
