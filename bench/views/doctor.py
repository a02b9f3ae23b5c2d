"""What this machine has, and what is wrong with it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from bench.render.console import clean
from bench.render.hints import as_typed
from bench.render.table import Column, Line, lay_out
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW", "Finding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact, in a section; a wrong one says what to do in ``remedy``."""

    section: str
    name: str
    value: str
    is_wrong: bool = False
    remedy: str = ""


def compute(source: Sequence[Finding], options: NoOptions) -> tuple[Finding, ...]:
    """Return what the verb found: looking at a machine is no view's work."""
    return tuple(source)


def draw(value: Sequence[Finding], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield the findings by section, and a last line that counts what is wrong."""
    columns = (
        Column(name="mark", heading="", align="left"),
        Column(name="name", heading="", align="left", wraps_at=20),
        Column(name="value", heading="", align="left", wraps_at=24),
    )
    for section in dict.fromkeys(finding.section for finding in value):
        yield Text(section, style="heading")
        lines = [_line(finding) for finding in value if finding.section == section]
        yield from lay_out(columns, lines, screen.width, indent=1)
    yield Text()
    wrong = _count_wrong(value)
    if wrong:
        yield Text(f"{wrong} thing{'s' * (wrong != 1)} wrong: see the lines marked ✗", "bad")
    else:
        yield Text("Nothing is wrong.", style="good")


def _count_wrong(value: Sequence[Finding]) -> int:
    return sum(finding.is_wrong for finding in value)


def _line(finding: Finding) -> Line:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    style = "bad" if finding.is_wrong else ""
    return Line(
        cells={
            "mark": Text("✗" if finding.is_wrong else "·", style=style),
            "name": Text(clean(finding.name)),
            "value": Text(as_typed(clean(finding.value + remedy)), style=style),
        }
    )


def document(value: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings, and how many are wrong."""
    return {"wrong": _count_wrong(value), "findings": list(map(asdict, value))}


VIEW = View(
    name="doctor",
    summary="Say what this machine has, and what is wrong with it.",
    compute=compute,
    columns=("section", "name", "value", "is_wrong", "remedy"),
    document=document,
    exit_code=lambda value: int(_count_wrong(value) > 0),
    draw=draw,
)
