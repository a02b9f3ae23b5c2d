"""What the data cache still holds of a test split: its pixels, and where its photos lie."""

from pathlib import Path, PurePath

import msgspec
import numpy as np
import numpy.typing as npt

from bench.images.sample_names import split_page
from bench.loading.cache import cache_folder
from bench.loading.refs import LoadedDataset

__all__ = ["cached_pixels", "photo_folder", "photo_of"]


def cached_pixels(test_hash: str) -> npt.NDArray[np.generic] | None:
    """Return a test split's pixels from the data cache, memory-mapped; None where it is absent."""
    try:
        pixels: npt.NDArray[np.generic] = np.load(
            cache_folder() / "splits" / test_hash / "pixels.npy", mmap_mode="r", allow_pickle=False
        )
    except (OSError, ValueError):
        return None
    return pixels


def photo_folder(test_hash: str) -> tuple[Path, float] | None:
    """Return the folder that a test split was read from, and when; None where it is not known."""
    for index in sorted((cache_folder() / "index").glob("*.json")):
        try:
            loaded = msgspec.json.decode(index.read_bytes(), type=LoadedDataset)
            when = index.stat().st_mtime
        except (OSError, msgspec.MsgspecError):  # torn or of another version
            continue
        is_it = loaded.test is not None and loaded.test.content_hash == test_hash
        if is_it and loaded.folder and Path(loaded.folder).is_dir():
            return Path(loaded.folder), when
    return None


def photo_of(folder: Path, read_at: float, name: str) -> Path | None:
    """Return a photo of the folder; None where it is gone or was changed since it was read.

    `name` comes from a store: one that leads elsewhere is no photo of the folder's. A page of a
    file has the file's name with its page, as `bench.images.decode.read_photo` takes.
    """
    file = PurePath(split_page(name)[0])
    if file.is_absolute() or ".." in file.parts:
        return None
    try:
        is_same = (folder / file).is_file() and (folder / file).stat().st_mtime <= read_at
    except (OSError, ValueError):  # a name that no file can have
        return None
    return folder / name if is_same else None
