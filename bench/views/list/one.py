"""One model or dataset in full: summary, layers, options, where it comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.text import Text

from bench.options import Option, OptionValue, as_options
from bench.render.console import clean, plain
from bench.render.hints import as_typed
from bench.render.table import Column, Line, lay_out
from bench.spec import DatasetSpec, Description, Layer, ModelSpec
from bench.store.formats import count, short_count, size

__all__ = ["dataset_view", "layer_lines", "model_as_dict", "model_view", "option_lines"]

_OPTIONS: Final = (
    Column(name="option", heading="option", align="left"),
    Column(name="default", heading="default", align="left"),
    Column(name="allowed", heading="", align="left", wraps_at=14),
    Column(name="help", heading="", align="left", wraps_at=24),
)
_LAYERS: Final = (
    Column(name="name", heading="layer", align="left", keep=1),
    Column(name="kind", heading="kind", align="left"),
    Column(name="shape", heading="output"),
    Column(name="parameters", heading="parameters"),
    Column(name="cost", heading="multiply-adds", keep=2),
)


def model_view(
    spec: ModelSpec,
    shape: Sequence[int],
    described: Description | None,
    reason: str,
    origin: str,
    width: int,
) -> list[Text]:
    """Return a model's summary, layers and options.

    Parameters
    ----------
    described : Description or None
        Of the model built for `shape` (height, width, channels); None with a `reason`.
    """
    texts = [plain(spec.name, "heading").append(f" · {clean(spec.summary)}"), Text()]
    texts += _facts(_model_facts(spec, shape, described, origin), width)
    if described is None:
        texts += [Text(), Text(as_typed(clean(reason)), style="warn")]
    elif described.layers:
        texts += [Text(), *layer_lines(described.layers, width)]
    texts += [Text(), *option_lines(spec.name, spec.options, width)]
    if spec.embedded_options:
        first_look = ", ".join(
            f"{name}={_shown(value)}" for name, value in spec.embedded_options.items()
        )
        texts.append(Text(f" On embedded data: {clean(first_look)}"))
    return texts


def _model_facts(
    spec: ModelSpec, shape: Sequence[int], described: Description | None, origin: str
) -> dict[str, str]:
    facts = {"plugin": origin, "built for": f"{' × '.join(map(str, shape))} images, 10 classes"}
    if described is not None:
        total, trained = described.parameters, described.trainable_parameters
        if total is not None:
            part = f" ({count(trained)} trainable)" if trained not in (None, total) else ""
            facts["parameters"] = count(total) + part
        if described.multiply_adds is not None:
            facts["multiply-adds"] = f"{short_count(described.multiply_adds)} an image"
        if described.model_bytes is not None and total is not None:
            facts["weights"] = size(described.model_bytes)
        facts["engine"] = described.engine
    facts["output"] = (
        "calibrated probabilities"
        if spec.probabilities == "calibrated"
        else "scores that only rank the classes: no log loss, no abstention"
    )
    facts["precision"] = " or ".join(spec.precisions)
    if spec.min_side > 1:
        facts["smallest image"] = f"{spec.min_side} pixels; smaller ones are enlarged"
    facts["resumes"] = "yes, after each epoch" if spec.resumes else "no, it starts again"
    return {name: value for name, value in facts.items() if value}


def _facts(facts: Mapping[str, str], width: int) -> list[Text]:
    columns = (
        Column(name="name", heading="", align="left"),
        Column(name="value", heading="", align="left", wraps_at=24),
    )
    lines = [
        Line(cells={"name": Text(name), "value": Text(as_typed(clean(value)))})
        for name, value in facts.items()
    ]
    return lay_out(columns, lines, width, indent=1)


def layer_lines(layers: Sequence[Layer], width: int) -> list[Text]:
    """Return one line a layer, and their sum."""
    lines = [
        Line(
            cells={
                "name": plain(layer.name),
                "kind": plain(layer.kind),
                "shape": Text(" × ".join(map(str, layer.output_shape))),
                "parameters": Text(count(layer.parameters)),
                "cost": Text(count(layer.multiply_adds)),
            }
        )
        for layer in layers
    ]
    total = {
        "kind": Text("all"),
        "parameters": Text(count(sum(layer.parameters for layer in layers))),
        "cost": Text(count(sum(layer.multiply_adds for layer in layers))),
    }
    return lay_out(_LAYERS, [*lines, Line(cells=total, style="bold")], width, indent=1)


def option_lines(
    owner: str, declared: Mapping[str, Option | OptionValue], width: int
) -> list[Text]:
    """Return one line an option, with how to set one."""
    options = as_options(declared)
    if not options:
        return [Text("It has no options.")]
    lines = [
        Line(
            cells={
                "option": plain(name),
                "default": plain(_shown(option.default)),
                "allowed": Text(_allowed(option)),
                "help": plain(option.help),
            }
        )
        for name, option in options.items()
    ]
    first, option = next(iter(options.items()))
    hint = Text(f" Set one with --set {clean(owner)}.{first}={_shown(option.default)}")
    return [*lay_out(_OPTIONS, lines, width, indent=1), hint]


def _shown(value: OptionValue) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "(not set)"


def _allowed(option: Option) -> str:
    if option.choices:
        return " | ".join(map(str, option.choices))
    low, high = option.minimum, option.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"from {low:g}"
    return f"up to {high:g}" if high is not None else option.type_name


def dataset_view(
    spec: DatasetSpec, files: Sequence[str] | None, searched: Sequence[str], origin: str, width: int
) -> list[Text]:
    """Return a dataset's facts, where its files were looked for, and its options."""
    title = plain(spec.name, "heading").append(f" · {clean(spec.summary)}")
    alternatives = " or ".join(" + ".join(names) for names in spec.files)
    if files is None:
        there = "no: " + (spec.how_to_get or f"name its file with -d {spec.name}=PATH")
    else:
        there = ", ".join(files) or ("always, it is embedded" if spec.embedded else "with --folder")
    facts = {
        "on this machine": there,
        "files": alternatives,
        "looked for in": ", ".join(searched) if files is None else "",
        "splits": " and ".join(spec.provides),
        "embedded": spec.embedded,
        "style": str(spec.style),
        "source": spec.source,
        "licence": spec.licence,
        "plugin": origin,
    }
    texts = [title, Text(), *_facts({k: v for k, v in facts.items() if v}, width), Text()]
    return texts + option_lines(spec.name, spec.options, width)


def model_as_dict(
    spec: ModelSpec | DatasetSpec, described: Description | None = None
) -> dict[str, Any]:
    """Return a registration as plain data; functions are left out."""
    options = {
        name: {
            "type": option.type_name,
            "default": option.default,
            "choices": list(option.choices),
            "minimum": option.minimum,
            "maximum": option.maximum,
            "help": option.help,
        }
        for name, option in as_options(spec.options).items()
    }
    record: dict[str, Any] = {"name": spec.name, "summary": spec.summary, "options": options}
    if described is not None:
        record |= asdict(described)
    return record
