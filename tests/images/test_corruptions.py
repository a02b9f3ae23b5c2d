import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import warp

from bench.errors import OptionError
from bench.images.corruptions import CORRUPTIONS, choose_corruptions, corrupt


def digits(n: int = 6, side: int = 28, channels: int = 1) -> npt.NDArray[np.float32]:
    """Draw soft vertical strokes, off centre."""
    row, column = np.mgrid[0:side, 0:side] / side
    strokes = [
        np.exp(-(((column - 0.35 - 0.04 * i) / 0.06) ** 2)) * (abs(row - 0.5) < 0.3)
        for i in range(n)
    ]
    return np.repeat(np.stack(strokes)[..., None], channels, axis=-1).astype(np.float32)


every = pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CORRUPTIONS])


@every
@pytest.mark.parametrize(
    ("side", "channels"),
    [pytest.param(28, 1, id="mnist"), pytest.param(32, 3, id="colour"), pytest.param(8, 1, id="8")],
)
def test_images_stay_images_and_the_originals_are_untouched(
    name: str, side: int, channels: int
) -> None:
    images = digits(3, side, channels)
    before = images.copy()
    for strength in CORRUPTIONS[name].strengths:
        corrupted = corrupt(images, name, strength)
        assert corrupted.shape == images.shape
        assert corrupted.dtype == np.float32
        assert np.isfinite(corrupted).all()
        assert corrupted.min() >= 0
        assert corrupted.max() <= 1
        assert not np.array_equal(corrupted, images)
    np.testing.assert_array_equal(images, before)


@every
def test_every_model_meets_the_same_pictures_in_whatever_blocks(name: str) -> None:
    images = digits(6)
    whole = corrupt(images, name, 1)
    blocks = [corrupt(images[i : i + 2], name, 1, first_image=i) for i in (0, 2, 4)]
    np.testing.assert_array_equal(whole, np.concatenate(blocks))


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, id=n) for n in CORRUPTIONS if len(CORRUPTIONS[n].values) > 1],
)
def test_a_greater_strength_changes_more(name: str) -> None:
    images = digits(40)
    changes = [
        float(np.abs(corrupt(images, name, strength) - images).mean())
        for strength in CORRUPTIONS[name].strengths
    ]
    assert changes == sorted(changes)


def test_there_are_five_strengths_of_each_but_inversion() -> None:
    assert {n: len(c.values) for n, c in CORRUPTIONS.items() if len(c.values) != 5} == {
        "inverse": 1
    }


def test_inverting_twice_gives_the_image_back() -> None:
    images = digits()
    np.testing.assert_allclose(
        corrupt(corrupt(images, "inverse", 1), "inverse", 1), images, atol=1e-6
    )


def test_a_shift_moves_the_centre_of_mass_by_its_pixels() -> None:
    image = digits(1)
    row, column = np.mgrid[0:28, 0:28]
    before = [float((image[0, ..., 0] * axis).sum() / image.sum()) for axis in (row, column)]
    moved = corrupt(image, "translate", 3)
    after = [float((moved[0, ..., 0] * axis).sum() / moved.sum()) for axis in (row, column)]
    assert [abs(a - b) for a, b in zip(after, before, strict=True)] == pytest.approx(
        [3, 3], abs=0.05
    )


def maps(angle: float) -> dict[str, tuple[tuple[float, float], tuple[float, float]]]:
    """Return the linear part, in (x, y), that MNIST-C hands scikit-image of its time."""
    sin, cos = np.sin(angle), np.cos(angle)
    return {
        "scale": ((1 / 0.7, 0), (0, 1 / 0.7)),
        "rotate": ((cos, -sin), (sin, cos)),
        "shear": ((1, -sin), (0, cos)),
    }


@pytest.mark.parametrize(
    "name", [pytest.param(name, id=name) for name in ("scale", "rotate", "shear")]
)
def test_geometry_agrees_with_scikit_image_as_mnist_c_uses_it(name: str) -> None:
    image = digits(1)
    either = []
    for angle in (0.6, -0.6):
        linear = np.array(maps(angle)[name])
        whole = np.eye(3)
        whole[:2, :2] = linear
        whole[:2, 2] = 13.5 - linear @ (13.5, 13.5)
        either.append(warp(image[0, ..., 0], whole))  # type: ignore[no-untyped-call]  # scikit-image
    ours = corrupt(image, name, 3)[0, ..., 0]
    assert min(np.abs(ours - theirs).max() for theirs in either) < 1e-5


def test_thin_strokes_are_narrower_and_thick_ones_wider() -> None:
    images = digits()
    ink = [float(corrupt(images, name, 2).sum()) for name in ("thin", "thick")]
    assert ink[0] < float(images.sum()) < ink[1]


@given(st.integers(min_value=0, max_value=10_000))
def test_impulse_noise_reaches_its_share_of_pixels(first_image: int) -> None:
    grey = np.full((4, 28, 28, 1), 0.5, np.float32)
    share = float((corrupt(grey, "impulse_noise", 5, first_image=first_image) != 0.5).mean())
    assert share == pytest.approx(0.27, abs=0.05)


def test_all_and_lists_choose_corruptions() -> None:
    assert len(choose_corruptions("all")) == len(CORRUPTIONS)
    assert [c.name for c in choose_corruptions("scale, rotate,scale")] == ["scale", "rotate"]


def test_an_unknown_corruption_lists_those_there_are() -> None:
    with pytest.raises(OptionError, match=r"no corruption is called 'fog': there are rotate, "):
        choose_corruptions("fog")
    with pytest.raises(OptionError, match=r"inverse has no strength 2: it has 1 to 1"):
        corrupt(digits(), "inverse", 2)
