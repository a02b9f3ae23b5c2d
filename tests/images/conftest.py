"""Photos drawn for tests: strokes on paper, with light, lines and grain as real ones have."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

Photo = npt.NDArray[np.uint8]

# Strokes in a box of 10 by 16.
STROKES: dict[str, Sequence[Sequence[tuple[float, float]]]] = {
    "0": [[(5, 0), (1, 3), (0, 8), (1, 13), (5, 16), (9, 13), (10, 8), (9, 3), (5, 0)]],
    "1": [[(5, 0), (5, 16)]],
    "2": [[(0, 3), (3, 0), (8, 1), (9, 5), (0, 16), (10, 16)]],
    "3": [[(0, 1), (5, 0), (9, 3), (5, 7), (10, 11), (6, 16), (0, 15)]],
    "4": [[(7, 16), (7, 0), (0, 10), (10, 10)]],
    "5": [[(9, 0), (1, 0), (1, 7), (6, 6), (10, 11), (6, 16), (0, 15)]],
    "6": [[(8, 0), (2, 6), (0, 11), (3, 16), (8, 15), (9, 10), (5, 8), (1, 10)]],
    "7": [[(0, 0), (10, 0), (4, 16)]],
    "8": [[(5, 7), (1, 4), (5, 0), (9, 4), (5, 7), (0, 12), (5, 16), (10, 12), (5, 7)]],
    "9": [[(9, 5), (5, 8), (1, 5), (4, 0), (9, 2), (9, 5), (7, 16)]],
}


def ink_of(
    digits: str, shape: tuple[int, int], *, top: float, left: float, height: float, width: int
) -> npt.NDArray[np.float32]:
    """Return the ink of digits in one line, 0 to 1, drawn finely and reduced."""
    fine = Image.new("L", (shape[1] * 2, shape[0] * 2))
    pen = ImageDraw.Draw(fine)
    unit = height / 16
    for place, digit in enumerate(digits):
        x0 = left + place * 18 * unit
        for stroke in STROKES[digit]:
            points = [((x0 + x * unit) * 2, (top + y * unit) * 2) for x, y in stroke]
            pen.line(points, fill=255, width=width * 2, joint="curve")
    return np.asarray(fine.reduce(2), dtype=np.float32) / np.float32(255)


@pytest.fixture
def draw_ink() -> Callable[..., npt.NDArray[np.float32]]:
    """Return ``draw_ink(digits, shape, top=, left=, height=, width=)``."""
    return ink_of


@pytest.fixture
def take_photo() -> Callable[..., Photo]:
    """Return ``take_photo(digits, ...)``: a grey photo, dark ink on light paper unless told."""

    def take(
        digits: str = "7",
        *,
        shape: tuple[int, int] = (480, 400),
        top: float = 140,
        left: float = 130,
        height: float = 180,
        width: int = 9,
        paper: float = 190,
        contrast: float = 0.6,
        grain: float = 2.0,
        light: Any = 1.0,
        lines: int = 0,
        line_contrast: float = 0.3,
    ) -> Photo:
        ink = ink_of(digits, shape, top=top, left=left, height=height, width=width)
        photo = paper * (1 - contrast * ink)
        if lines:
            photo[20::lines] *= 1 - line_contrast
            photo[21::lines] *= 1 - line_contrast
            photo[:, 25::lines] *= 1 - line_contrast
        noise = np.random.default_rng(3).normal(0, grain, shape)
        return np.asarray(np.clip(photo * light + noise, 0, 255), dtype=np.uint8)

    return take
