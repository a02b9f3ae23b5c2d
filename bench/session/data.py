"""Datasets for Python: one by its name or path, or one made of what the author has in hand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError, DataError, did_you_mean
from bench.loading import load
from bench.loading.cache import open_split
from bench.loading.refs import LoadedDataset
from bench.loading.sniff import Own, name_of, sniff
from bench.loading.validate import check_dataset
from bench.options import Options, OptionValue
from bench.planning.catalogue import ARRAY_DATASET, FOLDER_DATASET
from bench.planning.request import Session
from bench.session.planned import open_session
from bench.spec import Dataset, DatasetSpec, Images, ImageSet, Labels

Settings: TypeAlias = Callable[[tuple[str, ...]], Options]

__all__ = ["dataset_from", "find_dataset", "load_dataset", "read_dataset"]


def load_dataset(
    name: str | Path,
    *,
    options: Options | None = None,
    data_dir: str | Path | None = None,
    plugins: str | Iterable[str] = (),
) -> Dataset:
    """Return a dataset with its images and labels as the harness sees them.

    Parameters
    ----------
    name : str or Path
        As ``-d`` takes it: a dataset's name, ``NAME=PATH``, or a file or folder of your own.
    options : mapping
        Options of the dataset that differ from their defaults.
    data_dir : str, Path or None
        A folder to search for its files first.
    plugins : str or iterable of str
        Files and modules of plugins, as ``--plugin`` takes them.

    Returns
    -------
    Dataset
        Images are memory-mapped: ``dataset.train.images`` gives float32 in [0, 1].

    Raises
    ------
    BenchError
        If there is no such dataset, its files are missing, or they cannot be read.
    """
    named = (plugins,) if isinstance(plugins, str) else tuple(plugins)
    session = open_session(data_dir=Path(data_dir) if data_dir else None, plugins=named)
    _, loaded = read_dataset(str(name), session, lambda owners: options or {})
    return Dataset(
        classes=loaded.classes,
        train=open_split(loaded.train) if loaded.train else None,
        test=open_split(loaded.test) if loaded.test else None,
        notes=loaded.notes,
        findings=loaded.findings,
        truths=loaded.truths,
        submission=loaded.submission,
        details=loaded.details,
        doubt=loaded.doubt,
    )


def find_dataset(text: str, session: Session) -> tuple[DatasetSpec, Path | None]:
    """Return the registration of what was named, and the path if one is named.

    Raises
    ------
    BenchError
        If it is no dataset's name, and no file or folder that may be one.
    """
    datasets, folders = session.plugins.datasets, session.config.folders
    name, equals, path = text.partition("=")
    session.plugins.refuse_unsettled(name)
    if name in datasets and name not in (FOLDER_DATASET, ARRAY_DATASET):
        return datasets[name], Path(path) if equals else None
    place = folders.get(name) or Path(path if equals else text).expanduser()
    if place.exists():
        kind = Own.PHOTOS if name == FOLDER_DATASET and place.is_dir() else sniff(place)
        if kind is Own.PHOTO:
            raise DataError(
                f"{text} is a picture",
                why="a dataset is a folder of them, or a file of arrays",
                fix=f"bench predict {text}, or name the folder",
            )
        is_named = (equals and name not in (FOLDER_DATASET, ARRAY_DATASET)) or name in folders
        named = name if is_named else name_of(place)
        if kind is Own.ARRAYS and named in datasets:
            return datasets[named], place
        own = datasets.get(FOLDER_DATASET if kind is Own.PHOTOS else ARRAY_DATASET)
        if own is not None:
            return replace(own, name=named), place
    hint = f"{did_you_mean(name, [*datasets, *folders])} ".lstrip()
    raise BenchError(
        f"unknown dataset '{name}'",
        why=f"{hint}It is no file or folder either. All names: bench list datasets",
    )


def read_dataset(
    text: str, session: Session, settings_of: Settings, look_at: int | None = None
) -> tuple[DatasetSpec, LoadedDataset]:
    """Return a dataset's registration, and the dataset, with the options of ``bench.toml``.

    Parameters
    ----------
    settings_of : callable
        Given the names whose options hold for it, returns those that were set.

    Raises
    ------
    BenchError
        If it is none, or cannot be read.
    """
    spec, path = find_dataset(text, session)
    base = ARRAY_DATASET if spec.reads_folders else FOLDER_DATASET
    owners = (spec.name, base) if path is not None and not spec.files else (spec.name,)
    settings: dict[str, OptionValue] = {}
    for owner in reversed(owners):
        settings |= session.config.options.get(owner, {})
    settings |= settings_of(owners)
    loaded = load.load_dataset(
        spec, settings=settings, path=path, search=session.search, look_at=look_at
    )
    return spec, loaded


def dataset_from(
    source: Any,
    labels: Any = None,
    *,
    test: tuple[Any, Any] | None = None,
    classes: Sequence[str] = (),
    label: str = "label",
    test_fraction: float = 0.2,
    split_seed: int = 42,
) -> Dataset:
    """Return a dataset made of what is in hand, with its splits: what a plugin's ``load`` returns.

    Parameters
    ----------
    source : array, DataFrame, str or Path
        Images (n, height, width), (n, height, width, channels) or (n, pixels) of a square, uint8 or
        float in [0, 1]; a DataFrame with a row an image; or a file or folder, as ``-d`` takes it.
    labels : array of shape (n,), or None
        Whole numbers or texts. Of a DataFrame they are its column `label`.
    test : tuple of images and labels, or None
        The test split; None: `test_fraction` of each class is held back.
    classes : sequence of str
        The classes in the order of the columns; left out, they are the sorted labels.
    split_seed : int
        Which images are held back.

    Raises
    ------
    DataError
        If the images or labels cannot be used.
    """
    if isinstance(source, str | Path):
        return load_dataset(source, options={"classes": ",".join(classes)} if classes else {})
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        source, labels = _of_frame(source, label)
    pixels = _pixels(source)
    if labels is None:
        raise DataError("dataset_from", why="images without labels train nothing")
    given = np.asarray(labels)
    known = tuple(map(str, classes)) or _names(given if test is None else _both(given, test[1]))
    train = _image_set(pixels, given, known)
    if test is None:
        kept, held = _split(np.asarray(train.labels), test_fraction, split_seed)
        dataset = Dataset(classes=known, train=train.take(kept), test=train.take(held))
    else:
        dataset = Dataset(
            classes=known,
            train=train,
            test=_image_set(_pixels(test[0]), np.asarray(test[1]), known),
        )
    check_dataset(dataset, "dataset_from")
    return dataset


def _of_frame(frame: Any, label: str) -> tuple[Any, Any]:
    if label not in frame.columns:
        some = ", ".join(map(str, frame.columns[:4]))
        raise DataError(
            f"the table has no column '{label}'",
            why=f"its columns are {some}, …",
            fix='name the one of the labels: label="…"',
        )
    return frame.drop(columns=label).to_numpy(), frame[label].to_numpy()


def _pixels(images: Any) -> Images:
    array = np.asarray(images)
    if array.ndim == 2:
        side = round(array.shape[1] ** 0.5)
        if side * side != array.shape[1]:
            raise DataError(
                f"images of {array.shape[1]} pixels are no squares",
                fix="reshape them to (n, height, width)",
            )
        array = array.reshape(-1, side, side)
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or not len(array):
        raise DataError(
            f"images of shape {np.shape(images)}",
            why="they are (n, height, width), (n, height, width, channels) or (n, pixels)",
        )
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind in "iu":
        if array.min() < 0 or array.max() > 255:
            raise DataError(
                f"images hold values from {array.min()} to {array.max()}",
                why="whole numbers stand for 0 to 255",
                fix="scale them to floats in [0, 1]",
            )
        return array.astype(np.uint8, copy=False)
    if array.dtype.kind != "f":
        raise DataError(f"images of {array.dtype}", why="they must be numbers")
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise DataError(
            f"images hold values from {array.min():.4g} to {array.max():.4g}",
            why="floats are within 0 and 1",
            fix="divide by the largest possible value",
        )
    return array.astype(np.float32, copy=False)


def _both(one: npt.NDArray[Any], other: Any) -> npt.NDArray[Any]:
    return np.concatenate([one, np.asarray(other)])


def _names(labels: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return the classes that labels name: numbers by size, texts in alphabetical order."""
    return tuple(str(each) for each in np.unique(labels).tolist())


def _image_set(pixels: Images, labels: npt.NDArray[Any], classes: tuple[str, ...]) -> ImageSet:
    if labels.shape != (len(pixels),):
        raise DataError(f"{len(pixels):,} images and labels of shape {labels.shape}")
    index = {name: i for i, name in enumerate(classes)}
    unknown = [str(each) for each in np.unique(labels).tolist() if str(each) not in index]
    if unknown:
        raise DataError(
            f"a label is '{unknown[0]}'", why=f"the classes are {', '.join(classes[:12])}"
        )
    found = np.array([index[str(each)] for each in labels.tolist()], dtype=np.int64)
    return ImageSet(pixels=pixels, labels=found)


def _split(
    labels: Labels, test_fraction: float, seed: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows that are kept and those held back, of each class the same share."""
    if not 0 < test_fraction < 1:
        raise DataError(f"test_fraction={test_fraction}", why="it is between 0 and 1")
    rng = np.random.default_rng(seed)
    held = []
    for each in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == each))
        held.append(rows[: max(1, round(len(rows) * test_fraction))])
    test = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), test), test
