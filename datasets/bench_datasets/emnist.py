"""``emnist``: letters and digits, in the six ways in which its authors cut it."""

import string
from typing import Any, Final

from bench import DatasetSpec, Option, hookimpl
from bench.spec import Dataset, LoadContext
from bench_datasets._digits import DIGITS
from bench_datasets._ladder.options import READING_OPTIONS, Known
from bench_datasets.mnist import idx_names

__all__ = ["SPLITS"]

_CAPITALS: Final = tuple(string.ascii_uppercase)
_SHAPE: Final = (28, 28, 1)


def _known(classes: tuple[str, ...], train: int, test: int, first_label: int = 0) -> Known:
    return Known(
        classes=classes, first_label=first_label, shape=_SHAPE, counts=(train, test),
        order="columns",

    )  # fmt: skip


_MERGED: Final = (*DIGITS, *_CAPITALS, *"abdefghnqrt")

SPLITS: Final = {
    "balanced": _known(_MERGED, 112_800, 18_800),
    "byclass": _known((*DIGITS, *_CAPITALS, *string.ascii_lowercase), 697_932, 116_323),
    "bymerge": _known(_MERGED, 697_932, 116_323),
    "digits": _known(DIGITS, 240_000, 40_000),
    "letters": _known(_CAPITALS, 124_800, 20_800, first_label=1),
    "mnist": _known(DIGITS, 60_000, 10_000),
}
"""What each split is known to be."""


def load(context: LoadContext) -> Dataset:
    """Read the two parts of one split; its files are stored column by column."""
    from bench.errors import DataError
    from bench_datasets._ladder.build import load_arrays

    split = str(context.options["split"])
    names = " ".join(path.name.casefold() for path in context.paths)
    told = next(
        (each for each in SPLITS if f"emnist-{each}" in names or f"emnist_{each}" in names), ""
    )
    if told and told != split:
        raise DataError(
            f"{context.paths[0].name} is EMNIST's split {told}, not {split}",
            fix=f"--set emnist.split={told}",
        )
    return load_arrays(context, SPLITS[split])


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``emnist``."""
    register(
        DatasetSpec(
            name="emnist",
            summary="handwritten letters and digits, 28×28 grey, the split that emnist.split names",
            load=load,
            options={
                "split": Option(
                    default="balanced", choices=tuple(SPLITS), help="which of its six splits"
                ),
                **READING_OPTIONS,
            },
            reads_folders=True,
            files=(
                ("emnist-{split}.mat",),
                *idx_names("emnist-{split}-", test="test"),
                ("emnist-{split}-train.csv", "emnist-{split}-test.csv"),
            ),
            source="EMNIST (Cohen, Afshar, Tapson, van Schaik, 2017):"
            " https://www.nist.gov/itl/products-and-services/emnist-dataset",
            licence="from NIST Special Database 19; terms not verified",
            how_to_get="download and unpack matlab.zip or gzip.zip from"
            " https://www.nist.gov/itl/products-and-services/emnist-dataset and put"
            " emnist-balanced.mat,"
            " or emnist-balanced-train-images-idx3-ubyte.gz and the three beside it, in a"
            " data folder",
        )
    )
