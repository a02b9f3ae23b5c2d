"""Layouts drawn from a grammar of what people do, their truth known: read right, or asked about.

BENCH_LAYOUTS=10000 draws more of them than CI does.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.errors import DataError
from bench_datasets._folder.layout import Layout
from bench_datasets._folder.recognise import recognise

N_LAYOUTS = int(os.environ.get("BENCH_LAYOUTS", "500"))


def words(text: str) -> list[str]:
    return text.split()


ENGLISH = words("zero one two three four five six seven eight nine")
SPELLINGS: dict[str, list[str]] = {
    "plain": list("0123456789"),
    "padded": [f"0{d}" for d in range(10)],
    "padded to three": [f"00{d}" for d in range(10)],
    "English": ENGLISH,
    "capitals": [word.upper() if i % 2 else word.title() for i, word in enumerate(ENGLISH)],
    "German": words("null eins zwei drei vier fünf sechs sieben acht neun"),
    "Turkish": words("sıfır bir iki üç dört beş altı yedi sekiz dokuz"),
    "digit_3": [f"digit_{d}" for d in range(10)],
    "class-3": [f"class-{d}" for d in range(10)],
    "3 digit": [f"{word} digit" for word in ENGLISH],
    "Arabic-Indic": list("٠١٢٣٤٥٦٧٨٩"),
    "Chinese": list("零一二三四五六七八九"),
    "Roman": words("0 I II III IV V VI VII VIII IX"),
    "plurals": words("zeros ones twos threes fours fives sixes sevens eights nines"),
    "1 to 10": ["10", *"123456789"],
    "digit_1 to digit_10": ["digit_10", *(f"digit_{d}" for d in range(1, 10))],
}
WRITERS: dict[str, list[str]] = {
    "names": ["anna", "ben", "eve", "Zoë"],
    "writer-1": ["writer-1", "writer-2", "writer-3", "writer-4"],
    "from 1": list("1234"),
    "from 0": list("0123"),
    "letters": list("abcd"),
    "numbers": ["17", "23", "4", "108"],
    "ten": [f"{n:02}" for n in range(1, 13)],
}
SPLITS: dict[str, list[tuple[str, str]]] = {
    "two": [("train", "train"), ("test", "test")],
    "three": [("train", "train"), ("valid", "validation"), ("test", "test")],
    "capitals": [("Training", "train"), ("Validation", "validation"), ("Testing", "test")],
    "sets": [("train_set", "train"), ("test_set", "test")],
    "dev": [("train", "train"), ("dev", "validation")],
}
SPLIT_NAMES = {name for parts in SPLITS.values() for name, _ in parts}
# Names that say nothing of the digit: (i of all, k within its folder, n there, writer number).
NEUTRAL: dict[str, Callable[[int, int, int, int], str]] = {
    "number": lambda i, k, n, w: f"{k + 1}",
    "number from 0": lambda i, k, n, w: f"{k}",
    "running": lambda i, k, n, w: f"img_{i + 1}",
    "running, padded": lambda i, k, n, w: f"{i:04}",
    "with gaps": lambda i, k, n, w: f"img_{k + 1 + k // 2}",
    "scan": lambda i, k, n, w: f"scan {k + 1}",
    "letters": lambda i, k, n, w: f"pic-{chr(97 + i % 26)}{chr(97 + i // 26)}",
    "camera": lambda i, k, n, w: f"IMG_202401{1 + i % 28:02}_10{i % 60:02}{i // 60:02}",
    "burst": lambda i, k, n, w: f"IMG_2024010{1 + i % 3}_{1 + i // 3}",
    "messenger": lambda i, k, n, w: f"WhatsApp Image 2024-03-10 at {1 + i // 60}.{i % 60:02}.07",
    "month": lambda i, k, n, w: f"Photo {1 + i % 3}-{1 + i // 3 % 28}-24, 9 1{i % 10} 02 AM",
    "position": lambda i, k, n, w: f"card{i // n}_{k + 1}-of-{n}",
    "copies": lambda i, k, n, w: f"20240101_1015{i // 4:02}({i % 4})",
    "sheet": lambda i, k, n, w: f"sheet{1 + i % 3}_{i:03}",
    "page": lambda i, k, n, w: f"page {1 + i // 8} crop {1 + i % 8}",
    "bare sheets": lambda i, k, n, w: f"{1 + i // 5 % 9}_{i}",
    "writer in name": lambda i, k, n, w: f"w{w}_{i:02}",
    "version": lambda i, k, n, w: f"pic{chr(97 + i % 26)}{chr(97 + i // 26)} v{1 + i % 4}",
    "hash": lambda i, k, n, w: f"{(i * 2654435761 + 12345) % 2**32:08x}{i:04x}",
    "part in words": lambda i, k, n, w: f"form_{ENGLISH[1 + i % 5]}_{i:03}",
    "thing in words": lambda i, k, n, w: f"field_{ENGLISH[1 + i % 5]}_{i:03}",
    "subject": lambda i, k, n, w: f"s{w}_{i:02}",
    "guess": lambda i, k, n, w: f"{i:04}_pred_{i * 7 % 10}",
    "what it is not": lambda i, k, n, w: f"not_{i * 3 % 10}_{i}",
    "seconds": lambda i, k, n, w: f"17000{i:05}_{i % 10}",
    "screenshot": lambda i, k, n, w: f"Screenshot 2024-03-1{i % 10} 10-{i % 60:02}-{k % 60:02}",
    "slashes in words": lambda i, k, n, w: f"{k + 1} von {n} ({w})",
    "rotation": lambda i, k, n, w: f"a{i}_rot{i % 4}",
}
# Names that hold the digit: (label, i, k within the label and writer, writer).
NAMED: dict[str, Callable[[str, int, int, str], str]] = {
    "first": lambda d, i, k, w: f"{d}_{i:03}",
    "first, counted": lambda d, i, k, w: f"{d}_{w}{k + 1}",
    "last": lambda d, i, k, w: f"img{i:03}-{d}",
    "digit": lambda d, i, k, w: f"digit_{d}_{i}",
    "label": lambda d, i, k, w: f"pic {i} label {d}",
    "word": lambda d, i, k, w: f"{ENGLISH[int(d)]}_{i}",
    "Word": lambda d, i, k, w: f"IMG {ENGLISH[int(d)].title()} {chr(97 + i % 26)}{i // 26}",
    "writer first": lambda d, i, k, w: f"{w or 'me'}_{d}_{k}",
}
ROWS: dict[str, Callable[[str], str]] = {
    "path": lambda p: p,
    "base name": lambda p: PurePosixPath(p).name,
    "stem": lambda p: PurePosixPath(p).stem,
    "backslashes": lambda p: p.replace("/", "\\"),
    "upper case": str.upper,
    "another ending": lambda p: f"{p.rpartition('.')[0]}.jpg",
    "prefix": lambda p: f"./dataset/images/{p}",
    "absolute": lambda p: f"/home/bob/data/{p}",
    "Windows": lambda p: "C:\\data\\" + p.replace("/", "\\"),
    "address": lambda p: f"https://example.org/data/{p}?raw=1",
    "percent": lambda p: p.replace("_", "%5F").replace(" ", "%20"),
    "stem of path": lambda p: p.rpartition(".")[0],
}
BESIDE = ["predicted", "pred_label", "fold", "rotation", "day", "hour", "age", "score"]
HEADERS = [("file", "label"), ("filename", "digit"), ("image_id", "class"), ("id", "label"), None]


@dataclass
class Case:
    """A layout and its truth; ``writer`` and ``split`` are empty where there is none."""

    labels: dict[str, str | None] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    case = Case()
    source = draw(st.sampled_from(["folder", "folder", "table", "name", "none"]))
    every = draw(st.booleans())
    some = st.lists(st.sampled_from("0123456789"), min_size=1, max_size=9, unique=True)
    digits = list("0123456789") if every else sorted(draw(some))
    writers = draw(st.sampled_from([None, *WRITERS]))
    splits = draw(st.sampled_from([None, None, *SPLITS]))
    spelling = SPELLINGS[draw(st.sampled_from(list(SPELLINGS)))]
    levels = [*(["writer"] if writers else []), *(["split"] if splits else [])]
    if source == "folder":
        levels.append("class")
    elif draw(st.booleans()):
        levels.append("page")
    levels = draw(st.permutations(levels))
    top = draw(st.sampled_from([(), (), ("data",), ("images", "raw")]))
    neutral = NEUTRAL[draw(st.sampled_from(list(NEUTRAL)))]
    named = NAMED[draw(st.sampled_from(list(NAMED)))]
    counts = draw(st.lists(st.integers(1, 4), min_size=len(digits), max_size=len(digits)))
    n_writers = draw(st.integers(1, len(WRITERS[writers]))) if writers else 1
    who = WRITERS[writers][:n_writers] if writers else [""]
    parts = SPLITS[splits] if splits else [("", "")]
    order = [
        (digit, w, part)
        for digit, n in zip(digits, counts, strict=True)
        for w in range(len(who))
        for part in parts
        for _ in range(n)
    ]
    order = draw(st.permutations(order)) if len(order) < 60 else order
    within: dict[Any, int] = {}
    for i, (digit, w, (part, meant)) in enumerate(order):
        values = {
            "writer": who[w],
            "split": part,
            "class": spelling[int(digit)],
            "page": str(1 + i % 3),
        }
        folder = (*top, *(values[level] for level in levels))
        key = (digit, who[w], folder) if source == "name" else folder
        k = within[key] = within.get(key, -1) + 1
        stem = named(digit, i, k, who[w]) if source == "name" else neutral(i, k, 8, w + 1)
        path = "/".join((*folder, f"{stem}.png"))
        if path in case.labels:
            continue
        case.labels[path] = None if source == "none" else digit
        case.writers[path], case.splits[path] = who[w], meant
    if source == "table":
        draw_table(draw, case, spelling)
    return case


def draw_table(draw: st.DrawFn, case: Case, spelling: Sequence[str]) -> None:
    """Add a table of the labels, and sometimes a table that is none of them."""
    named = ROWS[draw(st.sampled_from(list(ROWS)))]
    header = draw(st.sampled_from(HEADERS))
    spelled = draw(st.booleans())
    rows = [
        (named(path), spelling[int(str(label))] if spelled else str(label))
        for path, label in case.labels.items()
    ]
    rows = draw(st.permutations(rows)) if len(rows) < 60 else rows
    if draw(st.integers(0, 4)) == 0:
        rows = rows[: max(1, len(rows) * draw(st.integers(1, 9)) // 10)]
    if draw(st.integers(0, 4)) == 0:
        rows += [(named(f"elsewhere/zz{n}.png"), "7") for n in range(20)]
    delimiter = draw(st.sampled_from([",", ";", "\t", ", ", "|"]))
    swapped, numbered = draw(st.booleans()), draw(st.booleans()) and header is not None
    lines = [] if header is None else [list(header)]
    lines += [list(row) for row in rows]
    lines = [line[::-1] if swapped else line for line in lines]
    if header is not None and draw(st.integers(0, 3)) == 0:  # a column of something else
        beside = draw(st.sampled_from(BESIDE))
        lines = [[*line, str(n * 7 % 10) if n else beside] for n, line in enumerate(lines)]
    if numbered:
        lines = [["", *lines[0]], *([str(n), *line] for n, line in enumerate(lines[1:]))]
    text = "\n".join(delimiter.join(line) for line in lines) + "\n"
    folder = draw(st.sampled_from(["", "", "meta/"]))
    case.tables[f"{folder}{draw(st.sampled_from(['labels', 'train', 'Digits']))}.csv"] = text
    if draw(st.integers(0, 5)) == 0:
        case.tables["classes.txt"] = "\n".join(ENGLISH)
    if draw(st.integers(0, 3)) == 0:
        case.tables["sample_submission.csv"] = "id,label\n" + "".join(
            f"{PurePosixPath(path).name},0\n" for path in case.labels
        )


def read(case: Case) -> Layout | DataError:
    root = Path(tempfile.mkdtemp(prefix="layout-")) / "digits"
    try:
        for path in case.labels:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"?")
        for name, text in case.tables.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return recognise(root)
    except DataError as question:
        return question
    finally:
        shutil.rmtree(root.parent)


def faults(case: Case, layout: Layout) -> list[str]:
    """Return what is wrong in silence: labels, splits and writers that are not the truth."""
    if layout.doubt:  # nothing is scored before a person says so
        return []
    blamed = {problem.sample for problem in layout.problems}
    wrong = []
    seen = {photo.path.as_posix(): photo for photo in layout.photos}
    if set(seen) != set(case.labels):
        wrong.append(f"pictures lost: {sorted(set(case.labels) - set(seen))[:3]}")
    for path, photo in seen.items():
        if photo.truth is not None and photo.truth != case.labels[path]:
            wrong.append(f"{path} is {photo.truth}, not {case.labels[path]} ({layout.rule})")
        if layout.is_labelled and photo.truth is None and path not in blamed and not photo.split:
            wrong.append(f"{path} lost its label without a word")
        if photo.split != case.splits[path] and layout.is_labelled:
            wrong.append(f"{path} is in split {photo.split!r}, not {case.splits[path]!r}")
        if photo.person and case.splits[path] and photo.person in SPLIT_NAMES:
            wrong.append(f"{path}: the split {photo.person} is taken for a writer")
    return wrong


@settings(
    max_examples=N_LAYOUTS,
    deadline=None,
    database=None,
    derandomize=N_LAYOUTS <= 500,
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_a_generated_layout_is_read_right_or_asked_about(case: Case) -> None:
    layout = read(case)
    if isinstance(layout, Layout):
        assert faults(case, layout) == []


def test_class_folders_in_every_spelling_are_read() -> None:
    clear = [
        Case(labels={f"{names[int(d)]}/{k}.png": d for d in "147" for k in "ab"})
        for spelling, names in SPELLINGS.items()
        if "padded" not in spelling
    ]
    for case in clear:
        layout = read(case)
        assert isinstance(layout, Layout), layout
        assert {p.path.as_posix(): p.truth for p in layout.photos} == case.labels
