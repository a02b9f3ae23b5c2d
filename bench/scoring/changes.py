"""Where a model's results changed over time by more than luck."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bench.scoring.crossed import Crossed
from bench.scoring.paired import Comparison, compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of a history against the first entry of the stretch it continues.

    `comparison` is entry − reference; None where the test split is another one, and at the first
    entry. `is_real` says that the accuracy changed here by more than luck.
    """

    entry: int
    reference: int | None
    comparison: Comparison | None
    is_real: bool
    reason: str


def changes(history: Sequence[tuple[Crossed, str]], *, alpha: float = 0.05) -> list[Change]:
    """Find where a history changed, oldest entry first.

    Each entry is tested once, against the first entry since the last change, so that a slow drift
    adds up until it is seen. The level is divided by the number of tests (Bonferroni): the
    references depend on earlier tests, which Holm's order would not respect. A change of the test
    split starts a new stretch without a test.

    Parameters
    ----------
    history : sequence of (readings, content hash of the test split)
    """
    n_tests = sum(now[1] == before[1] for before, now in itertools.pairwise(history))
    level = alpha / max(n_tests, 1)
    found: list[Change] = []
    start = 0
    for i, (row, split) in enumerate(history):
        if i == 0 or split != history[i - 1][1]:
            reason = "the first entry" if i == 0 else "another test split: not comparable"
            found.append(
                Change(entry=i, reference=None, comparison=None, is_real=False, reason=reason)
            )
            start = i
            continue
        comparison = compare(row, history[start][0])
        is_real = comparison.is_real(level)
        reason = "changed by more than luck" if is_real else "no change beyond luck"
        found.append(
            Change(entry=i, reference=start, comparison=comparison, is_real=is_real, reason=reason)
        )
        start = i if is_real else start
    return found
