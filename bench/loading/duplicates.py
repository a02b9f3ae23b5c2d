"""Near-duplicates between two splits, found once for each pair of them and then kept."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.images.near_duplicates import near_duplicates
from bench.loading.cache import image_hashes, kept_array, open_split
from bench.loading.refs import SplitRef

__all__ = ["near_duplicate_pairs"]

_VERSION = 3  # of what counts as one


def near_duplicate_pairs(train: SplitRef, test: SplitRef) -> npt.NDArray[np.int64]:
    """Return which images of two splits are nearly the same; exact duplicates are among them.

    Of images that repeat within a split the first stands for all: a thousand blank pages on both
    sides would be a million pairs.

    Beside the test split in the data cache: a grid of models pays once for a pair of splits.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int64
        Places in the training and in the test split.
    """
    return kept_array(
        Path(test.folder) / f"near-{_VERSION}-{train.content_hash[:16]}.npy",
        lambda pairs: pairs.ndim == 2 and pairs.shape[1] == 2 and pairs.dtype == np.int64,
        lambda: _pairs(train, test),
    )


def _pairs(train: SplitRef, test: SplitRef) -> npt.NDArray[np.int64]:
    first = [_distinct(train), _distinct(test)]
    found = near_duplicates(
        open_split(train).steadiest[first[0]], open_split(test).steadiest[first[1]]
    )
    return np.stack([first[0][found[:, 0]], first[1][found[:, 1]]], axis=1)


def _distinct(ref: SplitRef) -> npt.NDArray[np.int64]:
    """Return the first place of each image that is not the same as an earlier one."""
    return np.sort(np.unique(image_hashes(ref), return_index=True)[1])
