"""The end of a page: what was left out, what it was made with, and what its words mean."""

from collections.abc import Iterator
from typing import Final

from bench.report.columns import EXPLAINED, names_of
from bench.report.content import Content
from bench.store.fields import FIELDS, LEADERBOARD_FIELDS
from bench.store.record import TrialRecord

__all__ = ["TERMS", "environment", "glossary", "left_out", "left_out_words"]

TERMS: Final = (
    ("board", "the rows of one test split: all models that read the same images"),
    ("95 % interval", "where the accuracy plausibly lies for many more such images and seeds"),
    (
        "paired test",
        "two models are compared on the same images, so that hard images count for "
        "both; a difference is real where luck would give it in fewer than 5 of 100 boards",
    ),
    ("confusion matrix", "for each class, as what its images were read"),
    ("seed", "a number that fixes all chance in a training; other seeds give other models"),
    ("expected error", "how far the probabilities are from how often they are right, on average"),
)
"""The words that are no column."""


def left_out_words(content: Content) -> str:
    """Return what was not run, and what failed, in one line."""
    done, all_of = _pairings(content)
    missing = all_of - done
    told = f"Left out: {missing} of {all_of} pairings of model and dataset were not run; "
    n = len(content.failed)
    failed = "no training failed." if not n else f"{n} training{'s' * (n != 1)} failed."
    return told + failed if missing else failed.capitalize()


def _pairings(content: Content) -> tuple[int, int]:
    home = content.home_parts
    done = sum(
        content.home_row(label, part) is not None for label in content.models for part in home
    )
    return done, len(home) * len(content.models)


def left_out(content: Content) -> Iterator[str]:
    """Yield, dataset by dataset, which models were not run there."""
    for part in content.home_parts:
        missing = [m for m in content.models if content.home_row(m, part) is None]
        if missing:
            yield f"Not run on {part.board.test_dataset}: {', '.join(missing)}."


def environment(content: Content) -> Iterator[tuple[str, str]]:
    """Yield what the rows were trained with: processors, libraries, precisions."""
    records = [record for part in content.parts for _, record in part.records]
    machines = dict.fromkeys(_machine(record) for record in records if record.machine)
    yield "trained on", "; ".join(machines) or "not recorded"
    versions: dict[str, set[str]] = {}
    for record in records:
        for name, version in record.versions.items():
            versions.setdefault(name, set()).add(version)
    for name in sorted(versions):
        yield name, ", ".join(sorted(versions[name]))


def glossary() -> Iterator[tuple[str, str, str]]:
    """Yield every column of the tables: its name, its heading, what it means."""
    for name in dict.fromkeys((*LEADERBOARD_FIELDS, *names_of(EXPLAINED))):
        field = FIELDS[name]
        yield name, field.heading, field.summary + (f" ({field.unit})" if field.unit else "")


def _machine(record: TrialRecord) -> str:
    machine = record.machine
    if machine is None:
        return ""
    told = [machine.processor, f"{machine.cores} cores", record.device, record.precision]
    return ", ".join(filter(None, told))
