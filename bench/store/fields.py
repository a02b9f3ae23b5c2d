"""The registry of every column and record field: type, unit, meaning, and how a person sees it.

Here stand those of rows and records; what views alone show is in `bench.store.view_fields`.
"""

from collections.abc import Mapping
from typing import Any, Final

from bench.store.formats import (
    MISSING,
    Field,
    count,
    duration,
    field,
    figure,
    listed,
    mapped,
    points,
    share,
    short_count,
    size,
    truth,
)
from bench.store.view_fields import VIEW_FIELDS

__all__ = [
    "FIELDS",
    "INTERVAL_PARTS",
    "LEADERBOARD_FIELDS",
    "REPORT_FIELDS",
    "TIMES",
    "Field",
    "format_value",
]


def format_value(name: str, value: Any, *, digits: int | None = None) -> str:
    """Return `value` of the field `name` as a person reads it; ``–`` where there is none.

    `digits` are those of a share, where its own three are too few.
    """
    if value is None or value == "":
        return MISSING
    form = FIELDS[name].format
    return share(value, digits) if form is share and digits else form(value)


# What the columns of a metric's interval add to its name.
INTERVAL_PARTS: Final = ("low", "high", "interval_method")

# The stable columns of `bench show leaderboard --csv`, in their order.
_LEADERBOARD: Final = (
    field("test_dataset", "text", "dataset whose test split was predicted", heading="tested on"),
    field("train_dataset", "text", "dataset the model was trained on", heading="trained on"),
    field("model", "text", "name of the model"),
    field("variant", "text", "what differs from the defaults; empty for none"),
    field("rank", "text", "the places it may hold on the board, 2 or 1–3; empty if not ranked"),
    field("rank_low", "whole number", "the best place it may hold", count),
    field("rank_high", "whole number", "the worst place it may hold", count),
    field(
        "first_in_halves",
        "whole number",
        "in how many of 50 random halves of the test images it is first",
        count,
    ),
    field("state", "text", "ok, failed, timeout, out_of_memory, crashed, interrupted, …"),
    field("reason", "text", "why it is not ok, in one line"),
    field("seeds", "whole number", "how many seeds the figures are the mean of", count),
    field("accuracy", "number", "share of the test images read right, mean over seeds", share),
    field("accuracy_low", "number", "lower end of the 95 % interval of accuracy", share),
    field("accuracy_high", "number", "upper end of the 95 % interval of accuracy", share),
    field(
        "accuracy_sd_seeds",
        "number",
        "standard deviation of accuracy over seeds",
        share,
        heading="sd seeds",
    ),
    field("balanced_accuracy", "number", "mean recall over the classes", share, heading="balanced"),
    field("macro_f1", "number", "mean F1 over the classes", share, heading="macro F1"),
    field(
        "train_accuracy",
        "number",
        "accuracy on up to 5,000 of the images trained on",
        share,
        heading="train",
        over_seeds="mean",
    ),
    field("n_test", "whole number", "images in the test split", count, heading="images"),
    field("parameters", "whole number", "parameters of the model", count, heading="params"),
    field(
        "model_bytes",
        "whole number",
        "weights at their stored precision",
        size,
        heading="size",
        over_seeds="median",
    ),
    field(
        "fit_seconds",
        "number",
        "wall-clock time of the training",
        duration,
        heading="fit",
        over_seeds="mean",
    ),
    field(
        "predict_us_per_image",
        "number",
        "time to predict one image, in batches",
        figure,
        heading="µs/image",
        over_seeds="mean",
    ),
    field("precision", "text", "float32 or bfloat16"),
    field("threads", "whole number", "threads the trial could use", count),
    field("trials", "list of text", "ids of the trials, one a seed", listed),
    field("interval_method", "text", "how the interval of accuracy was computed"),
    field("interval_note", "text", "what the interval speaks of"),
)

_FURTHER: Final = (
    field("gap", "number", "training accuracy less test accuracy", points),
    field("budget", "text", "full, quick or smoke"),
    field("train_embedded", "text", "what embedded data it was trained on; empty for real data"),
    field("test_embedded", "text", "what embedded data it was tested on; empty for real data"),
    field("evaluation_only", "true/false", "nothing can be trained on the test dataset", truth),
    field("labelled", "true/false", "the truth of the test images is known", truth),
    field(
        "leaked",
        "whole number",
        "test images that are also training images",
        count,
        over_seeds="largest",
    ),
    field(
        "near_duplicates",
        "whole number",
        "further test images that are nearly the same as a training image",
        count,
        heading="near-duplicates",
        over_seeds="largest",
    ),
    field("left_out", "list of numbers", "places of test images that are not scored", listed),
    field("metrics", "mapping", "every metric, by name", mapped),
    field(
        "file_bytes",
        "whole number",
        "size of the saved model",
        size,
        heading="file",
        over_seeds="median",
    ),
    field(
        "multiply_adds",
        "whole number",
        "multiply-adds for one image",
        short_count,
        heading="mult-adds",
    ),
    field(
        "latency_ms_p50",
        "number",
        "median time for a batch of one image",
        figure,
        heading="ms, 1 image",
        over_seeds="mean",
    ),
    field(
        "latency_ms_p95",
        "number",
        "95th percentile of the time for one image",
        figure,
        heading="p95",
        over_seeds="mean",
    ),
    field(
        "best_batch",
        "whole number",
        "images at once, of 1, 8, 64, 512, predicted fastest",
        count,
        heading="best batch",
        over_seeds="median speed",
    ),
    field(
        "latency_ms_best_batch",
        "number",
        "median time for a batch of that many",
        figure,
        heading="ms",
        over_seeds="median speed",
    ),
    field(
        "predict_images_per_second",
        "number",
        "images predicted in such batches",
        count,
        heading="images/s",
        over_seeds="median speed",
    ),
    field(
        "float_agreement",
        "number",
        "share of images an 8-bit model reads as its float",
        share,
        heading="as float",
    ),
    field(
        "fit_cpu_seconds",
        "number",
        "processor time of the training",
        duration,
        heading="CPU",
        over_seeds="mean",
    ),
    field(
        "fit_images_per_second",
        "number",
        "images an epoch trains on in a second",
        count,
        heading="images/s",
        over_seeds="mean",
    ),
    field(
        "peak_memory_bytes",
        "whole number",
        "most memory the trial used",
        size,
        heading="memory",
        over_seeds="median",
    ),
    field(
        "retries", "whole number", "how often the trial was tried again", count, over_seeds="sum"
    ),
    field("deterministic", "true/false", "the model's author says the seed changes nothing", truth),
    field("spreads_far", "true/false", "its seeds differ far more than other rows'", truth),
    field("best_of", "whole number", "rows of its model that it is the best of", count),
    field("n_classes", "whole number", "classes, on its own dataset's board", count),
    field("evaluations", "list of text", "names of the evaluations' folders", listed),
    field("intervals", "mapping", "of one seed's metrics: low, high, method"),
    field("not_scored", "mapping", "why a metric has no value, by its name", mapped),
    field("place", "whole number", "from 0, of ranked rows: by rank, then by accuracy"),
    field("split_hash", "text", "names the file of sample names and groups"),
    field("machine", "mapping", "cores, memory, processor, instructions, accelerator, system"),
    field("instruction_sets", "list of text", "those that the seeds were trained with", listed),
    field("machines", "list of text", "those that the seeds were trained on", listed),
    field(
        "libraries", "list of text", "name and major.minor of what the seeds computed with", listed
    ),
    field("summary", "text", "the model in one line"),
)

_RECORDS: Final = (
    field("schema_version", "whole number", "version of the record's format"),
    field("trial_id", "text", "hash of all that decides the result"),
    field("attempt", "text", "unique for each run of a trial"),
    field("config_id", "text", "hash of the identity without its seed"),
    field("differs", "mapping", "what differs from the defaults: `variant` is it in words"),
    field("identity", "mapping", "what decides the result: see the trial's identity"),
    field("train_style", "text", "handwritten or natural"),
    field("probabilities", "text", "calibrated, or scores that only rank the classes"),
    field("classes", "list of text", "class names, in the order of the columns", listed),
    field("image_shape", "list of numbers", "height, width, channels of the model", listed),
    field("started_at", "text", "UTC time of the start"),
    field("seed", "whole number", "the only source of randomness"),
    field("engine", "text", "the library that computed"),
    field("device", "text", "what it trained on: cpu, or a GPU's name"),
    field("n_train", "whole number", "images given to the training", count),
    field("trainable_parameters", "whole number", "parameters the training changes", count),
    field("total_seconds", "number", "wall-clock time of the whole trial", duration),
    field("epochs", "whole number", "epochs trained", count),
    field("resumed", "true/false", "it went on from a checkpoint", truth),
    field("versions", "mapping", "versions of the libraries", mapped),
    field("notes", "list of text", "what a person should know", listed),
    field("loaded", "mapping", "files the plugin loaded of its own, with hashes", mapped),
    field("engines", "mapping", "libraries imported beyond those of the identity", mapped),
    field("environment", "mapping", "variables that may change how libraries compute", mapped),
    field("does_not_reload", "text", "why the stored model is not used later"),
    field("files", "mapping", "hash of each file in the folder", mapped),
    field("extra", "mapping", "facts of the model's own", mapped),
    field("evaluation_id", "text", "hash of the trial and the test images as fed"),
    field("test_hash", "text", "content hash of the test images as fed"),
    field("transform", "mapping", "what was done to the model or the images", mapped),
    field("adapted", "text", "how the images were brought to the model's shape"),
    field("predict_seconds", "number", "wall-clock time of predicting the test split", duration),
    field("created_at", "text", "UTC time of the evaluation"),
    field("doubtful", "list of numbers", "places of test images whose label is in doubt", listed),
    field("doubtful_source", "text", "who doubted these labels"),
    field("truths", "mapping", "the whole ID of each writer, or of each photo of one", mapped),
    field("predictions_sha256", "text", "hash of the predictions"),
    field("record_sha256", "text", "hash of all the rest of the record"),
)

LEADERBOARD_FIELDS: Final = tuple(each.name for each in _LEADERBOARD)
FIELDS: Final[Mapping[str, Field]] = {
    each.name: each for each in (*_LEADERBOARD, *_FURTHER, *VIEW_FIELDS, *_RECORDS)
}


# The classification report's own columns, under scikit-learn's names: its `precision` is a share,
# that of rows and records how numbers are held.
REPORT_FIELDS: Final[Mapping[str, Field]] = {
    "class": FIELDS["class"],
    "precision": field(
        "precision", "number", "of the images read as the class, the share that are of it", share
    ),
    **{name: FIELDS[name] for name in ("recall", "f1-score", "support")},
}

TIMES: Final = (
    "fit_seconds",
    "fit_cpu_seconds",
    "fit_images_per_second",
    "latency_ms_p50",
    "latency_ms_p95",
    "best_batch",
    "latency_ms_best_batch",
    "predict_images_per_second",
    "predict_us_per_image",
)
"""Fields of a row that say as much of its machine as of its model."""
