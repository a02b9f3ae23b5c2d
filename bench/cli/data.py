"""``bench data``: inspect, fetch and convert data; look after the data cache."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.arguments import (
    AnyDataDirOption,
    ClassesOption,
    CsvOption,
    DataDirOption,
    JsonOption,
    LabelPatternOption,
    LabelsOption,
    LevelsOption,
    PluginOption,
    TableOption,
    complete_datasets,
    folder_options,
)

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def data() -> None:
    """Inspect, fetch and convert data; look after the data cache.

    For example:
      bench data inspect digits-uci
    """


@app.command()
def inspect(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="A dataset's name, NAME=PATH, or a folder of your own digits.",
            autocompletion=complete_datasets,
        ),
    ],
    images: Annotated[
        int, typer.Option(min=0, max=200, metavar="N", help="Show so many first images.")
    ] = 8,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.OPTION=VALUE", help="An option of the dataset."),
    ] = None,
    classes: ClassesOption = "",
    label_pattern: LabelPatternOption = "",
    labels: LabelsOption = "",
    levels: LevelsOption = "",
    table: TableOption = "",
    look_at_all: Annotated[
        bool,
        typer.Option("--all", help="Look closely at every picture of a folder of more than 500."),
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Draw the first photos beside what the models see.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a contact sheet: each image beside what the models see."
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    data_dir: DataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Show what a dataset holds: counts, shape, values, classes, its first images.

    For example:
      bench data inspect mnist-csv=~/Downloads/train.csv
      bench data inspect my_ids/ --html sheet.html
    """
    from bench.cli.data_views import Wanted, show_dataset

    wanted = Wanted(
        text=dataset,
        settings=tuple(settings or ()),
        folder_options=folder_options(
            classes=classes, label_pattern=label_pattern, labels=labels, levels=levels, table=table
        ),
        data_dir=data_dir,
        plugins=tuple(plugins or ()),
    )
    show_dataset(
        wanted,
        images=images,
        show=show,
        html=html,
        look_at_all=look_at_all,
        as_json=as_json,
        as_csv=as_csv,
    )


@app.command()
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="DATASET", help="A dataset's name.", autocompletion=complete_datasets
        ),
    ],
    data_dir: AnyDataDirOption = None,
    plugins: PluginOption = None,
) -> None:
    """Download a dataset's files, checked against their checksums.

    They go to --data-dir, else BENCH_DATA_DIR, bench.toml's data_dir, your user data folder.

    For example:
      bench data fetch mnist
    """
    from bench.cli.data_views import Wanted, fetch_files

    fetch_files(Wanted(text=name, data_dir=data_dir, plugins=tuple(plugins or ())))


@app.command()
def convert(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="TRAIN.mat [TEST.mat]", help="SVHN's official cropped digits."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE.h5", help="The file to write.")
    ] = Path("SVHN_single_grey1.h5"),
) -> None:
    """Make the .h5 file that svhn-h5 reads from SVHN's official .mat files.

    For example:
      bench data convert train_32x32.mat test_32x32.mat
    """
    from bench.cli.data_views import convert_files

    convert_files(tuple(sources), out)


@app.command()
def cache(
    clean: Annotated[bool, typer.Option("--clean", help="Delete what the cache holds.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the data cache holds and how much room it takes.

    For example:
      bench data cache --clean
    """
    from bench.cli.data_views import show_cache

    show_cache(clean=clean, as_json=as_json)
