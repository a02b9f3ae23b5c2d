"""The augmentations that a Keras model can be trained with, by name."""

from typing import Final

from bench.images.augment import GENTLE, PUBLISHED, Augmentation
from bench.images.augment_handwriting import HANDWRITING

__all__ = ["AUGMENTATIONS", "Augmentation"]

AUGMENTATIONS: Final[dict[str, Augmentation]] = {
    "published": PUBLISHED,
    "gentle": GENTLE,
    "handwriting": HANDWRITING,
}
