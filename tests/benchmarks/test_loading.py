"""Reading ``train.csv``: the first time (hash, parse, write the cache) and ever after."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.plugins.discovery import load_plugins

pytestmark = pytest.mark.realdata
_SPEC = load_plugins().datasets["mnist-csv"]


def read_plainly(path: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(path)
    assert frame.shape[1] == 785


def load(path: Path, cache: Path) -> None:
    loaded = load_dataset(_SPEC, path=path, cache_dir=cache)
    assert loaded.train is not None
    assert open_split(loaded.train).pixels.shape[1:] == (28, 28, 1)


def test_loading_cold(side_by_side: Any, train_csv: Path, tmp_path: Path) -> None:
    read_plainly(train_csv)  # the import of pandas is not part of it
    caches = itertools.count()
    side_by_side(
        "train.csv, cold: hash, parse, write the cache",
        "pandas.read_csv",
        ours=lambda: load(train_csv, tmp_path / str(next(caches))),
        plain=lambda: read_plainly(train_csv),
        limit=0.7,
        rounds=5,
    )


def test_loading_warm(side_by_side: Any, train_csv: Path, tmp_path: Path) -> None:
    load(train_csv, tmp_path)
    read_plainly(train_csv)
    side_by_side(
        "train.csv, warm: memory-mapped",
        "pandas.read_csv",
        ours=lambda: load(train_csv, tmp_path),
        plain=lambda: read_plainly(train_csv),
        limit=0.01,
        rounds=5,
    )
