"""Make docs/tutorials/what-the-model-sees.png: photos, step by step, as preprocessing sees them.

The photos are samples that ship (UCI scans drawn on paper); squares and a shadow are added here, so
that the picture shows what preprocessing has to cope with and nobody's handwriting is published.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench.images.preprocess import preprocess

ROOT: Final = Path(__file__).parents[1]
SAMPLES: Final = ROOT / "datasets/bench_datasets/samples/ids"
TARGET: Final = ROOT / "docs/tutorials/what-the-model-sees.png"
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


def strip(label: str, pixels: Pixels) -> list[tuple[str, Pixels]]:
    """Return captions and pictures of one photo, from the photo to what the model sees."""
    seen = preprocess(pixels, keep_steps=True)
    steps: list[tuple[str, Any]] = [(label, pixels), *seen.steps.items()]
    if "model" not in seen.steps:
        steps.append(("model", seen.image))
    return [("what the model sees" if name == "model" else name, image) for name, image in steps]


def main() -> None:
    """Write the picture."""
    strips = [
        strip("photo", photo("person-a/1.png")),
        strip("squared paper", on_squared_paper(photo("person-b/3.png"))),
        strip("a shadow", in_the_shadow(photo("person-c/5.png"))),
    ]
    width = len(strips[0]) * (CELL + GAP) + GAP
    sheet = Image.new("RGB", (width, len(strips) * (CELL + CAPTION + GAP) + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for row, pictures in enumerate(strips):
        for column, (caption, pixels) in enumerate(pictures):
            corner = GAP + column * (CELL + GAP), GAP + row * (CELL + CAPTION + GAP)
            picture = Image.fromarray(pixels).convert("RGB")
            small = max(picture.size) <= 32
            picture = picture.resize(
                (CELL, CELL), Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
            )
            sheet.paste(picture, corner)
            draw.text((corner[0], corner[1] + CELL + 4), caption, fill="black", font=font)
    sheet.quantize(128).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
