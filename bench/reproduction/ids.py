"""Claims about the published IDs: recomputed from the published pairs, without any data."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.reproduction.data import Claim, Ids
from bench.reproduction.tables import check_ids, ids_report
from bench.reproduction.verdicts import Finding, Verdict
from bench.scoring.intervals import wilson

__all__ = ["IDS_CHECKS", "Judgement", "ids_findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on a claim, what was measured, and why."""

    verdict: Verdict
    measured: str = ""
    reason: str = ""


def ids_findings(ids: Ids) -> list[Finding]:
    """Return the table of the IDs, the digits right and the IDs right, recomputed."""
    count, differing = check_ids(ids)
    pairs = list(zip(ids.truth, ids.predicted, strict=True))
    right = sum(a == b for a, b in pairs)
    step = ids.digits_per_id
    starts = range(0, len(pairs), step)
    whole = sum(all(a == b for a, b in pairs[i : i + step]) for i in starts)
    interval = wilson(right, len(pairs))
    table = Finding(
        name="ids table",
        kind="check",
        source=ids.source,
        where=ids.where,
        published=f"{count} figures",
        measured=f"{count - len(differing)} of {count} agree",
        verdict=Verdict.NOT_REPRODUCED if differing else Verdict.REPRODUCED,
        reason=", ".join(differing) or "recomputed digit for digit from the printed pairs",
    )
    digits = Finding(
        name="ids digits right",
        kind="check",
        source=ids.source,
        where=ids.where,
        published=f"{ids.accuracy:.0%}",
        measured=f"{right} of {len(pairs)}, {whole} of {len(starts)} IDs",
        published_value=ids.accuracy,
        value=right / len(pairs),
        low=interval.low,
        high=interval.high,
        method=interval.method,
        verdict=Verdict.REPRODUCED,
        reason="from the printed pairs; the photos are not published",
    )
    return [table, digits]


def _perfect(quantity: str) -> Callable[[Claim, Ids], Judgement]:
    def check(claim: Claim, ids: Ids) -> Judgement:
        lines = ids_report(ids).classes
        found = [line.name for line in lines if getattr(line, quantity) == 1]
        is_so = set(found) == set(claim.classes)
        return Judgement(
            verdict=Verdict.REPRODUCED if is_so else Verdict.CONTRADICTED,
            measured=f"{quantity} 1 for {', '.join(found)} (from the printed pairs)",
        )

    return check


def _confusion(claim: Claim, ids: Ids) -> Judgement:
    pairs = list(zip(ids.truth, ids.predicted, strict=True))
    digit, others = claim.classes[0], claim.classes[1:]
    as_other = {other: pairs.count((digit, other)) for other in others}
    from_other = {other: pairs.count((other, digit)) for other in others}
    parts = [
        f"{digit} read as {o} {as_other[o]} times, {o} as {digit} {from_other[o]} times"
        for o in others
    ]
    is_so = all(as_other[o] for o in others)
    reversed_only = not is_so and all(as_other[o] + from_other[o] for o in others)
    return Judgement(
        verdict=Verdict.REPRODUCED if is_so else Verdict.CONTRADICTED,
        measured="; ".join(parts),
        reason="only the other way round" if reversed_only else "",
    )


def _hardest(claim: Claim, ids: Ids) -> Judgement:
    """Judge by F1, which counts both ways to be wrong."""
    f1 = {line.name: line.f1 for line in ids_report(ids).classes}
    last = sorted(f1.values())[len(claim.classes) - 1]
    found = sorted((name for name in f1 if f1[name] <= last), key=lambda name: f1[name])
    measured = "least F1: " + ", ".join(f"{name} {f1[name]:.2f}" for name in found)
    others = ", ".join(name for name in found if name not in claim.classes)
    if not set(claim.classes) <= set(found):
        return Judgement(verdict=Verdict.CONTRADICTED, measured=measured)
    if others:
        reason = f"{others} is as hard"
        return Judgement(verdict=Verdict.UNDECIDED, measured=measured, reason=reason)
    return Judgement(verdict=Verdict.REPRODUCED, measured=measured)


def _better_than_chance(claim: Claim, ids: Ids) -> Judgement:
    del claim
    right = sum(a == b for a, b in zip(ids.truth, ids.predicted, strict=True))
    interval = wilson(right, len(ids.truth))
    is_so = interval.low > 0.1
    return Judgement(
        verdict=Verdict.REPRODUCED if is_so else Verdict.UNDECIDED,
        measured=f"{right} of {len(ids.truth)}, [{interval.low:.2f}, {interval.high:.2f}]",
    )


IDS_CHECKS: dict[str, Callable[[Claim, Ids], Judgement]] = {
    "ids_precision": _perfect("precision"),
    "ids_recall": _perfect("recall"),
    "ids_confusion": _confusion,
    "ids_hardest": _hardest,
    "ids_better_than_chance": _better_than_chance,
}
