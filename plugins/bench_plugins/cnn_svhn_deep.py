"""``cnn-svhn-deep``: four convolutions with batch normalisation, the SVHN notebook's second."""

from typing import TYPE_CHECKING, Any

from bench import hookimpl, keras_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, ModelSpec


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 164,362 parameters on 32×32×1 images and 10 classes."""
    from keras import Input, Sequential
    from keras.layers import (
        BatchNormalization,
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        LeakyReLU,
        MaxPooling2D,
    )

    return Sequential(
        [
            Input(context.image_shape),
            Conv2D(16, 3, padding="same"),
            LeakyReLU(0.1),
            Conv2D(32, 3, padding="same"),
            LeakyReLU(0.1),
            MaxPooling2D(2),
            BatchNormalization(),
            Conv2D(32, 3, padding="same"),
            LeakyReLU(0.1),
            Conv2D(64, 3, padding="same"),
            LeakyReLU(0.1),
            MaxPooling2D(2),
            BatchNormalization(),
            Flatten(),
            Dense(32),
            LeakyReLU(0.1),
            Dropout(0.5),
            Dense(context.n_classes, activation="softmax"),
        ]
    )


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    register(
        keras_model(
            name="cnn-svhn-deep",
            summary="four convolutions, batch normalisation; the SVHN notebook's second network",
            network=network,
            epochs=30,
            batch_size=128,
            validation_fraction=0.2,
            min_side=4,
            # Batch normalisation needs hundreds of steps before its averages can be used.
            embedded_options={
                "epochs": 6,
                "batch_size": 8,
                "learning_rate": 0.0015,
                "learning_rate_schedule": "cosine",
            },
            seconds_per_image=0.026,
        )
    )
