"""The harness of digitbench: train every digit recogniser on every digit dataset and compare them.

The public names load on first use, so that importing ``bench`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.adapters.keras import keras_classifier, keras_model
    from bench.adapters.sklearn import sklearn_classifier
    from bench.adapters.torch import torch_classifier, torch_model
    from bench.errors import BenchError, DataError
    from bench.hookspecs import hookimpl
    from bench.options import Option
    from bench.planning.request import Request
    from bench.report.notebook import load_boards, load_trial
    from bench.session import load_results, run
    from bench.session.data import dataset_from, load_dataset
    from bench.spec import (
        Classifier,
        Dataset,
        DatasetSpec,
        Description,
        Epoch,
        FitContext,
        ImageSet,
        MetricSpec,
        ModelSpec,
        Predictions,
        ReporterSpec,
        Style,
    )

__version__ = "0.1.0"

_HOMES = {
    "BenchError": "bench.errors",
    "Classifier": "bench.spec",
    "DataError": "bench.errors",
    "Dataset": "bench.spec",
    "DatasetSpec": "bench.spec",
    "Description": "bench.spec",
    "Epoch": "bench.spec",
    "FitContext": "bench.spec",
    "ImageSet": "bench.spec",
    "LabelError": "bench.spec",
    "MetricSpec": "bench.spec",
    "ModelSpec": "bench.spec",
    "Option": "bench.options",
    "Predictions": "bench.spec",
    "ReporterSpec": "bench.spec",
    "Request": "bench.planning.request",
    "Style": "bench.spec",
    "dataset_from": "bench.session.data",
    "hookimpl": "bench.hookspecs",
    "keras_classifier": "bench.adapters.keras",
    "keras_model": "bench.adapters.keras",
    "load_boards": "bench.report.notebook",
    "load_dataset": "bench.session.data",
    "load_results": "bench.session",
    "load_trial": "bench.report.notebook",
    "run": "bench.session",
    "sklearn_classifier": "bench.adapters.sklearn",
    "torch_classifier": "bench.adapters.torch",
    "torch_model": "bench.adapters.torch",
}

__all__ = [
    "BenchError",
    "Classifier",
    "DataError",
    "Dataset",
    "DatasetSpec",
    "Description",
    "Epoch",
    "FitContext",
    "ImageSet",
    "LabelError",
    "MetricSpec",
    "ModelSpec",
    "Option",
    "Predictions",
    "ReporterSpec",
    "Request",
    "Style",
    "__version__",
    "dataset_from",
    "hookimpl",
    "keras_classifier",
    "keras_model",
    "load_boards",
    "load_dataset",
    "load_results",
    "load_trial",
    "run",
    "sklearn_classifier",
    "torch_classifier",
    "torch_model",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
