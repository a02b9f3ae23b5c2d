"""``bench predict``: read digits, IDs, an unlabelled table."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bench.cli.arguments import (
    ClassesOption,
    JsonOption,
    LabelPatternOption,
    LabelsOption,
    LevelsOption,
    PluginOption,
    StoreOption,
    TableOption,
    folder_options,
    one_format,
)

__all__ = ["ABSTAIN_BELOW", "app"]

# The lowest at which every wrong ID of the handwriting held back from tuning was marked.
ABSTAIN_BELOW: Final = 0.9

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
    classes: ClassesOption = "",
    label_pattern: LabelPatternOption = "",
    labels: LabelsOption = "",
    levels: LevelsOption = "",
    table: TableOption = "",
    abstain_below: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="P",
            help="Mark digits less sure than this, and say how many of the rest are right.",
        ),
    ] = ABSTAIN_BELOW,
    length: Annotated[
        int,
        typer.Option(
            min=0,
            max=100,
            metavar="N",
            help="How many digits a photo of a whole ID has.",
            show_default=False,
        ),
    ] = 0,
    show: Annotated[
        bool, typer.Option("--show", help="Draw each photo beside what the model saw of it.")
    ] = False,
    png: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a PNG: each photo beside what the model saw of it.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="Of photos file,label,confidence; of tables Kaggle's layout: ImageId,Label.",
            callback=one_format,
        ),
    ] = False,
    plugins: PluginOption = None,
    store: StoreOption = None,
) -> None:
    """Read digits and IDs from photos, folders of photos, or a table of pixels.

    For example:
      bench predict my_id.jpg
      bench predict my_id.jpg --show
      bench predict my_ids/ --model cnn-mnist-compact
      bench predict test.csv --csv > submission.csv
    """
    from bench.cli.predict_views import Asked, predict_and_print

    of_folders = folder_options(
        classes=classes, label_pattern=label_pattern, labels=labels, levels=levels, table=table
    )
    predict_and_print(
        paths,
        Asked(
            model=model,
            settings=(
                *(f"{name}={value}" for name, value in of_folders.items()),
                *([f"length={length}"] if length else []),
                *(settings or ()),
            ),
            abstain_below=abstain_below,
            show=show,
            png=png,
            is_json=as_json,
            is_csv=as_csv,
            plugins=tuple(plugins or ()),
            store=store,
        ),
    )
