"""The options that every Keras model has."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from bench.errors import OptionError
from bench.images.augmentations import AUGMENTATIONS
from bench.options import Option, Options, OptionValue

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "TrainingOptions",
    "require_one_schedule",
    "standard_options",
]

OPTIMIZERS = ("adam", "sgd", "rmsprop", "adamw", "nadam", "adagrad")
SCHEDULES = ("constant", "cosine")

_STANDARD: Final = {
    "epochs": Option(default=10, minimum=1, help="passes over the training images"),
    "batch_size": Option(default=128, minimum=1, help="images a step"),
    "learning_rate": Option(
        default=0.001, minimum=1e-8, maximum=100.0, help="step size at the start"
    ),
    "learning_rate_schedule": Option(
        default="constant",
        choices=SCHEDULES,
        help="how the step size changes; cosine: it falls to 1 % by the end",
    ),
    "optimizer": Option(default="adam", choices=OPTIMIZERS, help="how weights are updated"),
    "steps_per_epoch": Option(
        default=0, minimum=0, help="at most so many steps an epoch; 0: all images"
    ),
    "drop_last": Option(
        default=False, help="leave out the images that do not fill a batch (others each epoch)"
    ),
    "validation_fraction": Option(
        default=0.0,
        minimum=0.0,
        maximum=0.9,
        help="the last share of the images, held back to watch the training",
    ),
    "augment": Option(
        default="none",
        choices=("none", *AUGMENTATIONS),
        help="change each image at random: published is rotation 10°, zoom .3, shifts .3; "
        "handwriting bends, slants, thickens and soils light ink on dark",
    ),
    "reduce_lr_on_plateau": Option(
        default=0,
        minimum=0,
        help="halve the learning rate after so many epochs without a better loss; 0: never",
    ),
    "early_stopping": Option(
        default=0,
        minimum=0,
        help="stop after so many epochs without a better loss, keep the best; 0: never",
    ),
    "dropout": Option(
        default=-1.0,
        minimum=-1.0,
        maximum=0.95,
        help="rate of every dropout layer, or of one before the last layer; -1: as published",
    ),
    "initial_weights": Option(default="", help="id of a trial whose weights to start from"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How a network is trained; each field is an option of the same name."""

    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.001
    learning_rate_schedule: str = "constant"
    optimizer: str = "adam"
    steps_per_epoch: int = 0
    drop_last: bool = False
    validation_fraction: float = 0.0
    augment: str = "none"
    reduce_lr_on_plateau: int = 0
    early_stopping: int = 0
    dropout: float = -1.0
    initial_weights: str = ""

    @classmethod
    def of(cls, options: Options) -> "TrainingOptions":
        """Take the training options out of a model's; one it does not declare has its default."""
        values: dict[str, Any] = {
            field.name: options[field.name] for field in fields(cls) if field.name in options
        }
        return cls(**values)


def require_one_schedule(options: TrainingOptions) -> None:
    """Raise where two options would set the learning rate.

    Raises
    ------
    OptionError
        If a plateau is watched for beside a schedule.
    """
    if options.reduce_lr_on_plateau and options.learning_rate_schedule != "constant":
        raise OptionError(
            f"reduce_lr_on_plateau={options.reduce_lr_on_plateau}",
            why=f"the {options.learning_rate_schedule} schedule sets the learning rate",
            fix="set one of the two",
        )


def standard_options(defaults: Mapping[str, OptionValue]) -> dict[str, Option]:
    """Return the options of `TrainingOptions`, with a model's own defaults."""
    return {
        name: option if name not in defaults else _with_default(option, defaults[name])
        for name, option in _STANDARD.items()
    }


def _with_default(option: Option, default: OptionValue) -> Option:
    return Option(
        default=default,
        help=option.help,
        choices=option.choices,
        minimum=option.minimum,
        maximum=option.maximum,
    )
