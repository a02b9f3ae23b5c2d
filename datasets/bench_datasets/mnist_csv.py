"""``mnist-csv``: Kaggle's ``train.csv`` of the Digit Recognizer competition, and tables like it."""

from typing import Any, Final

from bench import DatasetSpec, hookimpl
from bench.spec import Dataset, LoadContext
from bench_datasets._digits import DIGITS
from bench_datasets._ladder.options import OPTIONS, Known

__all__: list[str] = []

_KNOWN: Final = Known(classes=DIGITS, shape=(28, 28, 1))


def load(context: LoadContext) -> Dataset:
    """Read one table and split it, or take a second one as the test split.

    A table without labels is for prediction only.
    """
    from bench_datasets._ladder.build import load_arrays

    return load_arrays(context, _KNOWN)


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``mnist-csv``."""
    register(
        DatasetSpec(
            name="mnist-csv",
            summary="MNIST as a table: Kaggle's train.csv, or label and 784 pixels a row",
            load=load,
            options=OPTIONS,
            reads_folders=True,
            files=(
                ("train.csv",),
                ("train.csv.gz",),
                ("digit-recognizer.zip",),
                ("mnist_train.csv", "mnist_test.csv"),
                ("mnist_train.csv",),
            ),
            source="MNIST (LeCun, Cortes, Burges), as in https://www.kaggle.com/c/digit-recognizer",
            licence="commonly CC BY-SA 3.0",
            images_may_be_published=True,
            how_to_get="download train.csv from https://www.kaggle.com/c/digit-recognizer/data"
            " (free account) and put it in a data folder, or name it: -d mnist-csv=PATH",
        )
    )
