"""Make the pictures of docs/tutorials/your-own-handwriting.md from samples that ship.

``.venv/bin/python script/handwriting_pictures.py [FOLDER]`` writes the PNGs that show photos, and
``my_id.jpg``, the photo of a whole ID (not into docs/tutorials, which is the default). The
samples are UCI scans drawn on paper; squares, shadows and the like are added here, so that the
pictures show what preprocessing has to cope with and nobody's handwriting is published.

The others are pictures by a browser: predict.png and board.png of what ``script/screenshot.py``
makes of ``bench predict my_id.jpg`` and ``bench show leaderboard -d my_ids``, contact-sheet.png of
what ``bench data inspect my_ids/ --html sheet.html`` writes.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from bench.images.preprocess import preprocess
from bench.images.strips import segment_strip

ROOT: Final = Path(__file__).parents[1]
SAMPLES: Final = ROOT / "datasets/bench_datasets/samples/ids"
CELL: Final = 128
GAP: Final = 10
CAPTION: Final = 24
Pixels = npt.NDArray[np.uint8]


def photo(name: str) -> Pixels:
    """Return a sample, (height, width, 3)."""
    return np.asarray(Image.open(SAMPLES / name).convert("RGB").resize((384, 448)))


def on_squared_paper(pixels: Pixels) -> Pixels:
    """Return the photo with blue squares printed on its paper."""
    ruled = pixels.astype(np.float32)
    for start in range(20, max(pixels.shape), 74):
        ruled[start : start + 4] = np.minimum(ruled[start : start + 4], (150, 165, 205))
        ruled[:, start : start + 4] = np.minimum(ruled[:, start : start + 4], (150, 165, 205))
    return ruled.astype(np.uint8)


def in_the_shadow(pixels: Pixels) -> Pixels:
    """Return the photo with a shadow across it, half as bright as the rest."""
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    edge = (columns - rows * 0.5 - 60) / 60
    light = 0.45 + 0.55 / (1 + np.exp(-edge))
    return np.asarray(pixels * light[..., None], dtype=np.uint8)


def ink_of(pixels: Pixels) -> npt.NDArray[np.float64]:
    """Return how much light the ink leaves of its paper's, (height, width, 3), at most 1."""
    paper = ndimage.uniform_filter(ndimage.grey_closing(pixels, (151, 151, 1)), (61, 61, 1))
    return np.clip(pixels / (0.93 * paper.astype(np.float64)), 0, 1)


def on_a_page(digits: list[list[Pixels]], height: int, width: int, side: int) -> Pixels:
    """Return a photo of lines of digits, `side` pixels each, on paper under a lamp."""
    grain = np.random.default_rng(0).normal(0, 2, (height, width, 1))
    lamp = np.linspace(1.0, 0.86, width)[None, :, None]
    page = np.asarray((232, 229, 222)) * lamp + grain
    top = (height - side * len(digits)) // 2
    for row, line in enumerate(digits):
        left = (width - side * len(line)) // 2
        for column, one in enumerate(line):
            small = Image.fromarray(np.asarray(ink_of(one) * 255, np.uint8)).resize((side, side))
            part = np.s_[
                top + row * side : top + (row + 1) * side,
                left + column * side : left + (column + 1) * side,
            ]
            page[part] *= np.asarray(small) / 255
    return np.asarray(np.clip(page, 0, 255), dtype=np.uint8)


def faint(pixels: Pixels) -> Pixels:
    """Return the photo as if written with a hard pencil."""
    paper = np.median(pixels, axis=(0, 1))
    return np.asarray(paper - 0.06 * (paper - pixels.astype(np.float64)), dtype=np.uint8)


def cropped(pixels: Pixels) -> Pixels:
    """Return the photo without the part below the middle of the digit."""
    return pixels[: int(0.62 * len(pixels))]


def caption(draw: Any, corner: tuple[int, int], text: str) -> None:
    """Write a line under a picture."""
    draw.text(corner, text, fill="black", font=ImageFont.load_default(13))


def strip(label: str, pixels: Pixels) -> list[tuple[str, Pixels]]:
    """Return captions and pictures of one photo, from the photo to what the model sees."""
    seen = preprocess(pixels, keep_steps=True)
    steps: list[tuple[str, Any]] = [(label, pixels), *seen.steps.items()]
    if "model" not in seen.steps:
        steps.append(("model", seen.image))
    return [("what the model sees" if name == "model" else name, image) for name, image in steps]


def sheet(rows: list[list[tuple[str, Pixels]]]) -> Image.Image:
    """Return captioned pictures in rows."""
    width = max(map(len, rows)) * (CELL + GAP) + GAP
    whole = Image.new("RGB", (width, len(rows) * (CELL + CAPTION + GAP) + GAP), "white")
    draw = ImageDraw.Draw(whole)
    for row, pictures in enumerate(rows):
        for column, (text, pixels) in enumerate(pictures):
            corner = GAP + column * (CELL + GAP), GAP + row * (CELL + CAPTION + GAP)
            picture = Image.fromarray(pixels).convert("RGB")
            small = max(picture.size) <= 32
            picture = picture.resize(
                (CELL, CELL), Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
            )
            whole.paste(picture, corner)
            caption(draw, (corner[0], corner[1] + CELL + 4), text)
    return whole


def steps_picture() -> Image.Image:
    """Return three photos, step by step, as preprocessing sees them."""
    return sheet(
        [
            strip("photo", photo("person-a/1.png")),
            strip("squared paper", on_squared_paper(photo("person-b/3.png"))),
            strip("a shadow", in_the_shadow(photo("person-c/5.png"))),
        ]
    )


def taking_picture() -> Image.Image:
    """Return a good photo and five worse ones, each above what the model sees of it."""
    digit = photo("person-b/4.png")
    photos = {
        "good": digit,
        "a shadow": in_the_shadow(digit),
        "squared paper": on_squared_paper(digit),
        "too far away": on_a_page([[digit]], 900, 900, 60),
        "hard pencil": faint(digit),
        "cut off": cropped(digit),
    }
    below = []
    for name, pixels in photos.items():
        seen = preprocess(pixels)
        codes = [each.code for each in seen.faults]
        below.append((codes[0] if codes and name != "good" else "", seen.image))
    return sheet([list(photos.items()), below])


def id_photo() -> Pixels:
    """Return a photo of a whole ID, written on two lines."""
    digits = [photo(f"person-a/{number}.png") for number in range(1, 9)]
    return on_a_page([digits[:4], digits[4:]], 620, 900, 170)


def strip_picture() -> Image.Image:
    """Return the photo of a whole ID with the digits found in it marked and numbered."""
    pixels = id_photo()
    whole = Image.fromarray(pixels).convert("RGB")
    draw = ImageDraw.Draw(whole)
    height, width = pixels.shape[:2]
    digits = segment_strip(pixels).digits
    for number, digit in enumerate(digits, start=1):
        if digit.box is not None:
            top, left, bottom, right = digit.box
            box = left * width - 8, top * height - 8, right * width + 8, bottom * height + 8
            draw.rectangle(box, outline=(190, 60, 20), width=3)
            draw.text(
                (box[0], box[1] - 24),
                str(number),
                fill=(190, 60, 20),
                font=ImageFont.load_default(20),
            )
    return whole.resize((480, 331), Image.Resampling.LANCZOS)


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/tutorials"
    pictures = {
        "what-the-model-sees.png": steps_picture(),
        "taking-the-photo.png": taking_picture(),
    }
    for name, picture in pictures.items():
        picture.quantize(64).save(folder / name, optimize=True)
    strip_picture().save(folder / "a-whole-id.jpg", quality=80)
    if folder != ROOT / "docs/tutorials":
        Image.fromarray(id_photo()).save(folder / "my_id.jpg", quality=92)


if __name__ == "__main__":
    main()
