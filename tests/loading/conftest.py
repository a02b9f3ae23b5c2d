"""Tiny datasets and their specs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.spec import Dataset, DatasetSpec, ImageSet, LoadContext

MakeSplit = Callable[..., ImageSet]


@pytest.fixture
def make_split() -> MakeSplit:
    """Return ``make_split(n, shape, seed, floats, **fields)``: random images, labels 0 to 9."""

    def make(
        n: int = 20,
        shape: tuple[int, int, int] = (4, 4, 1),
        seed: int = 0,
        *,
        floats: bool = False,
        **fields: Any,
    ) -> ImageSet:
        pixels: Any = np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
        if floats:
            pixels = pixels.astype(np.float32) / np.float32(255)
        fields.setdefault("labels", np.arange(n, dtype=np.int64) % 10)
        return ImageSet(pixels=pixels, **fields)

    return make


def read_rows(context: LoadContext) -> Dataset:
    """Read ``.npy`` files: a table of pixels whose first column is the label; half is for test."""
    table = np.load(context.paths[0])
    pixels = table[:, 1:].reshape(len(table), 2, 2, 1)
    half = len(table) // 2
    parts = (slice(None, half), slice(half, None))
    train, test = (
        ImageSet(pixels=pixels[part], labels=table[part, 0].astype(np.int64)) for part in parts
    )
    return Dataset(classes=tuple("0123456789"), train=train, test=test, notes=("from rows",))


@pytest.fixture
def spec() -> DatasetSpec:
    """A dataset read from ``rows.npy``."""
    return DatasetSpec(
        name="rows",
        summary="rows",
        load=read_rows,
        options={"test_file": "", "share": 0.5},
        files=(("rows.npy",), ("a.npy", "b.npy")),
        how_to_get="make it yourself",
    )


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of forty rows."""
    table = np.random.default_rng(1).integers(0, 256, (40, 5), dtype=np.uint8)
    table[:, 0] = np.arange(40) % 10
    path = tmp_path / "data" / "rows.npy"
    path.parent.mkdir()
    np.save(path, table)
    return path
