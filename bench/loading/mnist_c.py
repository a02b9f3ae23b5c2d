"""MNIST-C's own files: MNIST's test images as its authors corrupted them.

The release (Mu and Gilmer 2019, https://zenodo.org/record/3239543) is a folder ``mnist_c`` that
holds a folder for each corruption, and in it ``test_images.npy``, (10000, 28, 28, 1) uint8, and
``test_labels.npy``, (10000,), in the order of MNIST's test split. Its training images are not read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from bench.errors import OptionError
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.spec import DatasetSpec

__all__ = ["MNIST_C", "corrupted_files", "find_mnist_c", "is_of_mnist_c"]

MNIST_C = "mnist-c"
_FOLDER = "mnist_c"
_FILES = ("test_images.npy", "test_labels.npy")
_UNCORRUPTED = "identity"


def is_of_mnist_c(corruption: object) -> bool:
    """Tell whether a corruption's images come from the files, named such as ``mnist-c:fog``."""
    return str(corruption).startswith(f"{MNIST_C}:")


def find_mnist_c(folders: Iterable[Path]) -> Path | None:
    """Return the first ``mnist_c`` in data folders or their direct sub-folders, or one itself."""
    for folder in folders:
        places = [folder, folder / _FOLDER] if folder.name == _FOLDER else [folder / _FOLDER]
        if folder.is_dir():
            children = sorted(child for child in folder.iterdir() if child.is_dir())
            places += [child / _FOLDER for child in children]
        for place in places:
            if _corruptions(place):
                return place
    return None


def corrupted_files(
    asked: str,
    datasets: Iterable[LoadedDataset],
    search: Iterable[Path],
    spec: DatasetSpec | None,
    *,
    cache_dir: Path | None = None,
) -> Mapping[str, tuple[tuple[str, LoadedDataset], ...]]:
    """Return what stands in for the test split of each dataset whose test labels are MNIST-C's.

    Parameters
    ----------
    asked : str
        What ``--corruptions`` says: ``all`` reads the files where they are present, a list reads
        them if ``mnist-c`` is in it.
    search : iterable of Path
        The data folders.
    spec : DatasetSpec or None
        The dataset ``mnist-c``, which reads the files; None where its plugin did not load.

    Returns
    -------
    mapping of str to tuple of (str, LoadedDataset)
        By dataset: the corruption's name, and the dataset with the corrupted test split.

    Raises
    ------
    OptionError
        If ``mnist-c`` is named and there is nothing to read.
    DataError
        If a file cannot be read.
    """
    is_named = MNIST_C in (name.strip() for name in asked.split(","))
    if not is_named and asked != "all":
        return {}
    folder = find_mnist_c(search)
    if folder is None or spec is None:
        if is_named:
            raise OptionError(
                f"--corruptions {MNIST_C}",
                why=f"no data folder holds {_FOLDER}",
                fix="unpack MNIST-C there (zenodo.org/record/3239543)",
            )
        return {}
    tests = [each for each in datasets if each.test is not None and each.test.labelled]
    found: dict[str, list[tuple[str, LoadedDataset]]] = {}
    for name in _corruptions(folder):
        loaded = load_dataset(
            replace(spec, name=f"{MNIST_C}:{name}", files=(_FILES,)),
            settings={"corruption": name},
            path=folder / name,
            cache_dir=cache_dir,
        )
        for dataset in tests:
            if _has_same_labels(dataset, loaded):
                standing_in = msgspec.structs.replace(dataset, test=loaded.test)
                found.setdefault(dataset.name, []).append((f"{MNIST_C}:{name}", standing_in))
    if is_named and not found:
        raise OptionError(
            f"--corruptions {MNIST_C}",
            why="it is mnist's test split, corrupted",
            fix="add -d mnist",
        )
    return {name: tuple(each) for name, each in found.items()}


def _corruptions(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(
        child.name
        for child in folder.iterdir()
        if child.name != _UNCORRUPTED and all((child / file).is_file() for file in _FILES)
    )


def _has_same_labels(a: LoadedDataset, b: LoadedDataset) -> bool:
    if a.test is None or b.test is None or a.test.n != b.test.n or a.classes != b.classes:
        return False
    ours, theirs = open_split(a.test).labels, open_split(b.test).labels
    return ours is not None and theirs is not None and np.array_equal(ours, theirs)
