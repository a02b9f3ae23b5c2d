"""Misread digits: a picture, and beside it the truth, the reading, and who got it right."""

import numpy as np
import pytest

from bench.board.rows import Row
from bench.views.report.misread import Misread, MisreadImage, misread_lines

ROW = Row(test_dataset="mine", train_dataset="mnist", model="m")


def image(
    place: int = 0,
    name: str = "ann/1.jpg",
    read: str = "1",
    probability: float | None = 0.62,
    right: tuple[str, ...] = ("mlp",),
) -> MisreadImage:
    return MisreadImage(
        image=place, name=name, truth="7", read=read, probability=probability, right_models=right
    )


def shown(
    *images: MisreadImage, width: int = 80, limit: int = 0, n_others: int = 2, cached: bool = True
) -> list[str]:
    pixels = np.zeros((20, 28, 28, 1), np.uint8)
    pixels[:, 4:24, 12:16] = 255
    found = Misread(
        row=ROW, n_images=20, images=images, n_others=n_others, pixels=pixels if cached else None
    )
    return [line.plain for line in misread_lines(found, width, limit=limit, more="bench show …")]


def test_truth_reading_probability_and_who_was_right_stand_beside_the_picture() -> None:
    text = "\n".join(shown(image()))
    assert text.startswith("misread: 1 of 20\n")
    for part in ("ann/1.jpg", "truth 7, read 1 (.62)", "right: 1 of 2 others: mlp", "██"):
        assert part in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(image(right=()), "wrong: all 2 others too", id="nobody"),
        pytest.param(image(probability=None), "truth 7, read 1\n", id="scores only"),
        pytest.param(image(read="", probability=None), "truth 7, not read", id="not read"),
        pytest.param(image(name="[red]\x1b[2J<b>.jpg"), "[red][2J<b>.jpg", id="hostile name"),
    ],
)
def test_what_is_said_where_there_is_less_to_say(given: MisreadImage, said: str) -> None:
    assert said in "\n".join(line.rstrip() for line in shown(given)) + "\n"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_pictures_and_facts_fit_the_screen(width: int) -> None:
    names = tuple(f"a-model-with-a-long-name-{i}" for i in range(9))
    long = "a/very/long/path/of/folders/to/the/photo/IMG_20261121_093012.jpg"
    lines = shown(*(image(i, long, right=names) for i in range(5)), width=width, n_others=9)
    assert max(map(len, lines[1:])) <= width  # the title is wrapped where it is printed


def test_the_first_are_shown_and_the_rest_counted() -> None:
    lines = shown(*(image(i, f"{i}.jpg") for i in range(9)), limit=4)
    text = "\n".join(lines)
    assert "3.jpg" in text
    assert "4.jpg" not in text
    assert " … 5 more: bench show …" in lines
    assert "8.jpg" in "\n".join(shown(*(image(i, f"{i}.jpg") for i in range(9))))


def test_without_the_cache_the_facts_remain() -> None:
    lines = shown(image(), cached=False)
    assert "no longer in the data cache" in lines[-1]
    assert any("truth 7, read 1" in line for line in lines)
    assert not any("█" in line for line in lines)


def test_nothing_misread_is_nothing_shown() -> None:
    assert shown() == []
