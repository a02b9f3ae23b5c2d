"""What a reporter plugin registers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.spec.versions import REPORTER_API

__all__ = ["ReporterSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterSpec:
    """A report format: ``bench report --format NAME=PATH`` calls ``write(views, path)``.

    ``views`` holds each view that the store has results for by its name, computed: its ``columns``,
    its ``records`` (a dictionary a row) and its ``value``, as `bench.views.Computed` says. With
    ``api=1`` it is the list of the leaderboard's rows instead.
    """

    name: str
    summary: str
    write: Callable[[Any, Path], None]
    api: int = REPORTER_API
