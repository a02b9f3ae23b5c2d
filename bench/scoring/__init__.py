"""Pure functions on predictions: metrics, intervals, paired tests, ties."""

from typing import Final

__all__ = ["METRICS_VERSION"]

METRICS_VERSION: Final = 1
"""Part of the key of the derived index: raised when a built-in metric or interval changes."""
