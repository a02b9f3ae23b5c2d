"""Arithmetic that is the same on every processor is also right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from bench.images import exact

PICTURE = np.random.default_rng(0).random((40, 53), dtype=np.float32)


@given(st.floats(-10, 10))
def test_rounding_forgives_a_library_its_last_digits(value: float) -> None:
    beside = np.nextafter(value, np.inf)
    near = abs(exact.rounded(value) - exact.rounded(beside))
    assert near == 0 or near < 1e-6
    assert exact.rounded(value) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("mode", [pytest.param(mode, id=mode) for mode in ("reflect", "nearest")])
@pytest.mark.parametrize("sigma", [pytest.param(s, id=f"sigma-{s}") for s in (0.5, 1.7, 6.0)])
def test_a_blur_is_that_of_scipy(sigma: float, mode: str) -> None:
    wanted = ndimage.gaussian_filter(PICTURE, sigma, mode=mode)
    np.testing.assert_allclose(exact.blur(PICTURE, sigma, mode=mode), wanted, atol=2e-7)


def test_a_blur_leaves_the_channels_of_a_colour_picture_apart() -> None:
    colour = np.stack([PICTURE, np.zeros_like(PICTURE)], axis=-1)
    blurred = exact.blur(colour, 1.0)
    np.testing.assert_array_equal(blurred[..., 0], exact.blur(PICTURE, 1.0))
    assert not blurred[..., 1].any()


def test_the_middle_of_mass_is_that_of_scipy() -> None:
    assert exact.middle_of_mass(PICTURE) == pytest.approx(ndimage.center_of_mass(PICTURE))


def test_a_line_through_points_has_the_slope_of_least_squares() -> None:
    x, y = np.arange(8.0), PICTURE[0, :8].astype(np.float64)
    assert exact.slope_of_line(x, y) == pytest.approx(np.polyfit(x, y, 1)[0])


def test_a_hann_window_is_that_of_numpy_without_its_zeros() -> None:
    np.testing.assert_allclose(exact.hann_window(9), np.hanning(11)[1:-1], atol=1e-7)


@given(st.integers(0, 1000))
def test_a_product_of_whole_numbers_is_exact(seed: int) -> None:
    generator = np.random.default_rng(seed)
    left, right = generator.integers(-(2**20), 2**20, (2, 3, 50))
    assert (exact.whole_product(left, right.T) == left @ right.T).all()


def test_luma_weighs_the_colours_as_the_published_file_does() -> None:
    pixels = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    np.testing.assert_allclose(exact.luma(pixels), [0.2989, 0.5870, 0.1140])


def test_a_sum_is_the_same_in_any_order() -> None:
    values = np.random.default_rng(1).normal(0, 100, 5000)
    assert exact.total(values) == exact.total(values[::-1]) == exact.total(np.sort(values))
    assert exact.total(values) == pytest.approx(values.sum(), abs=1e-6)


def test_means_along_axes_are_those_of_numpy() -> None:
    cube = PICTURE[:40, :50].reshape(4, 10, 5, 10)
    np.testing.assert_allclose(exact.mean(cube, axis=(1, 3)), cube.mean(axis=(1, 3)), atol=1e-6)
    assert exact.mean(PICTURE) == pytest.approx(PICTURE.mean(), abs=1e-6)


def test_no_zero_is_negative_after_a_clip() -> None:
    values = np.array([-0.0, -1.0, 0.5, 2.0], dtype=np.float32)
    found = exact.clipped(values, 0, 1)
    assert found.dtype == np.float32
    assert found.tolist() == [0, 0, 0.5, 1]
    assert not np.signbit(found).any()
