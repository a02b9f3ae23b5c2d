"""Running a plugin's reporter: it gets the views, computed."""

from pathlib import Path
from typing import Any

from bench.board.boards import Boards
from bench.board.rows import row_as_dict
from bench.errors import BenchError
from bench.spec import ReporterSpec
from bench.views import Computed, get_view, view_names

__all__ = ["computed_views", "run_reporter"]


def computed_views(boards: Boards) -> dict[str, Computed]:
    """Return every view that needs no argument and for which the store holds something."""
    found = {}
    for name in view_names():
        view = get_view(name)
        try:
            options = view.options()
        except TypeError:  # it takes a name: a report, a trial, a history
            continue
        try:
            found[name] = Computed(view=view, value=view.compute(boards, options))
        except BenchError:
            continue
    return found


def run_reporter(reporter: ReporterSpec, boards: Boards, path: Path) -> None:
    """Let a plugin write its format.

    Raises
    ------
    BenchError
        If the plugin fails.
    """
    given: Any
    if reporter.api == 1:
        given = [row_as_dict(row) for board in boards.all for row in board.rows]
    else:
        given = computed_views(boards)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reporter.write(given, path)
    except Exception as error:
        raise BenchError(
            f"reporter '{reporter.name}' failed", why=f"{type(error).__name__}: {error}"
        ) from error
