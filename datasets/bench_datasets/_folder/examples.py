"""Folders as people have them, each with what is made of it: shown in the documentation."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench_datasets._folder.layout import LayoutOptions
from bench_datasets._folder.recognise import recognise

__all__ = ["EXAMPLES", "Example", "example_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A folder's files, and its tables with what they hold."""

    title: str
    files: tuple[str, ...]
    tables: Mapping[str, str] = field(default_factory=dict)


_TEN: Final = tuple("0123456789")
EXAMPLES: Final = (
    Example(
        title="Class folders",
        files=tuple(f"{d}/img_{n}.png" for d in _TEN for n in (1, 2)),
    ),
    Example(
        title="Class folders in words",
        files=tuple(f"{w}/a.png" for w in ("ZERO", "one", "Seven")),
    ),
    Example(
        title="A split above class folders",
        files=tuple(f"{s}/{d}/a.png" for s in ("train", "valid", "test") for d in "147"),
    ),
    Example(
        title="Writers above class folders",
        files=tuple(f"{w}/{d}/a.png" for w in ("writer-a", "writer-b") for d in "147"),
    ),
    Example(
        title="A table beside the pictures",
        files=("img/0.png", "img/1.png", "img/2.png"),
        tables={"labels.csv": "file,label\nimg/0.png,3\nimg/1.png,3\nimg/2.png,7\n"},
    ),
    Example(
        title="A text beside each picture",
        files=("a.png", "b.png", "c.png"),
        tables={"a.txt": "3\n", "b.txt": "5\n", "c.txt": "7\n"},
    ),
    Example(
        title="A table with a column a class",
        files=("a.png", "b.png", "c.png"),
        tables={"_classes.csv": "filename,0,1,2\na.png,1,0,0\nb.png,0,0,1\nc.png,0,1,0\n"},
    ),
    Example(
        title="Persons' IDs",
        files=tuple(f"{w}/{n}.jpg" for w in ("writer-a", "writer-b") for n in (1, 2, 3)),
        tables={"ids.csv": "person,id\nwriter-a,051\nwriter-b,108\n"},
    ),
    Example(
        title="The digit in each name",
        files=tuple(f"{d}_{10 * i + n:03}.png" for i, d in enumerate(_TEN) for n in (1, 2)),
    ),
    Example(title="Words in the names", files=("zero.jpg", "three_b.jpg", "img_seven.jpg")),
    Example(title="One complete set of numbers", files=tuple(f"scan {d}.png" for d in _TEN)),
    Example(title="A running number", files=tuple(f"scan {n}.png" for n in range(1, 9))),
    Example(title="From the camera", files=tuple(f"IMG_20240101_10151{n}.jpg" for n in range(4))),
    Example(
        title="Folders 1 to 10",
        files=tuple(f"{n}/a.png" for n in range(1, 11)),
    ),
    Example(title="Folders 1, 2, 3", files=("1/a.png", "2/a.png", "3/a.png")),
    Example(
        title="Two tables",
        files=("a.png", "b.png"),
        tables={"mine.csv": "a.png,3\nb.png,4\n", "yours.csv": "a.png,3\nb.png,9\n"},
    ),
)


def example_lines() -> Iterator[str]:
    """Yield the section on folders of the page of what files may look like."""
    yield from ("## Folders of pictures", "")
    for example in EXAMPLES:
        shown = (*example.tables, *example.files)
        more = len(shown) - 4
        listed = ", ".join(f"`{name}`" for name in shown[:4]) + (" …" if more > 0 else "")
        yield f"**{example.title}**: {listed}"
        yield ""
        yield f"> {_made_of(example)}"
        yield ""


def _made_of(example: Example) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "my_folder"
        for name in example.files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b"\0")
        for name, text in example.tables.items():
            (root / name).write_text(text, encoding="utf-8")
        try:
            layout = recognise(root, LayoutOptions())
        except DataError as question:
            return f"asked: {question}"
    said = "; for example ".join(filter(None, (layout.rule, ", ".join(layout.examples))))
    doubt = f"; warning: {layout.doubt}" if layout.doubt else ""
    return f"{said}{doubt}" + "".join(f"; {note}" for note in layout.notes)
