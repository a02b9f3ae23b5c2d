"""``bench results``: verify a store, clean it, merge, export, import, add predictions."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.arguments import (
    CsvOption,
    DataDirOption,
    JsonOption,
    PluginOption,
    StoreOption,
    complete_datasets,
    complete_models,
    parse_duration,
)
from bench.errors import BenchError

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
_STATES = ("ok", "failed", "timeout", "out_of_memory", "crashed", "interrupted", "code_changed")


@app.callback()
def results() -> None:
    """Verify stores, clean them, and bring them together.

    For example:
      bench results verify
      bench results merge ../laptop/results/local
    """


@app.command()
def verify(
    rerun: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Train N trials again, drawn at random, and compare."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Draws the trials to train again.")] = 42,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Check that a store is what was written: hashes, identities, predictions, every score anew.

    A trial trained again must give identical predictions on the same machine with the same
    libraries and threads; elsewhere, 98 % of them. Exit code 1 if anything is wrong.

    For example:
      bench results verify
      bench results verify --rerun 3
    """
    from bench.cli.results_views import Asked, show_verified

    asked = Asked(store=store, data_dir=data_dir, plugins=tuple(plugins or ()))
    show_verified(asked, rerun=rerun, seed=seed, as_json=as_json, as_csv=as_csv)


@app.command()
def clean(
    older_than: Annotated[
        str, typer.Option(metavar="30d|12h", help="Trials started longer ago than this.")
    ] = "",
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="Trials of this model, row, glob or id; may be repeated.",
            autocompletion=complete_models,
        ),
    ] = None,
    states: Annotated[
        list[str] | None,
        typer.Option(
            "--state", metavar="STATE", help=f"Trials that ended so: {', '.join(_STATES)}."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only list.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List what can go from a store, and with --yes remove it for good.

    What killed runs and --fresh left is always listed; trials only when --older-than, --model or
    --state name them, and then those that meet all of these, with their evaluations.

    For example:
      bench results clean
      bench results clean --state failed --state crashed --yes
      bench results clean -m 'cnn-*' --older-than 30d
    """
    unknown = sorted(set(states or ()) - set(_STATES))
    if unknown:
        raise BenchError(f"--state {unknown[0]}", why=f"the states are {', '.join(_STATES)}")
    from bench.cli.results_views import show_cleaned
    from bench.store.clean import Which
    from bench.store.record import State

    which = Which(
        older_than_seconds=parse_duration(older_than, "--older-than") if older_than else None,
        states=tuple(State(state) for state in states or ()),
    )
    show_cleaned(store, which, models or (), yes=yes, as_json=as_json)


KeepOption = Annotated[
    Literal["neither", "newest", "both"],
    typer.Option(help="Of a trial that was trained in both; neither lists it as a conflict."),
]


@app.command()
def merge(
    stores: Annotated[
        list[Path],
        typer.Argument(metavar="STORE...", help="Folders or addresses (s3://…) to copy from."),
    ],
    keep: KeepOption = "neither",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Copy into a store what it lacks of others; the same command again changes nothing.

    What is not as it was written is left out and named. Exit code 1 if anything was left out or is
    in conflict.

    For example:
      bench results merge node1/results node2/results
      bench results merge ../laptop/results/local --keep newest
    """
    from bench.cli.results_transfer import show_merged

    raise typer.Exit(show_merged(store, stores, keep=keep, as_json=as_json))


@app.command()
def export(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The file to write: of a store a .zip, also at an address."
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="TRIAL", help="Only this trial's model, as a file of its own."
        ),
    ] = "",
    kind: Annotated[
        Literal["keras", "tflite", "onnx", "skops"] | None,
        typer.Option("--as", help="The format of that file; else the one it is stored in."),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Number persons and photos, leave logs out.")
    ] = False,
    no_models: Annotated[
        bool, typer.Option("--no-models", help="Leave the trained models out.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Write a store into one zip file; or with --model, one trained model to take home.

    Names of datasets and models stay with --anonymous; so do the digits of whole IDs, which are the
    truth that predictions are compared with. A model's file holds a card, and has it beside it as a
    page: how images enter it, its classes, accuracy, size, and the licence of its data.

    For example:
      bench results export results.zip --no-models
      bench results export --model cnn-mnist-compact --as tflite
    """
    if model or kind:
        if not model:
            raise BenchError(f"--as {kind}", why="which model?", fix="add --model TRIAL")
        if anonymous or no_models:
            raise BenchError("--anonymous and --no-models", why="these are for a whole store")
        from bench.cli.results_models import show_exported_model

        show_exported_model(store, model, kind or "", file)
        return
    if file is None:
        raise BenchError("missing argument 'FILE'", fix="see bench results export --help")
    from bench.cli.results_transfer import show_exported

    show_exported(store, file, anonymous=anonymous, with_models=not no_models)


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.zip", help="What export wrote; also at an address.")
    ],
    keep: KeepOption = "neither",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Merge what `bench results export` wrote into a store.

    A file that holds anything but a store (another place, a link, a size that none has) is refused
    as a whole; a folder in it that is not as it was written is left out and named.

    For example:
      bench results import results.zip --store results/theirs
    """
    from bench.cli.results_transfer import show_imported

    raise typer.Exit(show_imported(store, file, keep=keep, as_json=as_json))


@app.command(name="add-predictions")
def add_predictions(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="A line an image; plain or .gz.")
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME", help="The row's name, of your choice.")
    ],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            "-d",
            metavar="NAME[=PATH]",
            help="Whose test split was predicted: a dataset, or your own folder.",
            autocompletion=complete_datasets,
        ),
    ],
    trained_on: Annotated[
        str, typer.Option("--trained-on", metavar="NAME", help="What the model was trained on.")
    ] = "elsewhere",
    seed: Annotated[
        int, typer.Option(min=0, help="Of the training: a file for each is one row of them all.")
    ] = 42,
    as_json: JsonOption = False,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Add the predictions that another program made, as a row marked "external".

    The file is CSV with a column predicted, or one for each class with its probability, or both.
    A column name says which image a line is of (a file's name, or its number from 0 or 1); without
    one the lines are in the order of the test split, which a column truth proves.

    For example:
      bench results add-predictions preds.csv -m resnet -d mnist
      bench results add-predictions preds.csv -m resnet -d my_ids/ --trained-on mnist
    """
    from bench.cli.results_predictions import show_added
    from bench.cli.results_views import Asked

    show_added(
        Asked(store=store, data_dir=data_dir, plugins=tuple(plugins or ())),
        file.expanduser(),
        dataset=dataset,
        model=model,
        trained_on=trained_on,
        seed=seed,
        as_json=as_json,
    )
