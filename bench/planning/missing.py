"""Engines that a model computes with and that are not installed: a reason, not an error."""

from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from bench.planning.identity import requirements, sources_of
from bench.plugins.finding import Candidate
from bench.spec import ModelSpec

__all__ = ["missing_engine"]

# Distribution -> the extra of digitbench that brings it. The others come with digitbench itself.
_EXTRAS: Final = MappingProxyType(
    {"torch": "torch", "lightgbm": "boosting", "xgboost": "boosting", "catboost": "boosting"}
)


def missing_engine(spec: ModelSpec, home: Candidate) -> str:
    """Return which engine of a model is not installed and how to get it; empty where none is."""
    for name in requirements(spec, sources_of(home)):
        if name in _EXTRAS and find_spec(name) is None:
            return f"{name} is not installed: pip install 'digitbench[{_EXTRAS[name]}]'"
    return ""
