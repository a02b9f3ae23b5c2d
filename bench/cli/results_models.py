"""What ``bench results export --model`` does and prints: a model as a file, and its card."""

from pathlib import Path

import msgspec
from rich.text import Text

from bench import __version__
from bench.adapters.card import Card
from bench.board.boards import Boards
from bench.board.find import trial_folder
from bench.board.rows import Row
from bench.errors import BenchError
from bench.execution.exporting import export_model, formats_of
from bench.plugins.discovery import Plugins
from bench.render.console import make_console
from bench.session import open_session
from bench.store.formats import count, share, size
from bench.store.layout import MODEL
from bench.store.read import read_trial
from bench.store.record import State, TrialRecord, variant_of
from bench.store.variant import EXTERNAL

__all__ = ["show_exported_model"]


def show_exported_model(explicit: Path | None, named: str, kind: str, file: Path | None) -> None:
    """Write a trial's model, and beside it its card as a page; say where."""
    session = open_session(store=explicit)
    if not session.store.root.is_dir():
        raise BenchError(f"there is no store {session.store.root}", fix="name one with --store")
    boards = Boards(store=session.store)
    folder = trial_folder(session.store, named, lambda: boards.rows)
    record = read_trial(folder)
    _refuse(record, folder)
    possible = formats_of(folder)
    if not possible:
        raise BenchError(
            f"{record.model} cannot be exported", why="its plugin keeps its own format"
        )
    kind = kind or possible[0]
    path = file or Path(f"{record.model}-{record.trial_id[:8]}.{kind}")
    if path.suffix != f".{kind}":
        raise BenchError(f"{path.name}", why=f"a file of that format ends with .{kind}")
    row = next((r for r in _by_home(boards.rows) if record.trial_id in r.trials), None)
    card = export_model(folder, record, kind, path, _card(record, row, session.plugins))
    page = path.with_name(f"{path.name}.md")
    page.write_text(_page(path, card), encoding="utf-8")
    console = make_console()
    console.print(Text(f"{path}: {size(path.stat().st_size)}; {page.name} says how it is used"))


def _refuse(record: TrialRecord, folder: Path) -> None:
    if record.state is not State.OK:
        raise BenchError(f"trial {record.trial_id[:8]} did not succeed", why=record.reason)
    if variant_of(record).origin == EXTERNAL:
        raise BenchError(f"{record.model} is external", why="only its predictions are here")
    if not (folder / MODEL).is_dir():
        raise BenchError(f"{record.model} has no stored model", fix="run it again with --fresh")
    if record.does_not_reload:
        raise BenchError(
            f"the stored model of {record.model} is not what was trained",
            why=record.does_not_reload,
        )


def _by_home(rows: tuple[Row, ...] | list[Row]) -> list[Row]:
    """Return rows on the training dataset's own test split first, and none of 8 bits."""
    plain = [row for row in rows if not row.differs.quantize]
    return sorted(plain, key=lambda row: row.train_dataset != row.test_dataset)


def _card(record: TrialRecord, row: Row | None, plugins: Plugins) -> Card:
    spec = plugins.datasets.get(record.train_dataset)
    card = Card(
        image_shape=record.image_shape,
        input_layout="nhwc",
        input_scale="0..1",
        classes=record.classes,
        model=record.model,
        trained_on=record.train_dataset,
        options=record.identity.options,
        parameters=record.parameters,
        model_bytes=record.model_bytes,
        peak_memory_bytes=record.peak_memory_bytes,
        licence=spec.licence if spec is not None else "not known: own data",
        trial_id=record.trial_id,
        made_by=f"digitbench {__version__}",
    )
    if row is None:
        return card
    return msgspec.structs.replace(
        card,
        test_dataset=row.test_dataset,
        n_test=row.n_test,
        accuracy=row.accuracy,
        accuracy_low=row.accuracy_low,
        accuracy_high=row.accuracy_high,
    )


_INPUTS = {
    "nhwc": "(n, height, width, channels)",
    "nchw": "(n, channels, height, width)",
    "nhw": "(n, height, width)",
    "flat": "(n, height · width · channels), rows of the image one after another",
}


def _page(path: Path, card: Card) -> str:
    height, width, channels = card.image_shape
    accuracy = "not known"
    if card.accuracy is not None:
        accuracy = (
            f"{share(card.accuracy, 4)} on {card.test_dataset} ({count(card.n_test or 0)} images"
        )
        if card.accuracy_low is not None and card.accuracy_high is not None:
            low, high = share(card.accuracy_low, 4), share(card.accuracy_high, 4)
            accuracy += f"; 95 % interval {low} to {high}"
        accuracy += ")"
    columns = "probabilities" if card.output == "probabilities" else "logits"
    facts = {
        "input": f"float32, {_INPUTS[card.input_layout]}: {height} × {width} × {channels}",
        "scale": f"{card.input_scale}, ink bright on dark ground",
        "output": f"{columns} of the classes, in this order",
        "classes": ", ".join(card.classes),
        "accuracy": accuracy,
        "trained on": card.trained_on,
        "licence of that data": card.licence,
        "parameters": "not counted" if card.parameters is None else count(card.parameters),
        "size": f"{size(path.stat().st_size)}, of which weights "
        f"{'not known' if card.model_bytes is None else size(card.model_bytes)}",
        "memory of the training": "not known"
        if card.peak_memory_bytes is None
        else size(card.peak_memory_bytes),
        "trial": card.trial_id,
        "written by": card.made_by,
    }
    lines = [f"| {name} | {_cell(value)} |" for name, value in facts.items()]
    head = f"# {_cell(card.model)}\n\n`{path.name}` reads images of handwritten or printed digits."
    read = f"`bench run --model-file {path.name} -d DATASET` reads it, without questions."
    return "\n".join([head, "", "| | |", "|---|---|", *lines, "", read, ""])


def _cell(text: str) -> str:
    """Return a text that is one cell of a table, whatever somebody called a class."""
    return " ".join(text.replace("|", "\\|").split())
