"""``bench compare``: is the difference real."""

from typing import Annotated

import typer

from bench.cli.arguments import CsvOption, JsonOption, StoreOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)

GATE_FAILED = 3


@app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A model, a trial's id, or a store.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What A is held against.")],
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="McNemar's exact p-value instead of mid-p.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Pictures of images that only one of them reads right.")
    ] = False,
    gate: Annotated[
        str,
        typer.Option(
            "--gate",
            metavar="'METRIC >= MARGIN'",
            help="Exit with 3 unless B − A holds it: 'accuracy >= -0.5pp'.",
            show_default=False,
        ),
    ] = "",
    gate_on: Annotated[
        str,
        typer.Option(
            "--gate-on", metavar="interval|point", help="The interval's upper end, or the estimate."
        ),
    ] = "interval",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Say whether the difference between A and B is real.

    Both are tested on the same images, so the test is a paired one. Quote a name with a variant as
    the leaderboard prints it: 'cnn-mnist-wide (quick)'.

    For example:
      bench compare cnn-mnist-wide cnn-mnist-compact -d mnist
      bench compare results/baseline results/local --gate 'accuracy >= -0.5pp'
    """
    from bench.cli.compare_views import compare_and_print
    from bench.errors import OptionError

    if gate_on not in ("interval", "point"):
        raise OptionError(f"--gate-on {gate_on}", why="it is interval or point")
    is_passed = compare_and_print(
        store,
        a,
        b,
        datasets=datasets or [],
        exact=exact,
        show=show,
        gate=gate,
        on_point=gate_on == "point",
        is_json=as_json,
        is_csv=as_csv,
    )
    if not is_passed:
        raise typer.Exit(GATE_FAILED)
