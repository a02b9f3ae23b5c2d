"""``bench reproduce``: every published figure and claim, held against trials run as published."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy.typing as npt

from bench.execution.events import Event, RunFinished, RunStarted
from bench.loading.cache import cache_in_use
from bench.options import as_options, resolve_options
from bench.planning.grid import CellState
from bench.planning.request import Request, Session
from bench.reproduction.choice import Chosen, chosen_of
from bench.reproduction.claims import judge_claim
from bench.reproduction.data import Figure, Published, read_published
from bench.reproduction.evidence import Evidence
from bench.reproduction.ids import ids_findings
from bench.reproduction.tables import Reading, compare_table, raw_predictions, readings
from bench.reproduction.trials import (
    Measured,
    Prepared,
    measure_experiment,
    prepare_experiment,
)
from bench.reproduction.verdicts import Finding, Verdict, judge_figure
from bench.scoring.intervals import accuracy_interval
from bench.session import open_session
from bench.spec import BuildContext, ModelSpec

__all__ = ["Reproduced", "ThreeReadings", "reproduce"]

_EXACT = ("parameters", "trainable_parameters", "largest_layer_parameters")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeReadings:
    """A published table beside our own predictions, read in each way."""

    experiment: str
    where: str
    rows: tuple[tuple[int, float, float, float, int], ...]
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """All findings, and the tables that are shown in several readings."""

    published: Published
    findings: tuple[Finding, ...]
    tables: tuple[ThreeReadings, ...] = ()

    @property
    def has_failed(self) -> bool:
        """Whether a trial failed; a verdict of any kind is a result."""
        return any(finding.verdict is Verdict.FAILED for finding in self.findings)


@cache_in_use()
def reproduce(
    names: Sequence[str],
    base: Request,
    *,
    on_event: Callable[[Event], None] = lambda event: None,
    is_dry: bool = False,
) -> Reproduced:
    """Hold published figures and claims against trials with the published settings.

    Parameters
    ----------
    names : sequence of str
        Names and globs of experiments, sources or claims; all if empty.
    base : Request
        Store, data folders, paths of datasets, seeds, budget, limits.
    is_dry : bool
        Train nothing; judge by what is stored and what needs no training.

    Raises
    ------
    BenchError
        If a name is unknown.
    """
    published = read_published()
    session = open_session(store=base.store, data_dir=base.data_dir, plugins=base.plugins)
    chosen = chosen_of(published, names)
    prepared = {
        name: _prepare(published, name, base, session)
        for name in published.experiments
        if name in chosen.experiments
    }
    measured = _measure(prepared, on_event, is_dry)
    built = _built(published, session, chosen)
    raw = _raw(published, session, measured, chosen)
    findings = [
        *_figure_findings(published, chosen, measured, built, raw),
        *_table_findings(published, chosen, measured, raw),
    ]
    if chosen.has_ids:
        findings += ids_findings(published.ids)
    evidence = Evidence(published=published, measured=measured, built=built)
    findings += [
        judge_claim(claim, evidence) for claim in published.claims if claim.name in chosen.claims
    ]
    tables = _three_readings(published, chosen, measured, raw)
    return Reproduced(published=published, findings=tuple(findings), tables=tuple(tables))


def _prepare(
    published: Published, name: str, base: Request, session: Session
) -> Prepared | Measured:
    experiment = published.experiments[name]
    if experiment.model not in session.plugins.models:
        return Measured(missing=f"no model {experiment.model} is installed", state="not run")
    return prepare_experiment(experiment, base, session.store)


def _measure(
    prepared: Mapping[str, Prepared | Measured], on_event: Callable[[Event], None], is_dry: bool
) -> dict[str, Measured]:
    """Run the experiments one after another, told as one run."""
    plans = [each.planned for each in prepared.values() if isinstance(each, Prepared)]
    counts: Counter[str] = Counter()

    def passed_on(event: Event) -> None:
        if isinstance(event, RunFinished):
            counts.update(event.counts)
        elif not isinstance(event, RunStarted):
            on_event(event)

    if not is_dry:
        times = [planned.estimated_seconds for planned in plans if planned.tasks]
        on_event(
            RunStarted(
                trials=sum(len(planned.tasks) for planned in plans),
                cached=sum(planned.count(CellState.CACHED) for planned in plans),
                estimated_seconds=sum(t for t in times if t) if all(times) else None,
            )
        )
    started = time.monotonic()
    found = {
        name: measure_experiment(each, passed_on, is_dry=is_dry)
        if isinstance(each, Prepared)
        else each
        for name, each in prepared.items()
    }
    if not is_dry:
        on_event(RunFinished(counts=dict(counts), seconds=time.monotonic() - started))
    return found


def _built(
    published: Published, session: Session, chosen: Chosen
) -> dict[str, tuple[int, int, int]]:
    """Return all, trainable and the largest layer's parameters, of networks built without data."""
    found = {}
    for name in sorted(chosen.built):
        experiment = published.experiments[name]
        spec = session.plugins.models.get(experiment.model)
        if spec is None or experiment.image_shape is None:
            continue
        described = _describe(spec, experiment.image_shape)
        if described is not None:
            found[name] = described
    return found


def _describe(spec: ModelSpec, shape: tuple[int, int, int]) -> tuple[int, int, int] | None:
    options = resolve_options(spec.name, as_options(spec.options), {})
    classifier: Any = spec.build(
        BuildContext(image_shape=shape, classes=tuple("0123456789"), options=options)
    )
    description = classifier.describe()
    if description.parameters is None or description.trainable_parameters is None:
        return None
    largest = max((layer.parameters for layer in description.layers), default=0)
    return description.parameters, description.trainable_parameters, largest


def _raw(
    published: Published,
    session: Session,
    measured: Mapping[str, Measured],
    chosen: Chosen,
) -> dict[str, npt.NDArray[Any]]:
    """Return what the first seed's network reads in unscaled pixels, where the source did that."""
    found = {}
    for name in sorted(chosen.shown):
        experiment = published.experiments[name]
        runs = measured[name].runs
        if experiment.raw_pixels and runs:
            found[name] = raw_predictions(session.plugins.models[experiment.model], runs[0])
    return found


def _figure_findings(
    published: Published,
    chosen: Chosen,
    measured: Mapping[str, Measured],
    built: Mapping[str, tuple[int, int, int]],
    raw: Mapping[str, npt.NDArray[Any]],
) -> list[Finding]:
    findings = []
    for figure in published.figures:
        if figure.experiment not in chosen.shown:
            continue
        source = published.experiments[figure.experiment].source
        if figure.quantity in _EXACT:
            findings.append(_exact(figure, source, built.get(figure.experiment)))
        elif figure.quantity == "raw_test_accuracy":
            findings.append(_raw_accuracy(figure, source, measured[figure.experiment], raw))
        else:
            findings.append(judge_figure(figure, measured[figure.experiment], source))
    return findings


def _exact(figure: Figure, source: str, built: tuple[int, int, int] | None) -> Finding:
    """Hold a count against the network as built; no training, no data."""
    facts: dict[str, Any] = {
        "name": f"{figure.experiment} {figure.quantity}",
        "kind": "check",
        "source": source,
        "where": figure.where,
        "published": f"{figure.published:,.0f}",
        "published_value": figure.published,
    }
    if built is None:
        return Finding(**facts, verdict=Verdict.NOT_RUN, reason="its model is not installed")
    count = built[_EXACT.index(figure.quantity)]
    is_same = count == figure.published
    return Finding(
        **facts,
        measured=f"{count:,}",
        value=float(count),
        verdict=Verdict.REPRODUCED if is_same else Verdict.NOT_REPRODUCED,
    )


def _raw_accuracy(
    figure: Figure, source: str, measured: Measured, raw: Mapping[str, npt.NDArray[Any]]
) -> Finding:
    """Judge an accuracy that the source measured on unscaled pixels by the same mistake."""
    named = msgspec.structs.replace(figure, quantity="test_accuracy")
    read = raw.get(figure.experiment)
    if read is None:
        return judge_figure(named, measured, source)
    run = replace(measured.runs[0], predicted=read)
    interval = accuracy_interval(int(run.correct.sum()), len(read))
    score = msgspec.structs.replace(
        run.score,
        metrics={"accuracy": float(run.correct.mean())},
        intervals={"accuracy": (interval.low, interval.high, interval.method)},
    )
    found = judge_figure(named, replace(measured, runs=(replace(run, score=score),)), source)
    scaled = f"scaled, as it should be: {measured.runs[0].correct.mean():.4f}"
    return replace(
        found,
        name=f"{figure.experiment} test_accuracy, raw pixels",
        reason="; ".join(text for text in (found.reason, scaled) if text),
    )


def _table_findings(
    published: Published,
    chosen: Chosen,
    measured: Mapping[str, Measured],
    raw: Mapping[str, npt.NDArray[Any]],
) -> list[Finding]:
    findings = []
    for name, table in published.tables.items():
        if table.experiment not in chosen.shown:
            continue
        experiment = published.experiments[table.experiment]
        found = measured[table.experiment]
        facts: dict[str, Any] = {
            "name": f"{name} per-class table",
            "kind": "table",
            "source": experiment.source,
            "where": table.where,
            "published": "10 classes",
        }
        if not found.runs:
            verdict, reason = Verdict(found.state), found.missing
            findings.append(Finding(**facts, verdict=verdict, reason=reason))
            continue
        as_printed = readings(experiment, found.runs[0], raw.get(table.experiment))[0]
        verdict, words, reason = compare_table(
            table, as_printed.report, is_swapped=experiment.swapped
        )
        if found.not_comparable:
            verdict, reason = Verdict.NOT_COMPARABLE, found.not_comparable
        findings.append(Finding(**facts, measured=words, verdict=verdict, reason=reason))
    return findings


def _three_readings(
    published: Published,
    chosen: Chosen,
    measured: Mapping[str, Measured],
    raw: Mapping[str, npt.NDArray[Any]],
) -> list[ThreeReadings]:
    """Return the tables that were printed with truth and prediction swapped, read anew."""
    return [
        ThreeReadings(
            experiment=table.experiment,
            where=table.where,
            rows=table.rows,
            readings=tuple(
                readings(
                    published.experiments[table.experiment],
                    measured[table.experiment].runs[0],
                    raw[table.experiment],
                )
            ),
        )
        for table in published.tables.values()
        if table.experiment in chosen.shown and table.experiment in raw
    ]
