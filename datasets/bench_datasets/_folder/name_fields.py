"""What the names of files are made of: numbers, words, and parts that are dates and counters."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.images.sample_names import split_page

__all__ = ["Field", "FileName", "file_names"]

_YEAR: Final = r"(?:19|20)\d\d"
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
# Each is taken out of a name before its numbers are looked at; what it is, in words.
_MASKS: Final = (
    (
        "random letters",
        r"(?<![^\W_])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![^\W_])",
    ),
    (
        "random letters",
        r"(?<![^\W_])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d[a-f]+\d)[0-9a-f]{7,}(?![^\W_])",
    ),
    ("a date", rf"(?<!\d){_YEAR}[-_. ]?(?:0?[1-9]|1[0-2])[-_. ]?(?:0?[1-9]|[12]\d|3[01])(?!\d)"),
    ("a date", rf"(?<!\d)\d{{1,2}}[-_./ ]\d{{1,2}}[-_./ ]{_YEAR}(?!\d)"),
    ("a date", rf"(?<!\d){_YEAR}[-_](?:0?[1-9]|1[0-2])(?!\d)"),
    ("a date", rf"(?<![^\W\d_]){_MONTH}[-_. ]*\d{{1,2}}(?!\d)"),
    ("a date", rf"(?<!\d)\d{{1,2}}[-_. ]*{_MONTH}(?![^\W\d_])"),
    ("a time", r"(?<!\d)\d{1,2}[-.:h]\d{2}[-.:m]\d{2}s?(?!\d)(?:[-_ .]?[ap]\.?m\b\.?)?"),
    ("a time", r"(?<!\d)\d{1,2}[-_.: ]\d{2}(?:[-_.: ]\d{2})?[-_. ]?[ap]\.?m\b\.?"),
    ("a time", r"(?:\bat |\bum |T)\d{1,2}[.:h]\d{2}(?!\d)"),
    ("a position", r"(?<!\d)\d+[ _-]*(?:of|von|de|sur|di)[ _-]*\d+(?!\d)"),
    ("a copy's number", r"\s*[(\[]\s*\d+\s*[)\]]"),
    (
        "a copy's number",
        r"[\s_-]*(?<![^\W_])(?:copy|kopie|copie|copia|duplicate|dup)(?![^\W\d_])[\s_-]*\(?\d*\)?",
    ),
    ("a copy's number", r"~\d+\b"),
    (
        "a size",
        r"(?<!\d)\d+\s?[x×]\s?\d+(?:px)?(?!\d)|(?<![^\W_])\d+(?:px|dpi|ppi|bit|mb|kb)(?![^\W_])",
    ),
    ("a version", r"(?<![^\W_])v(?:er)?\.?\d+(?:\.\d+)*(?![^\W_])"),
)
# A date in short: only where the year is one and the same in all names.
_SHORT_DATE: Final = re.compile(r"(?<!\d)\d{1,2}([-./])\d{1,2}\1(\d\d)(?!\d)")
_COMPILED: Final = tuple((what, re.compile(text, re.IGNORECASE)) for what, text in _MASKS)
_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+", re.UNICODE)
_FILLER: Final = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One word or number of a name: where it stands, and the words right before and after it."""

    text: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """The name of a picture without its ending; ``masked`` and ``removed`` are parts of it.

    ``reasons`` are what was removed: dates, times, positions, copies.
    """

    folder: str
    masked: str
    removed: tuple[str, ...]
    reasons: frozenset[str]
    fields: tuple[Field, ...]

    def without(self, field: Field) -> tuple[str, str, tuple[str, ...]]:
        """Return all of the name but one field."""
        return (
            self.folder,
            self.masked[: field.start] + "#" + self.masked[field.end :],
            self.removed,
        )


def file_names(images: Sequence[Path]) -> list[FileName]:
    """Return what the names of pictures are made of."""
    stems = [_stem(path) for path in images]
    short = [_SHORT_DATE.search(stem) for stem in stems]
    years = {found[2] for found in short if found}
    is_short_date = all(short) and len(years) == 1 and len(images) > 1
    return [
        _file_name(path.parent.as_posix(), stem, is_short_date=is_short_date)
        for path, stem in zip(images, stems, strict=True)
    ]


def _stem(path: Path) -> str:
    name, page = split_page(path.name)
    return Path(name).stem + (f" page {page}" if page > 1 else "")


def _file_name(folder: str, stem: str, *, is_short_date: bool) -> FileName:
    removed: list[str] = []
    reasons: set[str] = set()

    def take(what: str, pattern: re.Pattern[str], text: str) -> str:
        found = [match.group() for match in pattern.finditer(text)]
        if found:
            removed.extend(found)
            reasons.add(what)
        return pattern.sub(_FILLER, text) if found else text

    if is_short_date:
        stem = take("a date", _SHORT_DATE, stem)
    for what, pattern in _COMPILED:
        stem = take(what, pattern, stem)
    return FileName(
        folder=folder,
        masked=stem,
        removed=tuple(removed),
        reasons=frozenset(reasons),
        fields=_fields(stem),
    )


def _fields(masked: str) -> tuple[Field, ...]:
    tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(masked)]
    fields = []
    for place, (text, start, end) in enumerate(tokens):
        before = after = ""
        if place and _FILLER not in masked[tokens[place - 1][2] : start]:
            before = tokens[place - 1][0]
        if place + 1 < len(tokens) and _FILLER not in masked[end : tokens[place + 1][1]]:
            after = tokens[place + 1][0]
        fields.append(Field(text=text, start=start, end=end, before=before, after=after))
    return tuple(fields)
