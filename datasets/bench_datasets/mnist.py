"""``mnist``: the standard 60,000 + 10,000, as ``mnist.npz`` or as the four IDX files."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench import DatasetSpec, hookimpl
from bench.errors import DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS

__all__: list[str] = []

_SIDE = 28
_COUNTS = (60_000, 10_000)
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_IDX = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def load(context: LoadContext) -> Dataset:
    """Read the two splits."""
    from bench_datasets._arrays import read_idx, read_npz

    paths = context.paths
    if len(paths) == 1 and not paths[0].name.startswith(("train-", "t10k-")):
        arrays = read_npz(paths[0], _KEYS)
    elif len(paths) == 4:
        arrays = tuple(read_idx(path) for path in paths)
    else:
        raise DataError(
            f"{paths[0].name} is one of four IDX files",
            fix="name the folder that holds them: -d mnist=FOLDER",
        )
    name = " + ".join(path.name for path in paths)
    train, test = _split(arrays[0], arrays[1], name), _split(arrays[2], arrays[3], name)
    is_standard = (len(train), len(test)) == _COUNTS
    notes = () if is_standard else ("not the standard 60,000 + 10,000 split",)
    return Dataset(classes=DIGITS, train=train, test=test, notes=notes)


def _split(pixels: npt.NDArray[Any], labels: npt.NDArray[Any], name: str) -> ImageSet:
    if pixels.shape[1:] not in ((_SIDE, _SIDE), (_SIDE, _SIDE, 1)):
        raise DataError(name, why=f"images of shape {pixels.shape[1:]} are not {_SIDE}×{_SIDE}")
    pixels = pixels.reshape(-1, _SIDE, _SIDE, 1)
    if labels.dtype.kind not in "ui":
        raise DataError(name, why=f"its labels are {labels.dtype}, not whole numbers")
    return ImageSet(pixels=pixels, labels=labels.astype(np.int64))


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``mnist``."""
    register(
        DatasetSpec(
            name="mnist",
            summary="handwritten digits, 28×28 grey, the standard 60,000 + 10,000",
            load=load,
            files=(
                ("mnist.npz",),
                tuple(f"{name}-ubyte" for name in _IDX),
                tuple(f"{name}-ubyte.gz" for name in _IDX),
                tuple(f"{name.replace('-idx', '.idx')}-ubyte" for name in _IDX),
            ),
            source="MNIST (LeCun, Cortes, Burges): http://yann.lecun.com/exdb/mnist",
            licence="commonly CC BY-SA 3.0",
            how_to_get="bench data fetch mnist; or put mnist.npz, or the four IDX files, plain or"
            " .gz, in a data folder",
            fetch={
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz": "sha256:"
                "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
            },
        )
    )
