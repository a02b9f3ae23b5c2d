"""A learning curve in characters, with a scale; readable without colour."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from bench.scoring.learning import overfitting
from bench.spec import Epoch
from bench.store.formats import points

__all__ = ["curve_lines", "plot"]

_HEIGHT: Final = 8
_WIDTH: Final = 60
_LABEL: Final = 6
_BOTH: Final = "◉"


def curve_lines(history: Sequence[Epoch], width: int) -> list[Text]:
    """Return accuracy by epoch, in training and on held-back or tracked test images.

    The loss is shown where no accuracy was recorded; nothing of a single epoch.
    """
    what, drawn = "accuracy", _series(history, "accuracy")
    if not drawn:
        what, drawn = "loss", _series(history, "loss")
    if not drawn or len(history) < 2:
        return []
    legend = " · ".join(f"{mark} {name}" for mark, name, _ in drawn)
    lines = [Text(f"{what} by epoch: {legend}", style="heading")]
    lines += plot([(mark, values) for mark, _, values in drawn], width)
    lines.append(Text(_verdict(history)))
    return lines


def _series(history: Sequence[Epoch], what: str) -> list[tuple[str, str, list[float | None]]]:
    """Return mark, name and values of each series that has any."""
    named = (("•", "training", ""), ("○", "validation", "val_"), ("△", "test, tracked", "test_"))
    series = [
        (mark, name, [getattr(epoch, prefix + what) for epoch in history])
        for mark, name, prefix in named
    ]
    return [each for each in series if any(value is not None for value in each[2])]


def plot(series: Sequence[tuple[str, Sequence[float | None]]], width: int) -> list[Text]:
    """Return the points of several series over the same epochs; ``◉`` where two meet.

    The scale runs from the least to the greatest value; equal epochs share a column where there are
    more epochs than columns.
    """
    known = [value for _, values in series for value in values if value is not None]
    low, high = min(known), max(known)
    span = (high - low) or 0.01
    n = max(len(values) for _, values in series)
    columns = max(2, min(_WIDTH, width - _LABEL - 4, max(n, min(3 * n, _WIDTH))))
    grid = [[" "] * columns for _ in range(_HEIGHT)]
    for mark, values in series:
        for index, value in enumerate(values):
            if value is None:
                continue
            x = round(index / max(1, n - 1) * (columns - 1))
            y = round((high - value) / span * (_HEIGHT - 1))
            grid[y][x] = mark if grid[y][x] in (" ", mark) else _BOTH
    lines = [Text(_row(y, low, high, span) + "".join(grid[y]).rstrip()) for y in range(_HEIGHT)]
    lines.append(Text(" " * _LABEL + "└" + "─" * (columns + 1)))
    last = str(n)
    lines.append(Text(" " * (_LABEL + 2) + "1" + last.rjust(columns - 1) + " epoch"))
    return lines


def _row(y: int, low: float, high: float, span: float) -> str:
    labels = {0: high, (_HEIGHT - 1) // 2: high - span * ((_HEIGHT - 1) // 2) / (_HEIGHT - 1)}
    labels[_HEIGHT - 1] = low
    label = _scale(labels[y], span) if y in labels else ""
    return f"{label:>{_LABEL - 1}} │ "


def _scale(value: float, span: float) -> str:
    digits = 3 if span < 0.1 else 2
    return f"{value:.{digits}f}".removeprefix("0") if abs(value) < 10 else f"{value:.3g}"


def _verdict(history: Sequence[Epoch]) -> str:
    """Return the best epoch and whether the training went on too long, in words."""
    diagnosis = overfitting(
        loss=[epoch.loss for epoch in history if epoch.loss is not None],
        accuracy=[epoch.accuracy for epoch in history if epoch.accuracy is not None],
        val_loss=[epoch.val_loss for epoch in history if epoch.val_loss is not None],
        val_accuracy=[epoch.val_accuracy for epoch in history if epoch.val_accuracy is not None],
    )
    if diagnosis.best_epoch is None:
        return f"{len(history)} epochs; {diagnosis.reason}"
    gap = "" if diagnosis.gap is None else f", gap {points(diagnosis.gap)} points"
    best = f"best validation in epoch {diagnosis.best_epoch} of {diagnosis.n_epochs}{gap}"
    return f"{best}: {diagnosis.verdict} ({diagnosis.reason})"
