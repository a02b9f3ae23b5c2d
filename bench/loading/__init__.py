"""From a dataset plugin and its files to splits in a memory-mapped cache."""

from typing import Any

__all__ = ["load_dataset"]


def __getattr__(name: str) -> Any:
    """Import `load_dataset` when it is asked for: listing plugins needs no reader."""
    if name != "load_dataset":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.loading.load import load_dataset

    return load_dataset
