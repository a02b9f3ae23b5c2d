"""What plugins exchange with the harness: image sets, datasets, specs, the classifier protocol."""

from bench.spec.datasets import (
    Dataset,
    DatasetSpec,
    Finding,
    LabelError,
    LoadContext,
    Style,
    Whole,
)
from bench.spec.events import EpochEnded, State, Told, TrialFinished, TrialStarted
from bench.spec.images import UNREAD, Images, ImageSet, Labels, Probabilities, Shape, as_float
from bench.spec.metric import Interval, MetricSpec, Predictions
from bench.spec.models import (
    BuildContext,
    Classifier,
    Description,
    Epoch,
    FitContext,
    Layer,
    ModelSpec,
    Precision,
)
from bench.spec.reporter import ReporterSpec
from bench.spec.versions import API_VERSION, REPORTER_API

__all__ = [
    "API_VERSION",
    "REPORTER_API",
    "UNREAD",
    "BuildContext",
    "Classifier",
    "Dataset",
    "DatasetSpec",
    "Description",
    "Epoch",
    "EpochEnded",
    "Finding",
    "FitContext",
    "ImageSet",
    "Images",
    "Interval",
    "LabelError",
    "Labels",
    "Layer",
    "LoadContext",
    "MetricSpec",
    "ModelSpec",
    "Precision",
    "Predictions",
    "Probabilities",
    "ReporterSpec",
    "Shape",
    "State",
    "Style",
    "Told",
    "TrialFinished",
    "TrialStarted",
    "Whole",
    "as_float",
]
