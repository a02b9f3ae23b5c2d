"""``cnn-mnist-4pool``: four convolutions, each with a pool; the first report's plain network."""

from typing import TYPE_CHECKING, Any

from bench import hookimpl, keras_model
from bench_plugins import _first_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.spec import BuildContext, ModelSpec


def network(context: "BuildContext") -> Any:
    """Return the untrained network; 101,098 parameters on 28×28×1 images and 10 classes."""
    return _first_report.network(_first_report.FOUR_POOLS, context)


@hookimpl
def bench_register_models(register: "Callable[[ModelSpec], None]") -> None:
    """Register the model."""
    register(
        keras_model(
            name="cnn-mnist-4pool",
            summary="four convolutions, four pools, dropout; the first report's plain network",
            network=network,
            epochs=10,
            batch_size=86,
            drop_last=True,
            min_side=16,
            # With dropout it takes some hundred steps on faint digits before anything is learnt.
            embedded_options={
                "epochs": 4,
                "batch_size": 8,
                "learning_rate": 0.0007,
                "learning_rate_schedule": "cosine",
                "dropout": 0.0,
            },
            seconds_per_image=0.0072,
        )
    )
