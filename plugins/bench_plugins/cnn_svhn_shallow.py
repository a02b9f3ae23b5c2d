"""``cnn-svhn-shallow``: two convolutions and one pool, the first network of the SVHN notebook."""

from typing import TYPE_CHECKING, Any

from bench import hookimpl, keras_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, ModelSpec


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 267,306 parameters on 32×32×1 images and 10 classes."""
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten, LeakyReLU, MaxPooling2D

    return Sequential(
        [
            Input(context.image_shape),
            Conv2D(16, 3, padding="same"),
            LeakyReLU(0.1),
            Conv2D(32, 3, padding="same"),
            LeakyReLU(0.1),
            MaxPooling2D(2),
            Flatten(),
            Dense(32),
            LeakyReLU(0.1),
            Dense(context.n_classes, activation="softmax"),
        ]
    )


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    register(
        keras_model(
            name="cnn-svhn-shallow",
            summary="two convolutions, one pool; the SVHN notebook's first network",
            network=network,
            epochs=20,
            batch_size=32,
            validation_fraction=0.2,
            min_side=2,
            embedded_options={
                "epochs": 6,
                "batch_size": 16,
                "learning_rate_schedule": "cosine",
            },
            seconds_per_image=0.0072,
        )
    )
