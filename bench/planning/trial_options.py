"""The options of a trial: defaults, ``bench.toml``, the budget, ``--set``; and its variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from bench.errors import OptionError
from bench.loading.refs import LoadedDataset
from bench.options import Option, Options, OptionValue, as_options, resolve_options
from bench.planning.identity import resolve_precision
from bench.spec import ModelSpec, Shape
from bench.store.variant import Variant

__all__ = [
    "BUDGETS",
    "HARNESS_OPTIONS",
    "Settings",
    "budget_options",
    "each_size",
    "image_shape",
    "trial_options",
]

BUDGETS = ("full", "quick", "smoke")
_BUDGET_IMAGES = {"quick": 6_000, "smoke": 400}
_BUDGET_EPOCHS = {"quick": 0.3, "smoke": 0.0}  # share of the epochs; at least one is run
HARNESS_OPTIONS: dict[str, Option] = {
    "train_images": Option(
        default=0, minimum=0, help="train on so many images, drawn by the seed; 0 takes all"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides a trial beside model, data and seed."""

    budget: str = "full"
    precision: str = "auto"
    is_fast_in_bfloat16: bool | None = None
    """Of what trains; None: this machine, which is asked."""
    configured: Mapping[str, Options] = field(default_factory=dict)
    """Options by model or dataset name, from ``bench.toml``."""
    given: Mapping[str, Options] = field(default_factory=dict)
    """Options by name, from ``--set``: they win over the budget."""
    fresh: bool = False
    track_test: bool = False
    corruptions: tuple[tuple[str, int], ...] = ()
    """Corruptions of the own test split, each with a strength."""
    corrupted: Mapping[str, tuple[tuple[str, LoadedDataset], ...]] = field(default_factory=dict)
    """By dataset: corruptions of its test split whose images come from files (MNIST-C)."""
    quantize: str = ""
    """"int8" adds the 8-bit variant of each Keras model."""
    timeout_seconds: float | None = None
    train_sizes: tuple[int, ...] = ()
    """A trial for each number of training images; empty: one, as the options say."""


def each_size(settings: Settings, train: LoadedDataset, model: str) -> list[Settings]:
    """Return the settings of each training size; sizes that take every image are one."""
    n_train = train.train.n if train.train else 0
    sizes = dict.fromkeys(0 if size >= n_train else size for size in settings.train_sizes)
    given = settings.given.get(model, {})
    return [
        replace(settings, given={**settings.given, model: {**given, "train_images": size}})
        for size in sizes
    ] or [settings]


def trial_options(
    spec: ModelSpec, settings: Settings, train: LoadedDataset
) -> tuple[dict[str, OptionValue], Variant]:
    """Return a trial's resolved options and its variant, what differs from the defaults."""
    declared = as_options({**HARNESS_OPTIONS, **spec.options})
    embedded = spec.embedded_options if train.embedded else {}
    usual = resolve_options(spec.name, declared, embedded)
    configured = resolve_options(
        spec.name, declared, {**embedded, **settings.configured.get(spec.name, {})}
    )
    budgeted = configured | budget_options(spec, configured, settings.budget)
    options = resolve_options(
        spec.name, declared, {**budgeted, **settings.given.get(spec.name, {})}
    )
    n_train = train.train.n if train.train else 0
    if int(options["train_images"]) >= n_train:
        options["train_images"] = 0  # all of them: the same trial as without a limit
    base = budgeted if settings.budget != "full" else usual
    base["train_images"] = 0 if int(base["train_images"]) >= n_train else base["train_images"]
    precision, usually = (
        resolve_precision(asked, spec, settings.is_fast_in_bfloat16)
        for asked in (settings.precision, "auto")
    )
    return options, Variant(
        budget=settings.budget,
        options={name: options[name] for name in options if options[name] != base[name]},
        precision="" if precision == usually else precision,
    )


def budget_options(spec: ModelSpec, options: Options, budget: str) -> dict[str, OptionValue]:
    """Return the options a budget sets: epochs and training images, or the model's own choice.

    Raises
    ------
    OptionError
        If there is no such budget.
    """
    if budget not in BUDGETS:
        raise OptionError(f"budget '{budget}'", why=f"it is one of {', '.join(BUDGETS)}")
    if budget == "full":
        return {}
    chosen: dict[str, OptionValue] = {"train_images": _BUDGET_IMAGES[budget]}
    if "epochs" in options:
        chosen["epochs"] = max(1, ceil(int(options["epochs"]) * _BUDGET_EPOCHS[budget]))
    return chosen | dict(spec.budgets.get(budget, {}))


def image_shape(spec: ModelSpec, shape: Shape) -> Shape:
    """Return the shape a model is built for: the images' own, enlarged to ``min_side``."""
    height, width, channels = shape
    factor = max(1.0, spec.min_side / min(height, width))
    return ceil(height * factor), ceil(width * factor), channels
