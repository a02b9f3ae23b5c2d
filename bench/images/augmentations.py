"""The augmentations that a Keras model can be trained with, by name."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.images.augment import Augmentation

__all__ = ["AUGMENTATIONS", "augmentation"]

# Loaded when one is used: their names are shown without numpy.
_MODULES: Final = {
    "published": "bench.images.augment",
    "gentle": "bench.images.augment",
    "handwriting": "bench.images.augment_handwriting",
}
AUGMENTATIONS: Final = tuple(_MODULES)


def augmentation(name: str) -> "Augmentation | None":
    """Return the augmentation of this name; None for ``none``."""
    if name not in _MODULES:
        return None
    found: Augmentation = getattr(import_module(_MODULES[name]), name.upper())
    return found
