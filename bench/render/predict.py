"""``bench predict`` on the screen: the ID, what the model saw, how sure it is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bench.render.console import clean, plain
from bench.render.pictures import half_blocks, side_by_side

if TYPE_CHECKING:
    from bench.studies.predict import DigitReading, Reading

__all__ = ["reading_as_dict", "reading_lines"]

_COLUMNS = 9
_TABLE_ROWS_SHOWN = 10


def reading_lines(
    reading: "Reading", model: str, seconds: float, width: int, *, colour: bool
) -> Iterator[Text]:
    """Yield the lines of one reading."""
    if reading.is_table:
        yield from _table_lines(reading, model, seconds)
        return
    yield _headline(reading, model, seconds)
    for line in reading.lines:
        pictures = [
            half_blocks(d.image, _COLUMNS, colour=colour) for d in line if d.image is not None
        ]
        captions = [f"{digit.digit} {_share(digit.probability)}".rstrip() for digit in line]
        for text in side_by_side(pictures, captions, _COLUMNS, max(_COLUMNS, width - 4)):
            yield Text("    ").append_text(text)
    yield from (Text(f"    {text}", style="warn") for text in _doubts(reading))
    for finding in reading.findings:
        yield Text("    ").append_text(plain(finding, "warn"))


def _headline(reading: "Reading", model: str, seconds: float) -> Text:
    n_digits, n_lines = len(reading.digits), len(reading.lines)
    if not n_digits:
        found = "no digit found"
    elif n_digits == 1:
        found = "1 digit"
    else:
        found = f"{n_digits} digits in {'one line' if n_lines == 1 else f'{n_lines} lines'}"
    text = plain(reading.source).append("   ")
    text.append_text(_marked(reading))
    return text.append(f"   ({found}, {model}, {seconds:.1f} s)")


def _marked(reading: "Reading") -> Text:
    """Return the digits; where the truth is known, wrong ones in brackets, then the truth."""
    read = clean(reading.text)
    if not reading.truth or len(reading.truth) != len(read):
        return Text(read or "–", style="heading")
    if read == reading.truth:
        return Text(read, style="heading").append(" ✓", style="good")
    text = Text()
    for digit, truth in zip(read, reading.truth, strict=True):
        text.append(
            digit if digit == truth else f"[{digit}]", style="" if digit == truth else "bad"
        )
    return text.append(f" → truth {clean(reading.truth)}")


def _doubts(reading: "Reading") -> Iterator[str]:
    many = len(reading.digits) > 1
    if reading.digits and reading.digits[0].probability is None:
        yield "the model gives scores, not probabilities: no telling how sure it is"
    for number, digit in enumerate(reading.digits, start=1):
        if digit.is_uncertain:
            which = f"{_ordinal(number)} digit" if many else "the digit"
            yield (
                f"{which} is uncertain: {digit.digit} ({_share(digit.probability)}) "
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


def _table_lines(reading: "Reading", model: str, seconds: float) -> Iterator[Text]:
    digits = reading.digits
    yield plain(f"{reading.source}   {len(digits):,} images read ({model}, {seconds:.1f} s)")
    for number, digit in enumerate(digits[:_TABLE_ROWS_SHOWN], start=1):
        yield Text(f"  {number:>6}  {digit.digit}  {_share(digit.probability)}")
    if len(digits) > _TABLE_ROWS_SHOWN:
        yield Text(f"     …   {len(digits) - _TABLE_ROWS_SHOWN:,} more; all of them: --csv")
    if digits and digits[0].probability is None:
        yield Text("  the model gives scores, not probabilities: no telling how sure it is")
        return
    uncertain = sum(digit.is_uncertain for digit in digits)
    yield Text(f"  {uncertain:,} of {len(digits):,} are uncertain (below .80)")


def reading_as_dict(reading: "Reading", model: str) -> dict[str, Any]:
    """Return a reading for ``--json``."""
    return {
        "source": reading.source,
        "text": reading.text,
        "truth": reading.truth or None,
        "model": model,
        "lines": [[_digit_as_dict(digit) for digit in line] for line in reading.lines],
        "findings": list(reading.findings),
    }


def _digit_as_dict(digit: "DigitReading") -> dict[str, Any]:
    return {
        "name": digit.name or None,
        "digit": digit.digit,
        "probability": digit.probability,
        "second": digit.second,
        "second_probability": digit.second_probability,
        "is_uncertain": digit.is_uncertain,
    }
