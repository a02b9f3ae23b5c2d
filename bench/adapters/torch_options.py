"""The options that every torch model has: those of a Keras one that any loop can obey."""

from collections.abc import Mapping
from typing import Final

from bench.adapters.keras_options import TrainingOptions, standard_options
from bench.options import Option, Options, OptionValue

__all__ = ["DEVICE", "DEVICES", "own_training_options", "standard_torch_options"]

DEVICE: Final = "device"
DEVICES: Final = ("auto", "cpu", "cuda", "mps")
_TRAINING: Final = (
    "epochs",
    "batch_size",
    "learning_rate",
    "learning_rate_schedule",
    "optimizer",
    "steps_per_epoch",
    "drop_last",
    "validation_fraction",
    "reduce_lr_on_plateau",
    "early_stopping",
)


def own_training_options(options: Options) -> TrainingOptions:
    """Take the training options out of a model's; one of the module's own stays its own."""
    return TrainingOptions.of({name: options[name] for name in _TRAINING if name in options})


def standard_torch_options(defaults: Mapping[str, OptionValue]) -> dict[str, Option]:
    """Return the options of a torch model, with its own defaults."""
    known = standard_options(defaults)
    return {name: known[name] for name in _TRAINING} | {
        DEVICE: Option(
            default="auto",
            choices=DEVICES,
            help="what it trains on; auto: a GPU where torch finds one",
        )
    }
