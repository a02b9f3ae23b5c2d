"""The leaderboard of one test split, as a person reads it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Group
from rich.text import Text

from bench.board.leaderboard import Board, Row
from bench.render.console import clean, plain
from bench.render.field_table import Table, shown
from bench.render.hints import as_typed, prog
from bench.render.table import Column, Line, lay_out
from bench.scoring.halves import HALVES
from bench.scoring.intervals import THESE_IMAGES_ONLY
from bench.store.fields import format_value
from bench.store.formats import MISSING, about, count, points, share
from bench.store.record import State

__all__ = ["ROWS_SHOWN", "board_view", "closing_lines"]

ROWS_SHOWN: Final = 30

_COLUMNS: Final = (
    Column(name="rank", heading="rank", align="left"),
    Column(name="model", heading="model", align="left", wraps_at=24),
    Column(name="trained_on", heading="trained on", keep=1, align="left"),
    Column(name="accuracy", heading="accuracy", align="left"),
    Column(name="note", heading="", align="left"),
    *Table(
        columns=(
            shown("macro_f1", keep=3),
            shown("train_accuracy", keep=4),
            # Dropped last of the figures: overfitting is what people look for.
            shown("gap", keep=2),
            shown("parameters", keep=8),
            shown("model_bytes", keep=7),
            shown("fit_seconds", keep=5),
            shown("predict_us_per_image", keep=6),
            shown("seeds", keep=9),
            shown("accuracy_sd_seeds", keep=10),
            shown("latency_ms_p50", keep=11),
            shown("peak_memory_bytes", keep=12),
            shown("multiply_adds", keep=13),
            shown("balanced_accuracy", keep=14),
            shown("precision", keep=15),
        )
    ).columns,
)
_STATE_WORDS: Final = {
    State.OUT_OF_MEMORY: "out of memory",
    State.DATA_MISSING: "data missing",
}


def board_view(board: Board, width: int, *, all_rows: bool = False) -> Group:
    """Return the leaderboard with its title, notes and legend.

    The best `ROWS_SHOWN` rows are shown unless `all_rows`; of evaluation-only data one a model.
    """
    rows = board.rows if all_rows else board.best_of_each[:ROWS_SHOWN]
    trained_on = {row.train_dataset for row in board.rows}
    is_single = len(trained_on) == 1
    lines = [_line(row, board, is_single) for row in rows]
    parts = [_title(board, trained_on), *lay_out(_COLUMNS, lines, width, indent=1)]
    if len(rows) < len(board.rows):
        hidden = len(board.rows) - len(rows)
        why = " (other training data)" if len(board.best_of_each) == len(rows) else ""
        parts.append(Text(f" … {hidden} more row{'s' * (hidden > 1)}{why}: --all-rows"))
    legend = _legend(board)
    if legend:
        parts += [Text(), *map(Text, legend)]
    return Group(*parts)


def _title(board: Board, trained_on: set[str]) -> Text:
    title = plain(board.test_dataset, "heading")
    kind = "evaluation only" if board.evaluation_only else "test split"
    # A board of failures alone does not know how many images there are.
    title.append(f" · {kind}" + f", {_images(board.n_test)}" * bool(board.n_test))
    if board.test_embedded:
        title.append(f" · {clean(board.test_embedded)}")
    if len(trained_on) == 1:
        title.append(f" · trained on {clean(next(iter(trained_on)))}")
    return title


def _images(n: int) -> str:
    return f"{count(n)} image{'' if n == 1 else 's'}"


def _these(n: int) -> str:
    return "this image" if n == 1 else f"these {_images(n)}"


def _line(row: Row, board: Board, is_single: bool) -> Line:
    digits = board.digits
    style = "best" if row.rank_low == 1 else ""
    cells = {
        "rank": Text(row.rank or MISSING, style=style),
        "model": plain(row.label, style),
    }
    if not is_single:
        cells["trained_on"] = plain(row.train_dataset)
    if row.state is not State.OK:
        return Line(cells=cells, tail=Text(_failure(row), style="bad"), tail_at="accuracy")
    cells["accuracy"] = Text(_accuracy(row, digits), style=style)
    cells["note"] = Text(_mark(row), style="warn")
    if row.gap is not None:
        cells["gap"] = Text(points(row.gap))
    for column in _COLUMNS:
        if column.name not in cells and getattr(row, column.name, None) is not None:
            value = getattr(row, column.name)
            cells[column.name] = Text(format_value(column.name, value, digits=digits))
    if all(each.seeds <= 1 for each in board.rows):
        del cells["seeds"]
    return Line(cells=cells)


def _accuracy(row: Row, digits: int) -> str:
    if row.accuracy is None:
        return MISSING
    text = share(row.accuracy, digits)
    if row.accuracy_low is None or row.accuracy_high is None:
        return text
    return f"{text} [{share(row.accuracy_low, digits)}, {share(row.accuracy_high, digits)}]"


def _mark(row: Row) -> str:
    """Return why a row has no rank, or what else to know about it."""
    marks = ["did not learn"] if row.is_at_chance else []
    if row.leaked:
        marks.append(f"leak: {count(row.leaked)} image{'s' if row.leaked > 1 else ''}")
    if row.near_duplicates:
        marks.append(f"near-duplicates: {count(row.near_duplicates)}")
    if row.budget not in ("full", row.differs.budget):
        marks.append(f"budget {row.budget}")
    if not row.labelled:
        marks.append("no labels")
    if row.best_of:
        marks.append(f"best of {row.best_of}")
    if row.retries:
        marks.append(f"retried {row.retries} ×")
    return ", ".join(marks)


def _failure(row: Row) -> str:
    word = _STATE_WORDS.get(row.state, str(row.state))
    reason = f": {as_typed(clean(row.reason))}" if row.reason not in ("", word) else ""
    where = f" ({prog()} show trial {row.trials[0][:8]})" if row.trials else ""
    return f"{word}{reason}{where}"


def _legend(board: Board) -> list[str]:
    sentences = [
        *_rank_sentences(board),
        *_training_sentences(board),
        _interval_sentence(board.rows),
    ]
    if any(row.leaked for row in board.rows):
        sentences.append("A leak (test images among the training images) is not ranked.")
    if any(row.near_duplicates for row in board.rows):
        sentences.append("Near-duplicates are test images nearly the same as a training image.")
    is_spoilt = any(row.leaked or row.near_duplicates for row in board.rows)
    if is_spoilt and not board.excludes_duplicates:
        sentences.append(f"{prog()} show --exclude-duplicates scores without them.")
    unranked = [row for row in board.rows if not row.rank and row.state is State.OK]
    budgets = sorted({row.budget for row in unranked if row.budget != "full"})
    if budgets and any(row.rank for row in board.rows):
        sentences.append(f"Rows of a smaller budget ({', '.join(budgets)}) are not ranked.")
    legend = [" ".join(filter(None, sentences))]
    legend += [as_typed(clean(note)) + "." * (not note.endswith(".")) for note in board.notes]
    return [line for line in legend if line]


def _rank_sentences(board: Board) -> Iterator[str]:
    """Yield what the ranks mean here, how steady the first is, and what would tell more."""
    ranked = [row for row in board.rows if row.rank]
    if len(ranked) < 2:
        return
    scope = "" if board.is_of_recipes else "; one seed: these trained models, not the recipe"
    method = f" ({clean(board.method)})" if board.method else ""
    yield f"rank: the places a row may hold on {_these(board.n_test)}{method}{scope}."
    if board.borrowed:
        names = ", ".join(map(clean, board.borrowed))
        yield f"One seed of {names}: the spread of the other rows is taken."
    if ranked[0].first_in_halves is not None:
        halves = f"{ranked[0].first_in_halves} of {HALVES} halves"
        yield f"The leader stays first in {halves} of the test set."
    yield _needed_sentence(board)
    far = [clean(row.label) for row in ranked if row.spreads_far]
    if far:
        yield (
            f"The seeds of {', '.join(far)} differ far more than those of the other rows: "
            "single trainings may have failed."
        )


def _needed_sentence(board: Board) -> str:
    """Return what would separate the first two rows; "" where nothing is known of it."""
    ways = []
    if board.more_seeds:
        time = f" ({about(board.more_seconds)} of training)" if board.more_seconds else ""
        ways.append(f"{board.more_seeds} more seed{'s' * (board.more_seeds > 1)} of each{time}")
    if board.more_images:
        ways.append(f"{float(f'{board.more_images:.2g}'):,.0f} more images")
    if ways:
        only = {(True, False): "; more images alone would not", (False, True): ""}
        rest = only.get((bool(board.more_seeds), bool(board.more_images)), "")
        return f"To separate the first two takes at least about {' or '.join(ways)}{rest}."
    if board.inseparable:
        what = "Neither more seeds nor more images would separate the first two"
        return f"{what}: {board.inseparable}."
    return ""


def _training_sentences(board: Board) -> list[str]:
    """Say that embedded data is for a first look, and what to try where nothing was learnt."""
    sentences = []
    if any(row.train_embedded and row.parameters for row in board.rows):
        sentences.append(
            "Networks train on embedded data for a first look, with few passes and small batches: "
            f"{prog()} list models NAME."
        )
    stuck = next((row for row in board.rows if row.is_at_chance), None)
    if stuck is not None:
        name = clean(stuck.model)
        sentences.append(
            "What did not learn reads its own training images by chance: try more passes, smaller "
            f"steps or another seed ({prog()} run -m {name} -d {clean(stuck.train_dataset)} "
            f"--set {name}.epochs=30 --set {name}.learning_rate=0.0003)."
        )
    return sentences


def _interval_sentence(rows: Iterable[Row]) -> str:
    listed = list(rows)
    methods = dict.fromkeys(
        part for row in listed if row.interval_method for part in _parts(clean(row.interval_method))
    )
    notes = dict.fromkeys(clean(row.interval_note) for row in listed if row.interval_note)
    if not methods:
        return ""
    # Seeds that read every image alike are told by the spread of 0 beside them.
    scope = f", of {THESE_IMAGES_ONLY}" if THESE_IMAGES_ONLY in notes else ""
    return f"[ ] is the 95 % interval ({'; '.join(methods)}){scope}."


def _parts(method: str) -> list[str]:
    # "Wilson, Poisson limit as few are wrong": said once however many rows differ in it.
    return method.split(", ") if method.startswith("Wilson") else [method]


def closing_lines(boards: Sequence[Board]) -> list[str]:
    """Return the last lines under all boards: what the data is, and the next steps."""
    rows = [row for board in boards for row in board.rows if row.state is State.OK]
    lines = []
    if rows and all(row.train_embedded for row in rows):
        data = "; ".join(dict.fromkeys(clean(row.train_embedded) for row in rows))
        lines.append(
            f"These models saw only small embedded data ({data}). "
            f"For photos of your own digits get MNIST first: {prog()} data fetch mnist"
        )
    if rows:
        lines.append(_next_steps(boards))
    return lines


def _next_steps(boards: Sequence[Board]) -> str:
    name = prog()
    ranked = [row for board in boards for row in board.rows if row.rank]
    if not ranked:
        return f"Look closer: {name} show trial ID"
    first = next((row for row in ranked if row.train_dataset == row.test_dataset), ranked[0])
    home = first.train_dataset == first.test_dataset
    pairing = first.train_dataset if home else f"{first.train_dataset}:{first.test_dataset}"
    report = f"{name} show report {clean(first.model)} {clean(pairing)}"
    rivals = [row for row in ranked if row.test_dataset == first.test_dataset]
    others = [row.model for row in rivals if row.model != first.model]
    compare = f" · {name} compare {clean(first.model)} {clean(others[0])}" if others else ""
    return f"Look closer: {report}{compare} · {name} show matrix"
