"""What trained models read in photos, folders of photos and tables of pixels."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from bench.options import Options as Settings
from bench.plugins.discovery import Plugins
from bench.views import Screen, View
from bench.views.predict.drawing import Shown, readings_lines
from bench.views.predict.reading import Readings, read_path
from bench.views.predict.tables import readings_as_dicts, submission_columns, submission_rows
from bench.views.predict.trained import Trained

__all__ = ["VIEW", "Options", "Predicted", "Source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is read, and by which model."""

    paths: tuple[Path, ...]
    plugins: Plugins
    trained: Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How photos are prepared, and below which probability a reading counts as uncertain."""

    settings: Settings
    abstain_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What each path says, as read by one model in so many seconds."""

    model: str
    read: tuple[Readings, ...]
    abstain_below: float
    seconds: float = 0.0


def compute(source: Source, options: Options) -> Predicted:
    """Return what the paths say.

    Raises
    ------
    BenchError
        If one of them cannot be read.
    """
    began = time.perf_counter()
    read = tuple(
        read_path(
            path.expanduser(),
            source.plugins,
            source.trained,
            options=options.settings,
            threads=os.cpu_count() or 1,
        )
        for path in source.paths
    )
    return Predicted(
        model=source.trained.label,
        read=read,
        abstain_below=options.abstain_below,
        seconds=time.perf_counter() - began,
    )


def draw(value: Predicted, options: Options, screen: Screen) -> Iterator[Text]:
    """Yield what each path says."""
    shown = Shown(
        model=value.model,
        seconds=value.seconds,
        width=screen.width,
        colour=screen.has_colour,
        below=value.abstain_below,
    )
    for one in value.read:
        yield from readings_lines(one, shown)


def document(value: Predicted) -> list[dict[str, Any]]:
    """Return a record for each photo, person or table."""
    model, below = value.model, value.abstain_below
    return [each for one in value.read for each in readings_as_dicts(one, model, below)]


def columns_of(value: Predicted) -> Sequence[str]:
    """Return the columns of a table of labels, or those in which a competition wants it."""
    return submission_columns(value.read)


VIEW = View(
    name="predict",
    summary="Read digits and IDs from photos, folders of photos, or a table of pixels.",
    compute=compute,
    columns=(),  # others' formats: a table of labels, a competition's
    columns_of=columns_of,
    rows=lambda value: submission_rows(value.read),
    document=document,
    options=Options,
    draw=draw,
)
