"""Published claims about the course of training: judged by the source's own log first."""

from collections.abc import Callable, Sequence
from statistics import fmean

from bench.reproduction.data import Claim, Log
from bench.reproduction.evidence import Evidence, judged, share_of, unmeasured
from bench.reproduction.ids import Judgement
from bench.reproduction.trials import Measured
from bench.reproduction.verdicts import Verdict, value_of
from bench.scoring.learning import overfitting

__all__ = ["COURSE_CHECKS"]

_LEVEL = 0.02  # "more or less constant": all later epochs within 2 points
_COMPARABLE = 0.01


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
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    is_so = (measured[0] == "overfits") == is_claimed
    verdict = Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED
    return judged(claim, evidence, verdict, measured[1])


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
    return unmeasured(claim, evidence) or judged(claim, evidence, Verdict.REPRODUCED, measured)


def _cured(without: Log) -> str:
    verdict = overfitting(loss=without.loss, val_loss=without.val_loss).verdict
    return "there was nothing to cure" if verdict != "overfits" else "it did overfit"


def _levels_off(claim: Claim, evidence: Evidence) -> Judgement:
    (name,) = claim.experiments
    after = int(claim.published or 0)
    printed = _range(evidence.published.logs[name].val_accuracy[after:])
    if printed > _LEVEL:
        reason = f"in its log it still varies by {100 * printed:.1f} points"
        return Judgement(verdict=Verdict.CONTRADICTED, reason=reason)
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    epochs = evidence.measured[name].runs[0].history[after:]
    ours = [epoch.val_accuracy for epoch in epochs if epoch.val_accuracy is not None]
    if len(ours) < 2:
        return judged(claim, evidence, Verdict.UNDECIDED, "", "too few epochs")
    verdict = Verdict.REPRODUCED if _range(ours) <= _LEVEL else Verdict.NOT_REPRODUCED
    words = f"varies by {100 * _range(ours):.1f} points after epoch {after}"
    return judged(claim, evidence, verdict, f"{words}; in its log by {100 * printed:.1f}")


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _test_as_validation(claim: Claim, evidence: Evidence) -> Judgement:
    missing = unmeasured(claim, evidence)
    if missing is not None:
        return missing
    (name,) = claim.experiments
    runs = evidence.measured[name].runs
    pairs = [(value_of(run, "test_accuracy"), value_of(run, "val_accuracy")) for run in runs]
    known = [(test, held) for test, held in pairs if test is not None and held is not None]
    if not known:
        return judged(claim, evidence, Verdict.UNDECIDED, "", "no validation accuracy was kept")
    test, held = (fmean(values) for values in zip(*known, strict=True))
    is_so = abs(test - held) <= _COMPARABLE
    verdict = Verdict.REPRODUCED if is_so else Verdict.NOT_REPRODUCED
    words = f"{share_of(test)} on the test images, {share_of(held)} on those held back"
    return judged(claim, evidence, verdict, words)


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


COURSE_CHECKS: dict[str, Callable[[Claim, Evidence], Judgement]] = {
    "cost_ratio": _cost_ratio,
    "does_not_overfit": _does_not_overfit,
    "levels_off": _levels_off,
    "lower_validation_loss": _lower_validation_loss,
    "overfits": _overfits,
    "test_as_validation": _test_as_validation,
}
