"""``bench compare``: the view of that name, as a verb."""

from bench.cli.view_command import app_of

__all__ = ["app"]

app = app_of("compare")
