"""``cnn-mnist-wide-augmented``: ``cnn-mnist-wide`` trained on rotated, zoomed, shifted images."""

from typing import TYPE_CHECKING, Any

from bench import hookimpl, keras_model
from bench_plugins import _first_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, ModelSpec


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 887,530 parameters on 28×28×1 images and 10 classes."""
    return _first_report.network(_first_report.TWO_POOLS, context)


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    register(
        keras_model(
            name="cnn-mnist-wide-augmented",
            summary="cnn-mnist-wide, trained on images rotated, zoomed and shifted at random",
            network=network,
            epochs=10,
            batch_size=86,
            drop_last=True,
            augment="published",
            min_side=4,
            # Shifts of .3 bring a house number's neighbours into the middle: more than a first look
            # can learn from.
            embedded_options={
                "epochs": 3,
                "batch_size": 8,
                "learning_rate": 0.0004,
                "learning_rate_schedule": "cosine",
                "dropout": 0.0,
                "augment": "gentle",
            },
            seconds_per_image=0.0285,
        )
    )
