"""``cnn-robust``: a small batch-normalised network trained for handwriting in photos.

Three things make it read other people's digits: every training image is changed at random, in each
epoch another way (`bench.images.augment_handwriting`); flags are drawn to copies of the digit 1,
which MNIST's writers hardly ever wrote (`bench.images.european_ones`); and the learning rate falls
to almost nothing along a cosine.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import Option, hookimpl
from bench.adapters.keras import KerasClassifier, keras_model
from bench.errors import BenchError
from bench.spec import ImageSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, FitContext, ModelSpec

_FLAGGED_SHARE: Final = 0.7
# Trained on MNIST by script/make_shipped.py's commands; its record says how.
_SHIPPED: Final = Path(__file__).parent / "shipped" / "cnn-robust"


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 293,794 parameters on 28×28×1 images and 10 classes."""
    from keras import Input, Sequential
    from keras.layers import (
        Activation,
        BatchNormalization,
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        MaxPooling2D,
    )

    def convolution(filters: int, strides: int = 1) -> list[Any]:
        return [
            Conv2D(filters, 3, strides=strides, padding="same", use_bias=False),
            BatchNormalization(momentum=0.9),
            Activation("relu"),
        ]

    return Sequential(
        [
            Input(context.image_shape),
            *convolution(24),
            *convolution(40, strides=2),
            *convolution(64),
            *convolution(64),
            MaxPooling2D(2),
            *convolution(96),
            MaxPooling2D(2),
            Flatten(),
            Dropout(0.15),
            Dense(192, use_bias=False),
            BatchNormalization(momentum=0.9),
            Activation("relu"),
            Dropout(0.15),
            Dense(context.n_classes, activation="softmax"),
        ]
    )


class RobustClassifier(KerasClassifier):
    """The network, trained on more digits 1 than there are; all else is `KerasClassifier`'s."""

    def fit(self, train: ImageSet, context: "FitContext") -> None:
        """Train a new network on all of `train`, or go on from a checkpoint."""
        if train.shape[2] not in (1, 3):
            raise BenchError("cnn-robust", why="it is made for grey or RGB images")
        if context.options["european_ones"]:
            train = with_european_ones(train, context)
        super().fit(train, context)


def with_european_ones(train: ImageSet, context: "FitContext") -> ImageSet:
    """Return `train` with copies of its digits 1 that have a flag, if it has such a class."""
    import numpy as np

    from bench.images.european_ones import with_flags

    if "1" not in context.classes or train.labels is None:
        return train
    generator = np.random.default_rng([context.seed, 2])
    ones = np.flatnonzero(train.labels == context.classes.index("1"))
    ones = ones[generator.random(len(ones)) < _FLAGGED_SHARE]
    if not len(ones):
        return train
    pixels = np.asarray(train.pixels)
    own = pixels[ones]
    in_bytes = own if own.dtype == np.uint8 else np.round(own * 255).astype(np.uint8)
    flagged: Any = with_flags(in_bytes, generator)
    if pixels.dtype != np.uint8:
        flagged = flagged.astype(pixels.dtype) / 255
    return ImageSet(
        pixels=np.concatenate([pixels, flagged]),
        labels=np.concatenate([train.labels, train.labels[ones]]),
    )


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    usual = keras_model(
        name="cnn-robust",
        summary="five convolutions trained on bent, slanted, thick, thin and noisy digits",
        network=network,
        epochs=15,
        batch_size=100,
        learning_rate=0.002,
        learning_rate_schedule="cosine",
        augment="handwriting",
        options={
            "european_ones": Option(
                default=True,
                help="also train on copies of the digit 1 that have a flag and a foot",
            )
        },
        min_side=12,
        embedded_options={"epochs": 5, "batch_size": 25},
        seconds_per_image=0.03,
    )
    register(replace(usual, build=_build, load=_load, shipped=_SHIPPED))


def _build(context: "BuildContext") -> KerasClassifier:
    return RobustClassifier(network, context)


def _load(folder: "Path", context: "BuildContext") -> KerasClassifier:
    classifier = RobustClassifier(network, context)
    classifier.read(folder)
    return classifier
