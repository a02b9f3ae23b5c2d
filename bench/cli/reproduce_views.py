"""What ``bench reproduce`` prints."""

from collections.abc import Sequence

from rich.console import Console

from bench.cli.view_command import print_value
from bench.errors import OptionError
from bench.planning.request import Request
from bench.render.console import make_console
from bench.render.live import make_view
from bench.reproduction.reproduce import Reproduced, reproduce
from bench.reproduction.view import VIEW
from bench.views import NoOptions

__all__ = ["reproduce_and_print"]


def reproduce_and_print(
    names: Sequence[str], request: Request, *, is_dry: bool, is_json: bool, is_csv: bool
) -> None:
    """Run and print; ends with 1 where a trial failed."""
    for text in request.datasets:
        if "=" not in text:
            raise OptionError(f"-d {text}", why="it says where a file is", fix=f"-d {text}=PATH")
    is_machine = is_json or is_csv
    # What is meant for a program goes to stdout alone; progress goes beside it.
    console = make_console(stderr=is_machine)
    found = _run(names, request, console, is_dry)
    print_value(VIEW, found, NoOptions(), is_json=is_json, is_csv=is_csv)


def _run(names: Sequence[str], request: Request, console: Console, is_dry: bool) -> Reproduced:
    if is_dry:
        return reproduce(names, request, is_dry=True)
    with make_view(console, is_json=False, several_seeds=len(request.seeds) > 1) as view:
        return reproduce(names, request, on_event=view)
