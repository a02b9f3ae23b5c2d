"""What of the published figures and claims was asked for, by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import choose
from bench.reproduction.built import BUILT_CHECKS
from bench.reproduction.data import Published

__all__ = ["Chosen", "chosen_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What was asked for: ``shown`` experiments have their figures listed, others only run.

    ``built`` are those whose network is built to count its parameters.
    """

    experiments: frozenset[str]
    built: frozenset[str]
    shown: frozenset[str]
    claims: frozenset[str]
    has_ids: bool


def chosen_of(published: Published, names: Sequence[str]) -> Chosen:
    """Return what names and globs of experiments, sources and claims ask for; all without any."""
    known = {*published.experiments, *published.sources, *(c.name for c in published.claims), "ids"}
    where = f"{', '.join(published.experiments)}, ids; sources: {', '.join(published.sources)}"
    asked_for = set(choose(names, known, "published experiment, source or claim", where=where))

    def is_named(*texts: str) -> bool:
        return not names or not asked_for.isdisjoint(texts)

    shown = {n for n, e in published.experiments.items() if is_named(n, e.source)}
    claims = {
        c.name
        for c in published.claims
        if is_named(c.name, c.source) or (c.experiments and c.experiments[0] in shown and names)
    }
    asked = [c for c in published.claims if c.name in claims]
    needed = {n for c in asked if c.check not in BUILT_CHECKS for n in c.experiments}
    return Chosen(
        experiments=frozenset(shown | needed),
        built=frozenset(shown | {n for c in asked for n in c.experiments}),
        shown=frozenset(shown),
        claims=frozenset(claims),
        has_ids=is_named("ids", published.ids.source),
    )
