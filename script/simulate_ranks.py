"""What the ranks of a board promise, by simulation: false splits, power, beside the method before.

Boards are drawn with known truth, ranked by `bench.scoring.ranks.rank_ranges`, and by what boards
were ranked with before: each row's own variance over seeds, Holm over all pairs. Writes the tables
of docs/reference/rank-simulations.md, and every figure as JSON beside it. About ten minutes:

    .venv/bin/python script/simulate_ranks.py

Tests run a twentieth of it, and all of it when marked ``simulation``.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from bench.scoring.crossed import Crossed, crossed
from bench.scoring.paired import holm, mcnemar, p_from_parts, side, variance_parts
from bench.scoring.ranks import ALPHA, rank_ranges

__all__ = ["CELLS", "POWERS", "Cell", "measure"]

Array = np.ndarray[Any, Any]
ROWS = 11
BOARDS = 1_000
POWER_BOARDS = 300
PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "rank-simulations"
SPREADS: dict[str, Callable[[int], Array]] = {
    "all alike, .3 points": lambda k: np.full(k, 0.003),
    "all alike, 1 point": lambda k: np.full(k, 0.01),
    "apart by ×5": lambda k: 0.01 * np.geomspace(5**-0.5, 5**0.5, k),
    "apart by ×10": lambda k: 0.01 * np.geomspace(10**-0.5, 10**0.5, k),
    "two groups, ×10": lambda k: np.where(np.arange(k) % 2, 0.03, 0.003),
}
# Shares of the variance behind an error: of the image for all rows, of the row, of the seed.
ERRORS = {
    "half shared": (0.75, 0.125, 0.125),
    "most shared": (0.9, 0.05, 0.05),
    "half shared, none a row's own": (0.75, 0.0, 0.25),
}
EQUAL = ("half shared", "most shared")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A kind of board. Accuracies and standard deviations over seeds are a row each."""

    name: str
    n_images: int
    seeds: int
    accuracies: tuple[float, ...]
    sds: tuple[float, ...]
    errors: str = "half shared"
    collapses: bool = False
    n_boards: int = BOARDS


@dataclass(slots=True, kw_only=True)
class Measured:
    """Shares of boards: with equal rows split, of true pairs found, with the collapse named."""

    false_splits: dict[str, float] = field(default_factory=dict)
    power: dict[str, float] = field(default_factory=dict)
    named: float | None = None
    n_boards: int = 0
    cpu_seconds: float = 0.0


def drawn_board(rng: np.random.Generator, cell: Cell) -> list[Crossed]:
    """Return a board's rows: an image is misread where what makes it hard adds up to too much."""
    shared, own, churn = ERRORS[cell.errors]
    n_rows, n = len(cell.accuracies), cell.n_images
    hard = np.float32(shared**0.5) * rng.standard_normal(n, np.float32)
    rows = np.float32(own**0.5) * rng.standard_normal((n_rows, n), np.float32) + hard
    level = np.array(cell.accuracies)[:, None] + np.array(cell.sds)[:, None] * rng.standard_normal(
        (n_rows, cell.seeds)
    )
    if cell.collapses:
        level[-1, -1] = 0.1
    limits = ndtri(np.clip(level, 0.01, 0.9999)).astype(np.float32)
    found = []
    for row, limit in zip(rows, limits, strict=True):
        seed = rng.standard_normal((cell.seeds, n), np.float32)
        found.append(crossed(row + np.float32(churn**0.5) * seed < limit[:, None]))
    return found


def before(rows: Sequence[Crossed]) -> Array:
    """Return the pairs' adjusted p-values as boards had them before."""
    correct = np.stack([row.correct for row in rows])
    n, size = correct.shape[1], len(rows)
    overlap = correct @ correct.T
    right, totals = np.diag(overlap), correct.sum(1)
    only = totals[:, None] - overlap
    image = np.maximum(right[:, None] + right[None, :] - 2 * overlap, 0.0) / n**2
    sides = np.array([[side(a, b) for b in rows] for a in rows], np.float64).reshape(size, size, 3)
    mine = (sides[..., 0], sides[..., 1], sides[..., 2])
    other = (sides[..., 0].T, sides[..., 1].T, sides[..., 2].T)
    seeded = p_from_parts((totals[:, None] - totals) / n, variance_parts(image, mine, other))
    fixed = np.array([row.is_deterministic for row in rows])
    exact = mcnemar(np.rint(only), np.rint(only.T))
    return holm(np.where(fixed[:, None] & fixed, exact, seeded)[np.triu_indices(size, 1)])


def measure(cell: Cell, *, n_boards: int | None = None, seed: int = 42) -> Measured:
    """Draw boards of a kind and rank them both ways."""
    n_boards, started = n_boards or cell.n_boards, time.process_time()
    rng = np.random.default_rng([seed, *cell.name.encode()])
    first, second = np.triu_indices(len(cell.accuracies), 1)
    accuracies = np.array(cell.accuracies)
    is_true = accuracies[first] != accuracies[second]
    if cell.collapses:  # what the collapsed row is worth is a matter of words
        is_true[second == len(accuracies) - 1] = True
    apart: dict[str, list[Array]] = {"before": [], "now": []}
    named = 0
    for _ in range(n_boards):
        rows = drawn_board(rng, cell)
        found = rank_ranges(rows)
        apart["before"].append(before(rows) < ALPHA)
        apart["now"].append(found.adjusted[first, second] < ALPHA)
        named += bool(found.spread.is_far[-1])
    measured = Measured(n_boards=n_boards, named=named / n_boards if cell.collapses else None)
    for name, each in apart.items():
        pairs = np.array(each)
        measured.false_splits[name] = float(pairs[:, ~is_true].any(axis=1).mean())
        if is_true.any() and not cell.collapses:
            measured.power[name] = float(pairs[:, is_true].mean())
    measured.cpu_seconds = time.process_time() - started
    return measured


def _equal(n: int, seeds: int, spread: str, errors: str, rows: int = ROWS) -> Cell:
    sds = SPREADS[spread](rows) if seeds > 1 else np.zeros(rows)
    return Cell(
        name=f"{n:,} images, {seeds} seeds, {spread}, {errors}, {rows} rows",
        n_images=n,
        seeds=seeds,
        accuracies=(0.9,) * rows,
        sds=tuple(sds.tolist()),
        errors=errors,
    )


def _gap(points: int, sd: float, rows: int) -> Cell:
    half = points / 200
    return Cell(
        name=f"gap of {points}, sd {100 * sd:g}, {rows} rows",
        n_images=3_000,
        seeds=3,
        accuracies=(0.9 + half, *(0.9 - half,) * (rows - 1)),
        sds=(sd,) * rows,
        errors="half shared, none a row's own",
        n_boards=POWER_BOARDS if rows <= ROWS else POWER_BOARDS // 3,
    )


def _collapsing(seeds: int) -> Cell:
    return Cell(
        name=f"one of {seeds} trainings of one row collapses",
        n_images=3_000,
        seeds=seeds,
        accuracies=(0.9,) * ROWS,
        sds=(0.01,) * ROWS,
        collapses=True,
    )


ONE_SEED = tuple(
    _equal(n, 1, "all alike, .3 points", errors) for n in (500, 3_000, 10_000) for errors in EQUAL
)
SEEDED = tuple(
    _equal(n, seeds, spread, errors)
    for seeds in (3, 5)
    for spread in SPREADS
    for errors in EQUAL
    for n in (500, 3_000, 10_000)
)
SIZES = tuple(
    _equal(3_000, 3, spread, "half shared", rows) for rows in (2, 3, 5, 55) for spread in SPREADS
)
COLLAPSES = (_collapsing(5), _collapsing(3))
CELLS = {cell.name: cell for cell in (*ONE_SEED, *SEEDED)}
POWERS = {
    cell.name: cell
    for rows in (ROWS, 5, 55)
    for sd in (0.003, 0.01, 0.03)
    for cell in (_gap(points, sd, rows) for points in (1, 2, 4, 8))
}


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _both(found: dict[str, Measured], name: str, which: str) -> str:
    if name not in found:
        return "not run"
    values: dict[str, float] = getattr(found[name], which)
    form = _percent if which == "false_splits" else "{:.2f}".format
    return f"{form(values['now'])} ({form(values['before'])})"


def _split_table(found: dict[str, Measured]) -> Iterator[str]:
    yield "| seeds | spread over seeds | errors | 500 images | 3,000 | 10,000 |"
    yield "|---|---|---|---|---|---|"
    lines: dict[tuple[str, str, str], list[str]] = {}
    for cell in CELLS.values():
        spread = cell.name.split(" seeds, ")[1].rsplit(f", {cell.errors}", 1)[0]
        key = str(cell.seeds), "–" if cell.seeds == 1 else spread, cell.errors
        lines.setdefault(key, []).append(_both(found, cell.name, "false_splits"))
    for key, figures in lines.items():
        yield f"| {' | '.join((*key, *figures))} |"


def _size_table(found: dict[str, Measured]) -> Iterator[str]:
    yield f"| rows | {' | '.join(SPREADS)} |"
    yield "|---|" + "---|" * len(SPREADS)
    for rows in (2, 3, 5, 55):
        cells = [c for c in SIZES if len(c.sds) == rows]
        figures = [_both(found, cell.name, "false_splits") for cell in cells]
        yield f"| {rows} | {' | '.join(figures)} |"


def _collapse_table(found: dict[str, Measured]) -> Iterator[str]:
    yield "| seeds | the other ten, equally good, are split, % | its spread is named, % |"
    yield "|---|---|---|"
    for cell in COLLAPSES:
        named = found[cell.name].named if cell.name in found else None
        told = "not run" if named is None else _percent(named)
        yield f"| {cell.seeds} | {_both(found, cell.name, 'false_splits')} | {told} |"


def _power_table(found: dict[str, Measured], rows: int) -> Iterator[str]:
    yield "| sd over seeds | gap of 1 point | 2 | 4 | 8 |"
    yield "|---|---|---|---|---|"
    for sd in (0.003, 0.01, 0.03):
        figures = [_both(found, _gap(points, sd, rows).name, "power") for points in (1, 2, 4, 8)]
        yield f"| {100 * sd:g} points | {' | '.join(figures)} |"


def page(found: dict[str, Measured]) -> str:
    """Return the tables as Markdown."""
    lines = [
        "<!-- Made by script/simulate_ranks.py: do not edit. -->",
        "# What the ranks promise, simulated",
        "",
        "Boards drawn with known truth and ranked by the functions that rank every board; in",
        "brackets what each row's own variance and Holm's correction give, as boards were ranked",
        "before. [How ranks are made](ranks.md) explains the method.",
        "",
        "## Boards of 11 equally good rows that are split, %",
        "",
        f"Accuracy .9, {BOARDS:,} boards a figure: 5 % may come out as 3.6 to 6.4.",
        "",
        *_split_table(found),
        "",
        "## The same for other numbers of rows, 3 seeds, 3,000 images",
        "",
        *_size_table(found),
        "",
        "## One training of one row collapses to .1",
        "",
        *_collapse_table(found),
        "",
        "## Power: share of true differences that are found",
        "",
        "One row is better than all others, which are alike; 3 seeds, 3,000 images, near .9.",
        *(
            line
            for rows in (ROWS, 5, 55)
            for line in (
                "",
                f"{rows} rows, {_gap(1, 0.003, rows).n_boards} boards a figure:",
                "",
                *_power_table(found, rows),
            )
        ),
    ]
    return "\n".join(lines) + "\n"


def _size(cell: Cell) -> int:
    return cell.n_boards * cell.n_images * len(cell.sds) * cell.seeds


def main(page_path: Path = PAGE) -> None:
    """Run everything, resuming from what the JSON file already holds."""
    done = page_path.with_suffix(".json")
    stored = json.loads(done.read_text()) if done.exists() else {}
    found = {name: Measured(**values) for name, values in stored.items()}
    cells = sorted([*ONE_SEED, *SEEDED, *POWERS.values(), *COLLAPSES, *SIZES], key=_size)
    for cell in cells:
        if cell.name in found and found[cell.name].n_boards >= cell.n_boards:
            continue
        found[cell.name] = measure(cell)
        sys.stderr.write(f"{cell.name}: {found[cell.name]}\n")
        done.write_text(json.dumps({k: asdict(v) for k, v in found.items()}, indent=1) + "\n")
    page_path.with_suffix(".md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
