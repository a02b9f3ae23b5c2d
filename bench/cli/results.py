"""``bench results``: verify a store, and clean it."""

from typing import Annotated

import typer

from bench.cli.arguments import (
    DataDirOption,
    JsonOption,
    PluginOption,
    StoreOption,
    complete_models,
    parse_duration,
)
from bench.errors import BenchError

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
_STATES = ("ok", "failed", "timeout", "out_of_memory", "crashed", "interrupted", "code_changed")


@app.callback()
def results() -> None:
    """Verify stores and clean them.

    For example:
      bench results verify
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
    raise typer.Exit(show_verified(asked, rerun=rerun, seed=seed, as_json=as_json))


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
            help="Trials of this model, or glob; may be repeated.",
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
        models=tuple(models or ()),
        states=tuple(State(state) for state in states or ()),
    )
    show_cleaned(store, which, yes=yes, as_json=as_json)
