"""``bench show robustness``: a table and small curves."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import fmean
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bench.images.corruptions import CORRUPTIONS
from bench.render.console import plain
from bench.render.table import Column, Line, choose, lay_out

if TYPE_CHECKING:
    from bench.studies.robustness import Robustness

__all__ = ["ROBUSTNESS_COLUMNS", "robustness_lines", "robustness_records"]

ROBUSTNESS_COLUMNS = (
    "test_dataset",
    "train_dataset",
    "model",
    "variant",
    "seeds",
    "corruption",
    "strength",
    "accuracy",
    "clean_accuracy",
    "mean_corruption_accuracy",
    "relative_accuracy",
)
_BARS = "▁▂▃▄▅▆▇█"
_FIXED = (
    Column(name="model", heading="model", align="left", wraps_at=20),
    Column(name="clean", heading="clean"),
    Column(name="mean", heading="mean"),
    Column(name="relative", heading="of clean"),
)


def robustness_records(rows: Sequence["Robustness"]) -> list[dict[str, Any]]:
    """Return a record for each corruption and strength of each row.

    MNIST-C's own files have one strength and a mean of their own.
    """
    return [record for row in rows for record in _records(row)]


def _records(row: "Robustness") -> Iterator[dict[str, Any]]:
    facts = {
        "test_dataset": row.test_dataset,
        "train_dataset": row.train_dataset,
        "model": row.model,
        "variant": row.variant,
        "seeds": row.seeds,
        "clean_accuracy": row.clean_accuracy,
    }
    made = [(name, i, value) for name, c in row.curves.items() for i, value in enumerate(c, 1)]
    from_files = [(name, None, value) for name, value in row.mnist_c.items()]
    for listed, mean in ((made, row.mean_accuracy), (from_files, row.mnist_c_accuracy)):
        for name, strength, accuracy in listed:
            yield facts | {
                "corruption": name,
                "strength": strength,
                "accuracy": accuracy,
                "mean_corruption_accuracy": mean,
                "relative_accuracy": row.of_clean(mean),
            }


def robustness_lines(rows: Sequence["Robustness"], width: int) -> Iterator[Text]:
    """Yield a table for each test dataset: models down, corruptions across, curves below."""
    for dataset, group in groupby(rows, key=lambda row: row.test_dataset):
        listed = list(group)
        made = [row for row in listed if row.curves]
        if made:
            yield plain(
                f"{dataset} · accuracy under corruptions: mean, and by strength from 1", "heading"
            )
            yield from _blocks(made, width)
            yield from _legend(made, width)
        from_files = [row for row in listed if row.mnist_c]
        if from_files:
            yield Text()
            yield from _mnist_c_lines(dataset, from_files, width)


def _mnist_c_lines(dataset: str, rows: Sequence["Robustness"], width: int) -> Iterator[Text]:
    names = sorted({name for row in rows for name in row.mnist_c})
    title = f"{dataset} · MNIST-C's own files, {len(names)} corruptions of one strength each"
    yield plain(title, "heading")
    columns = (
        *_FIXED,
        Column(name="worst", heading="hardest", align="left", wraps_at=24),
    )
    lines = []
    for row in sorted(rows, key=lambda row: -(row.mnist_c_accuracy or 0.0)):
        worst = sorted(row.mnist_c.items(), key=lambda item: item[1])[:3]
        words = ", ".join(f"{name.partition(':')[2]} {_share(value)}" for name, value in worst)
        cells = _means(row, row.mnist_c_accuracy) | {"worst": plain(words)}
        lines.append(Line(cells=cells))
    yield from lay_out(columns, lines, width)
    yield Text("Every corruption of every model: --csv.")


def _blocks(rows: Sequence["Robustness"], width: int) -> Iterator[Text]:
    """Yield tables of the corruptions that fit beside each other; none is left out."""
    names = [name for name in CORRUPTIONS if any(name in row.curves for row in rows)]
    lines = [_line(row, names) for row in rows]
    fixed: tuple[Column, ...] = _FIXED
    while names:
        columns = choose([*fixed, *_columns(names)], lines, width)
        size = max(1, len(columns) - len(fixed))
        yield from lay_out([*fixed, *_columns(names[:size])], lines, width)
        yield Text()
        names, fixed = names[size:], _FIXED[:1]


def _columns(names: Sequence[str]) -> list[Column]:
    return [
        Column(name=name, heading=_short(name), keep=1 + i, align="left")
        for i, name in enumerate(names)
    ]


def _short(name: str) -> str:
    return name.removesuffix("_noise").removeprefix("gaussian_")


def _share(value: float) -> Text:
    return Text(f"{value:.3f}".removeprefix("0") if value < 1 else "1.000")


def _line(row: "Robustness", names: Sequence[str]) -> Line:
    # Two digits, so that more corruptions have their column on one screen.
    cells = {
        name: Text(f"{fmean(curve):.2f}".removeprefix("0") + " " + "".join(map(_bar, curve)))
        for name in names
        if (curve := row.curves.get(name))
    }
    return Line(cells=_means(row, row.mean_accuracy) | cells)


def _means(row: "Robustness", mean: float | None) -> dict[str, Text]:
    return {
        "model": plain(f"{row.model} ({row.variant})" if row.variant else row.model),
        "clean": _share(row.clean_accuracy),
        "mean": _share(mean or 0.0),
        "relative": Text(f"{100 * (row.of_clean(mean) or 0.0):.0f} %"),
    }


def _bar(accuracy: float) -> str:
    return _BARS[min(len(_BARS) - 1, int(accuracy * len(_BARS)))]


def _legend(rows: Sequence["Robustness"], width: int) -> Iterator[Text]:
    seeds = sorted({row.seeds for row in rows})
    mean = "mean: over corruptions of the mean over their strengths; of clean: its share of clean"
    counted = ""
    if seeds[-1] > 1:
        counted = f"; {'–'.join(dict.fromkeys((str(seeds[0]), str(seeds[-1]))))} seeds"
    yield Text(f"{mean}{counted}; each bar from 0 to 1.")
    names = [name for name in CORRUPTIONS if any(name in row.curves for row in rows)]
    indent = max(len(_short(name)) for name in names) + 2
    for name in names:
        for number, part in enumerate(wrap(CORRUPTIONS[name].summary, max(20, width - indent - 1))):
            yield Text(f" {_short(name) if number == 0 else '':<{indent}}{part}")
