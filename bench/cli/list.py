"""``bench list``: what is there: models, datasets, plugins, metrics."""

from typing import Annotated, Literal

import typer

from bench.cli.arguments import CsvOption, DataDirOption, JsonOption, PluginOption, parse_shape

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command("list")
def list_(
    kind: Annotated[
        Literal["models", "datasets", "plugins", "metrics"] | None,
        typer.Argument(help="What to list; models and datasets without it.", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="One of them, in full.", show_default=False)
    ] = None,
    shape: Annotated[
        str, typer.Option(metavar="HxW[xC]", help="Build the model NAME for such images.")
    ] = "28x28x1",
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """List models, datasets, plugins and metrics; with a NAME, everything about one.

    For example:
      bench list datasets
      bench list models cnn-svhn-deep --shape 32x32
    """
    from bench.cli.list_views import show_list, show_named

    local = tuple(plugins or ())
    if kind is None or name is None:
        show_list(kind, is_json=as_json, is_csv=as_csv, data_dir=data_dir, plugins=local)
        return
    show_named(
        kind,
        name,
        shape=parse_shape(shape),
        is_json=as_json,
        is_csv=as_csv,
        data_dir=data_dir,
        plugins=local,
    )
