"""``bench predict``: read digits, IDs, an unlabelled table."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import JsonOption, PluginOption, StoreOption, one_format

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command()
def predict(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE_OR_FOLDER...", help="Photos, folders, a test.csv.")
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL|TRIAL",
            help="A trained model's name or a trial's id; else the one that ships.",
            show_default=False,
        ),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="How photos are prepared, as for image-folder: --set preprocess=mnist.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv", help="Kaggle's submission layout: ImageId,Label.", callback=one_format
        ),
    ] = False,
    plugins: PluginOption = None,
    store: StoreOption = None,
) -> None:
    """Read digits and IDs from photos, folders of photos, or a table of pixels.

    For example:
      bench predict my_id.jpg
      bench predict my_ids/ --model cnn-mnist-compact
      bench predict test.csv --csv > submission.csv
    """
    from bench.cli.predict_views import predict_and_print

    predict_and_print(paths, model, settings or [], as_json, as_csv, plugins or [], store)
