"""Boards made from the index: which scores are shown, in which rows, ranked."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from bench.board.duplicates import LeftOut, images_left_out
from bench.board.entries import Failure, Score
from bench.board.index import Index, read_index
from bench.board.notes import board_notes, fold_notes
from bench.board.people import people_of
from bench.board.places import board_order, place_rows, seconds_to_separate
from bench.board.rows import Board, PersonReading, Row
from bench.board.summary import failed_row, row_of
from bench.store.layout import Store
from bench.store.read import read_predictions, read_split

__all__ = ["HIDDEN", "build_boards", "per_seed"]

# Read by `bench show robustness`; pooled over the folds into a trial of their own.
HIDDEN = frozenset({"corruption", "fold"})


def build_boards(store: Store, index: Index, *, exclude_duplicates: bool) -> list[Board]:
    """Return the boards of a store, in order of their names."""
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
        correct = [_correct_of(store, score, LeftOut())] if score.labelled else []
        rows.append(row_of([score], correct, read_split(store, score.split_hash).groups, LeftOut()))
    return sorted(rows, key=lambda row: (row.test_dataset, *board_order(row), row.trials))


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
    older, again = Counter[str](), Counter[str]()
    for scores, kept in zip(everything, shown, strict=True):
        newest = (kept[0].config_id, kept[0].test_hash)
        configs = [(score.config_id, score.test_hash) for score in scores]
        older[kept[0].model] += len(set(configs) - {newest})
        again[kept[0].model] += configs.count(newest) - len(kept)
    notes = {
        "earlier configurations (code, versions, precision or data)": +older,
        "other trainings of the same trials (merged from elsewhere)": +again,
    }
    return tuple(
        f"{what} are not shown: {', '.join(f'{n} of {model}' for model, n in sorted(of.items()))}: "
        "bench show history"
        for what, of in notes.items()
        if of
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
        group[0].folder: [_correct_of(store, score, left_out) for score in group]
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
        notes=(*left_out.notes, *fold_notes(store, rows), *board_notes(rows, last, index)),
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
        people=_people(store, rows) if last.evaluation_only else {},
    )


def _people(store: Store, rows: Iterable[Row]) -> dict[str, tuple[PersonReading, ...]]:
    """Return the readings as a table needs them: where each digit lies is not remembered."""
    return {
        row.evaluations[0]: tuple(
            replace(reading, images=(), names=()) for reading in people_of(store, row)
        )
        for row in rows
        if row.evaluations
    }


def _correct_of(store: Store, score: Score, left_out: LeftOut) -> npt.NDArray[np.bool_]:
    predictions = read_predictions(store.evaluations / score.folder)
    predictions = predictions.without(left_out.of(score.folder))
    return np.asarray(predictions.labels == predictions.predicted, dtype=np.bool_)
