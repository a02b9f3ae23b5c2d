"""``usps``: postal digits, 16×16, as ``usps.npz`` or ``usps.h5``."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bench import DatasetSpec, hookimpl
from bench.errors import DataError
from bench.spec import Dataset, ImageSet, LoadContext
from bench_datasets._digits import DIGITS

__all__: list[str] = []

_NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")
_HDF5_KEYS = ("train/data", "train/target", "test/data", "test/target")
_SIDE = 16


def load(context: LoadContext) -> Dataset:
    """Read the two splits."""
    from bench_datasets._arrays import hdf5_array, open_hdf5, read_npz

    (path,) = context.paths
    with path.open("rb") as file:
        is_hdf5 = file.read(8) == b"\x89HDF\r\n\x1a\n"
    if is_hdf5:
        with open_hdf5(path) as content:
            arrays = tuple(hdf5_array(content, key, path.name)[()] for key in _HDF5_KEYS)
    else:
        arrays = read_npz(path, _NPZ_KEYS)
    is_signed = _is_signed(arrays[0], arrays[2], path.name)
    train = _split(arrays[0], arrays[1], path.name, is_signed=is_signed)
    test = _split(arrays[2], arrays[3], path.name, is_signed=is_signed)
    return Dataset(classes=DIGITS, train=train, test=test)


def _is_signed(train: npt.NDArray[Any], test: npt.NDArray[Any], name: str) -> bool:
    """Tell whether paper is -1 and ink is 1, as first published; the same for both splits."""
    ranges = [(float(each.min(initial=0)), float(each.max(initial=0))) for each in (train, test)]
    if not np.isfinite(ranges).all():  # left to the check that names the image
        return False
    are_signed = {low < 0 for low, _ in ranges}
    if len(are_signed) > 1:
        listed = ", ".join(
            f"{split} {low:g} to {high:g}"
            for split, (low, high) in zip(("training", "test"), ranges, strict=True)
        )
        raise DataError(f"{name}: its splits differ in range", why=listed, fix="scale them alike")
    return are_signed == {True} and all(low >= -1 and high <= 1 for low, high in ranges)


def _split(
    pixels: npt.NDArray[Any], labels: npt.NDArray[Any], name: str, *, is_signed: bool
) -> ImageSet:
    if pixels.size != len(pixels) * _SIDE * _SIDE:
        raise DataError(name, why=f"images of shape {pixels.shape[1:]} are not 16×16")
    if labels.dtype.kind not in "ui":
        raise DataError(name, why=f"its labels are {labels.dtype}, not whole numbers")
    images = pixels.reshape(-1, _SIDE, _SIDE, 1)
    if images.dtype != np.uint8:
        images = images.astype(np.float32)
        if is_signed:
            images = (images + 1) / 2
    return ImageSet(pixels=images, labels=labels.astype(np.int64))


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``usps``."""
    register(
        DatasetSpec(
            name="usps",
            summary="handwritten digits from envelopes, 16×16 grey, 7,291 + 2,007",
            load=load,
            files=(("usps.npz",), ("usps.h5",)),
            source="USPS (Hull, 1994; LeCun et al., 1989)",
            licence="none stated",
            how_to_get="put usps.npz (x_train, y_train, x_test, y_test) or usps.h5 (train/data,"
            " train/target, test/data, test/target) in a data folder",
        )
    )
