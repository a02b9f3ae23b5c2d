"""Prints a hash of everything that becomes data, as JSON.

A script, so that a test can run it on another processor's instructions. After a change that is
meant to change data: ``python tests/images/data_digests.py > tests/images/data_digests.json``.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.images.augmentations import AUGMENTATIONS, augmentation
from bench.images.corruptions import CORRUPTIONS, corrupt
from bench.images.european_ones import with_flags
from bench.images.near_duplicates import near_duplicates, perceptual_hash
from bench.images.preprocess import preprocess
from bench.images.preprocess_options import MODES, PreprocessOptions
from bench.images.shape import adapt
from bench.images.strips import segment_strip
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.plugins.discovery import load_plugins
from bench.spec import as_float

Bytes = npt.NDArray[np.uint8]


def embedded(folder: Path) -> dict[str, str]:
    """Return the content hashes of the sets that are always there."""
    plugins = load_plugins()
    found = {}
    for name in ("digits-uci", "synthetic-house-numbers", "sample-ids"):
        loaded = load_dataset(plugins.datasets[name], settings={}, cache_dir=folder)
        for split in ("train", "test"):
            if (ref := getattr(loaded, split)) is not None:
                found[f"{name} {split}"] = ref.content_hash
        if name == "digits-uci":
            assert loaded.train is not None
            split_of_digits = open_split(loaded.train)
            assert split_of_digits.labels is not None
            digits, labels = split_of_digits.pixels[:400], split_of_digits.labels[:400]
    for name, arrays in made_of(np.asarray(digits), np.asarray(labels)).items():
        found[name] = _digest(arrays())
    return found


def made_of(
    digits: Bytes, labels: npt.NDArray[np.int64]
) -> dict[str, Callable[[], Iterator[npt.NDArray[Any]]]]:
    """Return what makes data of scans, (n, 28, 28, 1), and their labels, by name."""
    return {
        "shape": lambda: _reshaped(as_float(digits[:64])),
        "corruptions": lambda: _corrupted(as_float(digits[:4])),
        "augmentations": _augmented,
        "european ones": lambda: iter([with_flags(digits[labels == 1], np.random.default_rng(3))]),
        "near-duplicates": lambda: _compared(digits),
        "photos": lambda: _photographed(digits[:10, ..., 0]),
    }


def _digest(arrays: Iterator[npt.NDArray[Any]]) -> str:
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _colours(greys: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    tints = np.array([1.0, 0.7, 0.35], dtype=np.float32)
    return np.asarray(greys * tints, dtype=np.float32)


def _reshaped(greys: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[Any]]:
    for shape in ((32, 32, 1), (14, 20, 1), (8, 8, 1), (64, 61, 3)):
        yield adapt(greys, shape)
        yield adapt(_colours(greys), shape)


def _corrupted(greys: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[Any]]:
    for name, corruption in CORRUPTIONS.items():
        for strength in corruption.strengths:
            yield corrupt(greys, name, strength)
            yield corrupt(_colours(adapt(greys, (32, 32, 1))), name, strength)


def _augmented() -> Iterator[npt.NDArray[Any]]:
    for name in AUGMENTATIONS:
        found = augmentation(name)
        assert found is not None
        yield found.draw(np.random.default_rng(7), 20_000, (28, 28, 1))


def _compared(digits: Bytes) -> Iterator[npt.NDArray[Any]]:
    saved_again = np.rint(digits[::3] * 0.9).astype(np.uint8)
    yield perceptual_hash(digits)
    yield near_duplicates(digits, saved_again)


def _photographed(digits: Bytes) -> Iterator[npt.NDArray[Any]]:
    for index, digit in enumerate(digits):
        photo = _page([digit], index)
        for mode in MODES:
            seen = preprocess(photo, PreprocessOptions(preprocess=mode))
            yield from (seen.image, *seen.looks)
    for digit in segment_strip(_page(list(digits[:6]), 5)).digits:
        yield digit.image


def _page(digits: list[Bytes], index: int) -> Bytes:
    """Return a photo of digits side by side: ink on paper, in uneven light, ruled or not."""
    generator = np.random.default_rng(index)
    ink = np.concatenate([np.kron(digit, np.ones((7, 7))) for digit in digits], axis=1) / 255
    ink = np.pad(ink, 90 + 20 * index)
    height, width = ink.shape
    light = 150 + 0.1 * np.arange(height)[:, None] + 0.07 * np.arange(width)
    if index % 3 == 2:
        ink[20::45] = np.maximum(ink[20::45], 0.4)
    grain = generator.integers(-4, 5, ink.shape)
    grey = np.clip(light * (1 - (0.3 + 0.05 * index) * ink) + grain, 0, 255)
    if index % 4 == 3:
        grey = 255 - grey
    tints = np.array([1.0, 0.97, 0.9]) if index % 2 else np.array([0.95, 0.95, 0.95])
    return np.asarray(grey[..., None] * tints, dtype=np.uint8)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        json.dump(embedded(Path(place)), sys.stdout, indent=2)
        sys.stdout.write("\n")
