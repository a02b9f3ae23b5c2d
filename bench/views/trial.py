"""One trial: its record, its history, its evaluations and its log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from rich.text import Text

from bench.board.boards import Boards
from bench.board.find import trial_folder
from bench.board.views import read_history
from bench.errors import StoreError
from bench.render.console import clean, plain
from bench.render.field_table import Table, record_of, shown
from bench.render.table import Column, Line, lay_out
from bench.spec import Epoch
from bench.store.fields import FIELDS, format_value
from bench.store.formats import share
from bench.store.inside import read_file
from bench.store.layout import LOG, Store
from bench.store.read import (
    evaluation_folders,
    read_evaluation,
    read_predictions,
    read_trial,
)
from bench.store.record import EvaluationRecord, State, TrialRecord
from bench.views import Screen, View, argument, flag

__all__ = ["VIEW", "Trial"]

_LOG_LINES: Final = 60
_HISTORY_LINES: Final = 40
# Shown in the title, or as tables of their own.
_ELSEWHERE: Final = {
    "identity",
    "machine",
    "differs",  # in words: the variant
    "versions",
    "files",
    "extra",
    "model",
    "state",
    "reason",
}
_EVALUATIONS: Final = Table(
    columns=(
        shown("test_dataset", heading="evaluated on"),
        shown("variant", keep=3),
        shown("n_test"),
        shown("accuracy"),
        shown("leaked", keep=4),
        shown("near_duplicates", keep=4),
        shown("predict_us_per_image", keep=1),
        shown("latency_ms_p50", keep=5),
        shown("latency_ms_p95", keep=9),
        shown("best_batch", keep=7),
        shown("latency_ms_best_batch", keep=8),
        shown("predict_images_per_second", keep=6),
        shown("file_bytes", keep=10),
        shown("adapted", keep=2),
    )
)
_EPOCH_SHARES: Final = {"accuracy", "val_accuracy", "test_accuracy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which trial, and how much of its log."""

    trial_id: str = argument("ID", "How the trial's id begins; or a model, where it has one.")
    log: bool = flag("--log", meaning="The whole log, not its end.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Everything about a trial; each evaluation comes with its accuracy.

    ``log`` is what the trial printed; of a failed one, the traceback.
    """

    record: TrialRecord
    evaluations: tuple[tuple[EvaluationRecord, float | None], ...]
    history: tuple[Epoch, ...]
    log: str


def compute(boards: Boards, options: Options) -> Trial:
    """Return the trial whose id begins so."""
    folder = trial_folder(boards.store, options.trial_id, lambda: boards.rows)
    record = read_trial(folder)
    return Trial(
        record=record,
        evaluations=tuple(_evaluations_of(boards.store, record.trial_id)),
        history=read_history(folder),
        log=_read_log(folder),
    )


def _read_log(folder: Path) -> str:
    """Return what the trial of a folder printed; empty where nothing was kept."""
    try:
        return read_file(folder / LOG).decode("utf-8", "replace")
    except OSError:
        return ""
    except StoreError as error:
        return str(error)


def _evaluations_of(store: Store, trial_id: str) -> list[tuple[EvaluationRecord, float | None]]:
    """Return a trial's evaluations, each with its accuracy; None for unlabelled images."""
    found = []
    for name in sorted(evaluation_folders(store)):
        if name.partition("--")[0] != trial_id:
            continue
        folder = store.evaluations / name
        predictions = read_predictions(folder)
        labels = predictions.labels
        accuracy = None if labels is None else float(np.mean(labels == predictions.predicted))
        found.append((read_evaluation(folder), accuracy))
    return sorted(found, key=lambda pair: (pair[0].evaluation_only, pair[0].test_dataset))


def rows_of(value: Trial) -> Iterator[dict[str, Any]]:
    """Yield the epochs of the history."""
    yield from (record_of(epoch, columns=VIEW.columns) for epoch in value.history)


def document(value: Trial) -> dict[str, Any]:
    """Return the whole trial as plain data."""
    record: dict[str, Any] = msgspec.to_builtins(value.record)
    return record | {
        "history": list(rows_of(value)),
        "evaluations": [
            msgspec.to_builtins(each) | {"accuracy": accuracy}
            for each, accuracy in value.evaluations
        ],
        "log": value.log,
    }


def draw(value: Trial, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield everything about a trial; of its log the end, or all of it."""
    record, width = value.record, screen.width
    style = "good" if record.state is State.OK else "bad"
    title = plain(record.model, "heading")
    title.append(f" on {clean(record.train_dataset)} · trial {record.trial_id} · ")
    title.append(str(record.state), style=style)
    yield title
    if record.reason:
        yield plain(record.reason, style)
    yield from _section("record", _facts(record), width)
    yield from _section("identity", _identity(record), width)
    if record.machine is not None:
        yield from _section("machine", _mapping(msgspec.structs.asdict(record.machine)), width)
    yield from _section("versions", _mapping(record.versions), width)
    extra = {name: value for name, value in record.extra.items() if name != "layers"}
    yield from _section("extra", _mapping(extra), width)
    yield from _evaluation_lines(value.evaluations, width)
    yield from _history_lines(value.history, width)
    yield from _log_lines(value.log, options.log)


def _section(heading: str, pairs: Sequence[tuple[str, str]], width: int) -> list[Text]:
    if not pairs:
        return []
    columns = (
        Column(name="name", heading="", align="left"),
        Column(name="value", heading="", align="left", wraps_at=24),
    )
    lines = [Line(cells={"name": Text(name), "value": plain(value)}) for name, value in pairs]
    return [Text(), Text(heading, style="heading"), *lay_out(columns, lines, width, indent=1)]


def _facts(record: TrialRecord) -> list[tuple[str, str]]:
    values = msgspec.structs.asdict(record)
    return [
        (name, format_value(name, value))
        for name, value in values.items()
        if name in FIELDS and name not in _ELSEWHERE and _is_there(value)
    ]


def _is_there(value: Any) -> bool:
    """Whether a record says something: what it holds by default may be older than the field."""
    return value is not None and value is not False and value not in ("", (), [], {})


def _identity(record: TrialRecord) -> list[tuple[str, str]]:
    identity = msgspec.structs.asdict(record.identity)
    options = identity.pop("options")
    pairs = [(name, _plain_value(value)) for name, value in identity.items()]
    return pairs + [(f"option {name}", str(value)) for name, value in options.items()]


def _mapping(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _plain_value(value)) for name, value in values.items() if value not in ("", {})]


def _plain_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and value > 9_999_999 else str(value)


def _evaluation_lines(
    evaluations: Sequence[tuple[EvaluationRecord, float | None]], width: int
) -> list[Text]:
    if not evaluations:
        return []
    lines = []
    for record, accuracy in evaluations:
        cells = {name: text for name, text in _EVALUATIONS.cells(record).items() if text != "0"}
        said = "no labels" if accuracy is None else share(accuracy)
        lines.append(Line(cells={**cells, "accuracy": Text(said)}))
    return [Text(), *lay_out(_EVALUATIONS.columns, lines, width, indent=1)]


def _history_lines(history: Sequence[Epoch], width: int) -> list[Text]:
    if not history:
        return []
    names = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy", "seconds")
    columns = [
        Column(name=name, heading=name.replace("_", " "), keep=index)
        for index, name in enumerate(names)
    ]
    last = history[-_HISTORY_LINES:]
    lines = [Line(cells={name: _epoch_cell(epoch, name) for name in names}) for epoch in last]
    texts = [Text(), *lay_out(columns, lines, width, indent=1)]
    if len(last) < len(history):
        texts.append(Text(f" (the last {len(last)} of {len(history)} epochs: --json for all)"))
    return texts


def _epoch_cell(epoch: Epoch, name: str) -> Text:
    value = getattr(epoch, name)
    if value is None:
        return Text()
    if name in _EPOCH_SHARES:
        return Text(share(value))
    if name == "epoch":
        return Text(str(value))
    return Text(f"{value:.4f}" if name.endswith("loss") else f"{value:.1f} s")


def _log_lines(log: str, whole: bool) -> list[Text]:
    lines = log.splitlines()
    if not lines:
        return []
    shown = lines if whole else lines[-_LOG_LINES:]
    cut = f" (the last {len(shown)} of {len(lines)} lines: --log for all)"
    heading = Text("log", style="heading").append("" if len(shown) == len(lines) else cut)
    return [Text(), heading, *(Text(" " + _printable(line)) for line in shown)]


def _printable(line: str) -> str:
    """Return a line of a log with its blanks, without control characters."""
    expanded = line.expandtabs(4)
    return "".join(character for character in expanded if character.isprintable())


VIEW = View(
    name="trial",
    summary="Show one trial: record, history, evaluations, log with traceback.",
    about="For example:\n  bench show trial 3f9c",
    options=Options,
    compute=compute,
    columns=tuple(Epoch.__dataclass_fields__),
    rows=rows_of,
    document=document,
    table="the history",
    draw=draw,
)
