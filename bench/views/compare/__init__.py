"""Is A really better than B: the difference, its interval, who alone is right, what it costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from rich.text import Text

from bench.board.boards import Boards
from bench.board.sides import is_store
from bench.errors import OptionError
from bench.render.console import clean, plain
from bench.render.pictures import half_blocks, side_by_side
from bench.scoring.comparisons import ClassDifference, effect_in_words, p_in_words, parse_gate
from bench.spec import Interval, as_float
from bench.store.formats import share
from bench.store.layout import Store
from bench.views import Screen, View, argument, flag, option
from bench.views.compare.differing import Differing, images_only_one_reads
from bench.views.compare.pairs import Compared, Pair, compare_sides
from bench.views.compare.records import class_as_dict, label_of, pair_as_dict

__all__ = ["VIEW"]

_LABEL_WIDTH: Final = 14
_PICTURES: Final = 8
_PICTURE_COLUMNS: Final = 16
_GATE_FAILED: Final = 3
_GATE: Final = ("gate_passed", "gate_reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is compared, and what must hold."""

    a: str = argument("A", "A model, a trial's id, or a store.")
    b: str = argument("B", "What A is held against.")
    exact: bool = flag("--exact", meaning="McNemar's exact p-value instead of mid-p.")
    show: bool = flag("--show", meaning="Pictures of images that only one of them reads right.")
    gate: str = option(
        "--gate",
        metavar="'METRIC >= MARGIN'",
        meaning="Exit with 3 unless B − A holds it: 'accuracy >= -0.5pp'.",
        default="",
    )
    gate_on: str = option(
        "--gate-on",
        metavar="interval|point",
        meaning="The interval's upper end, or the estimate.",
        default="interval",
    )


def compute(boards: Boards, options: Options) -> Compared:
    """Return the comparison on every test split that both sides share."""
    if options.gate_on not in ("interval", "point"):
        raise OptionError(f"--gate-on {options.gate_on}", why="it is interval or point")
    return compare_sides(
        options.a,
        options.b,
        boards.store,
        datasets=boards.datasets,
        exact=options.exact,
        gate=parse_gate(options.gate) if options.gate else None,
        gate_on="point" if options.gate_on == "point" else "interval",
    )


def own_store(options: Options) -> Store | None:
    """Return the first of two stores: they need no third, and there may be none."""
    both = is_store(options.a) and is_store(options.b)
    return Store(Path(options.a).expanduser()) if both else None


def notes(value: Compared) -> Iterator[str]:
    """Yield what was not compared, and why."""
    yield from (f"not compared: {text}" for text in value.skipped)


def draw(value: Compared, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield every pair, then the verdict over datasets, then pictures where these are asked for."""
    yield plain(f"A: {_side(value, 'a')} · B: {_side(value, 'b')}")
    yield Text()
    for pair in value.pairs:
        yield from _pair_lines(pair, screen.width)
        yield Text()
    yield from (plain(note, "warn") for note in notes(value))
    if value.verdict is not None:
        yield from _verdict_lines(value, screen.width)
    if options.show:
        for pair in value.pairs:
            yield from _pictures(pair, screen)


def _side(compared: Compared, which: str) -> str:
    """Return what A or B is: the rows' common name, else what was typed."""
    labels = {getattr(pair, which).row.label for pair in compared.pairs}
    side = compared.a if which == "a" else compared.b
    return labels.pop() if len(labels) == 1 and not side.is_store else side.name


def _pair_lines(pair: Pair, width: int) -> Iterator[Text]:
    result = pair.comparison
    seeds = _seeds(result.seeds_a, result.seeds_b)
    images = "image" if result.n_images == 1 else "images"
    title = f"{label_of(pair, 'a')} − {label_of(pair, 'b')} on {pair.test_dataset}"
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


def _verdict(pair: Pair) -> str:
    words = "more than luck" if pair.is_real else "could be luck"
    p_value = p_in_words(pair.p_value)
    if pair.board is None:
        return f"{words} ({p_value}, the pair alone: {pair.alone})"
    return f"{words} ({p_value} over all pairs of the board's {pair.board.n_rows} rows)"


def _alone(pair: Pair) -> str:
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


def _classes(pair: Pair) -> str:
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


def _cost(pair: Pair) -> str:
    parts = []
    row_a, row_b = pair.a.row, pair.b.row
    for words, a, b in (
        ("the training time", row_a.fit_seconds, row_b.fit_seconds),
        ("the bytes", row_a.model_bytes, row_b.model_bytes),
        ("the time an image", row_a.predict_us_per_image, row_b.predict_us_per_image),
    ):
        if a and b:
            parts.append(f"{_ratio(a / b)} × {words}")
    return f"A has {', '.join(parts)} of B" if parts else "not known"


def _ratio(ratio: float) -> str:
    if ratio >= 10:
        return f"{ratio:,.0f}"
    return f"{ratio:.1f}" if ratio >= 0.95 else f"{ratio:.2g}".removeprefix("0")


def _verdict_lines(compared: Compared, width: int) -> Iterator[Text]:
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


def _pictures(pair: Pair, screen: Screen) -> Iterator[Text]:
    pixels = pair.pixels
    if pixels is None:
        yield plain(f"{pair.test_dataset}: its images are not in the data cache of this machine")
        return
    only_a, only_b = images_only_one_reads(pair, _PICTURES)
    for words, found in (("only A right", only_a), ("only B right", only_b)):
        yield plain(f"{pair.test_dataset}: {words}", "heading")
        if not found:
            yield Text("  none")
            continue
        pictures = [
            half_blocks(as_float(pixels[each.image]), _PICTURE_COLUMNS, colour=screen.has_colour)
            for each in found
        ]
        captions = [_caption(each) for each in found]
        yield from side_by_side(pictures, captions, _PICTURE_COLUMNS, screen.width)


def _caption(each: Differing) -> str:
    a, b = ("nothing" if read is None else read for read in (each.read_a, each.read_b))
    return f"{each.truth}: A {a}, B {b}"


def rows_of(value: Compared) -> Iterator[dict[str, Any]]:
    """Yield a record for each pair."""
    yield from map(pair_as_dict, value.pairs)


def columns_of(value: Compared) -> Sequence[str]:
    """Return the columns, with the gate's where there is one."""
    return (*VIEW.columns, *(_GATE if value.pairs[0].gate else ()))


def document(value: Compared) -> list[dict[str, Any]]:
    """Return the records, each with a list of its classes."""
    return [
        {name: record[name] for name in columns_of(value)}
        | {"classes": [class_as_dict(each) for each in pair.classes]}
        for record, pair in zip(rows_of(value), value.pairs, strict=True)
    ]


VIEW = View(
    name="compare",
    summary="Say whether the difference between A and B is real.",
    about="""Both are tested on the same images, so the test is a paired one. Quote a name with a
variant as the leaderboard prints it: 'cnn-mnist-wide (quick)'.

For example:
  bench compare cnn-mnist-wide cnn-mnist-compact -d mnist
  bench compare results/baseline results/local --gate 'accuracy >= -0.5pp'""",
    takes=("dataset",),
    options=Options,
    own_store=own_store,
    compute=compute,
    columns=(
        *("test_dataset", "train_dataset", "a", "b", "n_test", "seeds_a", "seeds_b"),
        *("accuracy_a", "accuracy_b", "difference", "difference_low", "difference_high"),
        *("interval_method", "p_value", "method", "only_a", "only_b", "both_right", "both_wrong"),
        *("is_real", "decided_by", "decided_why", "board_rows", "p_value_on_board"),
        *("is_real_alone", "note", "p_value_over_comparisons"),
    ),
    columns_of=columns_of,
    rows=rows_of,
    document=document,
    notes=notes,
    exit_code=lambda value: 0 if value.is_passed else _GATE_FAILED,
    draw=draw,
)
