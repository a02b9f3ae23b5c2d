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
    builtin_only: Annotated[
        bool, typer.Option("--builtin-only", help="Only what digitbench brings along.")
    ] = False,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """List models, datasets, plugins and metrics; with a NAME, everything about one.

    For example:
      bench list datasets
      bench list models cnn-svhn-deep --shape 32x32
    """
    from bench.cli.view_command import print_value
    from bench.config import find_config, read_config
    from bench.loading.files import data_dirs
    from bench.plugins.discovery import load_plugins
    from bench.render.notices import tell_once
    from bench.views.list import VIEW, Catalogue, Options

    config = read_config(find_config())
    loaded = load_plugins(
        [*config.plugins, *(plugins or ())],
        config.disable,
        config.prefer,
        only_built_in=builtin_only,
    )
    catalogue = Catalogue(
        plugins=loaded,
        search=data_dirs(data_dir, config.data_dir),
        config=config.path,
        configured=config.plugins,
    )
    if kind in (None, "models", "datasets") or (kind == "metrics" and name is None):
        tell_once(catalogue.plugins.warnings())
    options = Options(kind=kind, name=name or "", shape=parse_shape(shape))
    value = VIEW.compute(catalogue, options)
    print_value(VIEW, value, options, is_json=as_json, is_csv=as_csv)
