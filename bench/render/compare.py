"""``bench compare`` in words: the difference, its interval, who alone is right, what it costs."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from bench.render.console import clean, plain
from bench.scoring.comparisons import ClassDifference, effect_in_words, p_in_words
from bench.scoring.intervals import Interval
from bench.store.fields import share

if TYPE_CHECKING:
    from bench.studies.compare import Compared, Pair

__all__ = ["compared_as_dict", "compared_lines"]

_LABEL_WIDTH = 14


def compared_lines(compared: "Compared", width: int) -> Iterator[Text]:
    """Yield lines no wider than `width` for every pair, then the verdict over datasets."""
    yield plain(f"A: {_side(compared, 'a')} · B: {_side(compared, 'b')}")
    yield Text()
    for pair in compared.pairs:
        yield from _pair_lines(pair, width)
        yield Text()
    for text in compared.skipped:
        yield plain(f"not compared: {text}", "warn")
    if compared.verdict is not None:
        yield from _verdict_lines(compared, width)


def _side(compared: "Compared", which: str) -> str:
    """Return what A or B is: the rows' common name, else what was typed."""
    labels = {getattr(pair, which).row.label for pair in compared.pairs}
    side = compared.a if which == "a" else compared.b
    return labels.pop() if len(labels) == 1 and not side.is_store else side.name


def _label(pair: "Pair", which: str) -> str:
    row = pair.a.row if which == "a" else pair.b.row
    trained = "" if row.train_dataset == row.test_dataset else f" trained on {row.train_dataset}"
    return f"{row.label}{trained}"


def _pair_lines(pair: "Pair", width: int) -> Iterator[Text]:
    result = pair.comparison
    seeds = _seeds(result.seeds_a, result.seeds_b)
    images = "image" if result.n_images == 1 else "images"
    title = f"{_label(pair, 'a')} − {_label(pair, 'b')} on {pair.test_dataset}"
    yield plain(f"{title} ({result.n_images:,} {images}, {seeds})", "heading")
    difference = f"{_points(result.difference)} points {_interval(result.interval)}"
    shares = f"A {share(result.accuracy_a, 4)}, B {share(result.accuracy_b, 4)}"
    yield from _line(width, "accuracy", f"{difference}; {shares}")
    yield from _line(width, "verdict", _verdict(pair))
    if pair.board is not None and pair.board.is_real != result.is_real():
        yield from _line(width, "pair alone", _alone(pair))
    yield from _line(width, "in words", f"{effect_in_words(result, p_value=pair.p_value)}.")
    counts = (
        f"{_count(result.only_a)} · only B right {_count(result.only_b)} · "
        f"both wrong {_count(result.both_wrong)}"
        + (" (means over the seeds)" if max(result.seeds_a, result.seeds_b) > 1 else "")
    )
    yield from _line(width, "only A right", counts)
    yield from _line(width, "classes", _classes(pair))
    yield from _line(width, "cost", _cost(pair))
    is_same = pair.a.row.evaluations == pair.b.row.evaluations
    notes = ["A and B are the same trials" if is_same else "", result.note]
    note = "".join(f"; {text}" for text in notes if text)
    yield from _line(width, "method", f"{result.method}; interval: {result.interval.method}{note}")
    if pair.gate is not None:
        style = "good" if pair.gate.is_passed else "bad"
        word = "passed" if pair.gate.is_passed else "FAILED"
        yield from _line(width, "gate", f"{word}: {pair.gate.reason}", style)


def _verdict(pair: "Pair") -> str:
    words = "more than luck" if pair.is_real else "could be luck"
    p_value = p_in_words(pair.p_value)
    if pair.board is None:
        return f"{words} ({p_value}, the pair alone: {pair.alone})"
    return f"{words} ({p_value} over all pairs of the board's {pair.board.n_rows} rows)"


def _alone(pair: "Pair") -> str:
    """Say what the pair's own test finds where the board decides otherwise, and why."""
    p_value = p_in_words(pair.comparison.p_value)
    if pair.is_real:
        return (
            f"could be luck ({p_value}): a few seeds say little about their spread, "
            "and the board learns it from all its rows"
        )
    why = "among many pairs some differ by chance, so the board asks for more"
    if max(pair.comparison.seeds_a, pair.comparison.seeds_b) > 1:
        why += ", and it takes the spread over seeds from all its rows"
    return f"more than luck ({p_value}): {why}"


def _line(width: int, name: str, text: str, style: str = "") -> Iterator[Text]:
    """Yield a labelled text, wrapped under itself."""
    room = max(20, width - _LABEL_WIDTH - 2)
    for number, part in enumerate(wrap(clean(text), room) or [""]):
        label = name if number == 0 else ""
        yield Text.assemble(f"  {label:<{_LABEL_WIDTH}}", (part, style))


def _seeds(a: int, b: int) -> str:
    if a == b:
        return "1 seed each" if a == 1 else f"{a} seeds each"
    return f"{a} and {b} seeds"


def _points(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "−")


def _interval(interval: Interval) -> str:
    return f"[{_points(interval.low)}, {_points(interval.high)}]"


def _count(number: float) -> str:
    return f"{number:,.0f}" if abs(number - round(number)) < 1e-9 else f"{number:,.1f}"


def _classes(pair: "Pair") -> str:
    absent = [each.name for each in pair.classes if each.comparison is None]
    note = f"; no test image of {', '.join(absent)}" if absent else ""
    tested = [each for each in pair.classes if each.comparison is not None]
    real = [each for each in tested if each.adjusted < 0.05]
    largest = max(tested, key=_size)
    if real:
        listed = ", ".join(_class(each) for each in real)
        words = f"{len(real)} differ{'s' if len(real) == 1 else ''} after correction: {listed}"
    elif _size(largest) == 0:
        words = "none differs"
    else:
        words = f"none differs after correction; largest: {_class(largest)}"
    return words + note


def _size(each: ClassDifference) -> float:
    return abs(each.comparison.difference) if each.comparison else 0.0


def _class(each: ClassDifference) -> str:
    if each.comparison is None:
        return each.name
    points = f"{100 * each.comparison.difference:+.1f}".replace("-", "−")
    return f"{each.name} ({points} points, {p_in_words(each.adjusted)})"


def _cost(pair: "Pair") -> str:
    parts = []
    for name, words in (
        ("fit_seconds", "the training time"),
        ("model_bytes", "the bytes"),
        ("predict_us_per_image", "the time an image"),
    ):
        a, b = getattr(pair.a.row, name), getattr(pair.b.row, name)
        if a and b:
            parts.append(f"{_ratio(a / b)} × {words}")
    return f"A has {', '.join(parts)} of B" if parts else "not known"


def _ratio(ratio: float) -> str:
    if ratio >= 10:
        return f"{ratio:,.0f}"
    return f"{ratio:.1f}" if ratio >= 0.95 else f"{ratio:.2g}".removeprefix("0")


def _verdict_lines(compared: "Compared", width: int) -> Iterator[Text]:
    verdict = compared.verdict
    if verdict is None:
        return
    yield plain(f"Over {len(verdict.adjusted)} comparisons (Holm-corrected)", "heading")
    for words, names in (
        ("A is better", verdict.wins),
        ("no telling", verdict.ties),
        ("B is better", verdict.losses),
    ):
        listed = ", ".join(f"{name} ({p_in_words(verdict.adjusted[name])})" for name in names)
        yield from _line(width, words, f"{len(names)}{': ' if names else ''}{listed}")


def compared_as_dict(compared: "Compared", *, has_classes: bool) -> list[dict[str, Any]]:
    """Return a record for each pair, with a list of its classes on request (for ``--json``)."""
    adjusted = compared.verdict.adjusted.values() if compared.verdict else [None]
    return [
        _pair_as_dict(pair)
        | {"p_value_over_comparisons": p_value}
        | ({"classes": [_class_as_dict(each) for each in pair.classes]} if has_classes else {})
        for pair, p_value in zip(compared.pairs, adjusted, strict=True)
    ]


def _class_as_dict(each: ClassDifference) -> dict[str, Any]:
    compared = each.comparison
    return {
        "class": each.name,
        "n_test": each.n_images,
        "difference": compared.difference if compared else None,
        "difference_low": compared.interval.low if compared else None,
        "difference_high": compared.interval.high if compared else None,
        "p_value": compared.p_value if compared else None,
        "p_value_over_classes": each.adjusted if compared else None,
    }


def _pair_as_dict(pair: "Pair") -> dict[str, Any]:
    result = pair.comparison
    record: dict[str, Any] = {
        "test_dataset": pair.test_dataset,
        "train_dataset": pair.a.row.train_dataset,
        "a": _label(pair, "a"),
        "b": _label(pair, "b"),
        "n_test": result.n_images,
        "seeds_a": result.seeds_a,
        "seeds_b": result.seeds_b,
        "accuracy_a": result.accuracy_a,
        "accuracy_b": result.accuracy_b,
        "difference": result.difference,
        "difference_low": result.interval.low,
        "difference_high": result.interval.high,
        "interval_method": result.interval.method,
        "p_value": result.p_value,
        "method": result.method,
        "only_a": result.only_a,
        "only_b": result.only_b,
        "both_right": result.both_right,
        "both_wrong": result.both_wrong,
        "is_real": pair.is_real,
        "decided_by": "pair" if pair.board is None else "board",
        "decided_why": pair.alone,
        "board_rows": None if pair.board is None else pair.board.n_rows,
        "p_value_on_board": None if pair.board is None else pair.board.p_value,
        "is_real_alone": result.is_real(),
        "note": result.note,
    }
    if pair.gate is not None:
        record |= {"gate_passed": pair.gate.is_passed, "gate_reason": pair.gate.reason}
    return record


def images_only_one_right(pair: "Pair", limit: int) -> Sequence[tuple[str, "list[int]"]]:
    """Return the images that most seeds of only one side read right, worst first, by side."""
    a, b = pair.a.correct.mean(axis=0), pair.b.correct.mean(axis=0)
    found = []
    for words, gain in (("only A right", a - b), ("only B right", b - a)):
        order = np.argsort(-gain, kind="stable")
        found.append((words, [int(i) for i in order[:limit] if gain[i] > 0.5]))
    return found
