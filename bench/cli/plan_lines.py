"""What a run will do, before it does it: the header of ``bench run`` and ``--dry-run``."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text

from bench.planning.grid import Cell, CellState, Plan
from bench.render.console import clean, plain
from bench.render.field_table import record_of
from bench.render.hints import as_typed, prog
from bench.render.table import Column, Line, lay_out
from bench.store.formats import about
from bench.store.record import Machine

__all__ = ["is_long", "machine_words", "plan_as_dict", "plan_lines", "plan_table"]

_LONG_SECONDS: Final = 600.0
_SPREAD: Final = 1.25  # estimates were within this factor of the truth
_COLUMNS: Final = (
    Column(name="state", heading="", align="left"),
    Column(name="model", heading="model", align="left", wraps_at=24),
    Column(name="trained", heading="trained on", align="left"),
    Column(name="seeds", heading="seeds", keep=1, align="left"),
    Column(name="estimate", heading="about", keep=2),
    Column(name="why", heading="", align="left", wraps_at=24),
)
_CELL: Final = [
    name for name in Cell.__dataclass_fields__ if name not in ("trial_id", "damaged", "task")
]
_STYLES: Final = {
    CellState.IMPOSSIBLE: "warn",
    CellState.DATA_MISSING: "warn",
    CellState.FAILED: "bad",
}
_WHOLE_DATASETS: Final = {CellState.DATA_MISSING, CellState.FAILED}
_WORDS: Final = {CellState.DATA_MISSING: "data missing"}


def machine_words(machine: Machine) -> str:
    """Return ``2 cores, 24 GB, no GPU``."""
    cores = f"{machine.cores} core{'s' if machine.cores != 1 else ''}"
    memory = f"{machine.memory_bytes / 1e9:.0f} GB"
    return clean(f"{cores}, {memory}, {machine.accelerator or 'no GPU'}")


def is_long(plan: Plan) -> bool:
    """Tell whether a person should hear of the smaller budgets: full ones of many minutes."""
    seconds = plan.estimated_seconds or 0.0
    return seconds > _LONG_SECONDS and all(task.budget == "full" for task in plan.tasks)


def plan_lines(plan: Plan, cores: int, quick_seconds: float | None = None) -> list[Text]:
    """Return the lines above a run: how many trials, how long, and what is left out.

    Parameters
    ----------
    quick_seconds : float or None
        What the same plan would take with ``--budget quick``, where that is worth saying.
    """
    lines = [Text(_summary(plan, cores, quick_seconds))]
    changes = Counter(", ".join(cell.changed) for cell in plan.cells if cell.changed)
    lines += [
        plain(f"{number} run again: {what} changed since the last record")
        for what, number in changes.items()
    ]
    missing = sorted({c.train_dataset for c in plan.cells if c.state is CellState.DATA_MISSING})
    if missing:
        hint = f"(how to get them: {prog()} list datasets)"
        lines.append(Text(f"not on this machine: {', '.join(map(clean, missing))} {hint}"))
    failed = dict.fromkeys(c.reason for c in plan.cells if c.state is CellState.FAILED)
    lines += [Text(f"cannot be read: {as_typed(clean(why))}", style="bad") for why in failed]
    impossible = [cell for cell in plan.cells if cell.state is CellState.IMPOSSIBLE]
    pairings = Counter(_pairing(cell) for cell in impossible)
    named = {_pairing(cell) for cell in impossible if not cell.test_dataset}
    for reason, number in pairings.items():
        times = f" ({number} models)" if number > 1 and reason not in named else ""
        lines.append(Text(f"impossible: {reason}{times}"))
    lines += [plain(note) for note in plan.notes]
    return lines


def _pairing(cell: Cell) -> str:
    if not cell.test_dataset:  # what the model computes with is not here, whatever the data
        return clean(f"{cell.model}: {cell.reason}")
    return clean(f"{cell.train_dataset} → {cell.test_dataset}: {cell.reason}")


def _summary(plan: Plan, cores: int, quick_seconds: float | None) -> str:
    to_run = [cell for cell in plan.cells if cell.task is not None]
    cached = plan.count(CellState.CACHED)
    if not to_run:
        return f"nothing to run: {_trials(cached)} cached"
    fitted = sum(cell.state is CellState.TO_RUN for cell in to_run)
    evaluated = len(to_run) - fitted
    parts = [_grid(to_run) + f"{_trials(fitted)} to run"] if fitted else []
    if evaluated:
        parts.append(f"{_trials(evaluated)} to evaluate")
    parts.append(f"{cached} cached")
    line = ", ".join(parts)
    seconds = plan.estimated_seconds
    if seconds is not None:
        line += f" · about {_range(seconds)} on {cores} cores"
    if quick_seconds is not None:
        line += f"; --budget quick: about {_range(quick_seconds)}"
    return line + " · Ctrl-C is safe: finished trials are kept"


def _range(seconds: float) -> str:
    """Return what an estimate may come to: ``2 min to 3 min``."""
    low, high = about(seconds / _SPREAD), about(seconds * _SPREAD)
    return low if low == high else f"{low} to {high}"


def _grid(cells: Sequence[Cell]) -> str:
    models = len({cell.model for cell in cells})
    datasets = len({cell.train_dataset for cell in cells})
    seeds = len({cell.seed for cell in cells})
    fitted = sum(cell.state is CellState.TO_RUN for cell in cells)
    if models * datasets * seeds != fitted or fitted == 1:
        return ""
    per_seed = f" × {seeds} seeds" if seeds > 1 else ""
    return f"{_number(models, 'model')} × {_number(datasets, 'dataset')}{per_seed} = "


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _trials(number: int) -> str:
    return _number(number, "trial")


def plan_table(plan: Plan, width: int) -> list[Text]:
    """Return the cells of a plan, one line a model, dataset and state."""
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for cell in plan.cells:
        # A dataset that is not there is missing for every model: said once.
        model = "" if cell.state in _WHOLE_DATASETS else cell.model
        key = (cell.train_dataset, model, cell.variant.words, cell.state, _why(cell))
        groups.setdefault(key, []).append(cell)
    return lay_out(_COLUMNS, [_line(cells) for cells in groups.values()], width, indent=1)


def _why(cell: Cell) -> str:
    if cell.state is CellState.IMPOSSIBLE:
        return _pairing(cell)
    if cell.changed:
        return f"changed since the last record: {', '.join(cell.changed)}"
    # What to do about missing data is said above the table, and by `bench list datasets`.
    return "" if cell.state is CellState.DATA_MISSING else cell.reason


def _line(cells: Sequence[Cell]) -> Line:
    cell = cells[0]
    style = _STYLES.get(cell.state, "")
    words = cell.variant.words
    name = f"{cell.model} ({words})" if words else cell.model
    if cell.state in _WHOLE_DATASETS and len(cells) > 1:
        name = f"all {len(cells)} models"
    seconds = [each.estimated_seconds for each in cells if each.estimated_seconds is not None]
    seeds = [str(each.seed) for each in cells if each.seed is not None]
    return Line(
        cells={
            "state": Text(_WORDS.get(cell.state, str(cell.state)), style=style),
            "model": plain(name),
            "trained": plain(cell.train_dataset),
            "seeds": Text(", ".join(seeds)),
            "estimate": Text(about(sum(seconds)) if seconds else ""),
            "why": Text(as_typed(clean(_why(cell)))),
        }
    )


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain data for ``--dry-run --log-format json``."""
    return {
        "event": "plan",
        "estimated_seconds": plan.estimated_seconds,
        "store": str(plan.store),
        "cells": [
            record_of(cell, columns=_CELL)
            | {
                "state": str(cell.state),
                "changed": list(cell.changed),
                "trial": cell.task.trial_id if cell.task else None,
            }
            for cell in plan.cells
        ],
    }
