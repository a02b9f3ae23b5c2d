"""Readings as tables: a record a photo, a table of labels, or what a competition takes."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from bench.images.sample_names import file_of, names_of_parts
from bench.spec import Finding
from bench.views.predict.reading import DigitReading, Readings

__all__ = ["readings_as_dicts", "submission_columns", "submission_rows"]


def readings_as_dicts(found: Readings, model: str, below: float) -> list[dict[str, Any]]:
    """Return the readings of one path for ``--json``.

    A file that could not be read has a record without lines that holds the finding.
    """
    records = [
        {
            "source": reading.source,
            "text": reading.text,
            "truth": reading.truth or None,
            "model": model,
            "lines": [[_digit_as_dict(digit, below) for digit in line] for line in reading.lines],
            "findings": [_finding_as_dict(finding) for finding in reading.findings],
        }
        for reading in found.readings
    ]
    empty: dict[str, Any] = {"text": "", "truth": None, "model": model, "lines": []}
    unread = [
        {"source": finding.sample, **empty, "findings": [_finding_as_dict(finding)]}
        for finding in found.findings
    ]
    return [*records, *unread]


def _finding_as_dict(finding: Finding) -> dict[str, str]:
    return {
        "sample": finding.sample,
        "code": finding.code,
        "fault": finding.fault,
        "remedy": finding.remedy,
    }


def _digit_as_dict(digit: DigitReading, below: float) -> dict[str, Any]:
    return {
        "name": digit.name or None,
        "digit": digit.digit,
        "truth": digit.truth or None,
        "probability": digit.probability,
        "second": digit.second or None,
        "second_probability": digit.second_probability,
        "is_uncertain": digit.is_uncertain(below),
    }


def submission_columns(found: Sequence[Readings]) -> tuple[str, ...]:
    """Return the columns of ``--csv``: of photos those of a table of labels, and how sure it is.

    Of tables those a competition's sample has, else Kaggle's.
    """
    if all(each.kind != "table" for each in found):
        return ("file", "label", "confidence")
    return next((each.columns for each in found if each.columns), ("ImageId", "Label"))


def submission_rows(found: Sequence[Readings]) -> list[dict[str, Any]]:
    """Return the rows of ``--csv``: one a photo, or one an image of a table, which is numbered."""
    columns = submission_columns(found)
    if "confidence" in columns:
        return [row for each in found for row in _label_rows(each, is_one=len(found) == 1)]
    rows: list[dict[str, Any]] = []
    for each in found:
        for reading in each.readings:
            parts = names_of_parts(reading.source, [len(line) for line in reading.lines])
            names = parts if len(parts) > 1 else [reading.source]
            for number, (digit, name) in enumerate(zip(reading.digits, names, strict=False), 1):
                image = digit.name or (number if each.kind == "table" else name)
                rows.append(dict(zip(columns, (image, digit.digit), strict=True)))
    return rows


def _label_rows(found: Readings, *, is_one: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a photo, as a table of labels has it; lines are separated by ``/``."""
    folder = "" if is_one or found.kind == "photo" else f"{found.source}/"
    for reading in found.readings:
        by_file: dict[str, list[list[DigitReading]]] = {}
        for line in reading.lines:
            for name, own in groupby(line, key=lambda d: file_of(d.name) or reading.source):
                by_file.setdefault(name, []).append(list(own))
        for name, lines in by_file.items():
            digits = [digit for line in lines for digit in line]
            sure = [digit.probability for digit in digits]
            is_read = all(digit.is_read for digit in digits)
            yield {
                "file": f"{folder}{name}",
                "label": "/".join("".join(d.digit for d in line) for line in lines) * is_read,
                "confidence": None if None in sure else f"{min(filter(None, sure), default=0):.4f}",
            }
