"""One trial: its record, its history, its evaluations and its log."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.text import Text

from bench.render.console import clean, plain
from bench.render.table import Column, Line, lay_out
from bench.spec import Epoch
from bench.store.fields import FIELDS, format_value, share
from bench.store.record import EvaluationRecord, State, TrialRecord

__all__ = ["HISTORY_COLUMNS", "history_records", "trial_lines"]

HISTORY_COLUMNS: Final = tuple(Epoch.__dataclass_fields__)

_LOG_LINES: Final = 60
_HISTORY_LINES: Final = 40
# Shown in the title, or as tables of their own.
_ELSEWHERE: Final = {
    "identity",
    "machine",
    "versions",
    "files",
    "extra",
    "model",
    "state",
    "reason",
}
_EPOCH_SHARES: Final = {"accuracy", "val_accuracy", "test_accuracy"}


def trial_lines(
    record: TrialRecord,
    evaluations: Sequence[tuple[EvaluationRecord, float | None]],
    history: Sequence[Epoch],
    log: str,
    width: int,
    *,
    whole_log: bool = False,
) -> list[Text]:
    """Return everything about a trial.

    Parameters
    ----------
    evaluations : sequence of (EvaluationRecord, float or None)
        Each with its accuracy.
    log : str
        What the trial printed; of a failed one, the traceback. Its end is shown unless `whole_log`.
    """
    style = "good" if record.state is State.OK else "bad"
    title = plain(record.model, "heading")
    title.append(f" on {clean(record.train_dataset)} · trial {record.trial_id} · ")
    title.append(str(record.state), style=style)
    texts = [title]
    if record.reason:
        texts.append(plain(record.reason, style))
    texts += _section("record", _facts(record), width)
    texts += _section("identity", _identity(record), width)
    if record.machine is not None:
        texts += _section("machine", _mapping(msgspec.structs.asdict(record.machine)), width)
    texts += _section("versions", _mapping(record.versions), width)
    extra = {name: value for name, value in record.extra.items() if name != "layers"}
    texts += _section("extra", _mapping(extra), width)
    texts += _evaluation_lines(evaluations, width)
    texts += _history_lines(history, width)
    return texts + _log_lines(log, whole_log)


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
        if name in FIELDS and name not in _ELSEWHERE and value not in (None, "", (), [])
    ]


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
    columns = (
        Column(name="test_dataset", heading="evaluated on", align="left"),
        Column(name="variant", heading="variant", align="left", keep=3),
        Column(name="n_test", heading="images"),
        Column(name="accuracy", heading="accuracy"),
        Column(name="leaked", heading="leaked", keep=4),
        Column(name="near_duplicates", heading="near-duplicates", keep=4),
        Column(name="predict_us_per_image", heading="µs/image", keep=1),
        Column(name="latency_ms_p50", heading="ms, 1 image", keep=5),
        Column(name="latency_ms_p95", heading="p95", keep=9),
        Column(name="best_batch", heading="best batch", keep=7),
        Column(name="latency_ms_best_batch", heading="ms", keep=8),
        Column(name="predict_images_per_second", heading="images/s", keep=6),
        Column(name="file_bytes", heading="file", keep=10),
        Column(name="adapted", heading="adapted", align="left", keep=2),
    )
    lines = []
    for record, accuracy in evaluations:
        cells = {
            column.name: plain(format_value(column.name, getattr(record, column.name)))
            for column in columns
            if hasattr(record, column.name) and getattr(record, column.name)
        }
        shown = "no labels" if accuracy is None else share(accuracy)
        lines.append(Line(cells={**cells, "accuracy": Text(shown)}))
    return [Text(), *lay_out(columns, lines, width, indent=1)]


def _history_lines(history: Sequence[Epoch], width: int) -> list[Text]:
    if not history:
        return []
    names = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "test_accuracy", "seconds")
    columns = [
        Column(name=name, heading=name.replace("_", " "), keep=index)
        for index, name in enumerate(names)
    ]
    shown = history[-_HISTORY_LINES:]
    lines = [Line(cells={name: _epoch_cell(epoch, name) for name in names}) for epoch in shown]
    texts = [Text(), *lay_out(columns, lines, width, indent=1)]
    if len(shown) < len(history):
        texts.append(Text(f" (the last {len(shown)} of {len(history)} epochs: --json for all)"))
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


def history_records(history: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Return the epochs as plain data."""
    return [{name: getattr(epoch, name) for name in HISTORY_COLUMNS} for epoch in history]
