"""Published, measured, verdict; and the tables in their three readings."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, Final

from rich.text import Text

from bench.render.console import plain
from bench.render.hints import prog
from bench.render.table import Column, Line, lay_out
from bench.reproduction.reproduce import Reproduced, ThreeReadings
from bench.reproduction.verdicts import Finding
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW"]

_STYLES: Final = {
    "reproduced": "good",
    "better": "good",
    "worse": "bad",
    "not reproduced": "bad",
    "failed": "bad",
    "contradicted by its own log": "warn",
}
_OPEN: Final = ("data missing", "not run")
_FIGURES: Final = (
    Column(name="name", heading="figure", align="left"),
    Column(name="published", heading="published", align="left"),
    Column(name="measured", heading="measured", align="left"),
    Column(name="verdict", heading="verdict", align="left", wraps_at=24),
)


def compute(source: Reproduced, options: NoOptions) -> Reproduced:
    """Return what the verb has run and judged."""
    return source


def rows_of(value: Reproduced) -> Iterator[dict[str, Any]]:
    """Yield the findings."""
    for finding in value.findings:
        yield asdict(finding) | {"verdict": str(finding.verdict)}


def draw(value: Reproduced, options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield the figures of each source, its claims, the tables, and the sum of the verdicts."""
    found, width = value, screen.width
    for source, group in groupby(
        sorted(found.findings, key=lambda finding: _order(found, finding)), key=lambda f: f.source
    ):
        listed = list(group)
        yield plain(f"{source} · {found.published.sources[source].title}", "heading")
        figures = [each for each in listed if each.kind != "claim"]
        if figures:
            yield from lay_out(_FIGURES, list(_figure_lines(figures)), width, indent=1)
        claims = [each for each in listed if each.kind == "claim"]
        for claim in claims:
            if not _is_open(claim):
                yield Text()
                yield from _claim_lines(claim, width)
        yield from _open_lines([claim for claim in claims if _is_open(claim)], width)
        yield Text()
    for table in found.tables:
        yield from _table_lines(table, width)
        yield Text()
    yield from _closing(found.findings)


def _order(found: Reproduced, finding: Finding) -> tuple[int, bool, int]:
    is_claim = finding.kind == "claim"
    experiments = list(found.published.experiments)
    name = finding.name.partition(" ")[0]
    place = experiments.index(name) if name in experiments and not is_claim else len(experiments)
    return list(found.published.sources).index(finding.source), is_claim, place


def _figure_lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """Yield the figures under the experiment they belong to, what they all lack said once."""
    for experiment, group in groupby(findings, key=lambda f: f.name.partition(" ")[0]):
        listed = list(group)
        lacking = {f"{f.verdict}: {f.reason}" for f in listed if _is_open(f)}
        shared = lacking.pop() if len(lacking) == 1 else ""
        yield Line(
            cells={"name": plain(experiment)},
            tail=plain(shared) if shared else None,
            tail_at="published",
        )
        for finding in listed:
            yield _figure_line(finding, is_said=bool(shared) and _is_open(finding))


def _is_open(finding: Finding) -> bool:
    """Tell whether nothing was measured for want of data or of a run."""
    return str(finding.verdict) in _OPEN and not finding.measured


def _open_lines(claims: Sequence[Finding], width: int) -> Iterator[Text]:
    """Yield the claims that could not be judged, under what they all lack."""
    by_reason: dict[str, list[Finding]] = {}
    for claim in claims:
        reason = f"{claim.verdict}: {claim.reason.partition(': ')[2] or claim.reason}"
        by_reason.setdefault(reason, []).append(claim)
    columns = (Column(name="text", heading="", align="left", wraps_at=24),)
    for reason, listed in by_reason.items():
        yield Text()
        number = f"{len(listed)} claim{'' if len(listed) == 1 else 's'}"
        yield Text(" ") + plain(f"{number} not judged, {reason}")
        lines = [
            Line(cells={"text": plain(f"“{claim.published}” ({claim.name})")}) for claim in listed
        ]
        yield from lay_out(columns, lines, width, indent=3)


def _figure_line(finding: Finding, *, is_said: bool) -> Line:
    measured = finding.measured
    if finding.low is not None and finding.high is not None and finding.kind == "figure":
        measured += f" [{_short(finding.low)}, {_short(finding.high)}]"
    return Line(
        cells={
            "name": Text("  ") + plain(finding.name.partition(" ")[2].replace("_", " ")),
            "published": plain(finding.published),
            "measured": plain(measured),
            "verdict": plain(str(finding.verdict)) if is_said else _verdict(finding),
        }
    )


def _short(value: float) -> str:
    return f"{value:.4f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.4g}"


def _verdict(finding: Finding) -> Text:
    words = str(finding.verdict)
    text = f"{words}: {finding.reason}" if finding.reason else words
    return plain(text, _STYLES.get(words, ""))


def _claim_lines(finding: Finding, width: int) -> Iterator[Text]:
    columns = (
        Column(name="label", heading="", align="left"),
        Column(name="text", heading="", align="left", wraps_at=24),
    )
    parts = [
        (" claim", plain(f"“{finding.published}” ({finding.name})")),
        ("", _verdict(finding)),
    ]
    if finding.measured:
        parts.append((" measured", plain(finding.measured)))
    lines = [
        Line(cells={"label": Text(label or " verdict"), "text": text}) for label, text in parts
    ]
    yield from lay_out(columns, lines, width)


def _table_lines(table: ThreeReadings, width: int) -> Iterator[Text]:
    """Yield a printed table beside our predictions read the same way, and as they should be."""
    yield plain(f"{table.experiment}, {table.where}: truth and prediction are swapped", "heading")
    columns = [
        Column(name="class", heading="class"),
        Column(name="printed", heading="printed: P    R   support"),
        Column(name="as printed", heading="ours, as printed", keep=3),
        Column(name="un-swapped", heading="un-swapped", keep=2),
        Column(name="un-swapped and scaled", heading="and scaled", keep=1),
    ]
    lines = []
    for i, row in enumerate(table.rows):
        cells = {"class": Text(str(row[0])), "printed": Text(_cells(row[1], row[2], row[4]))}
        for reading in table.readings:
            line = reading.report.classes[i]
            cells[reading.name] = Text(_cells(line.precision, line.recall, line.support))
        lines.append(Line(cells=cells))
    accuracies = {r.name: Text(f"accuracy {r.report.accuracy:.4f}") for r in table.readings}
    yield from lay_out(columns, [*lines, Line(cells=accuracies)], width, indent=1)


def _cells(precision: float, recall: float, support: float) -> str:
    return f"{precision:.2f} {recall:.2f} {support:>6,.0f}"


def _closing(findings: Sequence[Finding]) -> Iterator[Text]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[str(finding.verdict)] = counts.get(str(finding.verdict), 0) + 1
    listed = ", ".join(f"{count} {words}" for words, count in counts.items())
    yield Text(f"{len(findings)} published figures and claims: {listed}.")
    yield Text("[ ] is a 95 % interval. Sources and places: --json.")
    if "data missing" in counts:
        yield Text(f"Missing data: name its file with -d NAME=PATH, or see {prog()} list datasets.")


VIEW = View(
    name="reproduce",
    summary="Check the published figures and claims, with verdicts.",
    compute=compute,
    columns=(
        *("name", "kind", "source", "where", "published", "measured", "published_value", "value"),
        *("low", "high", "method", "seeds", "verdict", "reason"),
    ),
    rows=rows_of,
    exit_code=lambda value: int(value.has_failed),
    draw=draw,
)
