"""Make the pictures of ``sample-ids`` again, from scans that ``digits-uci`` leaves out.

Run from the repository root: ``python script/make_samples.py [FOLDER]``. The same scans and seed
give the same pixels.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench_datasets._sample_rows import SAMPLE_PERSONS
from bench_datasets.digits_uci import read_scans

SAMPLES = Path(__file__).parents[1] / "datasets" / "bench_datasets" / "samples" / "ids"
_HEIGHT, _WIDTH = 144, 120
_INK_SIDE = 60
_SHADE_STEP = 4  # coarser shades than a camera's: a third of the bytes


def make_samples(folder: Path) -> None:
    """Write one folder of pictures a person, and ``ids.csv``."""
    from PIL import Image

    scans, _ = read_scans()
    rng = np.random.default_rng(8)
    lines = ["person,id"]
    for person, (digits, rows) in SAMPLE_PERSONS.items():
        lines.append(f"{person},{digits}")
        own = folder / person
        own.mkdir(parents=True, exist_ok=True)
        paper = rng.uniform(188, 232)
        ink = rng.uniform(40, 80)
        for place, row in enumerate(rows, start=1):
            picture = photograph(scans[row], paper, ink, rng)
            Image.fromarray(picture).save(own / f"{place}.png", optimize=True)
    (folder / "ids.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def photograph(
    scan: npt.NDArray[np.float32], paper: float, ink: float, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return a scan, (8, 8) with ink 1, as dark ink on unevenly lit paper, uint8."""
    from PIL import Image

    large = Image.fromarray(scan).resize((_INK_SIDE, _INK_SIDE), Image.Resampling.BICUBIC)
    # A pen's edge is steeper than that of eight enlarged pixels.
    edge = np.clip((np.asarray(large) - 0.35) / 0.28, 0, 1)
    stroke = edge * edge * (3 - 2 * edge)
    mask = np.zeros((_HEIGHT, _WIDTH))
    top = (_HEIGHT - _INK_SIDE) // 2 + int(rng.integers(-20, 21))
    left = (_WIDTH - _INK_SIDE) // 2 + int(rng.integers(-16, 17))
    mask[top : top + _INK_SIDE, left : left + _INK_SIDE] = stroke
    down, across = np.mgrid[-1 : 1 : _HEIGHT * 1j, -1 : 1 : _WIDTH * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0.03, 0.12) * (across * np.cos(angle) + down * np.sin(angle))
    grain = rng.normal(0, 1.2, mask.shape)
    shades = (paper + (ink - paper) * mask) * light + grain
    coarse = np.clip(shades, 0, 255) // _SHADE_STEP * _SHADE_STEP
    return np.asarray(coarse, dtype=np.uint8)


if __name__ == "__main__":
    make_samples(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
