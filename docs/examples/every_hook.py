"""A plugin that implements every hook of digitbench, each as briefly as it can be."""

from pathlib import Path

from bench import (
    DatasetSpec,
    MetricSpec,
    ModelSpec,
    ReporterSpec,
    dataset_from,
    hookimpl,
    sklearn_classifier,
)


def build(context):
    """Return an untrained classifier."""
    from sklearn.neighbors import NearestCentroid

    return sklearn_classifier(NearestCentroid())


@hookimpl
def bench_register_models(register):
    """Add a model: ``bench run -m centroid``."""
    register(ModelSpec(name="centroid", summary="the nearest mean image", build=build))


def load(context):
    """Return the dataset: bright and dark squares."""
    import numpy as np

    pixels = np.arange(40, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    return dataset_from(pixels, np.array(["dark", "bright"])[np.arange(40) // 20])


@hookimpl
def bench_register_datasets(register):
    """Add a dataset: ``bench run -d squares``."""
    register(DatasetSpec(name="squares", summary="dark or bright", load=load, embedded="drawn"))


def misread(given):
    """Return how many images were misread."""
    return float((~given.correct).sum())


@hookimpl
def bench_register_metrics(register):
    """Add a metric: a column of ``bench show metrics``."""
    register(MetricSpec(name="misread", summary="images misread", function=misread))


def write(views, path):
    """Write the models of the leaderboard, one a line."""
    names = [row["model"] for row in views["leaderboard"].records]
    path.write_text("\n".join(names), encoding="utf-8")


@hookimpl
def bench_register_reporters(register):
    """Add a report format: ``bench report --format names=FILE``."""
    register(ReporterSpec(name="names", summary="the models' names", write=write))


def note(line):
    """Add a line to ``seen.txt`` in the working folder."""
    with Path("seen.txt").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


@hookimpl
def bench_trial_started(event):
    """Note that a trial has begun."""
    note(f"{event.model} on {event.train_dataset} began")


@hookimpl
def bench_epoch_ended(event):
    """Note an epoch of a model that is trained in epochs."""
    note(f"epoch {event.epoch} of {event.epochs}")


@hookimpl
def bench_trial_finished(event):
    """Note how a trial ended."""
    note(f"{event.model} ended as {event.state}")
