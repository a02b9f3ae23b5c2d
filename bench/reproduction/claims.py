"""Published claims: each is judged by its source's own figures first, then by what was measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from bench.reproduction.built import BUILT_CHECKS
from bench.reproduction.courses import COURSE_CHECKS
from bench.reproduction.data import Claim
from bench.reproduction.evidence import Evidence, judged, share_of, unmeasured
from bench.reproduction.ids import IDS_CHECKS, Judgement
from bench.reproduction.trials import SeedRun
from bench.reproduction.verdicts import Finding, Verdict
from bench.scoring.comparisons import effect_in_words, p_in_words
from bench.scoring.confusion import confusion_matrix
from bench.scoring.crossed import Crossed, crossed
from bench.scoring.paired import compare, holm
from bench.scoring.report import ClassificationReport, classification_report

__all__ = ["judge_claim"]

_STRENGTH = 3  # the middle one


def judge_claim(claim: Claim, evidence: Evidence) -> Finding:
    """Return the verdict on a claim."""
    check = _CHECKS.get(claim.check)
    if check is None:
        found = IDS_CHECKS[claim.check](claim, evidence.published.ids)
    else:
        found = check(claim, evidence)
    return Finding(
        name=claim.name,
        kind="claim",
        source=claim.source,
        where=claim.where,
        published=claim.text,
        measured=found.measured,
        verdict=found.verdict,
        reason=found.reason,
    )


def _first_is_better(claim: Claim, evidence: Evidence) -> Judgement:
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    a, b = (evidence.measured[name] for name in claim.experiments)
    if not np.array_equal(a.runs[0].labels, b.runs[0].labels):
        return Judgement(verdict=Verdict.NOT_COMPARABLE, reason="tested on different images")
    result = compare(crossed(a.correct), crossed(b.correct))
    names = [run.record.model for run in (a.runs[0], b.runs[0])]
    words = effect_in_words(result, a=names[0], b=names[1])
    measured = f"{words} ({share_of(result.accuracy_a)} and {share_of(result.accuracy_b)})"
    if not result.is_real():
        return judged(claim, evidence, Verdict.UNDECIDED, measured, "it could be luck")
    verdict = Verdict.REPRODUCED if result.difference > 0 else Verdict.NOT_REPRODUCED
    return judged(claim, evidence, verdict, measured)


def _report(evidence: Evidence, name: str) -> ClassificationReport | None:
    runs = evidence.measured[name].runs
    if not runs:
        return None
    classes = runs[0].record.classes
    matrix = sum(
        (confusion_matrix(run.labels, run.predicted, len(classes)) for run in runs),
        np.zeros((len(classes), len(classes)), np.int64),
    )
    return classification_report(matrix, classes)


def _extreme(quantity: str, *, least: bool) -> "Callable[[Claim, Evidence], Judgement]":
    """Return the rule that the claimed classes have the least, or most, of a quantity."""
    column = {"precision": 1, "recall": 2}[quantity]

    def check(claim: Claim, evidence: Evidence) -> Judgement:
        (name,) = claim.experiments
        rows = evidence.published.tables[name].rows
        printed = {str(row[0]): float(row[column]) for row in rows}
        listed = _first(printed, len(claim.classes), least=least)
        report = _report(evidence, name)
        found: list[str] = []
        measured = ""
        if report is not None:
            ours = {line.name: float(getattr(line, quantity)) for line in report.classes}
            found = _first(ours, len(claim.classes), least=least)
            measured = ", ".join(f"{digit} {ours[digit]:.3f}" for digit in found)
        if not set(claim.classes) <= set(listed):
            at = ", ".join(f"{digit} {printed[digit]:.2f}" for digit in listed)
            reason = f"its table gives {at}"
            return Judgement(verdict=Verdict.CONTRADICTED, measured=measured, reason=reason)
        if len(listed) > len(claim.classes):
            others = ", ".join(sorted(set(listed) - set(claim.classes)))
            reason = f"its table gives {others} the same {printed[listed[0]]:.2f}"
            return Judgement(verdict=Verdict.UNDECIDED, measured=measured, reason=reason)
        if report is None:
            return unmeasured(claim, evidence) or Judgement(verdict=Verdict.NOT_RUN)
        is_so = set(found) == set(claim.classes)
        return judged(
            claim, evidence, Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED, measured
        )

    return check


def _first(values: Mapping[str, float], k: int, *, least: bool) -> list[str]:
    """Return the classes with the `k` least or greatest values, all that share the last of them."""
    ordered = sorted(values, key=lambda name: values[name], reverse=not least)
    last = values[ordered[k - 1]]
    return [n for n in ordered if (values[n] <= last if least else values[n] >= last)]


def _most_confused(claim: Claim, evidence: Evidence) -> Judgement:
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    runs = evidence.measured[claim.experiments[0]].runs
    classes = runs[0].record.classes
    truth = classes.index(claim.classes[0])
    counts = sum(
        np.bincount(run.predicted[run.labels == truth], minlength=len(classes)) for run in runs
    )
    wrong = {name: int(np.asarray(counts)[i]) for i, name in enumerate(classes) if i != truth}
    others = claim.classes[1:]
    found = _first(wrong, len(others), least=False)
    measured = f"{claim.classes[0]} read as " + ", ".join(f"{n} ({wrong[n]})" for n in found)
    verdict = Verdict.REPRODUCED if set(found) == set(others) else Verdict.NOT_REPRODUCED
    return judged(claim, evidence, verdict, measured)


def _survives(claim: Claim, evidence: Evidence) -> Judgement:
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    a, b = (evidence.measured[name].runs for name in claim.experiments)
    names = _corruptions([*a, *b])
    if not names:
        return Judgement(verdict=Verdict.NOT_RUN, reason="no corrupted images were evaluated")
    results = [compare(_at(a, name), _at(b, name)) for name in names]
    adjusted = holm([result.p_value for result in results])
    measured = "; ".join(
        f"{name} {share_of(result.accuracy_a)} with, {share_of(result.accuracy_b)} without"
        f" ({p_in_words(float(p))})"
        for name, result, p in zip(names, results, adjusted, strict=True)
    )
    real = [r.difference > 0 for r, p in zip(results, adjusted, strict=True) if p < 0.05]
    if real and all(real):
        return judged(claim, evidence, Verdict.REPRODUCED, measured)
    verdict = Verdict.NOT_REPRODUCED if real else Verdict.UNDECIDED
    return judged(claim, evidence, verdict, measured)


def _corruptions(runs: Iterable[SeedRun]) -> list[str]:
    """Return the corruptions that every run was tested under at the middle strength."""
    tested = [{name for name, strength in run.corrupted if strength == _STRENGTH} for run in runs]
    return sorted(set.intersection(*tested))


def _at(runs: Sequence[SeedRun], corruption: str) -> Crossed:
    return crossed([run.corrupted[corruption, _STRENGTH] for run in runs])


def _suffers(claim: Claim, evidence: Evidence) -> Judgement:
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    runs = evidence.measured[claim.experiments[0]].runs
    names = _corruptions(runs)
    if not names:
        return Judgement(verdict=Verdict.NOT_RUN, reason="no corrupted images were evaluated")
    clean = crossed([run.correct for run in runs])
    results = [compare(clean, _at(runs, name)) for name in names]
    adjusted = holm([result.p_value for result in results])
    words = ", ".join(
        f"{name} {share_of(result.accuracy_b)}" for name, result in zip(names, results, strict=True)
    )
    worse = [r.difference > 0 and p < 0.05 for r, p in zip(results, adjusted, strict=True)]
    verdict = Verdict.REPRODUCED if all(worse) else Verdict.NOT_REPRODUCED
    return judged(claim, evidence, verdict, f"{share_of(clean.accuracy)} as they are; {words}")


_CHECKS: dict[str, Callable[[Claim, Evidence], Judgement]] = {
    **BUILT_CHECKS,
    **COURSE_CHECKS,
    "first_is_better": _first_is_better,
    "least_recall": _extreme("recall", least=True),
    "most_recall": _extreme("recall", least=False),
    "most_precision": _extreme("precision", least=False),
    "least_precision": _extreme("precision", least=True),
    "most_confused": _most_confused,
    "survives_corruptions": _survives,
    "suffers_from_corruptions": _suffers,
}
