"""Columns of a table that say their label in another way: as JSON, or one of several is 1."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from bench_datasets._folder.class_names import fit_names
from bench_datasets._folder.tables import Sheet

__all__ = ["plainer"]

Line = tuple[int, tuple[str, ...]]

_ONES: Final = frozenset({"1", "1.0", "true", "yes", "x"})
_ZEROS: Final = frozenset({"0", "0.0", "false", "no", ""})


def plainer(sheet: Sheet) -> Sheet:
    """Return a table with a plain cell for each JSON object of one key, and each one-hot label."""
    if len(sheet.lines) < 2:
        return sheet
    header, *body = sheet.lines
    for place in range(len(header[1])):
        header, body = _from_json(header, body, place)
    header, body = _from_one_hot(header, body)
    return replace(sheet, lines=(header, *body))


def _cells(body: Sequence[Line], place: int) -> list[str]:
    return [row[place].strip() if place < len(row) else "" for _, row in body]


def _with(line: Line, place: int, cell: str) -> Line:
    row = list(line[1])
    if place < len(row):
        row[place] = cell
    return line[0], tuple(row)


def _from_json(header: Line, body: list[Line], place: int) -> tuple[Line, list[Line]]:
    """Read a column of ``{"digit": "3"}`` as a column ``digit``."""
    cells = _cells(body, place)
    if not any(cell.startswith("{") for cell in cells):
        return header, body
    objects = [_object(cell) for cell in cells]
    keys = {key for each in objects for key in each or {}}
    if None in objects or len(keys) != 1:
        return header, body
    (key,) = keys
    values = [str((each or {}).get(key, "")) for each in objects]
    lines = [_with(line, place, value) for line, value in zip(body, values, strict=True)]
    return _with(header, place, key), lines


def _object(cell: str) -> dict[str, Any] | None:
    """Return the object in a cell; None for what is none, or holds more than single values."""
    try:
        value = json.loads(cell or "{}")
    except (ValueError, RecursionError):
        return None
    plain = isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values())
    return value if plain else None


def _from_one_hot(header: Line, body: list[Line]) -> tuple[Line, list[Line]]:
    """Read columns ``0`` to ``9``, of which one is 1 in each row, as a column ``label``."""
    titles = [cell.strip() for cell in header[1]]
    places = [place for place, title in enumerate(titles) if title and _is_binary(body, place)]
    fit = fit_names([titles[place] for place in places], {}) if len(places) > 1 else None
    if fit is None or len(fit.classes) < len(places):
        return header, body
    lines = []
    for number, row in body:
        hot = [p for p in places if p < len(row) and row[p].strip().casefold() in _ONES]
        rest = tuple(cell for place, cell in enumerate(row) if place not in places)
        lines.append((number, (*rest, titles[hot[0]] if len(hot) == 1 else "")))
    if 2 * sum(bool(row[-1]) for _, row in lines) <= len(lines):
        return header, body
    rest = tuple(title for place, title in enumerate(titles) if place not in places)
    return (header[0], (*rest, "label")), lines


def _is_binary(body: Sequence[Line], place: int) -> bool:
    return all(cell.casefold() in _ONES | _ZEROS for cell in _cells(body, place))
