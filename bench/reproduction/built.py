"""Published claims about parameters: judged by networks that are built and not trained."""

from collections.abc import Callable

from bench.reproduction.data import Claim
from bench.reproduction.evidence import Evidence
from bench.reproduction.ids import Judgement
from bench.reproduction.verdicts import Verdict

__all__ = ["BUILT_CHECKS"]


def _all_trainable(claim: Claim, evidence: Evidence) -> Judgement:
    (name,) = claim.experiments
    printed = [
        evidence.published.figure(name, quantity)
        for quantity in ("parameters", "trainable_parameters")
    ]
    count, trainable, _ = evidence.built[name]
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


def _most_in_one_layer(claim: Claim, evidence: Evidence) -> Judgement:
    (name,) = claim.experiments
    count, _, largest = evidence.built[name]
    return Judgement(
        verdict=Verdict.REPRODUCED if largest > count / 2 else Verdict.NOT_REPRODUCED,
        measured=f"{largest:,} of {count:,} in its largest layer",
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


BUILT_CHECKS: dict[str, Callable[[Claim, Evidence], Judgement]] = {
    "all_trainable": _all_trainable,
    "fewer_parameters": _fewer_parameters,
    "megabytes": _megabytes,
    "most_in_one_layer": _most_in_one_layer,
    "same_parameters": _same_parameters,
}
"""What needs the networks built, and none of them trained."""
