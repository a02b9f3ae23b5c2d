"""An audit says in which respect pictures differ from those of the training."""

from typing import Any

import numpy as np
import pytest

from bench.images.audit import audit


def squares(top: int, side: int, *, n: int = 6, light: bool = True) -> Any:
    """Hollow squares with strokes of three pixels, (n, 28, 28, 1) uint8."""
    images = np.zeros((n, 28, 28, 1), dtype=np.uint8)
    images[:, top : top + side, top : top + side] = 255
    images[:, top + 3 : top + side - 3, top + 3 : top + side - 3] = 0
    return images if light else 255 - images


def verdicts(images: Any) -> dict[str, str]:
    found = audit(images, squares(4, 20))
    return {measure.name: measure.verdict for measure in found if measure.verdict}


def test_images_like_those_of_the_training_are_alike() -> None:
    assert verdicts(squares(4, 20, n=3)) == {}


@pytest.mark.parametrize(
    ("images", "name"),
    [
        pytest.param(squares(4, 20, light=False), "light_border", id="polarity"),
        pytest.param(squares(8, 12), "extent", id="scale"),
        pytest.param(squares(0, 20), "offset", id="offset"),
    ],
)
def test_each_difference_has_its_verdict(images: Any, name: str) -> None:
    assert set(verdicts(images)) == {name}


def test_blur_is_seen() -> None:
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(squares(4, 20).astype(np.float32) / 255, (0, 2, 2, 0))
    assert "sharpness" in verdicts(blurred)


def test_blank_pictures_are_measured_as_nothing() -> None:
    assert all(m.value == 0 for m in audit(np.zeros((2, 9, 9, 1), dtype=np.uint8), squares(4, 20)))
