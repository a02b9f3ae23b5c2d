"""Adapting images to another shape."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.images.shape import adapt, describe_adaptation, resize, resize_taps, to_grey

SIDES = st.integers(1, 40)


def _random(n: int, height: int, width: int, channels: int, seed: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).random((n, height, width, channels), dtype=np.float32)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_resized_images_have_the_shape_and_stay_within_the_range(
    old_height: int, old_width: int, height: int, width: int, seed: int
) -> None:
    images = _random(2, old_height, old_width, 1, seed)
    resized = resize(images, height, width)
    assert resized.shape == (2, height, width, 1)
    assert resized.dtype == np.float32
    assert resized.min() >= images.min()
    assert resized.max() <= images.max()


@given(SIDES, SIDES, st.floats(0, 1, width=32))
@settings(max_examples=60, deadline=None)
def test_a_flat_image_stays_exactly_flat(old: int, new: int, value: float) -> None:
    images = np.full((1, old, old, 3), value, dtype=np.float32)
    assert np.all(resize(images, new, new) == np.float32(value))


@given(SIDES, SIDES)
@settings(max_examples=60, deadline=None)
def test_weights_are_not_negative_and_sum_to_one_for_each_new_pixel(old: int, new: int) -> None:
    places, weights = resize_taps(old, new)
    assert places.shape == weights.shape
    assert len(weights) == new
    assert (places >= 0).all()
    assert (places < old).all()
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-15)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_mirrored_images_are_resized_to_mirrored_images(
    old_height: int, old_width: int, height: int, width: int, seed: int
) -> None:
    images = _random(1, old_height, old_width, 1, seed)
    mirrored = resize(np.ascontiguousarray(images[:, ::-1, ::-1]), height, width)
    np.testing.assert_allclose(mirrored[:, ::-1, ::-1], resize(images, height, width), atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param((32, 32), (28, 28), id="svhn-to-mnist"),
        pytest.param((16, 16), (28, 28), id="usps-to-mnist"),
        pytest.param((64, 48), (17, 23), id="both-smaller"),
        pytest.param((20, 50), (33, 30), id="one-larger-one-smaller"),
    ],
)
def test_the_result_is_that_of_pillows_bilinear_filter(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    from PIL import Image

    image = _random(1, *old, 1, seed=3)
    pillow = Image.fromarray(image[0, ..., 0]).resize(new[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize(image, *new)[0, ..., 0], np.asarray(pillow), atol=1e-5)


def test_halving_averages_without_aliasing() -> None:
    stripes = np.zeros((1, 64, 64, 1), dtype=np.float32)
    stripes[:, :, ::2] = 1
    inner = resize(stripes, 16, 16)[0, :, 2:-2]
    np.testing.assert_allclose(inner, 0.5, atol=0.02)


def test_grey_is_the_published_mixture() -> None:
    primaries = np.eye(3, dtype=np.float32).reshape(3, 1, 1, 3)
    np.testing.assert_allclose(to_grey(primaries).ravel(), [0.2989, 0.5870, 0.1140], rtol=1e-6)


def test_an_unchanged_shape_gives_the_same_array() -> None:
    images = _random(2, 28, 28, 1, seed=0)
    assert adapt(images, (28, 28, 1)) is images


@given(st.sampled_from([1, 3, 4]), st.sampled_from([1, 3]), SIDES, st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_every_number_of_channels_leads_to_grey_and_to_colour(
    channels: int, wanted: int, side: int, seed: int
) -> None:
    adapted = adapt(_random(2, 12, 9, channels, seed), (side, side, wanted))
    assert adapted.shape == (2, side, side, wanted)
    assert 0 <= adapted.min() <= adapted.max() <= 1


def test_grey_made_colour_has_three_equal_channels() -> None:
    colour = adapt(_random(2, 28, 28, 1, seed=1), (32, 32, 3))
    assert np.array_equal(colour[..., 0], colour[..., 1])
    assert np.array_equal(colour[..., 0], colour[..., 2])


def test_opacity_does_not_change_the_grey() -> None:
    images = _random(2, 8, 8, 4, seed=1)
    opaque = images.copy()
    opaque[..., 3] = 1
    assert np.array_equal(adapt(images, (8, 8, 1)), adapt(opaque, (8, 8, 1)))


def test_two_channels_have_no_rule() -> None:
    with pytest.raises(ValueError, match="2 channels"):
        adapt(_random(1, 8, 8, 2, seed=0), (8, 8, 1))


def test_no_images_are_resized_to_no_images() -> None:
    assert resize(np.empty((0, 8, 8, 1), np.float32), 4, 5).shape == (0, 4, 5, 1)


def test_a_side_of_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="0 pixels"):
        resize_taps(0, 5)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        pytest.param((28, 28, 1), (28, 28, 1), "", id="same"),
        pytest.param((28, 28, 1), (32, 32, 1), "28×28 grey enlarged to 32×32", id="larger"),
        pytest.param(
            (32, 32, 3), (28, 28, 1), "32×32 colour reduced to 28×28 and made grey", id="smaller"
        ),
        pytest.param((20, 40, 1), (30, 30, 1), "20×40 grey resized to 30×30", id="mixed"),
        pytest.param(
            (8, 8, 1), (8, 8, 3), "8×8 grey repeated in three channels", id="grey-to-colour"
        ),
        pytest.param((8, 8, 4), (8, 8, 3), "8×8 colour without its opacity", id="opacity"),
    ],
)
def test_an_adaptation_is_said_in_words(
    source: tuple[int, int, int], target: tuple[int, int, int], words: str
) -> None:
    assert describe_adaptation(source, target) == words
