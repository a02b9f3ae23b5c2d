"""From a dataset plugin and its files to splits in a memory-mapped cache."""

from bench.loading.cache import (
    CacheEntry,
    cache_entries,
    cache_folder,
    cache_in_use,
    clean_cache,
    image_hashes,
    open_split,
)
from bench.loading.duplicates import near_duplicate_pairs
from bench.loading.files import data_dirs, find_files
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset, SplitRef
from bench.loading.validate import check_dataset

__all__ = [
    "CacheEntry",
    "LoadedDataset",
    "SplitRef",
    "cache_entries",
    "cache_folder",
    "cache_in_use",
    "check_dataset",
    "clean_cache",
    "data_dirs",
    "find_files",
    "image_hashes",
    "load_dataset",
    "near_duplicate_pairs",
    "open_split",
]
