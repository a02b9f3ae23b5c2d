"""A dataset's summary, and the data cache, as text for people."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.text import Text

from bench.loading.cache import CacheEntry
from bench.loading.describe import DatasetSummary, SplitSummary
from bench.render.console import clean, plain

__all__ = ["CLASS_COLUMNS", "cache_lines", "class_records", "format_bytes", "summary_lines"]

CLASS_COLUMNS = ("class", "training", "test")

_BAR_MAX = 40
_LABEL_WIDTH = 13
_ALIKE_SHOWN = 5


def summary_lines(summary: DatasetSummary, width: int) -> Iterator[Text]:
    """Yield the lines of ``bench data inspect``, without the pictures."""
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


def class_records(summary: DatasetSummary) -> list[dict[str, object]]:
    """Return how many images of each class the splits hold; None where a split has no labels."""
    splits = {"training": summary.train, "test": summary.test}
    return [
        {"class": name}
        | {
            which: (split.class_counts or {}).get(name, 0)
            for which, split in splits.items()
            if split is not None and split.class_counts is not None
        }
        for name in summary.classes
    ]


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


def cache_lines(folder: str, entries: Sequence[CacheEntry]) -> Iterator[Text]:
    """Yield the lines of ``bench data cache``."""
    if not entries:
        yield plain(f"the data cache {folder} is empty")
        return
    for entry in sorted(entries, key=lambda entry: -entry.size_bytes):
        if entry.kind != "index":
            size = f"  {format_bytes(entry.size_bytes):>10}  {entry.kind:<6} "
            what = entry.used_by or ("no longer used" if entry.kind == "split" else entry.name)
            yield Text(size) + plain(what)
    total = sum(entry.size_bytes for entry in entries)
    yield plain(f"{format_bytes(total)} in {folder}")
    yield plain("Everything in it can be made again: bench data cache --clean")


def format_bytes(size_bytes: int) -> str:
    """Return a size in the largest unit (of 1000) in which it is at least 1."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
