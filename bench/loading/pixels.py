"""The pixels of a test split, where the data cache still holds them."""

import numpy as np
import numpy.typing as npt

from bench.loading.cache import cache_folder

__all__ = ["cached_pixels"]


def cached_pixels(test_hash: str) -> npt.NDArray[np.generic] | None:
    """Return a test split's pixels from the data cache, memory-mapped; None where it is absent."""
    try:
        pixels: npt.NDArray[np.generic] = np.load(
            cache_folder() / "splits" / test_hash / "pixels.npy", mmap_mode="r", allow_pickle=False
        )
    except (OSError, ValueError):
        return None
    return pixels
