"""Splits that a process has open; an isolated worker needs each once, ``--no-isolation`` many."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bench.loading import cache, duplicates
from bench.loading.refs import SplitRef
from bench.spec import ImageSet

__all__ = ["image_hashes", "near_duplicate_pairs", "open_split"]

_KEPT = 8


@lru_cache(maxsize=_KEPT)
def open_split(ref: SplitRef) -> ImageSet:
    """Open a split as `bench.loading.cache.open_split` does; the last few stay open."""
    return cache.open_split(ref)


@lru_cache(maxsize=_KEPT)
def image_hashes(ref: SplitRef) -> npt.NDArray[np.uint64]:
    """Return a hash per image, (n,), as `bench.loading.cache.image_hashes` does."""
    return cache.image_hashes(ref)


@lru_cache(maxsize=_KEPT)
def near_duplicate_pairs(train: SplitRef, test: SplitRef) -> npt.NDArray[np.int64]:
    """Return pairs of places, (n_pairs, 2), as `bench.loading.duplicates` does."""
    return duplicates.near_duplicate_pairs(train, test)
