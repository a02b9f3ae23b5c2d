"""``bench show``: read the store, view by view; each view is a command."""

from typing import Any

import typer
from typer.core import TyperGroup

from bench.cli.view_command import command_of
from bench.views import view_names

__all__ = ["app"]


class _Views(TyperGroup):
    """The views, each loaded when it is asked for; without a name it is the leaderboard."""

    @property
    def commands(self) -> dict[str, Any]:
        """Every view's command."""
        return {name: command_of(name) for name in view_names()}

    @commands.setter
    def commands(self, given: object) -> None:
        """Take no commands but the views."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of one view."""
        return command_of(cmd_name) if cmd_name in view_names() else None

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the views."""
        return view_names()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first view's name where none is given."""
        is_help = bool(args) and args[0] in ("-h", "--help")
        is_view = bool(args) and not args[0].startswith("-")
        return super().parse_args(ctx, args if is_help or is_view else ["leaderboard", *args])


app = typer.Typer(rich_markup_mode=None, cls=_Views)


@app.callback()
def show() -> None:
    """Read the store: leaderboards, reports, matrices, single trials.

    Without a view it shows the leaderboard.

    For example:
      bench show
      bench show report svm-ovo digits-uci
      bench show trial 3f9c
    """
