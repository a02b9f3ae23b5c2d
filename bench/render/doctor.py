"""The findings of ``bench doctor``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from bench.render.console import clean
from bench.render.hints import as_typed
from bench.render.table import Column, Line, lay_out

__all__ = ["FINDING_COLUMNS", "Finding", "doctor_as_dict", "doctor_lines"]

FINDING_COLUMNS: Final = ("section", "name", "value", "is_wrong", "remedy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact, in a section; a wrong one says what to do in ``remedy``."""

    section: str
    name: str
    value: str
    is_wrong: bool = False
    remedy: str = ""


def doctor_lines(findings: Sequence[Finding], width: int) -> list[Text]:
    """Return the findings by section, and a last line that counts what is wrong."""
    columns = (
        Column(name="mark", heading="", align="left"),
        Column(name="name", heading="", align="left", wraps_at=20),
        Column(name="value", heading="", align="left", wraps_at=24),
    )
    texts: list[Text] = []
    for section in dict.fromkeys(finding.section for finding in findings):
        chosen = [finding for finding in findings if finding.section == section]
        lines = [_line(finding) for finding in chosen]
        texts += [Text(section, style="heading"), *lay_out(columns, lines, width, indent=1)]
    wrong = sum(finding.is_wrong for finding in findings)
    if wrong:
        verdict = Text(f"{wrong} thing{'s' * (wrong != 1)} wrong: see the lines marked ✗", "bad")
    else:
        verdict = Text("Nothing is wrong.", style="good")
    return [*texts, Text(), verdict]


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


def doctor_as_dict(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings as plain data."""
    return {
        "wrong": sum(finding.is_wrong for finding in findings),
        "findings": [
            {
                "section": finding.section,
                "name": finding.name,
                "value": finding.value,
                "is_wrong": finding.is_wrong,
                "remedy": finding.remedy,
            }
            for finding in findings
        ],
    }
