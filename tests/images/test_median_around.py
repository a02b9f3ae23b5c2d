"""The median around each pixel: what scikit-image's rank filter gives, without its import."""

import numpy as np
import pytest

from bench.images.ink import median_around


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (17, 3), (64, 48)])
@pytest.mark.parametrize("reach", [5, 7, 29])
def test_it_is_what_scikit_image_gives(shape: tuple[int, int], reach: int) -> None:
    from skimage.filters.rank import median

    generator = np.random.default_rng(reach)
    for highest in (3, 256):
        levels = generator.integers(0, highest, shape).astype(np.uint8)
        expected = median(levels, np.ones((reach, reach), np.uint8))  # type: ignore[no-untyped-call]  # skimage
        np.testing.assert_array_equal(median_around(levels, reach), expected)
