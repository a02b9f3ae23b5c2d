"""What a person is asked about a folder, and the readings that were considered for the answer."""

from collections.abc import Iterable, Sequence

from bench.errors import UndecidedError
from bench_datasets._folder.layout import Reading, Rejected
from bench_datasets._folder.scan import Listing

__all__ = ["pairs_of", "question", "two_readings", "with_readings"]


def question(listing: Listing, reading: Reading) -> UndecidedError:
    """Ask whether the best reading is meant, which leaves something open."""
    answer = reading.answer or f"--labels {reading.kind}"
    example = f" ({reading.examples[0]})" if reading.examples else ""
    return UndecidedError(
        f"{listing.root.name or listing.root}: how are these pictures labelled?",
        why=f"{reading.words}{example}? {reading.doubt}",
        fix=f"say {answer}, or --labels none",
        readings=pairs_of((reading,)),
    )


def two_readings(listing: Listing, readings: Sequence[Reading]) -> UndecidedError:
    """Ask which of two readings is meant that explain the pictures as well."""
    first, second = readings[:2]
    doubts = f": {first.doubt}" if first.doubt and first.answer else ""
    examples = [f"{r.words}{f' ({r.examples[0]})' if r.examples else ''}" for r in (first, second)]
    answers = [r.answer or f"--labels {r.kind}" for r in (first, second)]
    if answers[0] == answers[1]:
        answers = ["--label-pattern REGEX", "--labels none"]
    return UndecidedError(
        f"{listing.root.name or listing.root}: how are these pictures labelled?",
        why=f"{examples[0]}, or {examples[1]}{doubts}",
        fix=f"say {answers[0]} or {answers[1]}",
        readings=pairs_of(readings),
    )


def pairs_of(readings: Iterable[Reading]) -> tuple[tuple[str, str], ...]:
    """Return each reading in words with its examples, and what speaks against it."""
    return tuple(
        (
            r.words + f" ({'; '.join(r.examples)})" * bool(r.examples),
            r.doubt or f"{r.answer or f'--labels {r.kind}'} takes it",
        )
        for r in readings
    )


def with_readings(
    error: UndecidedError, others: Iterable[Reading], rejected: Iterable[Rejected]
) -> UndecidedError:
    """Return the question with the folder's other readings, and those that were rejected."""
    pairs = dict(error.readings)
    shown = {words.partition(" (")[0] for words in pairs}
    for words, why in (*pairs_of(others), *((each.words, each.why) for each in rejected)):
        if words.partition(" (")[0] not in shown:
            pairs.setdefault(words, why)
    return UndecidedError(error.what, why=error.why, fix=error.fix, readings=tuple(pairs.items()))
