"""Small pictures in a terminal."""

import numpy as np
import pytest

from bench.render.pictures import half_blocks, side_by_side


def _image(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)[..., np.newaxis]


def test_two_rows_of_pixels_share_a_line() -> None:
    image = _image([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0]])
    assert [line.plain for line in half_blocks(image, 4)] == ["▀▄█ ", "▄▄  "]


def test_dark_ink_shows_as_gaps_in_light_paper() -> None:
    image = _image([[0.8, 0.3], [0.8, 0.3]])
    assert [line.plain for line in half_blocks(image, 2)] == ["█ "]


def test_shades_are_of_the_256_colours_from_dark_to_light() -> None:
    (line,) = half_blocks(_image([[0, 1], [1, 0.5]]), 2, colour=True)
    assert line.plain == "▀▀"
    assert [str(span.style) for span in line.spans] == [
        "color(232) on color(255)",
        "color(255) on color(244)",
    ]


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        pytest.param((28, 28, 1), (16, 8), id="mnist"),
        pytest.param((32, 32, 3), (16, 8), id="colour"),
        pytest.param((40, 10, 1), (16, 32), id="tall"),
        pytest.param((2, 100, 1), (16, 1), id="flat"),
    ],
)
def test_a_picture_has_the_width_asked_for_and_keeps_its_proportions(
    shape: tuple[int, int, int], size: tuple[int, int]
) -> None:
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    lines = half_blocks(image, 16)
    assert ({line.cell_len for line in lines}, len(lines)) == ({size[0]}, size[1])


def test_pictures_stand_side_by_side_with_captions_as_the_width_allows() -> None:
    picture = half_blocks(_image([[1, 1, 0, 1]] * 4), 4)
    lines = [line.plain for line in side_by_side([picture] * 3, ["1", "two-long", "3"], 4, 10)]
    assert lines == ["1     two-", "██ █  ██ █", "██ █  ██ █", "3", "██ █", "██ █"]
