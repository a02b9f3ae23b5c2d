"""Published claims: each is judged by its source's own figures first, then by what was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from bench.scoring.comparisons import effect_in_words, p_in_words
from bench.scoring.confusion import confusion_matrix
from bench.scoring.crossed import Crossed, crossed
from bench.scoring.learning import overfitting
from bench.scoring.paired import compare, holm
from bench.scoring.report import ClassificationReport, classification_report
from bench.studies.reproduce_data import Claim, Log, Published
from bench.studies.reproduce_ids import IDS_CHECKS, Judgement
from bench.studies.reproduce_trials import Measured, SeedRun
from bench.studies.reproduce_verdicts import Finding, Verdict, value_of

__all__ = ["BUILT_CHECKS", "Evidence", "judge_claim"]

BUILT_CHECKS = ("all_trainable", "fewer_parameters", "same_parameters", "megabytes")
"""What needs the networks built, and none of them trained."""

_STRENGTH = 3  # the middle one


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What claims are judged by; ``built`` is (all, trainable) parameters of the built networks."""

    published: Published
    measured: Mapping[str, Measured]
    built: Mapping[str, tuple[int, int]]


def judge_claim(claim: Claim, evidence: Evidence) -> Finding:
    """Return the verdict on a claim."""
    check = _CHECKS.get(claim.check)
    if check is None:
        judged = IDS_CHECKS[claim.check](claim, evidence.published.ids)
    else:
        judged = check(claim, evidence)
    return Finding(
        name=claim.name,
        kind="claim",
        source=claim.source,
        where=claim.where,
        published=claim.text,
        measured=judged.measured,
        verdict=judged.verdict,
        reason=judged.reason,
    )


def _unmeasured(claim: Claim, evidence: Evidence) -> Judgement | None:
    """Return the judgement where a trial is missing; None where all are there."""
    for name in claim.experiments:
        measured = evidence.measured[name]
        if not measured.runs:
            return Judgement(verdict=Verdict(measured.state), reason=f"{name}: {measured.missing}")
    return None


def _measured(
    claim: Claim, evidence: Evidence, verdict: Verdict, measured: str, reason: str = ""
) -> Judgement:
    """Return a judgement of measurements: none on data that is not the published one."""
    for name in claim.experiments:
        difference = evidence.measured[name].not_comparable
        if difference:
            return Judgement(verdict=Verdict.NOT_COMPARABLE, measured=measured, reason=difference)
    return Judgement(verdict=verdict, measured=measured, reason=reason)


def _all_trainable(claim: Claim, evidence: Evidence) -> Judgement:
    (name,) = claim.experiments
    printed = [
        evidence.published.figure(name, quantity)
        for quantity in ("parameters", "trainable_parameters")
    ]
    count, trainable = evidence.built[name]
    measured = f"{trainable:,} of {count:,} in the network as built"
    if printed[0] != printed[1]:
        return Judgement(
            verdict=Verdict.CONTRADICTED,
            measured=measured,
            reason=f"its summary prints {printed[1]:,.0f} of {printed[0]:,.0f}",
        )
    is_so = count == trainable
    return Judgement(
        verdict=Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED, measured=measured
    )


def _fewer_parameters(claim: Claim, evidence: Evidence) -> Judgement:
    before, after = (evidence.built[name][0] for name in claim.experiments)
    cut = 1 - after / before
    is_so = 0.35 <= cut <= 0.45
    return Judgement(
        verdict=Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED,
        measured=f"{before:,} → {after:,}: {100 * cut:.1f} % fewer",
    )


def _same_parameters(claim: Claim, evidence: Evidence) -> Judgement:
    printed = [evidence.published.figure(name, "parameters") or 0 for name in claim.experiments]
    built = " and ".join(f"{evidence.built[name][0]:,}" for name in claim.experiments)
    is_so = printed[0] == printed[1]
    return Judgement(
        verdict=Verdict.REPRODUCED if is_so else Verdict.CONTRADICTED,
        measured=f"{built} in the networks as built",
        reason="" if is_so else f"its appendix prints {printed[0]:,.0f} and {printed[1]:,.0f}",
    )


def _megabytes(claim: Claim, evidence: Evidence) -> Judgement:
    (name,) = claim.experiments
    size = evidence.built[name][0] * 4
    is_so = abs(size / 2**20 - (claim.published or 0)) < 0.05
    return Judgement(
        verdict=Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED,
        measured=f"{size / 2**20:.2f} MiB ({size / 1e6:.2f} MB of 1,000,000 bytes)",
    )


def _first_is_better(claim: Claim, evidence: Evidence) -> Judgement:
    missing = _unmeasured(claim, evidence)
    if missing is not None:
        return missing
    a, b = (evidence.measured[name] for name in claim.experiments)
    if not np.array_equal(a.runs[0].labels, b.runs[0].labels):
        return Judgement(verdict=Verdict.NOT_COMPARABLE, reason="tested on different images")
    result = compare(crossed(a.correct), crossed(b.correct))
    names = [run.record.model for run in (a.runs[0], b.runs[0])]
    words = effect_in_words(result, a=names[0], b=names[1])
    measured = f"{words} ({_share(result.accuracy_a)} and {_share(result.accuracy_b)})"
    if not result.is_real():
        return _measured(claim, evidence, Verdict.UNDECIDED, measured, "it could be luck")
    verdict = Verdict.REPRODUCED if result.difference > 0 else Verdict.NOT_REPRODUCED
    return _measured(claim, evidence, verdict, measured)


def _share(value: float) -> str:
    return f"{value:.4f}".removeprefix("0") if value < 1 else "1.0000"


def _overfits(claim: Claim, evidence: Evidence) -> Judgement:
    return _course(claim, evidence, is_claimed=True)


def _does_not_overfit(claim: Claim, evidence: Evidence) -> Judgement:
    return _course(claim, evidence, is_claimed=False)


def _course(claim: Claim, evidence: Evidence, *, is_claimed: bool) -> Judgement:
    (name,) = claim.experiments
    log = evidence.published.logs[name]
    own = overfitting(loss=log.loss, accuracy=log.accuracy, val_loss=log.val_loss)
    measured = _own_course(evidence.measured[name])
    if (own.verdict == "overfits") != is_claimed:
        reason = f"by its log, {own.reason}"
        if not is_claimed:
            reason += f" ({log.val_loss[(own.best_epoch or 1) - 1]:.4f} → {log.val_loss[-1]:.4f})"
        return Judgement(verdict=Verdict.CONTRADICTED, measured=measured[1], reason=reason)
    missing = _unmeasured(claim, evidence)
    if missing is not None:
        return missing
    is_so = (measured[0] == "overfits") == is_claimed
    verdict = Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED
    return _measured(claim, evidence, verdict, measured[1])


def _own_course(measured: Measured) -> tuple[str, str]:
    """Return the verdict on our own course of training and its words, of the first seed."""
    if not measured.runs or not measured.runs[0].history:
        return "", ""
    epochs = measured.runs[0].history
    watched = [e.test_loss if e.val_loss is None else e.val_loss for e in epochs]
    found = overfitting(
        loss=[e.loss for e in epochs if e.loss is not None],
        val_loss=[value for value in watched if value is not None],
    )
    return found.verdict, f"{found.verdict}: {found.reason}"


def _lower_validation_loss(claim: Claim, evidence: Evidence) -> Judgement:
    with_it, without = (evidence.published.logs[name] for name in claim.experiments)
    losses = [
        [value_of(run, "test_loss") for run in evidence.measured[name].runs]
        for name in claim.experiments
    ]
    known = [[value for value in each if value is not None] for each in losses]
    measured = ""
    if all(known):
        measured = f"held-out loss {fmean(known[0]):.4f} with, {fmean(known[1]):.4f} without"
    if with_it.val_loss[-1] >= without.val_loss[-1]:
        return Judgement(
            verdict=Verdict.CONTRADICTED,
            measured=measured,
            reason=f"its val_loss ends at {with_it.val_loss[-1]:.4f} with augmentation, "
            f"{without.val_loss[-1]:.4f} without, where it never rose: {_cured(without)}",
        )
    return _unmeasured(claim, evidence) or _measured(claim, evidence, Verdict.REPRODUCED, measured)


def _cured(without: Log) -> str:
    verdict = overfitting(loss=without.loss, val_loss=without.val_loss).verdict
    return "there was nothing to cure" if verdict != "overfits" else "it did overfit"


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
        if not set(claim.classes) <= set(listed):
            at = ", ".join(f"{digit} {printed[digit]:.2f}" for digit in listed)
            return Judgement(verdict=Verdict.CONTRADICTED, reason=f"its table gives {at}")
        if len(listed) > len(claim.classes):
            others = ", ".join(sorted(set(listed) - set(claim.classes)))
            reason = f"its table gives {others} the same {printed[listed[0]]:.2f}"
            return Judgement(verdict=Verdict.UNDECIDED, reason=reason)
        report = _report(evidence, name)
        if report is None:
            return _unmeasured(claim, evidence) or Judgement(verdict=Verdict.NOT_RUN)
        ours = {line.name: float(getattr(line, quantity)) for line in report.classes}
        found = _first(ours, len(claim.classes), least=least)
        measured = ", ".join(f"{digit} {ours[digit]:.3f}" for digit in found)
        is_so = set(found) == set(claim.classes)
        return _measured(
            claim, evidence, Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED, measured
        )

    return check


def _first(values: Mapping[str, float], k: int, *, least: bool) -> list[str]:
    """Return the classes with the `k` least or greatest values, all that share the last of them."""
    ordered = sorted(values, key=lambda name: values[name], reverse=not least)
    last = values[ordered[k - 1]]
    return [n for n in ordered if (values[n] <= last if least else values[n] >= last)]


def _most_confused(claim: Claim, evidence: Evidence) -> Judgement:
    missing = _unmeasured(claim, evidence)
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
    return _measured(claim, evidence, verdict, measured)


def _survives(claim: Claim, evidence: Evidence) -> Judgement:
    missing = _unmeasured(claim, evidence)
    if missing is not None:
        return missing
    a, b = (evidence.measured[name].runs for name in claim.experiments)
    names = sorted(
        name
        for name, strength in a[0].corrupted
        if strength == _STRENGTH
        if all((name, _STRENGTH) in run.corrupted for run in (*a, *b))
    )
    if not names:
        return Judgement(verdict=Verdict.NOT_RUN, reason="no corrupted images were evaluated")
    results = [compare(_at(a, name), _at(b, name)) for name in names]
    adjusted = holm([result.p_value for result in results])
    measured = "; ".join(
        f"{name} {_share(result.accuracy_a)} with, {_share(result.accuracy_b)} without"
        f" ({p_in_words(float(p))})"
        for name, result, p in zip(names, results, adjusted, strict=True)
    )
    real = [r.difference > 0 for r, p in zip(results, adjusted, strict=True) if p < 0.05]
    if real and all(real):
        return _measured(claim, evidence, Verdict.REPRODUCED, measured)
    verdict = Verdict.NOT_REPRODUCED if real else Verdict.UNDECIDED
    return _measured(claim, evidence, verdict, measured)


def _at(runs: Sequence[SeedRun], corruption: str) -> Crossed:
    return crossed([run.corrupted[corruption, _STRENGTH] for run in runs])


def _cost_ratio(claim: Claim, evidence: Evidence) -> Judgement:
    parameters = [evidence.published.figure(name, "parameters") for name in claim.experiments[:2]]
    seconds = [_seconds(evidence.measured[name]) for name in claim.experiments]
    measured = ""
    if seconds[0] and seconds[2]:
        measured = f"{seconds[0] / seconds[2]:.2f} times for one network"
        if seconds[1]:
            measured += f", {seconds[0] / seconds[1]:.2f} times for the two that were timed"
    if parameters[0] != parameters[1]:
        reason = (
            f"two different networks were timed: {parameters[1]:,.0f} parameters without, "
            f"{parameters[0]:,.0f} with augmentation"
        )
        return Judgement(verdict=Verdict.CONTRADICTED, measured=measured, reason=reason)
    return Judgement(verdict=Verdict.NOT_COMPARABLE, measured=measured, reason="another machine")


def _seconds(measured: Measured) -> float | None:
    values = [value_of(run, "seconds_per_epoch") for run in measured.runs]
    known: Sequence[float] = [value for value in values if value]
    return fmean(known) if known else None


_CHECKS: dict[str, Callable[[Claim, Evidence], Judgement]] = {
    "all_trainable": _all_trainable,
    "fewer_parameters": _fewer_parameters,
    "same_parameters": _same_parameters,
    "megabytes": _megabytes,
    "first_is_better": _first_is_better,
    "overfits": _overfits,
    "does_not_overfit": _does_not_overfit,
    "lower_validation_loss": _lower_validation_loss,
    "least_recall": _extreme("recall", least=True),
    "most_recall": _extreme("recall", least=False),
    "most_precision": _extreme("precision", least=False),
    "least_precision": _extreme("precision", least=True),
    "most_confused": _most_confused,
    "survives_corruptions": _survives,
    "cost_ratio": _cost_ratio,
}
