"""What claims are judged by, and the judgement: shared by the rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.reproduction.data import Claim, Published
from bench.reproduction.ids import Judgement
from bench.reproduction.trials import Measured
from bench.reproduction.verdicts import Verdict

__all__ = ["Evidence", "judged", "share_of", "unmeasured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What claims are judged by.

    ``built`` counts the parameters of a network as built: all, trainable, of its largest layer.
    """

    published: Published
    measured: Mapping[str, Measured]
    built: Mapping[str, tuple[int, int, int]]


def unmeasured(claim: Claim, evidence: Evidence) -> Judgement | None:
    """Return the judgement where a trial is missing; None where all are there."""
    for name in claim.experiments:
        measured = evidence.measured[name]
        if not measured.runs:
            return Judgement(verdict=Verdict(measured.state), reason=f"{name}: {measured.missing}")
    return None


def judged(
    claim: Claim, evidence: Evidence, verdict: Verdict, measured: str, reason: str = ""
) -> Judgement:
    """Return a judgement of measurements: none on data that is not the published one."""
    for name in claim.experiments:
        difference = evidence.measured[name].not_comparable
        if difference:
            return Judgement(verdict=Verdict.NOT_COMPARABLE, measured=measured, reason=difference)
    return Judgement(verdict=verdict, measured=measured, reason=reason)


def share_of(value: float) -> str:
    """Write a share with four decimals."""
    return f"{value:.4f}".removeprefix("0") if value < 1 else "1.0000"
