"""``bench show``: read the store, view by view."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bench.cli.arguments import (
    AbstainOption,
    CsvOption,
    ExcludeOption,
    JsonOption,
    StoreOption,
    one_format,
)

__all__ = ["app"]


class _Views(TyperGroup):
    """The views; ``bench show --csv`` is ``bench show leaderboard --csv``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first view's name where none is given."""
        is_help = bool(args) and args[0] in ("-h", "--help")
        is_view = bool(args) and not args[0].startswith("-")
        return super().parse_args(ctx, args if is_help or is_view else ["leaderboard", *args])


app = typer.Typer(rich_markup_mode=None, cls=_Views)

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model's name, or how a trial's id begins.")
]
PairingArgument = Annotated[
    str,
    typer.Argument(metavar="[TRAIN:TEST]", help="The datasets, where there are several."),
]
VariantOption = Annotated[
    str, typer.Option("--variant", metavar="TEXT", help="What the row's variant contains.")
]
AllRowsOption = Annotated[bool, typer.Option("--all-rows", help="Every row, not only the best.")]


@app.callback()
def show() -> None:
    """Read the store: leaderboards, reports, matrices, single trials.

    Without a view it shows the leaderboard.

    For example:
      bench show
      bench show report svm-ovo digits-uci
      bench show trial 3f9c
    """


@app.command()
def leaderboard(
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
    ] = None,
    all_rows: AllRowsOption = False,
    per_seed: Annotated[
        bool, typer.Option("--per-seed", help="A row an evaluation, not one over the seeds.")
    ] = False,
    all_metrics: Annotated[
        bool, typer.Option("--all-metrics", help="Every metric, those of plugins too.")
    ] = False,
    exclude_duplicates: ExcludeOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show the leaderboard of each test split.

    For example:
      bench show leaderboard -d digits-uci --csv
    """
    if all_metrics:
        from bench.cli.study_views import show_metrics

        show_metrics(store, datasets or [], as_json, as_csv)
        return
    from bench.cli.show_views import show_leaderboard

    wanted = datasets or []
    show_leaderboard(store, wanted, all_rows, per_seed, exclude_duplicates, as_json, as_csv)


@app.command()
def report(
    model: ModelArgument,
    pairing: PairingArgument = "",
    variant: VariantOption = "",
    abstain_below: AbstainOption = 0.0,
    show_all: Annotated[
        bool, typer.Option("--all", help="Every person and misread photo, not only the first.")
    ] = False,
    exclude_duplicates: ExcludeOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show one model by class: table, confusions, learning curve, people, misread photos.

    For example:
      bench show report cnn-mnist-wide mnist:usps
    """
    from bench.cli.show_views import show_report

    named = (model, pairing, variant)
    show_report(store, named, abstain_below, show_all, exclude_duplicates, as_json, as_csv)


@app.command()
def matrix(
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="NAME", help="Only these, names and globs."),
    ] = None,
    exclude_duplicates: ExcludeOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show every model trained on one dataset and tested on another.

    For example:
      bench show matrix -m 'cnn-*'
    """
    from bench.cli.show_views import show_matrix

    show_matrix(store, models or [], exclude_duplicates, as_json, as_csv)


@app.command()
def trial(
    trial_id: Annotated[str, typer.Argument(metavar="ID", help="How the trial's id begins.")],
    log: Annotated[bool, typer.Option("--log", help="The whole log, not its end.")] = False,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the history as CSV.", callback=one_format)
    ] = False,
    store: StoreOption = None,
) -> None:
    """Show one trial: record, history, evaluations, log with traceback.

    For example:
      bench show trial 3f9c
    """
    from bench.cli.show_views import show_trial

    show_trial(store, trial_id, log, as_json, as_csv)


@app.command()
def cost(
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show what models cost: seconds, memory, bytes, time for one image and for the best batch.

    For example:
      bench show cost -d mnist
    """
    from bench.cli.study_views import show_cost

    show_cost(store, datasets or [], as_json, as_csv)


@app.command()
def history(
    model: ModelArgument,
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="The test dataset.")],
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show a model's results over time, and where they changed by more than luck.

    For example:
      bench show history cnn-mnist-compact mnist
    """
    from bench.cli.show_views import show_history

    show_history(store, model, dataset, as_json, as_csv)


@app.command()
def robustness(
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show how accuracy holds under corruptions, as a table and as small curves.

    What it reads is computed by bench run --corruptions all.

    For example:
      bench show robustness -d mnist
    """
    from bench.cli.show_views import show_robustness

    show_robustness(store, datasets or [], as_json, as_csv)


@app.command()
def errors(
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the hard images as CSV.", callback=one_format)
    ] = False,
    store: StoreOption = None,
) -> None:
    """Show what models get wrong together: hard images, doubtful labels, who agrees with whom.

    For example:
      bench show errors -d mnist
    """
    from bench.cli.study_views import show_errors

    show_errors(store, datasets or [], as_json, as_csv)


@app.command("learning-curve")
def learning_curve(
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", "-d", metavar="NAME", help="Only these datasets."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="NAME", help="Only these, names and globs."),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
) -> None:
    """Show accuracy and cost against the number of training images, and what more would bring.

    What it reads is computed by bench run --train-sizes 100,1000,10000.

    For example:
      bench show learning-curve -d mnist -m 'cnn-*'
    """
    from bench.cli.study_views import show_learning_curve

    show_learning_curve(store, datasets or [], models or [], as_json, as_csv)
