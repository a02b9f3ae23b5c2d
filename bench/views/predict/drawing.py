"""``bench predict`` on the screen: the ID, what the model saw, how sure it is."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from bench.render.abstention import abstention_line
from bench.render.console import clean, plain
from bench.render.pictures import half_blocks, side_by_side
from bench.store.formats import share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bench.spec import Finding
    from bench.views.predict.reading import DigitReading, Reading, Readings

__all__ = ["Shown", "caption_of", "readings_lines"]

_NARROWEST: Final = 7
_WIDEST: Final = 14
_TABLE_ROWS: Final = 10
_PICTURES: Final = 12
_FILES_NAMED: Final = 5
_FAULTS_SHOWN: Final = 6
_SCORES: Final = "the model gives scores, not probabilities: no telling how sure it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How readings are shown: by which model, in what time, on what screen."""

    model: str
    seconds: float
    width: int
    colour: bool = False
    below: float  # a digit less sure than this is uncertain


def readings_lines(found: "Readings", shown: Shown) -> Iterator[Text]:
    """Yield what one path says."""
    if found.kind == "table":
        yield from _table_lines(found, shown)
        return
    if found.kind == "photo":
        yield from _photo_lines(found.readings[0], shown, f", {shown.model}, {shown.seconds:.1f} s")
        return
    yield from _folder_lines(found, shown)


def _photo_lines(reading: "Reading", shown: Shown, more: str = "") -> Iterator[Text]:
    headline, about = _headline(reading, shown), f"({_found(reading)}{more})"
    if headline.cell_len + 3 + cell_len(about) < shown.width:
        yield headline.append(f"   {about}")
    else:
        yield headline
        yield from _paragraph(about, shown)
    columns = _columns(max(map(len, reading.lines), default=1), shown.width)
    for line in reading.lines:
        if not any(digit.is_read for digit in line):
            continue
        yield from _pictures(line, [_caption(digit, shown) for digit in line], shown, columns)
    yield from _paragraph(_doubts(reading, shown), shown, "warn")
    yield from _grouped(reading.findings, shown, indent=4, whole=reading.source)


def _columns(n: int, width: int) -> int:
    """Return how wide a picture may be for `n` of them to stand on one line, within limits."""
    return max(_NARROWEST, min(_WIDEST, (width - 2) // n - 2))


def _pictures(
    digits: "Sequence[DigitReading]", captions: Sequence[str], shown: Shown, columns: int
) -> Iterator[Text]:
    pictures = [
        half_blocks(_without_margin(digit.image), columns, colour=shown.colour)
        for digit in digits
        if digit.image is not None
    ]
    for text in side_by_side(pictures, captions, columns, max(columns, shown.width - 4)):
        if text.plain.strip():
            yield Text("    ").append_text(text)


def _without_margin(image: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float32]":
    """Return a picture without the tenth at each side in which nothing is written."""
    height, width = image.shape[0] // 10, image.shape[1] // 10
    return image[height : image.shape[0] - height, width : image.shape[1] - width]


def _paragraph(text: str, shown: Shown, style: str = "", indent: int = 4) -> Iterator[Text]:
    for number, line in enumerate(wrap(clean(text), max(20, shown.width - indent - 2))):
        yield Text(" " * (indent + 2 * (number > 0))).append(line, style=style)


def _headline(reading: "Reading", shown: Shown) -> Text:
    return plain(reading.source).append("   ").append_text(_marked(reading, shown))


def _found(reading: "Reading") -> str:
    n_digits, n_lines = len(reading.digits), len(reading.lines)
    if not n_digits:
        return "no digit found"
    if n_digits == 1:
        return "1 digit"
    return f"{n_digits} digits in {'one line' if n_lines == 1 else f'{n_lines} lines'}"


def _marked(reading: "Reading", shown: Shown) -> Text:
    """Return the digits; where the truth is known, wrong ones in brackets, then the truth."""
    if not reading.digits:
        return Text("–", style="heading")
    if reading.is_right:
        return Text(clean(reading.text), style="heading").append(" ✓", style="good")
    text = Text()
    for number, line in enumerate(reading.lines):
        text.append("/" * bool(number))
        for is_wrong, run in groupby(line, key=lambda digit: digit.is_wrong):
            read = clean("".join(digit.digit for digit in run))
            text.append(f"[{read}]" if is_wrong else read, style="bad" if is_wrong else "heading")
    return text.append(f" → truth {clean(reading.truth)}") if reading.truth else text


def _caption(digit: "DigitReading", shown: Shown) -> str:
    if not digit.is_read:
        return clean(digit.digit)
    mark = "?" * digit.is_uncertain(shown.below)
    return f"{clean(digit.digit)} {_share(digit.probability)}{mark}".rstrip()


def caption_of(digit: "DigitReading") -> str:
    """Return what was read and how surely, in a few characters."""
    return f"{clean(digit.digit)} {_share(digit.probability)}".rstrip()


def _doubts(reading: "Reading", shown: Shown) -> str:
    """Return what the model is not sure of, in one sentence; empty where it is sure of all."""
    digits = reading.digits
    if digits and digits[0].probability is None:
        return _SCORES
    doubtful = [(i, d) for i, d in enumerate(digits, start=1) if d.is_uncertain(shown.below)]
    if not doubtful or not any(digit.is_read for digit in digits):
        return ""
    if len(digits) == 1:
        return f"not sure: {_doubt(digits[0])}"
    if len(doubtful) == 1:
        number, digit = doubtful[0]
        return f"{_ordinal(number)} digit is uncertain: {_doubt(digit)}"
    listed = "; ".join(f"{_ordinal(number)} {_doubt(digit)}" for number, digit in doubtful)
    return f"uncertain digits: {listed}"


def _doubt(digit: "DigitReading") -> str:
    if not digit.is_read:
        return "not found"
    return (
        f"{digit.digit} ({_share(digit.probability)}) "
        f"or {digit.second} ({_share(digit.second_probability)})"
    )


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _share(value: float | None) -> str:
    if value is None:
        return ""
    return "1.0" if value >= 0.995 else f"{value:.2f}".removeprefix("0")


def _folder_lines(found: "Readings", shown: Shown) -> Iterator[Text]:
    title, n = plain(found.source, "heading"), len(found.digits)
    yield title.append(
        f"   {n:,} digit{'s' * (n != 1)} read ({shown.model}, {shown.seconds:.1f} s)"
    )
    for note in found.notes:
        yield from _paragraph(note, shown, indent=2)
    ids = [reading for reading in found.readings if len(reading.digits) > 1]
    singles = [reading for reading in found.readings if len(reading.digits) <= 1]
    for reading in ids:
        yield from _photo_lines(reading, shown)
    yield from _grid(singles, shown)
    doubtful = [
        r
        for r in singles
        if any(d.is_read and (d.is_wrong or d.is_uncertain(shown.below)) for d in r.digits)
    ]
    if doubtful:
        yield from _doubtful(doubtful, shown)
    yield from _grouped([f for r in singles for f in r.findings] + [*found.findings], shown)
    yield from _summary(found, ids, shown)


def _grid(readings: "Sequence[Reading]", shown: Shown) -> Iterator[Text]:
    """Yield photos of one digit, as many beside one another as the width allows."""
    cells = []
    for reading in readings:
        cell = plain(reading.source).append("  ").append_text(_short(reading, shown))
        cells.append(cell)
    if not cells:
        return
    widest = max(cell.cell_len for cell in cells) + 3
    across = max(1, (shown.width - 2) // widest)
    down = -(-len(cells) // across)  # read downwards, as in ls
    for row in range(down):
        line = Text("  ")
        for cell in cells[row::down]:
            line.append_text(cell).append(" " * (widest - cell.cell_len))
        line.rstrip()
        yield line


def _short(reading: "Reading", shown: Shown) -> Text:
    if not reading.digits:
        return Text("–")
    digit = reading.digits[0]
    text = Text(f"[{clean(digit.digit)}]" if digit.is_wrong else clean(digit.digit))
    text.stylize("bad" if digit.is_wrong else "heading")
    text.append(f" {_share(digit.probability)}" * (digit.probability is not None))
    if digit.is_wrong:
        text.append(f" truth {clean(digit.truth)}")
    elif digit.is_uncertain(shown.below):
        text.append(" ?", style="warn")
    return text


def _doubtful(readings: "Sequence[Reading]", shown: Shown) -> Iterator[Text]:
    """Yield what the model saw where it was wrong or unsure."""
    listed = readings[:_PICTURES]
    captions = [_tail(reading.source, _WIDEST) for reading in listed]
    yield Text("  what the model saw of those it read wrong or is not sure of", style="heading")
    yield from _pictures([reading.digits[0] for reading in listed], captions, shown, _WIDEST)
    if len(readings) > len(listed):
        yield Text(f"    … {len(readings) - len(listed)} more")


def _tail(text: str, width: int) -> str:
    name = clean(text)
    while cell_len(name) > width:
        name = f"…{name.removeprefix('…')[1:]}"
    return name


def _grouped(
    findings: "Sequence[Finding]", shown: Shown, *, indent: int = 2, whole: str = ""
) -> Iterator[Text]:
    """Yield findings, like ones together: what it is, what to do, which photos.

    A finding on `whole` needs no name. Of a code whose findings differ the first few are shown.
    """
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.code, finding.fault), []).append(finding)
    shown_of = Counter[str]()
    for (code, _), found in sorted(alike.items(), key=lambda item: -len(item[1])):
        shown_of[code] += 1
        if shown_of[code] > _FAULTS_SHOWN:
            continue
        named = [finding.sample for finding in found if finding.sample != whole]
        names = ", ".join(named[:_FILES_NAMED])
        more = len(named) - _FILES_NAMED
        names += f" and {more} more" if more > 0 else ""
        text = f"{code}: {found[0].fault}; {found[0].remedy}" + f" ({names})" * bool(named)
        yield from _paragraph(text, shown, "warn", indent=indent)
    for code, n in shown_of.items():
        if n > _FAULTS_SHOWN:
            text = f"{code}: {n - _FAULTS_SHOWN} more; --json has them all"
            yield from _paragraph(text, shown, "warn", indent=indent)


def _summary(found: "Readings", ids: "Sequence[Reading]", shown: Shown) -> Iterator[Text]:
    digits = found.digits
    known = [digit for digit in digits if digit.truth]
    parts = []
    if known:
        parts.append(f"{sum(not d.is_wrong for d in known):,} of {len(known):,} digits right")
    whole = [reading for reading in ids if reading.truth]
    if whole:
        parts.append(f"{sum(r.is_right for r in whole)} of {len(whole)} whole IDs right")
    if digits and digits[0].probability is None:
        parts.append(_SCORES)
    else:
        n_uncertain = sum(digit.is_uncertain(shown.below) for digit in digits)
        parts.append(f"{n_uncertain:,} uncertain (below {share(shown.below, 2)})")
    yield from _paragraph(" · ".join(parts), shown, indent=2)
    left = found.answered(shown.below)
    if left is not None:
        yield from _paragraph(abstention_line(left, shown.below).plain, shown, indent=2)


def _table_lines(found: "Readings", shown: Shown) -> Iterator[Text]:
    digits = found.digits
    yield plain(
        f"{found.source}   {len(digits):,} images read ({shown.model}, {shown.seconds:.1f} s)"
    )
    for number, digit in enumerate(digits[:_TABLE_ROWS], start=1):
        yield Text(f"  {number:>6}  {_caption(digit, shown)}")
    if len(digits) > _TABLE_ROWS:
        yield Text(f"       …  {len(digits) - _TABLE_ROWS:,} more; all of them: --csv")
    yield from _summary(found, (), shown)
