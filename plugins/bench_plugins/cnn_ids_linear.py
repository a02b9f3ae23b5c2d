"""``cnn-ids-linear``: one convolution without activation; the student-ID experiment's network."""

from typing import TYPE_CHECKING, Any

from bench import hookimpl, keras_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, ModelSpec


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 866,798 parameters on 28×28×1 images and 10 classes."""
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten, Softmax

    return Sequential(
        [
            Input(context.image_shape),
            Conv2D(10, 3),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(context.n_classes),
            Softmax(),
        ]
    )


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    register(
        keras_model(
            name="cnn-ids-linear",
            summary="one convolution without activation; the student-ID experiment's network",
            network=network,
            epochs=3,
            batch_size=128,
            min_side=3,
            seconds_per_image=0.00054,
        )
    )
