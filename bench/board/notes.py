"""What a person should know of a board beside its rows."""

from collections.abc import Sequence

from bench.board.entries import NEWER, Score
from bench.board.index import Index
from bench.board.metrics_in_use import plugin_metrics
from bench.board.rows import Row
from bench.board.summary import doubt_note
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import State
from bench.store.variant import EXTERNAL

__all__ = ["board_notes", "fold_notes"]

_DAMAGED_NAMED = 3


def fold_notes(store: Store, rows: Sequence[Row]) -> list[str]:
    """Return how rows were fine-tuned: with or without their writers' other images."""
    folders = {store.trial(row.trials[0]) for row in rows if row.differs.is_fine_tuned}
    notes = [read_trial(folder).notes[:1] for folder in sorted(folders) if folder.is_dir()]
    return list(dict.fromkeys(f"Fine-tuned in {note}" for (note,) in filter(None, notes)))


def _several_versions(rows: Sequence[Row]) -> str:
    """Name the libraries of which the rows were trained with more than one version."""
    found: dict[str, set[str]] = {}
    for library in sorted({library for row in rows for library in row.libraries}):
        name, _, version = library.rpartition(" ")
        found.setdefault(name, set()).add(version)
    return ", ".join(
        f"{name} {' and '.join(sorted(versions))}"
        for name, versions in found.items()
        if len(versions) > 1
    )


def board_notes(rows: Sequence[Row], last: Score, index: Index) -> tuple[str, ...]:
    """Return what the rows, the images and the records of a board have that is out of the way."""
    notes = []
    old = [row for row in rows if row.state is State.OK and row.split_hash != last.split_hash]
    if old:
        notes.append(f"{len(old)} not ranked: tested on an older version of {last.test_dataset}")
    if last.doubtful:
        notes.append(doubt_note(last))
    external = sorted({row.model for row in rows if row.differs.origin == EXTERNAL})
    if external:
        made = f"external: the predictions of {', '.join(external)} were made elsewhere"
        notes.append(f"{made}: whether test images were trained on was not seen")
    machines = {machine for row in rows for machine in row.machines}
    if len(machines) > 1:
        notes.append(f"trained on {len(machines)} machines: compare no times between them")
    if several := _several_versions(rows):
        notes.append(f"trained with {several}")
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
