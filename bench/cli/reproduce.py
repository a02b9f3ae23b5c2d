"""``bench reproduce``: the published figures and claims, with verdicts."""

from typing import Annotated, Literal

import typer

from bench.cli.arguments import (
    CsvOption,
    DataDirOption,
    JsonOption,
    PluginOption,
    StoreOption,
    parse_jobs,
    parse_seeds,
)

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command()
def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Experiments, sources or claims, names and globs; all if none.",
        ),
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME=PATH", help="Where a dataset's file is."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train nothing: judge by what is stored.")
    ] = False,
    seeds: Annotated[str, typer.Option(metavar="1,2,3", help="These seeds.")] = "",
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Seeds 42, 43, … N of them.")
    ] = 1,
    budget: Annotated[
        Literal["full", "quick", "smoke"],
        typer.Option(help="Less training than published: nothing is comparable then."),
    ] = "full",
    jobs: Annotated[
        str, typer.Option("--jobs", "-j", metavar="N|auto", help="Trials at the same time.")
    ] = "1",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Check the published figures and claims, with verdicts.

    Runs the trials with exactly the published settings, in float32, and holds what they give
    against every figure of the sources. Parameter counts, the IDs' table and claims that a source's
    own log contradicts need no data and no training.

    For example:
      bench reproduce --dry-run
      bench reproduce ids 'mnist-*' -d mnist-csv=~/Downloads/train.csv
      bench reproduce svhn-notebook --seeds 42,43,44
    """
    from pathlib import Path

    from bench.cli.reproduce_views import reproduce_and_print
    from bench.errors import DataMissingError
    from bench.planning.request import Request

    for named in datasets or []:  # what is named in full must be there
        path = named.partition("=")[2]
        if path and not Path(path).expanduser().exists():
            raise DataMissingError(named.partition("=")[0], why=f"{path} does not exist")
    request = Request(
        datasets=tuple(datasets or ()),
        seeds=parse_seeds(seeds, repeats),
        budget=budget,
        jobs=parse_jobs(jobs),
        store=store,
        data_dir=data_dir,
        plugins=tuple(plugins or ()),
    )
    reproduce_and_print(names or [], request, is_dry=dry_run, is_json=as_json, is_csv=as_csv)
