"""The built-in datasets' specs, and small arrays of digits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.plugins.discovery import load_plugins
from bench.spec import DatasetSpec, ImageSet

Load = Callable[..., LoadedDataset]


@pytest.fixture(scope="session")
def specs() -> dict[str, DatasetSpec]:
    """Every built-in dataset's registration, by name."""
    return load_plugins().datasets


@pytest.fixture
def load(specs: dict[str, DatasetSpec], tmp_path: Path) -> Load:
    """Return ``load(name, path, **settings)``, with a cache of the test's own."""

    def load_(name: str, path: Path | None = None, **settings: Any) -> LoadedDataset:
        return load_dataset(
            specs[name], settings=settings, path=path, search=(), cache_dir=tmp_path / "cache"
        )

    return load_


@pytest.fixture
def splits(load: Load) -> Callable[..., tuple[ImageSet, ImageSet]]:
    """Return ``splits(name, path, **settings)``: the training and the test split, opened."""

    def open_both(
        name: str, path: Path | None = None, **settings: Any
    ) -> tuple[ImageSet, ImageSet]:
        loaded = load(name, path, **settings)
        assert loaded.train is not None
        assert loaded.test is not None
        return open_split(loaded.train), open_split(loaded.test)

    return open_both


@pytest.fixture
def message(load: Load) -> Callable[..., str]:
    """Return ``message(name, path, **settings)``: the one line that loading ends in."""

    def fail(name: str, path: Path, **settings: Any) -> str:
        with pytest.raises(DataError) as caught:
            load(name, path, **settings)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return fail


@pytest.fixture
def pixels() -> Callable[..., Any]:
    """Return ``pixels(n, side, seed)``: (n, side, side) uint8, mostly paper, as scans are."""

    def make(n: int = 30, side: int = 28, seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        values = rng.integers(0, 256, (n, side, side), dtype=np.uint8)
        return np.where(rng.random(values.shape) < 0.7, 0, values).astype(np.uint8)

    return make
