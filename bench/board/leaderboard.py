"""Leaderboards: rows over seeds from the index, ranked; the second view reads the index alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from bench.board.duplicates import LeftOut, images_left_out
from bench.board.index import NEWER, Failure, Index, Score, read_index
from bench.board.metrics_in_use import plugin_metrics
from bench.board.places import board_order, place_rows, seconds_to_separate
from bench.board.rows import COLUMNS, Board, Row, row_as_dict
from bench.board.summary import doubt_note, failed_row, row_of
from bench.errors import NewerFormatError, StoreError
from bench.store.atomic import write_bytes
from bench.store.damage import damage_of, without_damaged
from bench.store.inside import make_folder, read_file
from bench.store.layout import Store
from bench.store.read import (
    evaluation_folders,
    read_predictions,
    read_split,
    read_trial,
    trial_folders,
)
from bench.store.record import State

__all__ = [
    "BOARDS_VERSION",
    "COLUMNS",
    "Board",
    "Row",
    "forget_gone",
    "leaderboards",
    "per_seed",
    "row_as_dict",
]

BOARDS_VERSION = 8
_BOARDS = "boards.msgpack"
_BOARDS_BYTES_MAX = 1 << 30
_DAMAGED_NAMED = 3
# Read by `bench show robustness`; pooled over the folds into a trial of their own.
HIDDEN = frozenset({"corruption", "fold"})


class _Cached(msgspec.Struct, frozen=True, kw_only=True):
    digest: str
    boards: list[Board]
    damaged: dict[str, str] = {}


def leaderboards(
    store: Store,
    *,
    test_datasets: Iterable[str] | None = None,
    exclude_duplicates: bool = False,
) -> list[Board]:
    """Return one board for each test dataset in the store, in order of their names.

    Parameters
    ----------
    test_datasets : iterable of str or None
        Only these.
    exclude_duplicates : bool
        Score without the test images that are, or nearly are, training images of a row.

    Raises
    ------
    StoreError
        If the store cannot be read at all; damaged single records become notes.
    """
    boards = without_damaged(lambda: _boards(store, exclude_duplicates))
    wanted = None if test_datasets is None else set(test_datasets)
    return [board for board in boards if wanted is None or board.test_dataset in wanted]


def _boards(store: Store, exclude_duplicates: bool) -> list[Board]:
    trials, evaluations = trial_folders(store), evaluation_folders(store)
    digest = _digest(trials, evaluations)
    path = store.index / _BOARDS
    may_be_kept = not exclude_duplicates and not damage_of(store)
    boards = _cached(path, digest) if may_be_kept else None
    if boards is None:
        index = read_index(store, trials=trials, evaluations=evaluations)
        boards = _build(store, index, exclude_duplicates)
        if index.damaged and not boards:
            raise _nothing_readable(store, index)
        # What is damaged may be mended, and nothing in the names would tell.
        if may_be_kept and not index.damaged:
            _remember(path, digest, boards)
    return boards


def forget_gone(store: Store) -> None:
    """Forget the scores of what is gone, before new evaluations take the same names."""
    with suppress(OSError):  # derived: who needs to write to the store will say so
        (store.index / _BOARDS).unlink(missing_ok=True)
    read_index(store)


def _nothing_readable(store: Store, index: Index) -> StoreError:
    if all(reason == NEWER for reason in index.damaged.values()):
        return NewerFormatError(
            f"store {store.root}",
            why="a newer digitbench wrote its records",
            fix="install a newer digitbench",
        )
    return StoreError(
        f"store {store.root}", why="all its records are damaged", fix="see bench results verify"
    )


def _digest(trials: list[str], evaluations: list[str]) -> str:
    digest = blake2b(f"{BOARDS_VERSION}:{Index().version}".encode(), digest_size=16)
    versions = plugin_metrics().versions
    for names in (trials, evaluations, [f"{name}:{versions[name]}" for name in versions]):
        digest.update("\n".join(sorted(names)).encode() + b"\0")
    return digest.hexdigest()


def _cached(path: Any, digest: str) -> list[Board] | None:
    try:
        cached = msgspec.msgpack.decode(read_file(path, _BOARDS_BYTES_MAX), type=_Cached)
    except (OSError, StoreError, ValueError, RecursionError):
        return None
    return cached.boards if cached.digest == digest else None


def _remember(path: Any, digest: str, boards: list[Board]) -> None:
    try:
        make_folder(path.parent)
        write_bytes(path, msgspec.msgpack.encode(_Cached(digest=digest, boards=boards)))
    except OSError:
        return  # derived: a read-only store is still shown


def _build(store: Store, index: Index, exclude_duplicates: bool) -> list[Board]:
    by_test: dict[str, dict[tuple[str, str, str], list[Score]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for score in index.scores.values():
        if HIDDEN & score.transform.keys():
            continue
        by_test[score.test_dataset][score.train_dataset, score.model, score.variant].append(score)
    boards = []
    for test_dataset in sorted(by_test):
        groups = [_newest_config(scores) for scores in by_test[test_dataset].values()]
        older = _older_configs(by_test[test_dataset].values(), groups)
        failures = _open_failures(groups, index.failures.values(), test_dataset)
        last = _last(groups)
        left_out = LeftOut()
        if exclude_duplicates:
            left_out = images_left_out(store, groups, last.split_hash)
            groups = [[left_out.rescore(store, score) for score in group] for group in groups]
        board = _board(store, last, groups, failures, index, left_out)
        boards.append(msgspec.structs.replace(board, notes=(*board.notes, *older)))
    seen = {(row.train_dataset, row.trials) for board in boards for row in board.rows}
    boards += _only_failures(index, seen)
    return boards


def _newest_config(scores: list[Score]) -> list[Score]:
    """Keep one configuration, the last trained, and one evaluation a seed."""
    last = max(scores, key=_age)
    by_seed: dict[int, Score] = {}
    for score in scores:
        if score.config_id != last.config_id or score.test_hash != last.test_hash:
            continue
        if score.seed not in by_seed or score.started_at > by_seed[score.seed].started_at:
            by_seed[score.seed] = score
    return [by_seed[seed] for seed in sorted(by_seed)]


def _older_configs(
    everything: Iterable[list[Score]], shown: Iterable[list[Score]]
) -> tuple[str, ...]:
    """Say how many configurations stand behind the newest ones: other code, versions, precision."""
    older: dict[str, int] = {}
    for scores, kept in zip(everything, shown, strict=True):
        newest = (kept[0].config_id, kept[0].test_hash)
        n_older = len({(score.config_id, score.test_hash) for score in scores} - {newest})
        if n_older:
            older[kept[0].model] = older.get(kept[0].model, 0) + n_older
    if not older:
        return ()
    models = ", ".join(f"{n} of {model}" for model, n in sorted(older.items()))
    return (
        f"earlier configurations (code, versions, precision or data) are not shown: {models}: "
        "bench show history",
    )


def _open_failures(
    groups: list[list[Score]], failures: Iterable[Failure], test_dataset: str
) -> list[Failure]:
    """Return the last failure of each trial that nothing later has made good."""
    done = {score.trial_id for group in groups for score in group}
    newest = {
        (group[0].train_dataset, group[0].model, group[0].variant): max(
            score.started_at for score in group
        )
        for group in groups
    }
    last: dict[tuple[str, str, str, int], Failure] = {}
    for failure in failures:
        if failure.train_dataset != test_dataset or failure.trial_id in done:
            continue
        key = (failure.train_dataset, failure.model, failure.variant)
        if failure.started_at < newest.get(key, ""):
            continue
        seen = last.get((*key, failure.seed))
        if seen is None or failure.started_at > seen.started_at:
            last[*key, failure.seed] = failure
    return list(last.values())


def _only_failures(index: Index, seen: set[Any]) -> list[Board]:
    """Return boards of datasets on which every trial failed."""
    tested = {score.test_dataset for score in index.scores.values()}
    rest: dict[str, list[Failure]] = defaultdict(list)
    for failure in _open_failures_of_untested(index, tested):
        rest[failure.train_dataset].append(failure)
    return [
        Board(test_dataset=name, rows=tuple(failed_row(failure) for failure in rest[name]))
        for name in sorted(rest)
    ]


def _open_failures_of_untested(index: Index, tested: set[str]) -> list[Failure]:
    names = {failure.train_dataset for failure in index.failures.values()} - tested
    return [
        failure
        for name in sorted(names)
        for failure in _open_failures([], index.failures.values(), name)
    ]


def _last(groups: list[list[Score]]) -> Score:
    return max((score for group in groups for score in group), key=_age)


def _age(score: Score) -> tuple[str, str]:
    """Order by training, then evaluation: one trial may have seen several versions of a split."""
    return score.started_at, score.created_at


def _board(
    store: Store,
    last: Score,
    groups: list[list[Score]],
    failures: list[Failure],
    index: Index,
    left_out: LeftOut,
) -> Board:
    correct = {
        group[0].folder: [_correct(store, score, left_out) for score in group]
        for group in groups
        if group[0].labelled
    }
    writers = read_split(store, last.split_hash).groups
    rows = [row_of(group, correct.get(group[0].folder, []), writers, left_out) for group in groups]
    rows, result = place_rows(rows, correct, last.split_hash)
    needed = result.needed
    rows += [failed_row(failure) for failure in failures]
    return Board(
        test_dataset=last.test_dataset,
        test_embedded=last.test_embedded,
        n_test=last.n_test - len(left_out.places),
        evaluation_only=last.evaluation_only,
        classes=last.classes,
        rows=tuple(sorted(rows, key=board_order)),
        notes=(*left_out.notes, *_fold_notes(store, rows), *_notes(rows, last, index)),
        more_images=needed.more_images if needed else None,
        more_seeds=needed.more_seeds if needed else None,
        more_seconds=seconds_to_separate(rows, result),
        inseparable=needed.reason if needed else "",
        is_of_recipes=result.is_of_recipes,
        borrowed=tuple(
            row.label
            for row in rows
            if row.evaluations[:1] and row.evaluations[0] in result.borrowed
        ),
        method=result.method,
        doubtful=last.doubtful,
        ranked=tuple(result.places),
        p_values=result.p_values,
        excludes_duplicates=left_out.is_asked,
    )


def _fold_notes(store: Store, rows: Sequence[Row]) -> list[str]:
    """Return how rows were fine-tuned: with or without their writers' other images."""
    folders = {store.trial(row.trials[0]) for row in rows if "fine-tuned" in row.variant}
    notes = [read_trial(folder).notes[:1] for folder in sorted(folders) if folder.is_dir()]
    return list(dict.fromkeys(f"Fine-tuned in {note}" for (note,) in filter(None, notes)))


def _notes(rows: Sequence[Row], last: Score, index: Index) -> tuple[str, ...]:
    notes = []
    old = [row for row in rows if row.state is State.OK and row.split_hash != last.split_hash]
    if old:
        notes.append(f"{len(old)} not ranked: tested on an older version of {last.test_dataset}")
    if last.doubtful:
        notes.append(doubt_note(last))
    machines = {row.machine for row in rows if row.machine}
    if len(machines) > 1:
        notes.append(f"trained on {len(machines)} kinds of processor: compare times with care")
    instructions = sorted({name for row in rows for name in row.instruction_sets})
    if len(instructions) > 1:
        notes.append(
            f"trained with {' and '.join(instructions)} instructions: the last digits of the"
            " weights, and so some predictions, depend on that"
        )
    notes += [
        f"a plugin's metric '{name}' is not used: a built-in one has its name"
        for name in plugin_metrics().refused
    ]
    newer = sum(reason == NEWER for reason in index.damaged.values())
    if newer:
        notes.append(f"{newer} records of a newer format are left out: install a newer digitbench")
    damaged = sorted(name for name, reason in index.damaged.items() if reason != NEWER)
    if damaged:
        more = len(damaged) - _DAMAGED_NAMED
        named = ", ".join(damaged[:_DAMAGED_NAMED]) + (f" and {more} more" if more > 0 else "")
        notes.append(f"damaged and left out: {named} (why: bench results verify)")
    return tuple(notes)


def _correct(store: Store, score: Score, left_out: LeftOut) -> npt.NDArray[np.bool_]:
    predictions = read_predictions(store.evaluations / score.folder)
    predictions = predictions.without(left_out.of(score.folder))
    return np.asarray(predictions.labels == predictions.predicted, dtype=np.bool_)


def per_seed(store: Store, *, test_datasets: Iterable[str] | None = None) -> list[Row]:
    """Return one unranked row for each evaluation in the store."""
    wanted = None if test_datasets is None else set(test_datasets)
    scores = [
        score
        for score in read_index(store).scores.values()
        if wanted is None or score.test_dataset in wanted
    ]
    rows = []
    for score in scores:
        correct = [_correct(store, score, LeftOut())] if score.labelled else []
        rows.append(row_of([score], correct, read_split(store, score.split_hash).groups, LeftOut()))
    return sorted(rows, key=lambda row: (row.test_dataset, *board_order(row), row.trials))
