"""Small data to try plugins on, and what a check of a dataset is given."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from bench.options import Option, Options, OptionValue, as_options, resolve_options
from bench.spec import Dataset, DatasetSpec, ImageSet, LoadContext, Shape
from bench.testing.running import CouldNotRunError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DatasetCase", "RecordingOptions", "draw_images"]


def draw_images(n: int, shape: Shape, n_classes: int, seed: int = 0) -> ImageSet:
    """Return images that are easy to tell apart: a pattern a class, under noise, uint8.

    Parameters
    ----------
    n : int
        How many; of each class as many, as far as they go.
    shape : tuple
        Height, width and channels.
    n_classes, seed : int
        The patterns depend on the classes alone, the noise on the seed.
    """
    height, width, channels = shape
    coarse = np.random.default_rng(1234).integers(0, 2, (n_classes, 7, 7)) * 150
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 7 // width
    patterns = coarse[:, rows[:, None], columns[None, :], None]
    # In no order that a plugin could take for the classes' own.
    labels = np.random.default_rng(n).permutation(np.arange(n, dtype=np.int64) % n_classes)
    noise = np.random.default_rng(seed).integers(0, 100, (n, height, width, channels))
    return ImageSet(pixels=(patterns[labels] + noise).astype(np.uint8), labels=labels)


class RecordingOptions(Mapping[str, OptionValue]):
    """State: options that remember which of them were read."""

    def __init__(self, options: Options) -> None:
        self.options = dict(options)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> OptionValue:
        self.read.add(name)
        return self.options[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.options)

    def __len__(self) -> int:
        return len(self.options)


class DatasetCase:
    """State: a dataset, loaded at the first need.

    Parameters
    ----------
    spec : DatasetSpec
    module, file : str
        Where the plugin is, for the check of its imports.
    paths : tuple of Path
        Its files, if it needs any.
    settings : mapping
        Option values to check with.
    """

    def __init__(
        self,
        spec: DatasetSpec,
        *,
        module: str = "",
        file: str = "",
        paths: tuple[Path, ...] = (),
        settings: Options | None = None,
    ) -> None:
        self.spec, self.module, self.file, self.paths = spec, module, file, paths
        self.settings = dict(settings or {})
        self.on_step: Callable[[], object] = lambda: None

    @property
    def declared(self) -> dict[str, Option]:
        """Every option of the dataset."""
        return as_options(self.spec.options)

    def load(self) -> Dataset:
        """Load the dataset anew, with a work folder that is deleted afterwards."""
        if self.spec.files and not self.paths:
            raise CouldNotRunError(f"its files are not on this machine\n{self.spec.how_to_get}")
        options = resolve_options(self.spec.name, self.declared, self.settings)
        self.on_step()
        with TemporaryDirectory() as folder:
            context = LoadContext(paths=self.paths, options=options, work_dir=Path(folder))
            return self.spec.load(context)

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, loaded once."""
        return self.load()

    @property
    def splits(self) -> dict[str, ImageSet]:
        """The splits there are, by name."""
        named = {"training": self.dataset.train, "test": self.dataset.test}
        return {name: split for name, split in named.items() if split is not None}
