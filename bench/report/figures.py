"""Figures for a thesis or a paper: SVG, PNG and PDF of what a report shows, in print style."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.errors import BenchError
from bench.render.console import clean
from bench.report.axis import front
from bench.report.charts import cost_points
from bench.report.columns import DRAWN_COSTS, names_of
from bench.report.content import BoardPart, Content
from bench.store.fields import FIELDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FORMATS",
    "board_figure",
    "confusion_figure",
    "cost_figure",
    "figures_of",
    "write_figures",
]

FORMATS: Final = ("svg", "png", "pdf")
_INK: Final = "#2450a6"
_SOFT: Final = "#565c64"
_STYLE: Final[Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "savefig.bbox": "tight",
    "savefig.dpi": 200,
    "svg.hashsalt": "digitbench",  # the same figure is the same file
    "svg.fonttype": "none",
}
_COLUMN_INCHES: Final = 5.0
_ROWS_MOST: Final = 30
_CLASSES_MOST: Final = 40
_NAME_MOST: Final = 80


def write_figures(content: Content, folder: Path, *, replaces: bool = False) -> list[Path]:
    """Write every figure in every format, and return the files.

    Raises
    ------
    BenchError
        If a file is there already and may not be replaced, or the folder cannot be written.
    """
    try:
        import matplotlib as mpl
    except ValueError as error:  # so it takes a false MPLBACKEND
        why = " ".join(f"{error}".split())
        raise BenchError("matplotlib does not start", why=why, fix="unset MPLBACKEND") from error

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with mpl.rc_context(_STYLE):
            for name, figure in figures_of(content):
                for ending in FORMATS:
                    path = folder / f"{name}.{ending}"
                    if path.exists() and not replaces:
                        raise BenchError(f"{path} exists already", fix="another folder, or --force")
                    # No date: an unchanged figure is an unchanged file.
                    stamp = {"CreationDate": None} if ending == "pdf" else {"Date": None}
                    figure.savefig(path, metadata={} if ending == "png" else stamp)
                    written.append(path)
    except OSError as error:
        raise BenchError(f"{folder} cannot be written", why=error.strerror or str(error)) from error
    return written


def figures_of(content: Content) -> Iterator[tuple[str, "Figure"]]:
    """Yield each figure with its name."""
    for part in content.parts:
        if part.ranked:
            yield f"{part.key}-accuracy", board_figure(part)
        for name, ending in zip(names_of(DRAWN_COSTS), ("speed", "size"), strict=True):
            figure = None if part.board.evaluation_only else cost_figure(part, name)
            if figure is not None:
                yield f"{part.key}-{ending}", figure
        if part.leader is not None and len(part.board.classes) <= _CLASSES_MOST:
            yield f"{part.key}-confusions", confusion_figure(part)


def board_figure(part: BoardPart) -> "Figure":
    """Return the accuracies of a board with their 95 % intervals, best on top."""
    from matplotlib.figure import Figure

    rows = part.ranked[:_ROWS_MOST]
    figure = Figure(figsize=(_COLUMN_INCHES, 0.5 + 0.22 * len(rows)))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        colour = _INK if row.rank_low == 1 else _SOFT
        if row.accuracy_low is not None and row.accuracy_high is not None:
            axes.plot([row.accuracy_low, row.accuracy_high], [place, place], color=colour, lw=1.2)
        axes.plot([row.accuracy or 0.0], [place], "o", color=colour, ms=3.5)
    mixed = len({row.train_dataset for row in rows}) > 1
    names = [f"{row.label} ← {row.train_dataset}" if mixed else row.label for row in rows]
    axes.set_yticks(
        range(len(rows)),
        [_plain(f"{row.rank}  {name}") for row, name in zip(rows, names, strict=True)],
    )
    axes.invert_yaxis()
    axes.set_xlabel(_plain(f"accuracy on {part.board.test_dataset}, 95 % interval"))
    axes.grid(axis="x", color="#e1e2de", lw=0.5)
    return figure


def cost_figure(part: BoardPart, name: str) -> "Figure | None":
    """Return accuracy against a cost, the front filled; None of fewer than two rows."""
    from matplotlib.figure import Figure

    dots = [(dot.x, dot.y, dot.name) for dot in cost_points(part, name)]
    if len(dots) < 2:
        return None
    best = front([(x, y) for x, y, _ in dots])
    figure = Figure(figsize=(_COLUMN_INCHES, 3.0))
    axes = figure.subplots()
    axes.plot(
        [dots[i][0] for i in best],
        [dots[i][1] for i in best],
        color=_INK,
        lw=1,
        drawstyle="steps-post",
    )
    for place, (x, y, label) in enumerate(dots):
        is_best = place in best
        axes.plot(
            [x], [y], "o", color=_INK if is_best else "white", mec=_INK if is_best else _SOFT, ms=4
        )
        axes.annotate(
            _plain(label), (x, y), xytext=(4, -8), textcoords="offset points", fontsize=6.5
        )
    axes.set_xscale("log")
    field = FIELDS[name]
    axes.set_xlabel(f"{field.summary} ({field.unit})" if field.unit else field.summary)
    axes.set_ylabel(_plain(f"accuracy on {part.board.test_dataset}"))
    return figure


def confusion_figure(part: BoardPart) -> "Figure":
    """Return the confusion matrix of a board's first row, its errors shaded."""
    from matplotlib.figure import Figure

    assert part.leader is not None
    found = part.leader.classes
    n = len(found.classes)
    matrix = found.matrix[:, :n]
    wrong = matrix.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    side = max(2.6, 0.32 * n)
    figure = Figure(figsize=(side + 0.6, side + 0.4))
    axes = figure.subplots()
    axes.imshow(
        np.log1p(wrong), cmap="Blues", vmin=0, vmax=max(1.0, float(np.log1p(wrong).max()) * 1.6)
    )
    for i, j in np.argwhere(matrix):
        axes.text(j, i, f"{matrix[i, j]:,}", ha="center", va="center", fontsize=6, color="#1a1d21")
    names = [_plain(name) for name in found.classes]
    axes.set_xticks(range(n), names)
    axes.set_yticks(range(n), names)
    axes.set_xlabel("read as")
    axes.set_ylabel("truth")
    axes.set_title(_plain(f"{part.leader.row.label} on {part.board.test_dataset}"), fontsize=8)
    return figure


def _plain(text: str) -> str:
    """Return a name that matplotlib does not read as mathematics."""
    return clean(text).replace("$", r"\$")[:_NAME_MOST]
