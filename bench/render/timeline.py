"""A model's results over time, with what changed between them."""

from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text

from bench.board.timeline import Entry
from bench.render.console import clean, plain
from bench.render.table import Column, Line, lay_out
from bench.store.fields import points, share

__all__ = ["TIMELINE_COLUMNS", "timeline_lines", "timeline_records"]

TIMELINE_COLUMNS: Final = (
    "started_at",
    "train_dataset",
    "variant",
    "seeds",
    "accuracy",
    "difference",
    "is_real",
    "p_value",
    "changed",
    "versions",
    "model_code",
    "harness_code",
    "trials",
)
_COLUMNS: Final = (
    Column(name="when", heading="trained", align="left"),
    Column(name="train", heading="trained on", align="left", keep=3),
    Column(name="variant", heading="variant", align="left", keep=2),
    Column(name="seeds", heading="seeds", keep=4),
    Column(name="accuracy", heading="accuracy"),
    Column(name="verdict", heading="", align="left"),
    Column(name="changed", heading="what changed", align="left", keep=1, wraps_at=24),
    Column(name="trial", heading="trial", align="left", keep=5),
)


def timeline_lines(model: str, dataset: str, entries: Sequence[Entry], width: int) -> list[Text]:
    """Return one line an entry, oldest first."""
    title = plain(f"{model} on {dataset}, over time", "heading")
    lines = [_line(entry, dataset) for entry in entries]
    note = "Each entry is compared with the first since the last change (paired, Bonferroni, 5 %)."
    return [title, *lay_out(_COLUMNS, lines, width, indent=1), Text(), Text(note)]


def _line(entry: Entry, dataset: str) -> Line:
    comparison = entry.change.comparison
    if comparison is None:
        verdict = Text(
            "" if entry.change.reference is None and not entry.changed else entry.change.reason
        )
    else:
        words = "changed" if entry.change.is_real else "could be luck"
        style = "warn" if entry.change.is_real else ""
        verdict = Text(f"{points(comparison.difference)} points, {words}", style=style)
    return Line(
        cells={
            "when": Text(entry.started_at[:16].replace("T", " ")),
            "train": plain(entry.train_dataset if entry.train_dataset != dataset else ""),
            "variant": plain(entry.variant),
            "seeds": Text(str(entry.seeds)),
            "accuracy": Text(share(entry.accuracy, 4)),
            "verdict": verdict,
            "changed": Text(clean(", ".join(entry.changed) or _start(entry))),
            "trial": Text(entry.trials[0][:8]),
        }
    )


def _start(entry: Entry) -> str:
    """Return what the first entry of a course began with."""
    if entry.change.reference is not None or entry.change.comparison is not None:
        return ""
    return ", ".join(f"{name} {version}" for name, version in entry.versions.items())


def timeline_records(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the entries as plain data; ``difference`` is to the first since the last change."""
    return [
        {
            "started_at": entry.started_at,
            "train_dataset": entry.train_dataset,
            "variant": entry.variant,
            "seeds": entry.seeds,
            "accuracy": entry.accuracy,
            "difference": entry.change.comparison.difference if entry.change.comparison else None,
            "is_real": entry.change.is_real,
            "p_value": entry.change.comparison.p_value if entry.change.comparison else None,
            "changed": list(entry.changed),
            "versions": [f"{name} {version}" for name, version in entry.versions.items()],
            "model_code": entry.code[0],
            "harness_code": entry.code[1],
            "trials": list(entry.trials),
        }
        for entry in entries
    ]
