"""Is A really better than B: paired on the same images, over seeds, classes and datasets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bench.board.leaderboard import leaderboards
from bench.board.rows import Board, Row
from bench.board.sides import Side, SideData, read_side, resolve_side
from bench.errors import BenchError
from bench.loading.pixels import cached_pixels
from bench.scoring.comparisons import (
    ClassDifference,
    DatasetsVerdict,
    Gate,
    GateResult,
    check_gate,
    metric_difference,
    over_datasets,
    per_class_differences,
)
from bench.scoring.metrics import BUILT_IN_METRICS
from bench.scoring.paired import Comparison, compare
from bench.scoring.ranks import ALPHA
from bench.spec import UNREAD
from bench.store.layout import Store
from bench.store.read import read_split
from bench.store.variant import label_of

__all__ = ["Compared", "OnBoard", "Pair", "compare_sides"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBoard:
    """What a board decides about two of its rows: `p_value` holds over all its pairs."""

    p_value: float
    n_rows: int

    @property
    def is_real(self) -> bool:
        """Tell whether the board separates the rows."""
        return self.p_value < ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A and B on one test split."""

    a: SideData
    b: SideData
    comparison: Comparison
    classes: tuple[ClassDifference, ...]
    gate: GateResult | None = None
    board: OnBoard | None = None
    """None where the pair alone decides; `alone` says why."""
    alone: str = ""
    names: tuple[str, ...] = ()
    """Sample names, where the split has any."""
    p_value_over_comparisons: float | None = None
    """The p-value corrected for all pairs compared; None of a single one."""

    @property
    def pixels(self) -> npt.NDArray[Any] | None:
        """The test images, (n, height, width, channels); None where they are elsewhere."""
        return cached_pixels(self.a.test_hash)

    @property
    def interval_method(self) -> str:
        """How the interval of the difference was computed."""
        return self.comparison.interval.method

    @property
    def test_dataset(self) -> str:
        """The test split's name."""
        return self.a.row.test_dataset

    @property
    def p_value(self) -> float:
        """The p-value that decides: the board's, else the pair's own."""
        return self.comparison.p_value if self.board is None else self.board.p_value

    @property
    def is_real(self) -> bool:
        """Tell whether the difference is more than luck."""
        return self.p_value < ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """All pairs of two sides, and what they say together."""

    a: Side
    b: Side
    pairs: tuple[Pair, ...]
    verdict: DatasetsVerdict | None = None
    """Wins, ties and losses; only over several test datasets."""
    skipped: tuple[str, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether every gate held; True without one."""
        return all(pair.gate is None or pair.gate.is_passed for pair in self.pairs)


def compare_sides(
    a: str,
    b: str,
    store: Store,
    *,
    datasets: Sequence[str] = (),
    exact: bool = False,
    gate: Gate | None = None,
    gate_on: Literal["interval", "point"] = "interval",
) -> Compared:
    """Compare what `a` and `b` name on the test splits they share.

    Parameters
    ----------
    a, b : str
        Model names, trial ids or folders of stores.
    datasets : sequence of str
        Only these test datasets; all shared ones if empty.
    exact : bool
        McNemar's exact p-value instead of mid-p.

    Raises
    ------
    BenchError
        If a side is unknown, or they share no test split.
    """
    sides = resolve_side(a, store), resolve_side(b, store)
    boards, alone = _boards(sides, store, exact=exact, is_gate=gate is not None)
    pairs, skipped = [], []
    for row_a, row_b in _matches(*sides):
        if datasets and row_a.test_dataset not in datasets:
            continue
        reason = _not_comparable(row_a, row_b)
        if reason:
            skipped.append(f"{row_a.test_dataset}: {reason}")
            continue
        pair = _pair(sides, row_a, row_b, exact, gate, gate_on)
        pairs.append(_decided(pair, boards.get(row_a.test_dataset), alone))
    if not pairs:
        raise _nothing_shared(*sides, datasets, skipped)
    skipped += _only_in_one(*sides, datasets)
    verdict = _verdict(pairs)
    if verdict is not None:
        over = verdict.adjusted.values()
        pairs = [
            replace(pair, p_value_over_comparisons=p) for pair, p in zip(pairs, over, strict=True)
        ]
    return Compared(
        a=sides[0], b=sides[1], pairs=tuple(pairs), verdict=verdict, skipped=tuple(skipped)
    )


def _boards(
    sides: tuple[Side, Side], store: Store, *, exact: bool, is_gate: bool
) -> tuple[dict[str, Board], str]:
    """Return the boards that decide, by test dataset; or none, and why the pair alone does."""
    if is_gate:
        return {}, "a gate holds the pair alone, so that no other row can flip it"
    if any(side.is_store for side in sides):
        return {}, "rows of two stores stand on no common board"
    if exact:
        return {}, "--exact asks for the pair's own test"
    return {board.test_dataset: board for board in leaderboards(store)}, ""


def _decided(pair: Pair, board: Board | None, alone: str) -> Pair:
    """Return the pair with its board's verdict, or with why it has none."""
    p_value = None if board is None else board.p_value(pair.a.row, pair.b.row)
    if board is None or p_value is None:
        return replace(pair, alone=alone or "not both are rows with a rank on one board")
    return replace(pair, board=OnBoard(p_value=p_value, n_rows=len(board.ranked)))


def _matches(a: Side, b: Side) -> Iterator[tuple[Row, Row]]:
    """Yield rows to hold against each other: same test split, same training data where both have.

    A store is compared row by row with what it has of the same model and variant.
    """
    for row_a in a.rows:
        for row_b in b.rows:
            if row_a.test_dataset != row_b.test_dataset:
                continue
            same_training = row_a.train_dataset == row_b.train_dataset
            if a.is_store or b.is_store:
                same_training &= (row_a.model, row_a.variant) == (row_b.model, row_b.variant)
                if same_training:
                    yield row_a, row_b
            elif same_training or not _has_shared_training(a, b, row_a.test_dataset):
                yield row_a, row_b


def _only_in_one(a: Side, b: Side, datasets: Sequence[str]) -> list[str]:
    """Name what one of two stores has no row of: a gate must not lose a model silently."""
    if not (a.is_store and b.is_store):
        return []
    keys = [
        {
            (row.test_dataset, row.train_dataset, row.model, row.variant)
            for row in side.rows
            if not datasets or row.test_dataset in datasets
        }
        for side in (a, b)
    ]
    return [
        f"{test}: {label_of(model, variant)}"
        f"{'' if train == test else f' trained on {train}'} is only in {name}"
        for name, mine, other in (("A", keys[0], keys[1]), ("B", keys[1], keys[0]))
        for test, train, model, variant in sorted(mine - other)
    ]


def _has_shared_training(a: Side, b: Side, test_dataset: str) -> bool:
    trained = [
        {row.train_dataset for row in side.rows if row.test_dataset == test_dataset}
        for side in (a, b)
    ]
    return bool(trained[0] & trained[1])


def _not_comparable(a: Row, b: Row) -> str:
    if a.n_test != b.n_test:
        return f"A was tested on {a.n_test:,} images, B on {b.n_test:,}"
    if a.split_hash != b.split_hash:
        return "A and B were tested on different images, or in another order"
    return ""


def _pair(
    sides: tuple[Side, Side],
    row_a: Row,
    row_b: Row,
    exact: bool,
    gate: Gate | None,
    gate_on: Literal["interval", "point"],
) -> Pair:
    a, b = read_side(sides[0].store, row_a), read_side(sides[1].store, row_b)
    comparison = compare(a.correct, b.correct, exact=exact)
    return Pair(
        a=a,
        b=b,
        comparison=comparison,
        classes=tuple(per_class_differences(a.labels, a.correct, b.correct, a.classes)),
        gate=None if gate is None else _gate_result(gate, gate_on, a, b, comparison),
        names=read_split(sides[0].store, row_a.split_hash).names,
    )


def _gate_result(
    gate: Gate,
    gate_on: Literal["interval", "point"],
    a: SideData,
    b: SideData,
    comparison: Comparison,
) -> GateResult:
    if gate.metric == "accuracy":
        return check_gate(gate, comparison.difference, comparison.interval, on=gate_on)
    statistics = {
        metric.name: metric.over_confusions
        for metric in BUILT_IN_METRICS
        if metric.over_confusions is not None
    }
    statistic = statistics.get(gate.metric)
    if statistic is None:
        valid = ", ".join(["accuracy", *statistics])
        raise BenchError(f"no gate on '{gate.metric}'", why=f"there is one on {valid}")
    if len(a.predicted) > 1 or len(b.predicted) > 1:
        raise BenchError(
            f"a gate on {gate.metric} takes one seed a side", fix="name two trials, or use accuracy"
        )
    translate = np.array([a.classes.index(name) for name in b.classes])
    read_b = np.where(b.predicted[0] == UNREAD, UNREAD, translate[b.predicted[0]])
    difference, interval = metric_difference(
        a.labels, a.predicted[0], read_b, len(a.classes), statistic
    )
    return check_gate(gate, difference, interval, on=gate_on)


def _verdict(pairs: Sequence[Pair]) -> DatasetsVerdict | None:
    by_name = dict(zip(_names(pairs), (pair.comparison for pair in pairs), strict=True))
    return over_datasets(by_name) if len(by_name) > 1 else None


def _names(pairs: Sequence[Pair]) -> list[str]:
    """Name each pair by its test dataset, with more only where that is not enough."""
    names = [_pair_name(pair, pairs) for pair in pairs]
    return [
        name if names.count(name) == 1 else f"{name} (B trained on {pair.b.row.train_dataset})"
        for name, pair in zip(names, pairs, strict=True)
    ]


def _pair_name(pair: Pair, pairs: Sequence[Pair]) -> str:
    same = [each.a.row for each in pairs if each.test_dataset == pair.test_dataset]
    if len(same) == 1:
        return pair.test_dataset
    row = pair.a.row
    home = row.train_dataset == row.test_dataset
    datasets = row.test_dataset if home else f"{row.train_dataset} → {row.test_dataset}"
    if len({(each.model, each.variant) for each in same}) == 1:
        return datasets
    return f"{row.label} on {datasets}"


def _nothing_shared(
    a: Side, b: Side, datasets: Sequence[str], skipped: Sequence[str]
) -> BenchError:
    if skipped:
        return BenchError(f"{a.name} and {b.name} cannot be compared", why="; ".join(skipped))
    tested = [", ".join(sorted({row.test_dataset for row in s.rows})) or "nothing" for s in (a, b)]
    if (a.is_store or b.is_store) and tested[0] != "nothing" != tested[1]:
        return BenchError(
            f"{a.name} and {b.name} hold no row in common",
            why="a store is compared row by row: same model, variant and datasets",
        )
    where = f" among {', '.join(datasets)}" if datasets else ""
    return BenchError(
        f"{a.name} and {b.name} share no test split{where}",
        why=f"A was tested on {tested[0]}; B on {tested[1]}",
    )
