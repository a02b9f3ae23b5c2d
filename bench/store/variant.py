"""What a trial or a row differs by from the defaults: a value, and the words for it."""

from typing import Final

import msgspec

__all__ = ["EXTERNAL", "FINE_TUNED", "MODEL_FILE", "SHIPPED", "Variant", "label_of", "option_words"]

EXTERNAL: Final = "external"
"""The origin of predictions that another program made."""
MODEL_FILE: Final = "model file"
"""The origin of a model that was trained elsewhere and is read here."""

_TRAIN_IMAGES: Final = "train_images"  # the harness's option of every model
FINE_TUNED: Final = "fine-tuned"
SHIPPED: Final = "shipped"
_TEXT_SHOWN: Final = 12


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What differs from the defaults; nothing of a row that is as its model's author meant it."""

    budget: str = "full"
    options: dict[str, bool | int | float | str] = {}  # those that differ
    precision: str = ""  # where `auto` takes another
    origin: str = ""  # EXTERNAL or MODEL_FILE: it was not trained by this program
    is_shipped: bool = False
    is_fine_tuned: bool = False  # on the test dataset itself, in folds
    fold: int = 0  # of a fine-tuning, from 1; 0 for all of them
    n_folds: int = 0
    quantize: str = ""  # int8: its weights were made 8 bit after the training
    other: tuple[str, ...] = ()  # words of an earlier record that no field explains

    @property
    def words(self) -> str:
        """What tells it apart, in words; empty for the defaults."""
        return ", ".join(self.parts)

    @property
    def parts(self) -> list[str]:
        """The words of each thing that differs."""
        each = (
            self.budget if self.budget != "full" else "",
            *(option_words(name, value) for name, value in self.options.items()),
            self.precision,
            self.origin,
            SHIPPED if self.is_shipped else "",
            FINE_TUNED if self.is_fine_tuned else "",
            f"fold {self.fold} of {self.n_folds}" if self.fold else "",
            *self.other,
            self.quantize,
        )
        return [words for words in each if words]

    @property
    def is_partial(self) -> bool:
        """Whether it was trained on a part of the training images, named by number."""
        return _TRAIN_IMAGES in self.options

    def of_any_size(self) -> "Variant":
        """Return it without the number of training images."""
        rest = {name: value for name, value in self.options.items() if name != _TRAIN_IMAGES}
        return msgspec.structs.replace(self, options=rest)


def label_of(model: str, variant: str) -> str:
    """Return a model's name with its variant, as worded, in brackets: how a row is named."""
    return f"{model} ({variant})" if variant else model


def option_words(name: str, value: bool | int | float | str) -> str:
    """Return how an option that differs is worded: ``epochs=3``."""
    return f"{name}={value[:_TEXT_SHOWN] if isinstance(value, str) else format(value, 'g')}"
