"""``bench check``: test a model or dataset plugin against its contract, or measure its speed."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import DataDirOption, PluginOption, parse_duration, parse_size

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": False},
)
def check(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="A model or a dataset, in full; or the file of one."
        ),
    ],
    benchmark: Annotated[
        bool,
        typer.Option(
            "--benchmark",
            help="Measure a model instead, by pytest-benchmark: fit on 1,000 images, predict 1, 32 "
            "and 1,000. What follows -- goes to pytest.",
        ),
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Write the checks, or pytest-benchmark's own JSON, to this file.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME.OPTION=VALUE",
            help="Check with this option; may be repeated.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, metavar="N", help="Threads the model may use.")
    ] = 1,
    timeout: Annotated[
        str, typer.Option(metavar="90s|30m", help="What a build, a fit or a load may take.")
    ] = "60s",
    max_memory: Annotated[
        str, typer.Option(metavar="4GB", help="What the plugin may take while it is checked.")
    ] = "4GB",
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Test a model or dataset plugin against its contract: a row a check, exit code 1 if one fails.

    The checks run in a process of their own: a plugin that hangs, exits or fills the memory fails.
    A check that could not run is no better than one that failed.

    For example:
      bench check mine.py
      bench check mine --plugin mine.py
      bench check svm-ovo --benchmark --json before.json
      bench check svm-ovo --benchmark -- --benchmark-compare=before.json
    """
    from bench.cli.check_views import Asked, run_benchmark, show_checks
    from bench.errors import BenchError

    if context.args and not benchmark:
        raise BenchError(
            f"bench check {name} {' '.join(context.args)}",
            why="one name at a time is checked",
            fix="arguments of pytest need --benchmark",
        )
    asked = Asked(
        name=name,
        settings=tuple(settings or ()),
        threads=threads,
        timeout_seconds=parse_duration(timeout, "--timeout"),
        memory_bytes=parse_size(max_memory, "--max-memory"),
        json_file=json_file,
        data_dir=data_dir,
        plugins=tuple(plugins or ()),
    )
    code = run_benchmark(asked, tuple(context.args)) if benchmark else show_checks(asked)
    raise typer.Exit(code)
