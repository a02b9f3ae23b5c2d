"""``cnn-mnist-compact``: two convolutions, two pools; the textbook network for MNIST."""

from typing import TYPE_CHECKING, Any

from bench import hookimpl, keras_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, ModelSpec


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 225,034 parameters on 28×28×1 images and 10 classes."""
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D

    return Sequential(
        [
            Input(context.image_shape),
            Conv2D(32, 3, activation="relu"),
            MaxPooling2D(2),
            Conv2D(64, 3, activation="relu"),
            MaxPooling2D(2),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(context.n_classes, activation="softmax"),
        ]
    )


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    register(
        keras_model(
            name="cnn-mnist-compact",
            summary="two convolutions, two pools; the textbook network for MNIST",
            network=network,
            epochs=10,
            batch_size=200,
            min_side=10,
            embedded_options={"epochs": 5, "batch_size": 50},
            seconds_per_image=0.0033,
        )
    )
