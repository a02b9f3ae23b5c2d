"""The registry of every column and record field: type, unit, meaning, and how a person sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "FIELDS",
    "INTERVAL_PARTS",
    "LEADERBOARD_FIELDS",
    "Field",
    "fields_table",
    "format_value",
]

MISSING: Final = "–"
_SIZES: Final = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name is the column in CSV and JSON, its unit is part of the name.

    ``format`` gives a short text for a person; None is shown as a dash by `format_value`.
    ``heading`` stands over the column in a terminal.
    """

    name: str
    type: str
    summary: str
    unit: str = ""
    format: Callable[[Any], str] = str
    heading: str = ""


def format_value(name: str, value: Any, *, digits: int | None = None) -> str:
    """Return `value` of the field `name` as a person reads it; ``–`` where there is none.

    `digits` are those of a share, where its own three are too few.
    """
    if value is None or value == "":
        return MISSING
    form = FIELDS[name].format
    return share(value, digits) if form is share and digits else form(value)


def share(value: float, digits: int = 3) -> str:
    """Return a share of 0 to 1 as ``.989``; only a perfect one is ``1.000``."""
    text = f"{value:.{digits}f}"
    if text.startswith("1") and value < 1:
        text = f"{1 - 10**-digits:.{digits}f}"  # rounding must not make it perfect
    return text.replace("0.", ".", 1) if abs(value) < 1 and text[:1] in "0-" else text


def points(value: float) -> str:
    """Return a difference of shares in points, ``+1.1``."""
    return f"{value * 100:+.1f}".replace("-", "−")


def count(value: float) -> str:
    """Return a whole number with thousands marked, ``887,530``."""
    return f"{value:,.0f}"


def short_count(value: float) -> str:
    """Return a large number in two or three digits, ``12 M``."""
    number, units = float(value), ("", "k", "M", "G", "T")
    for unit in units:
        if number < 999.5 or unit == units[-1]:
            return f"{number:.3g} {unit}".rstrip()
        number /= 1000
    raise AssertionError("the last unit takes every number")


def size(value: float) -> str:
    """Return bytes as ``3.5 MB`` (1 MB is 1,000,000 bytes)."""
    number = float(value)
    for unit in _SIZES:
        if number < 999.5 or unit == _SIZES[-1]:
            return (
                f"{number:.0f} {unit}" if unit == "B" or number > 99.9 else f"{number:.1f} {unit}"
            )
        number /= 1000
    raise AssertionError("the last unit takes every number")


def duration(value: float) -> str:
    """Return seconds as ``18.2 s``, ``1 min 31 s`` or ``2 h 40 min``."""
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours} h {minutes:02d} min"


def about(value: float) -> str:
    """Return an estimate of seconds in round figures, ``2 min 40 s``, ``9 min``."""
    if value < 60:
        return f"{max(1, round(value))} s"
    if value < 300:
        minutes, seconds = divmod(round(value / 10) * 10, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else "{} h {:02d}".format(*divmod(minutes, 60))


def figure(value: float) -> str:
    """Return a number in two or three digits, ``61``, ``4.2``, ``0.04``."""
    if abs(value) >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.995 else f"{value:.2f}"


def _text(value: Any) -> str:
    return str(value)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value))


def _mapped(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={each}" for name, each in value.items())


def _truth(value: bool) -> str:
    return "yes" if value else "no"


def _field(name: str, kind: str, summary: str, form: Callable[[Any], str] = _text) -> Field:
    units: dict[Callable[[Any], str], str] = {
        share: "share of 0 to 1",
        size: "bytes",
        duration: "seconds",
    }
    unit = units.get(form, "")
    if name.endswith("us_per_image"):
        unit = "microseconds an image"
    elif name.startswith("latency_ms"):
        unit = "milliseconds"
    elif name.endswith("images_per_second"):
        unit = "images a second"
    heading = _HEADINGS.get(name, name.replace("_", " "))
    return Field(name=name, type=kind, summary=summary, unit=unit, format=form, heading=heading)


# What stands over a column where the name itself is too long or too plain.
_HEADINGS: Final = {
    "label": "model",
    "train_dataset": "trained on",
    "test_dataset": "tested on",
    "accuracy_sd_seeds": "sd seeds",
    "balanced_accuracy": "balanced",
    "macro_f1": "macro F1",
    "train_accuracy": "train",
    "n_test": "images",
    "parameters": "params",
    "model_bytes": "size",
    "fit_seconds": "fit",
    "fit_cpu_seconds": "CPU",
    "fit_images_per_second": "images/s",
    "peak_memory_bytes": "memory",
    "multiply_adds": "mult-adds",
    "predict_us_per_image": "µs/image",
    "latency_ms_p50": "ms, 1 image",
    "latency_ms_p95": "p95",
    "best_batch": "best batch",
    "latency_ms_best_batch": "ms",
    "predict_images_per_second": "images/s",
    "file_bytes": "file",
    "float_agreement": "as float",
    "near_duplicates": "near-duplicates",
}
# What the columns of a metric's interval add to its name.
INTERVAL_PARTS: Final = ("low", "high", "interval_method")

# The stable columns of `bench show leaderboard --csv`, in their order.
_LEADERBOARD: Final = (
    _field("test_dataset", "text", "dataset whose test split was predicted"),
    _field("train_dataset", "text", "dataset the model was trained on"),
    _field("model", "text", "name of the model"),
    _field("variant", "text", "what differs from the defaults; empty for none"),
    _field("rank", "text", "the places it may hold on the board, 2 or 1–3; empty if not ranked"),
    _field("rank_low", "whole number", "the best place it may hold", count),
    _field("rank_high", "whole number", "the worst place it may hold", count),
    _field(
        "first_in_halves",
        "whole number",
        "in how many of 50 random halves of the test images it is first",
        count,
    ),
    _field("state", "text", "ok, failed, timeout, out_of_memory, crashed, interrupted, …"),
    _field("reason", "text", "why it is not ok, in one line"),
    _field("seeds", "whole number", "how many seeds the figures are the mean of", count),
    _field("accuracy", "number", "share of the test images read right, mean over seeds", share),
    _field("accuracy_low", "number", "lower end of the 95 % interval of accuracy", share),
    _field("accuracy_high", "number", "upper end of the 95 % interval of accuracy", share),
    _field("accuracy_sd_seeds", "number", "standard deviation of accuracy over seeds", share),
    _field("balanced_accuracy", "number", "mean recall over the classes", share),
    _field("macro_f1", "number", "mean F1 over the classes", share),
    _field("train_accuracy", "number", "accuracy on up to 5,000 of the images trained on", share),
    _field("n_test", "whole number", "images in the test split", count),
    _field("parameters", "whole number", "parameters of the model", count),
    _field("model_bytes", "whole number", "weights at their stored precision", size),
    _field("fit_seconds", "number", "wall-clock time of the training", duration),
    _field("predict_us_per_image", "number", "time to predict one image, in batches", figure),
    _field("precision", "text", "float32 or bfloat16"),
    _field("threads", "whole number", "threads the trial could use", count),
    _field("trials", "list of text", "ids of the trials, one a seed", _listed),
    _field("interval_method", "text", "how the interval of accuracy was computed"),
    _field("interval_note", "text", "what the interval speaks of"),
)

_FURTHER: Final = (
    _field("gap", "number", "training accuracy less test accuracy", points),
    _field("budget", "text", "full, quick or smoke"),
    _field("train_embedded", "text", "what embedded data it was trained on; empty for real data"),
    _field("test_embedded", "text", "what embedded data it was tested on; empty for real data"),
    _field("evaluation_only", "true/false", "nothing can be trained on the test dataset", _truth),
    _field("labelled", "true/false", "the truth of the test images is known", _truth),
    _field("leaked", "whole number", "test images that are also training images", count),
    _field(
        "near_duplicates",
        "whole number",
        "further test images that are nearly the same as a training image",
        count,
    ),
    _field("left_out", "list of numbers", "places of test images that are not scored", _listed),
    _field("metrics", "mapping", "every metric, by name", _mapped),
    _field("file_bytes", "whole number", "size of the saved model", size),
    _field("multiply_adds", "whole number", "multiply-adds for one image", short_count),
    _field("latency_ms_p50", "number", "median time for a batch of one image", figure),
    _field("latency_ms_p95", "number", "95th percentile of the time for one image", figure),
    _field(
        "best_batch", "whole number", "images at once, of 1, 8, 64, 512, predicted fastest", count
    ),
    _field("latency_ms_best_batch", "number", "median time for a batch of that many", figure),
    _field("predict_images_per_second", "number", "images predicted in such batches", count),
    _field("float_agreement", "number", "share of images an 8-bit model reads as its float", share),
    _field("fit_cpu_seconds", "number", "processor time of the training", duration),
    _field("fit_images_per_second", "number", "images an epoch trains on in a second", count),
    _field("peak_memory_bytes", "whole number", "most memory the trial used", size),
    _field("retries", "whole number", "how often the trial was tried again", count),
    _field(
        "deterministic", "true/false", "the model's author says the seed changes nothing", _truth
    ),
    _field("spreads_far", "true/false", "its seeds differ far more than other rows'", _truth),
    _field("best_of", "whole number", "rows of its model that it is the best of", count),
    _field("n_classes", "whole number", "classes, on its own dataset's board", count),
    _field("evaluations", "list of text", "names of the evaluations' folders", _listed),
    _field("intervals", "mapping", "of one seed's metrics: low, high, method"),
    _field("not_scored", "mapping", "why a metric has no value, by its name", _mapped),
    _field("place", "whole number", "from 0, of ranked rows: by rank, then by accuracy"),
    _field("split_hash", "text", "names the file of sample names and groups"),
    _field("machine", "mapping", "cores, memory, processor, instructions, accelerator, system"),
    _field("instruction_sets", "list of text", "those that the seeds were trained with", _listed),
    _field("summary", "text", "the model in one line"),
)

_RECORDS: Final = (
    _field("schema_version", "whole number", "version of the record's format"),
    _field("trial_id", "text", "hash of all that decides the result"),
    _field("attempt", "text", "unique for each run of a trial"),
    _field("config_id", "text", "hash of the identity without its seed"),
    _field("identity", "mapping", "what decides the result: see the trial's identity"),
    _field("train_style", "text", "handwritten or natural"),
    _field("probabilities", "text", "calibrated, or scores that only rank the classes"),
    _field("classes", "list of text", "class names, in the order of the columns", _listed),
    _field("image_shape", "list of numbers", "height, width, channels of the model", _listed),
    _field("started_at", "text", "UTC time of the start"),
    _field("seed", "whole number", "the only source of randomness"),
    _field("engine", "text", "the library that computed"),
    _field("device", "text", "what it trained on: cpu, or a GPU's name"),
    _field("n_train", "whole number", "images given to the training", count),
    _field("trainable_parameters", "whole number", "parameters the training changes", count),
    _field("total_seconds", "number", "wall-clock time of the whole trial", duration),
    _field("epochs", "whole number", "epochs trained", count),
    _field("resumed", "true/false", "it went on from a checkpoint", _truth),
    _field("versions", "mapping", "versions of the libraries", _mapped),
    _field("notes", "list of text", "what a person should know", _listed),
    _field("loaded", "mapping", "files the plugin loaded of its own, with hashes", _mapped),
    _field("engines", "mapping", "libraries imported beyond those of the identity", _mapped),
    _field("environment", "mapping", "variables that may change how libraries compute", _mapped),
    _field("does_not_reload", "text", "why the stored model is not used later"),
    _field("files", "mapping", "hash of each file in the folder", _mapped),
    _field("extra", "mapping", "facts of the model's own", _mapped),
    _field("evaluation_id", "text", "hash of the trial and the test images as fed"),
    _field("test_hash", "text", "content hash of the test images as fed"),
    _field("transform", "mapping", "what was done to the model or the images", _mapped),
    _field("adapted", "text", "how the images were brought to the model's shape"),
    _field("predict_seconds", "number", "wall-clock time of predicting the test split", duration),
    _field("created_at", "text", "UTC time of the evaluation"),
    _field("doubtful", "list of numbers", "places of test images whose label is in doubt", _listed),
    _field("doubtful_source", "text", "who doubted these labels"),
    _field("truths", "mapping", "the whole ID of each writer, or of each photo of one", _mapped),
    _field("predictions_sha256", "text", "hash of the predictions"),
    _field("record_sha256", "text", "hash of all the rest of the record"),
)

_VIEWS: Final = (
    _field("label", "text", "name of the model, with its variant in brackets"),
    _field("home_accuracy", "number", "accuracy on the test split of the training data", share),
    _field("drop", "number", "accuracy away less accuracy at home", points),
    _field("corruption", "text", "what was done to the test images"),
    _field("strength", "whole number", "how much of it, from 1"),
    _field("clean_accuracy", "number", "accuracy on the images as they are", share),
    _field("mean_corruption_accuracy", "number", "mean over corruptions and strengths", share),
    _field("relative_accuracy", "number", "that mean as a share of the clean accuracy", share),
    _field("dataset", "text", "dataset trained and tested on"),
    _field("train_images", "whole number", "images trained on", count),
    _field("is_expected", "true/false", "a fitted law expects it: not measured", _truth),
    _field("law_scale", "number", "of error = floor + scale · images^−exponent", figure),
    _field("law_exponent", "number", "of the same law", figure),
    _field("law_floor", "number", "of the same law: the error that more images leave", share),
    _field("cost_scale", "number", "of seconds = scale · images^exponent", figure),
    _field("cost_exponent", "number", "of the same law", figure),
    _field("note", "text", "what to know of a fitted law"),
    _field("difference", "number", "accuracy less the one it is compared with", points),
    _field("is_real", "true/false", "the difference is more than luck", _truth),
    _field("p_value", "number", "of the paired test", figure),
    _field("changed", "list of text", "what differs from the entry before", _listed),
    _field("model_code", "text", "how the hash of the model's code begins"),
    _field("harness_code", "text", "how the hash of the harness's code begins"),
    _field("image", "whole number", "place of the image in the test split, from 0"),
    _field("name", "text", "name of the image"),
    _field("truth", "text", "its class"),
    _field("predicted", "text", "the class that was read; – where nothing was"),
    _field("count", "whole number", "how many images", count),
    _field("models_wrong", "whole number", "models that read it wrong", count),
    _field("models", "whole number", "models that read it", count),
    _field("read_as", "text", "what most of them read"),
    _field("models_read_as", "whole number", "how many read that", count),
    _field("is_doubtful", "true/false", "people doubt its label", _truth),
    _field("suspected_label", "text", "the class its label should perhaps be"),
    _field("confidence", "number", "the least sure model's probability of that", share),
    _field("class", "text", "name of the class, or of the average"),
    _field("recall", "number", "of the class's images, the share read as it", share),
    _field("f1-score", "number", "harmonic mean of precision and recall", share),
    _field("support", "whole number", "images of the class", count),
)

_HISTORY: Final = (
    _field("epoch", "whole number", "number of the epoch, from 1"),
    _field("loss", "number", "loss on the training images", figure),
    _field("val_loss", "number", "loss on the held-back images", figure),
    _field("val_accuracy", "number", "accuracy on the held-back images", share),
    _field("test_loss", "number", "loss on the test images (--track-test)", figure),
    _field("test_accuracy", "number", "accuracy on the test images (--track-test)", share),
    _field("seconds", "number", "wall-clock time of the epoch", duration),
)

LEADERBOARD_FIELDS: Final = tuple(field.name for field in _LEADERBOARD)
FIELDS: Final[Mapping[str, Field]] = {
    field.name: field for field in (*_LEADERBOARD, *_FURTHER, *_VIEWS, *_RECORDS, *_HISTORY)
}


def fields_table(names: tuple[str, ...] = tuple(FIELDS)) -> str:
    """Return the registry as a Markdown table: the reference page is made of it."""
    lines = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{field.name}` | {field.type} | {field.unit} | {field.summary} |"
        for field in map(FIELDS.__getitem__, names)
    ]
    return "\n".join(lines) + "\n"
