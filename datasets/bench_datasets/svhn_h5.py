"""``svhn-h5``: the source notebook's ``SVHN_single_grey1.h5``."""

from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from bench import DatasetSpec, Option, Style, hookimpl
from bench.errors import DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS
from bench_datasets._ladder.options import READING_OPTIONS, Known

__all__: list[str] = []

_KNOWN: Final = Known(classes=DIGITS, is_natural=True)
_VAL: Final = ("X_val", "y_val")


def load(context: LoadContext) -> Dataset:
    """Read the two splits; with ``use_val`` the extra images are trained on as well."""
    from bench_datasets._ladder.build import load_arrays, load_splits

    if not context.options["use_val"]:
        return load_arrays(context, _KNOWN, skip=_VAL)
    name = context.paths[0].name
    dataset, splits = load_splits(context, _KNOWN, keep_val=True)
    if "val" not in splits:
        raise DataError(name, why="it has no key X_val", fix="leave use_val off")
    train, notes = _with_val(splits, name)
    return replace(dataset, train=train, notes=(*dataset.notes, *notes))


def _with_val(splits: dict[str, ImageSet], name: str) -> tuple[ImageSet, tuple[str, ...]]:
    """Join X_val to the training split, less the images that are in one of the other splits.

    The original file's X_val holds its 42,000 training and 18,000 test images again.
    """
    import numpy as np

    train, test, val = splits["train"], splits["test"], splits["val"]
    if val.shape != train.shape:
        raise DataError(name, why=f"X_val has shape {val.shape}, X_train {train.shape}")
    known = set(_bytes_of(train)) | set(_bytes_of(test))
    new = np.array([i for i, image in enumerate(_bytes_of(val)) if image not in known], np.intp)
    overlap = len(val) - len(new)
    if not len(new):
        raise DataError(
            f"{name}, X_val",
            why=f"all its {overlap:,} images are in X_train or X_test already",
            fix="leave use_val off",
        )
    notes = (f"use_val: {len(new):,} images added, {overlap:,} left out that the splits hold",)
    assert train.labels is not None
    assert val.labels is not None
    joined = ImageSet(
        pixels=np.concatenate([train.pixels, val.pixels[new]]),
        labels=np.concatenate([train.labels, val.labels[new]]),
    )
    return joined, notes


def _bytes_of(split: ImageSet) -> list[bytes]:
    return [blake2b(image.data, digest_size=16).digest() for image in split.pixels]


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``svhn-h5``."""
    register(
        DatasetSpec(
            name="svhn-h5",
            summary="street view house numbers, 32×32 grey, in the source notebook's .h5 layout",
            load=load,
            options={
                "use_val": Option(
                    default=False, help="train on X_val too, less what X_train and X_test hold"
                ),
                **READING_OPTIONS,
            },
            reads_folders=True,
            files=(("SVHN_single_grey1.h5",),),
            style=Style.NATURAL,
            source="SVHN (Netzer et al., 2011), cropped digits, grey: http://ufldl.stanford.edu/housenumbers",
            licence="non-commercial use only",
            how_to_get="put SVHN_single_grey1.h5 in a data folder, or make it from the official"
            " files: bench data convert train_32x32.mat test_32x32.mat",
        )
    )
