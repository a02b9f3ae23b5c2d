"""``cnn-mnist-wide``: four convolutions, two pools; the first report's larger network."""

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
            name="cnn-mnist-wide",
            summary="four convolutions, two pools, dropout; the first report's larger network",
            network=network,
            epochs=10,
            batch_size=86,
            drop_last=True,
            min_side=4,
            # With dropout it takes some hundred steps on faint digits before anything is learnt.
            embedded_options={
                "epochs": 2,
                "batch_size": 8,
                "learning_rate": 0.0004,
                "learning_rate_schedule": "cosine",
                "dropout": 0.0,
            },
            seconds_per_image=0.0275,
        )
    )
