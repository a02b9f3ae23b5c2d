"""What a check is given: a plugin with small data to try it on, fitted at most once."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest

import numpy as np
import numpy.typing as npt

from bench.options import Option, Options, OptionValue, as_options, resolve_options
from bench.spec import (
    BuildContext,
    Classifier,
    Dataset,
    DatasetSpec,
    Epoch,
    FitContext,
    ImageSet,
    LoadContext,
    ModelSpec,
    Shape,
)

__all__ = ["DatasetCase", "ModelCase", "draw_images"]

N_TRAIN, N_TEST, SIDE_PX, N_CLASSES = 200, 40, 28, 10


def draw_images(n: int, shape: Shape, n_classes: int, seed: int = 0) -> ImageSet:
    """Return images that are easy to tell apart: a pattern a class, under noise, uint8.

    Parameters
    ----------
    n : int
        How many; the classes take turns.
    shape : tuple
        Height, width and channels.
    n_classes, seed : int
        The patterns depend on the classes alone, the noise on the seed.
    """
    height, width, channels = shape
    coarse = np.random.default_rng(1234).integers(0, 2, (n_classes, 7, 7)) * 150
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 7 // width
    patterns = coarse[:, rows[:, None], columns[None, :], None]
    labels = np.arange(n, dtype=np.int64) % n_classes
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


class ModelCase:
    """State: a model, its small data, and a classifier fitted at the first need.

    Parameters
    ----------
    spec : ModelSpec
    module, file : str
        Where the plugin is, for the check of its imports.
    settings : mapping
        Option values to check with; the others are the defaults, with one epoch.
    threads : int
        What the classifier may use.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        module: str = "",
        file: str = "",
        settings: Options | None = None,
        threads: int = 1,
    ) -> None:
        self.spec, self.module, self.file, self.threads = spec, module, file, threads
        self.settings = dict(settings or {})
        self.epochs: list[Epoch] = []
        self.on_step: Callable[[], object] = lambda: None

    @property
    def declared(self) -> dict[str, Option]:
        """Every option of the model."""
        return as_options(self.spec.options)

    @cached_property
    def options(self) -> RecordingOptions:
        """Return small options, as the harness gives them: with one of its own among them."""
        small: dict[str, OptionValue] = {}
        if "epochs" in self.declared:
            small["epochs"] = int(self.declared["epochs"].minimum or 1)
        resolved = resolve_options(self.spec.name, self.declared, {**small, **self.settings})
        return RecordingOptions({**resolved, "train_images": 0})

    @property
    def shape(self) -> Shape:
        """The shape of the case's images: MNIST's, or what the model needs at least."""
        side_px = max(SIDE_PX, self.spec.min_side)
        return side_px, side_px, 1

    @cached_property
    def train(self) -> ImageSet:
        """Two hundred training images that cannot be written to, as memory-mapped ones cannot."""
        drawn = draw_images(N_TRAIN, self.shape, N_CLASSES)
        drawn.pixels.flags.writeable = False
        return drawn

    @cached_property
    def images(self) -> npt.NDArray[np.float32]:
        """Forty test images."""
        return draw_images(N_TEST, self.shape, N_CLASSES, seed=1).images

    def context(self, **changes: Any) -> FitContext:
        """Return what ``fit`` is told."""
        values: dict[str, Any] = {
            "image_shape": self.shape,
            "classes": tuple(map(str, range(N_CLASSES))),
            "options": self.options,
            "seed": 42,
            "threads": self.threads,
        }
        return FitContext(**{**values, **changes})

    def build(self, **changes: Any) -> Classifier:
        """Return an untrained classifier."""
        self.on_step()
        return self.spec.build(self.build_context(**changes))

    def build_context(self, **changes: Any) -> BuildContext:
        """Return what ``build`` and ``load`` are told."""
        told = self.context(**changes)
        return BuildContext(
            image_shape=told.image_shape,
            classes=told.classes,
            options=told.options,
            seed=told.seed,
            threads=told.threads,
        )

    def fit(self, train: ImageSet | None = None, **changes: Any) -> Classifier:
        """Return a new classifier, fitted."""
        building = {name: value for name, value in changes.items() if name != "report_epoch"}
        classifier = self.build(**building)
        self.on_step()
        classifier.fit(self.train if train is None else train, self.context(**changes))
        return classifier

    @cached_property
    def fitted(self) -> Classifier:
        """A classifier fitted once on the training images, for all checks that only read it."""
        random.seed(1)
        np.random.seed(1)  # what a plugin may use by mistake
        return self.fit(report_epoch=self.epochs.append)

    def fit_once(self) -> None:
        """Make sure that `fitted` is there, and with it `epochs`."""
        _ = self.fitted


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
            raise SkipTest(f"its files are not on this machine\n{self.spec.how_to_get}")
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
