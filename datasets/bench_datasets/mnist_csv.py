"""``mnist-csv``: Kaggle's ``train.csv`` of the Digit Recognizer competition, and tables like it."""

from pathlib import Path
from typing import Any

from bench import DatasetSpec, Option, hookimpl
from bench.errors import DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS, split_indices

__all__: list[str] = []


def load(context: LoadContext) -> Dataset:
    """Read one table and split it, or take a second one as the test split.

    A table without labels is for prediction only.
    """
    from bench_datasets._csv_table import read_digit_table

    path = context.paths[0]
    test_path = _test_path(context)
    pixels, labels = read_digit_table(path)
    if labels is None:
        return Dataset(classes=DIGITS, test=ImageSet(pixels=pixels))
    if test_path is not None:
        train, test = ImageSet(pixels=pixels, labels=labels), _labelled(test_path)
        return Dataset(classes=DIGITS, train=train, test=test)
    options = context.options
    if len(labels) < 10:
        raise DataError(
            f"{path.name} has {len(labels)} rows", why="too few for a training and a test split"
        )
    rows = split_indices(
        labels,
        float(options["train_fraction"]),
        int(options["split_seed"]),
        stratify=bool(options["stratify"]),
    )
    train, test = (ImageSet(pixels=pixels[part], labels=labels[part]) for part in rows)
    return Dataset(classes=DIGITS, train=train, test=test)


def _test_path(context: LoadContext) -> Path | None:
    named = str(context.options["test_file"])
    if not named:
        return context.paths[1] if len(context.paths) > 1 else None
    places = (Path(named).expanduser(), context.paths[0].parent / named)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DataError(f"mnist-csv: test_file {named} does not exist")
    return path


def _labelled(path: Path) -> ImageSet:
    from bench_datasets._csv_table import read_digit_table

    pixels, labels = read_digit_table(path)
    if labels is None:
        raise DataError(
            f"{path.name} has no labels",
            why="a test file needs them",
            fix=f"to read it, use bench predict {path.name}",
        )
    return ImageSet(pixels=pixels, labels=labels)


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``mnist-csv``."""
    register(
        DatasetSpec(
            name="mnist-csv",
            summary="MNIST as a table: Kaggle's train.csv, or label and 784 pixels a row",
            load=load,
            options={
                "train_fraction": Option(
                    default=0.8, help="share of the rows trained on", minimum=0.01, maximum=0.99
                ),
                "split_seed": Option(
                    default=42, help="seed of the split", minimum=0, maximum=2**32 - 1
                ),
                "stratify": Option(default=False, help="split each class by the same share"),
                "test_file": Option(
                    default="", help="a second table to test on; the first is trained on whole"
                ),
            },
            files=(
                ("train.csv",),
                ("train.csv.gz",),
                ("digit-recognizer.zip",),
                ("mnist_train.csv", "mnist_test.csv"),
                ("mnist_train.csv",),
            ),
            source="MNIST (LeCun, Cortes, Burges), as in https://www.kaggle.com/c/digit-recognizer",
            licence="commonly CC BY-SA 3.0",
            how_to_get="download train.csv from https://www.kaggle.com/c/digit-recognizer/data"
            " (free account) and put it in a data folder, or name it: -d mnist-csv=PATH",
        )
    )
