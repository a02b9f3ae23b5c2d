"""A photo becomes what MNIST would have made of it, whatever the light, the paper and the pen."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.images.preprocess import preprocess
from bench.images.preprocess_options import MODES, PREPROCESS_OPTIONS, PreprocessOptions


def overlap(a: Any, b: Any) -> float:
    """Return the share of ink two pictures have in common."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(np.minimum(a, b).sum() / np.maximum(a, b).sum())


def classic(photo: Any) -> Any:
    """Return the picture of the fixed steps, without the network's."""
    return preprocess(photo, PreprocessOptions(preprocess="classic")).image


def codes(seen: Any) -> set[str]:
    return {fault.code for fault in seen.faults}


@pytest.fixture
def plain(take_photo: Any) -> Any:
    return classic(take_photo("2"))


@pytest.mark.parametrize(
    ("photo", "least"),
    [
        pytest.param({"paper": 60}, 0.85, id="dim light"),
        pytest.param({"contrast": 0.08, "grain": 1.0}, 0.75, id="faint pencil"),
        pytest.param({"lines": 55, "contrast": 0.35, "line_contrast": 0.45}, 0.7, id="squared"),
        pytest.param({"height": 45, "width": 3, "top": 300, "left": 290}, 0.6, id="small, far off"),
        pytest.param({"width": 3}, 0.6, id="thin pen"),
    ],
)
def test_the_picture_hardly_depends_on_how_the_photo_was_taken(
    take_photo: Any, plain: Any, photo: dict[str, Any], least: float
) -> None:
    assert overlap(classic(take_photo("2", **photo)), plain) > least


def test_a_lamp_s_shadow_is_not_ink(take_photo: Any, plain: Any) -> None:
    y, x = np.mgrid[:480, :400]
    shadow = 0.35 + 0.65 / (1 + np.exp((x + y - 420) / 25))
    assert overlap(classic(take_photo("2", light=shadow)), plain) > 0.75


def test_the_table_beside_the_page_is_not_ink(take_photo: Any, plain: Any) -> None:
    light = np.ones((480, 400))
    light[:60], light[:, :70] = 0.25, 0.3
    assert overlap(classic(take_photo("2", light=light)), plain) > 0.8


def test_light_ink_on_dark_paper_gives_the_same_picture(take_photo: Any, plain: Any) -> None:
    photo = 255 - take_photo("2")
    assert overlap(classic(photo), plain) > 0.8


def test_coloured_ink_that_grey_hides_is_found(draw_ink: Any, plain: Any) -> None:
    ink = draw_ink("2", (480, 400), top=140, left=130, height=180, width=9)[..., None]
    paper, pen = np.array([120, 128, 130]), np.array([200, 88, 125])
    noise = np.random.default_rng(0).normal(0, 1.5, (480, 400, 3))
    photo = np.clip(paper * (1 - ink) + pen * ink + noise, 0, 255).astype(np.uint8)
    assert overlap(classic(photo), plain) > 0.75


def test_the_digit_fills_its_box_and_lies_in_the_middle(take_photo: Any) -> None:
    image = preprocess(take_photo("4", top=20, left=10)).image
    rows, columns = np.flatnonzero(image.max(axis=1) > 100), np.flatnonzero(image.max(axis=0) > 100)
    assert image.shape == (28, 28)
    assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
    mass = image.astype(np.float64)
    assert abs((mass.sum(axis=1) @ np.arange(28)) / mass.sum() - 13.5) < 0.6
    assert abs((mass.sum(axis=0) @ np.arange(28)) / mass.sum() - 13.5) < 0.6


def test_a_loop_drawn_apart_stays_with_its_digit(draw_ink: Any, take_photo: Any) -> None:
    whole = classic(take_photo("5"))
    photo = take_photo("5")
    photo[150:165, 130:400] = 190
    assert overlap(classic(photo), whole) > 0.6
    assert "broken" in codes(preprocess(photo))


def test_a_line_of_one_pixel_becomes_a_stroke(draw_ink: Any) -> None:
    picture = np.full((28, 28), 255, dtype=np.uint8)
    picture[4:24, 14] = 0
    image = classic(picture)
    assert image.max() == 255
    assert 2.0 < image.sum(axis=1).max() / 255 < 3.5


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([0, 1, 3]),
    st.integers(0, 2**32 - 1),
)
def test_any_picture_gives_a_picture(height: int, width: int, channels: int, seed: int) -> None:
    shape = (height, width, channels) if channels == 3 else (height, width)
    photo = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    seen = preprocess(photo)
    assert seen.image.shape == (28, 28)
    assert seen.image.dtype == np.uint8


def test_a_blank_page_is_blank_and_says_so(take_photo: Any) -> None:
    seen = preprocess(take_photo("", grain=3.0))
    assert "blank" in codes(seen)


@pytest.mark.parametrize(
    ("photo", "code"),
    [
        pytest.param({"digits": "33", "left": 60}, "two-digits", id="two digits"),
        pytest.param({"top": -30}, "cropped", id="over the border"),
        pytest.param({"contrast": 0.06, "grain": 0.5}, "low-contrast", id="pale"),
        pytest.param({"lines": 55, "contrast": 0.5}, "ruled-paper", id="squared paper"),
    ],
)
def test_what_is_wrong_with_a_photo_is_found(
    take_photo: Any, photo: dict[str, Any], code: str
) -> None:
    assert code in codes(preprocess(take_photo(**photo)))


def test_a_good_photo_has_no_finding(take_photo: Any) -> None:
    assert codes(preprocess(take_photo("7"))) == set()


def test_steps_are_kept_only_when_asked_for(take_photo: Any) -> None:
    assert preprocess(take_photo()).steps == {}
    steps = preprocess(take_photo(), keep_steps=True).steps
    assert list(steps) == [
        *("grey", "ink", "lines removed", "digit", "classic"),
        *("network's ink", "model"),
    ]
    assert all(step.dtype == np.uint8 for step in steps.values())


@pytest.mark.parametrize("mode", [pytest.param(mode, id=mode) for mode in MODES])
def test_every_mode_gives_a_grey_picture(take_photo: Any, mode: str) -> None:
    photo = np.repeat(take_photo("7")[..., None], 3, axis=2)
    image = preprocess(photo, PreprocessOptions(preprocess=mode)).image
    assert image.dtype == np.uint8
    assert image.shape == (photo.shape[:2] if mode == "none" else (28, 28))


def test_natural_keeps_the_polarity_and_cuts_to_the_digit(take_photo: Any) -> None:
    options = PreprocessOptions(preprocess="natural", side_px=32)
    image = preprocess(take_photo("7", height=60, width=4), options).image
    assert image.shape == (32, 32)
    assert np.median(image) > 150
    assert (image < 130).mean() > 0.04


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        pytest.param({"stroke_px": 4.0}, True, id="thicker"),
        pytest.param({"box_px": 16}, True, id="smaller box"),
        pytest.param({"centre": "box"}, True, id="centre of the box"),
        pytest.param({"polarity": "dark"}, False, id="the polarity it has"),
        pytest.param({"channel": "grey"}, False, id="the channel it has"),
    ],
)
def test_each_step_can_be_told(take_photo: Any, options: dict[str, Any], differs: bool) -> None:
    usual, told = (
        preprocess(take_photo("7")),
        preprocess(take_photo("7"), PreprocessOptions(**options)),
    )
    assert (usual.image != told.image).any() == differs


def test_options_of_a_dataset_become_steps() -> None:
    values = {name: option.default for name, option in PREPROCESS_OPTIONS.items()}
    assert PreprocessOptions.of(values) == PreprocessOptions()
    assert PreprocessOptions.of({**values, "box_px": 18, "other": 3}).box_px == 18


def test_the_box_says_where_the_digit_is(take_photo: Any) -> None:
    seen = preprocess(take_photo("0", top=140, left=130, height=180))
    assert seen.box is not None
    top, left, bottom, right = seen.box
    assert abs(top - 140 / 480) < 0.02
    assert abs(bottom - 320 / 480) < 0.02
    assert abs(left - 130 / 400) < 0.03
    assert abs(right - 243 / 400) < 0.03


@pytest.mark.parametrize("level", [pytest.param(240, id="white"), pytest.param(0, id="black")])
@pytest.mark.parametrize("grain", [0, 2])
def test_a_page_without_any_ink_is_blank_whatever_its_light(level: int, grain: int) -> None:
    noise = np.random.default_rng(0).normal(0, grain, (300, 400))
    page = np.clip(level + noise, 0, 255).astype(np.uint8)
    seen = preprocess(page)
    assert codes(seen) == {"blank"}
    assert seen.image.max() == 0
