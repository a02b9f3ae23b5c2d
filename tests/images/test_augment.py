from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.images.augment import PUBLISHED, affine_matrices, draw_affines, move_images

SHAPE = (28, 28, 1)
Image: TypeAlias = npt.NDArray[np.float32]


def _blob(shape: tuple[int, int, int]) -> Image:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    blob = np.exp(-((rows - shape[0] * 0.45) ** 2 / 20 + (columns - shape[1] * 0.55) ** 2 / 9))
    return np.repeat(blob[:, :, None], shape[2], axis=2).astype(np.float32)


def _one(**values: float) -> dict[str, npt.NDArray[np.float64]]:
    default = {
        "radians": 0.0,
        "shift_rows": 0.0,
        "shift_columns": 0.0,
        "zoom_rows": 1.0,
        "zoom_columns": 1.0,
    }
    return {name: np.array([value]) for name, value in {**default, **values}.items()}


def _scipy_move(image: Image, rows: Image) -> Image:
    matrix = np.array([[rows[4], rows[3]], [rows[1], rows[0]]], dtype=float)
    offset = np.array([rows[5], rows[2]], dtype=float)
    channels = [
        scipy.ndimage.affine_transform(image[..., channel], matrix, offset, order=1, mode="nearest")
        for channel in range(image.shape[2])
    ]
    return np.stack(channels, axis=-1)


def test_the_identity_leaves_an_image_as_it_is() -> None:
    image = _blob(SHAPE)
    moved = move_images(image[None], affine_matrices(SHAPE, **_one())).numpy()
    np.testing.assert_array_equal(moved[0], image)


def test_a_shift_moves_the_picture_by_whole_pixels_and_repeats_the_border() -> None:
    image = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    moved = move_images(image[None], affine_matrices((4, 4, 1), **_one(shift_columns=1.0)))
    expected = image[:, [1, 2, 3, 3]]
    np.testing.assert_array_equal(moved.numpy()[0], expected)


def test_a_quarter_turn_turns_the_picture_clockwise_about_its_centre() -> None:
    image = np.arange(9, dtype=np.float32).reshape(3, 3, 1)
    moved = move_images(image[None], affine_matrices((3, 3, 1), **_one(radians=np.pi / 2)))
    np.testing.assert_allclose(moved.numpy()[0, ..., 0], np.rot90(image[..., 0], -1), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(3, 20), width=st.integers(3, 20))
def test_images_move_as_scipy_moves_them(seed: int, height: int, width: int) -> None:
    shape = (height, width, 2)
    generator = np.random.default_rng(seed)
    image = generator.random(shape, dtype=np.float32)
    affines = draw_affines(generator, 1, shape, PUBLISHED)
    moved = move_images(image[None], affines).numpy()[0]
    np.testing.assert_allclose(moved, _scipy_move(image, affines[0]), atol=2e-4)


@pytest.mark.parametrize(
    ("theta", "tx", "ty", "zx", "zy"),
    [
        pytest.param(10, 0, 0, 1, 1, id="rotation"),
        pytest.param(0, 3.3, 0, 1, 1, id="shift-first-axis"),
        pytest.param(0, 0, -5.7, 1, 1, id="shift-second-axis"),
        pytest.param(0, 0, 0, 0.7, 1.2, id="zoom"),
        pytest.param(-7, 6.1, -2.4, 1.25, 0.8, id="all"),
    ],
)
@pytest.mark.filterwarnings("ignore:Please import .* from the .scipy.ndimage.:DeprecationWarning")
def test_the_map_is_the_one_of_the_published_generator(
    theta: float, tx: float, ty: float, zx: float, zy: float
) -> None:
    from keras.src.legacy.preprocessing.image import apply_affine_transform

    image = _blob(SHAPE)
    published = apply_affine_transform(
        image, theta=theta, tx=tx, ty=ty, zx=zx, zy=zy, row_axis=0, col_axis=1, channel_axis=2
    )
    # Keras reads its first axis as columns: a mirrored map, and the same distribution.
    ours = affine_matrices(
        SHAPE,
        **_one(
            radians=-np.deg2rad(theta),
            shift_rows=ty,
            shift_columns=tx,
            zoom_rows=zy,
            zoom_columns=zx,
        ),
    )
    np.testing.assert_allclose(move_images(image[None], ours).numpy()[0], published, atol=1e-4)


def test_drawn_maps_have_the_moments_of_the_published_generator() -> None:
    from keras.src.legacy.preprocessing.image import (
        ImageDataGenerator,
        transform_matrix_offset_center,
    )

    published = ImageDataGenerator(
        rotation_range=10, zoom_range=0.3, width_shift_range=0.3, height_shift_range=0.3
    )
    state = np.random.get_state()
    np.random.seed(5)
    n = 20_000
    expected = np.empty((n, 2, 3))
    for index in range(n):
        drawn = published.get_random_transform(SHAPE)
        theta = np.deg2rad(drawn["theta"])
        cos, sin = np.cos(theta), np.sin(theta)
        matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        matrix = matrix @ np.array([[1, 0, drawn["tx"]], [0, 1, drawn["ty"]], [0, 0, 1]])
        matrix = matrix @ np.diag([drawn["zx"], drawn["zy"], 1])
        expected[index] = transform_matrix_offset_center(matrix, 28, 28)[:2]
    np.random.set_state(state)
    drawn_rows = draw_affines(np.random.default_rng(5), n, SHAPE, PUBLISHED)
    ours = drawn_rows[:, :6].reshape(n, 2, 3)
    spread = expected.std(axis=0)
    np.testing.assert_allclose(ours.mean(axis=0), expected.mean(axis=0), atol=0.03 * spread.max())
    np.testing.assert_allclose(ours.std(axis=0), spread, rtol=0.03)
    for quantile in (0.05, 0.5, 0.95):
        difference = np.quantile(ours, quantile, axis=0) - np.quantile(expected, quantile, axis=0)
        assert (np.abs(difference) <= 0.06 * spread).all()


def test_maps_depend_on_the_generator_alone() -> None:
    first = draw_affines(np.random.default_rng([1, 2]), 7, SHAPE, PUBLISHED)
    again = draw_affines(np.random.default_rng([1, 2]), 7, SHAPE, PUBLISHED)
    other = draw_affines(np.random.default_rng([1, 3]), 7, SHAPE, PUBLISHED)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
