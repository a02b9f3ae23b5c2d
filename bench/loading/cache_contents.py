"""What lies in the data cache, how large it is, and taking it away."""

import shutil
from pathlib import Path

import msgspec

from bench.errors import BenchError
from bench.loading.cache import cache_error, cache_folder
from bench.loading.in_use import held
from bench.loading.refs import LoadedDataset

__all__ = ["CacheEntry", "cache_entries", "clean_cache"]
_PARTS = ("splits", "index", "work")


class CacheEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the cache holds."""

    kind: str  # "split", "index" or "work"
    name: str
    used_by: str = ""  # for a split: the datasets it was loaded for, "mnist training"
    folder: str
    size_bytes: int


def cache_entries(cache: Path | None = None) -> list[CacheEntry]:
    """Return what the cache holds, with sizes; empty where there is no cache."""
    root = cache_folder(cache)
    owners = _owners(root)
    entries = []
    for part in _PARTS:
        folder = root / part
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            kind = {"splits": "split"}.get(part, part)
            size_bytes = sum(f.stat().st_size for f in [path, *path.rglob("*")] if f.is_file())
            if size_bytes:
                entries.append(
                    CacheEntry(
                        kind=kind,
                        name=path.name,
                        used_by=", ".join(sorted(owners.get(path.name, ()))),
                        folder=str(path),
                        size_bytes=size_bytes,
                    )
                )
    return entries


def _owners(root: Path) -> dict[str, set[str]]:
    """Return for each split's hash the datasets whose index names it."""
    owners: dict[str, set[str]] = {}
    for index in (root / "index").glob("*.json"):
        try:
            loaded = msgspec.json.decode(index.read_bytes(), type=LoadedDataset)
        except (OSError, msgspec.MsgspecError):  # torn or of another version
            continue
        for which, split in (("training", loaded.train), ("test", loaded.test)):
            if split is not None:
                owners.setdefault(split.content_hash, set()).add(f"{loaded.name} {which}")
    return owners


def clean_cache(cache: Path | None = None) -> int:
    """Delete the cache's contents; everything in it can be made again.

    Returns
    -------
    int
        The bytes freed.

    Raises
    ------
    BenchError
        If a run is reading it, or something in it cannot be deleted.
    """
    root = cache_folder(cache)
    if not root.is_dir():
        return 0
    with held(root, alone=True) as is_free:
        if not is_free:
            raise BenchError(
                f"the data cache in {root} is in use",
                why="a run is reading it",
                fix="clean it when that run has ended",
            )
        freed = sum(entry.size_bytes for entry in cache_entries(root))
        try:
            # The index first: it points at the splits.
            for part in ("index", "splits", "work", "sources", "harness"):
                if (root / part).is_dir():
                    shutil.rmtree(root / part)
        except OSError as error:
            raise cache_error(root, error) from error
    return freed
