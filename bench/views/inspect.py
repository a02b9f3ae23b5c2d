"""What a dataset holds: images, classes, writers, findings, and the first of its pictures."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from rich.text import Text

from bench.errors import DataError
from bench.images.preprocess_options import PreprocessOptions
from bench.images.sample_names import file_of
from bench.loading.cache import open_split
from bench.loading.describe import DatasetSummary, SplitSummary, summarise
from bench.loading.refs import LoadedDataset
from bench.render.console import clean
from bench.render.pictures import half_blocks, side_by_side
from bench.render.seen import look_again, seen_lines
from bench.spec import DatasetSpec
from bench.views import Screen, View

__all__ = ["VIEW", "Inspected", "Source", "question_lines"]

_PICTURE_COLUMNS = 16
_BAR_MAX = 40
_LABEL_WIDTH = 13
_ALIKE_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A dataset's registration, and the dataset as it was loaded."""

    spec: DatasetSpec
    loaded: LoadedDataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How many images are drawn, and whether photos stand beside what the models see of them."""

    images: int = 0
    show: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A dataset's summary, and the dataset, whose images are drawn."""

    summary: DatasetSummary
    loaded: LoadedDataset


def compute(source: Source, options: Options) -> Inspected:
    """Return what a dataset holds."""
    return Inspected(summary=summarise(source.spec, source.loaded), loaded=source.loaded)


def draw(value: Inspected, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield the summary, and the first images."""
    drawn = _photos if options.show else _pictures
    pictures = drawn(value.loaded, options.images, screen.width, colour=screen.has_colour)
    for line in chain(_summary_lines(value.summary, screen.width), pictures):
        line.no_wrap = True
        yield line


def rows_of(value: Inspected) -> Iterator[dict[str, Any]]:
    """Yield how many images of each class the splits hold; None where one has no labels."""
    splits = {"training": value.summary.train, "test": value.summary.test}
    for name in value.summary.classes:
        yield {"class": name} | {
            which: (split.class_counts or {}).get(name, 0)
            for which, split in splits.items()
            if split is not None and split.class_counts is not None
        }


def question_lines(readings: Sequence[tuple[str, str]], width: int) -> Iterator[Text]:
    """Yield the ways to read data that were considered, each with what speaks against it."""
    for number, (words, why) in enumerate(readings):
        if not number:
            yield Text("readings considered", style="heading")
        for place, line in enumerate(_lines(f"{words}: {why}", width - 4)):
            yield Text(("    " if place else "  - ") + line)


def _summary_lines(summary: DatasetSummary, width: int) -> Iterator[Text]:
    for number, line in enumerate(_lines(f"{summary.name} · {summary.summary}", width - 2)):
        yield Text(" " * 2 * bool(number) + line, style="" if number else "heading")
    for name, value in _facts(summary):
        for number, line in enumerate(_lines(value, width - _LABEL_WIDTH - 2)):
            yield Text(f"  {name if not number else '':<{_LABEL_WIDTH}}{line}".rstrip())
    yield from _histogram(summary, width)


def _lines(text: str, width: int) -> list[str]:
    # A path or an address stays whole: it is there to be copied.
    return wrap(clean(text), max(20, width), break_long_words=False, break_on_hyphens=False) or [""]


def _facts(summary: DatasetSummary) -> Iterator[tuple[str, str]]:
    if summary.embedded:
        yield ("embedded", summary.embedded)
    for name, split in (("training", summary.train), ("test", summary.test)):
        if split is not None:
            yield (name, _split_line(split))
    if summary.train is None:
        yield ("", "evaluation-only" if _is_labelled(summary) else "for prediction only")
    yield ("licence", summary.licence or "not stated")
    yield ("source", summary.source or "not stated")
    for path in summary.files:
        yield ("file", path)
    for name, value in summary.options.items():
        yield ("option", f"{name} = {value if value != '' else '(not set)'}")
    for note in (*summary.notes, *summary.details):
        yield ("note", note)
    yield from _findings(summary)
    for person, digits in summary.truths.items():
        yield ("ID", f"{person}: {digits}")


def _findings(summary: DatasetSummary) -> Iterator[tuple[str, str]]:
    """Yield a line a finding; of many that are alike the first few, and how many more."""
    alike: dict[tuple[str, str], list[str]] = {}
    for finding in summary.findings:
        about = f"{finding.fault} [{finding.code}]; {finding.remedy}"
        alike.setdefault((finding.code, finding.fault), []).append(f"{finding.sample}: {about}")
    for (code, _), lines in alike.items():
        more = len(lines) - _ALIKE_SHOWN
        shown = lines if more < 2 else lines[:_ALIKE_SHOWN]
        yield from (("finding", line) for line in shown)
        if len(shown) < len(lines):
            yield ("finding", f"… and {more:,} more like this [{code}]; --json has them all")


def _is_labelled(summary: DatasetSummary) -> bool:
    return summary.test is not None and summary.test.class_counts is not None


def _split_line(split: SplitSummary) -> str:
    height, width, channels = split.shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    persons = f", {split.n_groups} writers" if split.n_groups else ""
    looked = f", {split.n_looked_at:,} looked at" if split.n_looked_at else ""
    return (
        f"{split.n:,} images{persons}{looked}, {height}×{width} {kind}, {split.dtype}"
        f" {split.value_min:.3g} to {split.value_max:.3g} (mean {split.value_mean:.3g})"
        + (f", fingerprint {split.fingerprint[:12]}" if split.fingerprint else "")
    )


def _histogram(summary: DatasetSummary, width: int) -> Iterator[Text]:
    splits = [split for split in (summary.train, summary.test) if split and split.class_counts]
    if not splits:
        return
    yield Text()
    headings = [n for n, s in (("training", summary.train), ("test", summary.test)) if s in splits]
    yield Text("  class" + "".join(f"{heading:>10}" for heading in headings), style="heading")
    first = splits[0].class_counts or {}
    largest = max(first.values(), default=0) or 1
    name_width = max(5, *(len(clean(name)) for name in summary.classes))
    room = max(5, min(_BAR_MAX, width - name_width - 6 - 10 * len(splits)))
    for name in summary.classes:
        counts = "".join(f"{(split.class_counts or {}).get(name, 0):>10,}" for split in splits)
        bar = "█" * max(round(first[name] / largest * room), int(first[name] > 0))
        yield Text(f"  {clean(name):<{name_width}}{counts}  {bar}".rstrip())


def _pictures(loaded: LoadedDataset, count: int, width: int, *, colour: bool) -> Iterator[Text]:
    ref = loaded.train or loaded.test
    if ref is None or not count:
        return
    first = open_split(ref)
    shown = min(count, len(first))
    pictures, captions = [], []
    for i in range(shown):
        image = first.take(np.array([i])).images[0]
        pictures.append(half_blocks(image, _PICTURE_COLUMNS, colour=colour))
        label = "?" if first.labels is None else loaded.classes[first.labels[i]]
        captions.append(_caption(label, first.names[i] if first.names else ""))
    which = "training" if loaded.train is not None else "test"
    yield Text()
    yield Text(f"  first {shown} {which} images", style="heading")
    yield from side_by_side(pictures, captions, _PICTURE_COLUMNS, width)


def _photos(loaded: LoadedDataset, count: int, width: int, *, colour: bool) -> Iterator[Text]:
    """Yield the first photos of a folder beside what the models see; of other sets the images."""
    ref, folder = loaded.test, Path(loaded.folder)
    if ref is None or not loaded.folder or not folder.is_dir():
        yield from _pictures(loaded, count, width, colour=colour)
        return
    split = open_split(ref)
    labels: dict[str, list[str]] = {}
    for i, name in enumerate(split.names):
        label = "?" if split.labels is None else loaded.classes[split.labels[i]]
        labels.setdefault(file_of(name), []).append(label)
    steps = PreprocessOptions.of(loaded.options)
    yield Text()
    for name, captions in islice(labels.items(), count):
        with suppress(DataError):  # it has a finding that says so
            yield from seen_lines(
                look_again(folder / name, name, captions, steps), width, colour=colour
            )


def _caption(label: str, name: str) -> str:
    """Return the label and as much of the end of a file's name as fits under a picture."""
    room = max(2, _PICTURE_COLUMNS - len(label) - 2)
    shown = name if len(name) <= room else f"…{name[1 - room :]}"
    return f"{label}  {shown}".rstrip()


VIEW = View(
    name="inspect",
    summary="Show what a dataset holds.",
    options=Options,
    compute=compute,
    columns=("class", "training", "test"),
    rows=rows_of,
    document=lambda value: value.summary,
    table="the classes",
    draw=draw,
)
