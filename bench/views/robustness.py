"""What models survive: accuracy under corruptions of the test images, from stored predictions."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import fmean
from textwrap import wrap
from typing import Any

from rich.text import Text

from bench.board.boards import Boards
from bench.board.entries import Score
from bench.board.index import read_index
from bench.errors import BenchError
from bench.images.corruptions import CORRUPTIONS
from bench.loading.mnist_c import is_of_mnist_c
from bench.render.console import plain
from bench.render.field_table import record_of
from bench.render.table import Column, Line, choose, lay_out
from bench.store.variant import label_of
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW", "Robustness"]

_BARS = "▁▂▃▄▅▆▇█"
_FIXED = (
    Column(name="model", heading="model", align="left", wraps_at=20),
    Column(name="clean", heading="clean"),
    Column(name="mean", heading="mean"),
    Column(name="relative", heading="of clean"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """One row: accuracies are shares, means over the seeds that have all of them.

    ``curves`` gives for each corruption the accuracy at strength 1, 2, …; ``mnist_c`` the accuracy
    on each of MNIST-C's own files, where they were read.
    """

    test_dataset: str
    train_dataset: str
    model: str
    variant: str
    seeds: int
    clean_accuracy: float
    curves: dict[str, tuple[float, ...]]
    mnist_c: dict[str, float] = field(default_factory=dict)

    @property
    def mean_accuracy(self) -> float | None:
        """Mean over corruptions of the mean over their strengths; None without a curve."""
        return fmean(fmean(curve) for curve in self.curves.values()) if self.curves else None

    @property
    def mnist_c_accuracy(self) -> float | None:
        """Mean over MNIST-C's corruptions; None where its files were not read."""
        return fmean(self.mnist_c.values()) if self.mnist_c else None

    def of_clean(self, accuracy: float | None) -> float | None:
        """Return an accuracy as a share of the clean one."""
        if accuracy is None:
            return None
        return accuracy / self.clean_accuracy if self.clean_accuracy else 0.0


def compute(boards: Boards, options: NoOptions) -> tuple[Robustness, ...]:
    """Return a row for each model with corrupted evaluations, the most robust first.

    Corruptions that not every strength of is stored are left out.

    Raises
    ------
    BenchError
        If the store holds none.
    """
    rows: dict[tuple[str, str, str, str], list[Score]] = defaultdict(list)
    scores = read_index(boards.store).scores.values()
    at_home = [s for s in scores if s.test_dataset == s.train_dataset and s.labelled]
    for score in boards.chosen(at_home):
        if not score.transform or "corruption" in score.transform:
            key = (score.test_dataset, score.train_dataset, score.model, score.variant)
            rows[key].append(score)
    found = [row for scores in rows.values() if (row := _row(scores)) is not None]
    if not found:
        raise BenchError(
            "no evaluation on corrupted images", fix="make some: bench run … --corruptions all"
        )
    return tuple(sorted(found, key=_place))


def _place(row: Robustness) -> tuple[str, float, str]:
    mean = row.mnist_c_accuracy if row.mean_accuracy is None else row.mean_accuracy
    return row.test_dataset, -(mean or 0.0), row.model


def _row(scores: list[Score]) -> Robustness | None:
    """Return the row of the configuration trained last, if it was tested under corruptions."""
    corrupted = [score for score in scores if score.transform]
    if not corrupted:
        return None
    last = max(corrupted, key=lambda score: score.started_at)
    same = [s for s in scores if s.config_id == last.config_id and s.split_hash == last.split_hash]
    by_trial: dict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    for score in _on_the_same_images(same):
        name = str(score.transform.get("corruption", ""))
        strength = int(score.transform.get("strength", 0))
        by_trial[score.trial_id][name, strength] = score.metrics["accuracy"] or 0.0
    tables = [table for table in by_trial.values() if ("", 0) in table and len(table) > 1]
    names = [name for name in CORRUPTIONS if tables and _has_all(name, tables)]
    files = sorted({name for table in tables for name, _ in table if is_of_mnist_c(name)})
    files = [name for name in files if all((name, 1) in table for table in tables)]
    if not names and not files:
        return None
    return Robustness(
        test_dataset=last.test_dataset,
        train_dataset=last.train_dataset,
        model=last.model,
        variant=last.variant,
        seeds=len(tables),
        clean_accuracy=fmean(table["", 0] for table in tables),
        curves={
            name: tuple(
                fmean(table[name, strength] for table in tables)
                for strength in CORRUPTIONS[name].strengths
            )
            for name in names
        },
        mnist_c={name: fmean(table[name, 1] for table in tables) for name in files},
    )


def _on_the_same_images(scores: list[Score]) -> list[Score]:
    """Leave out what was made of other clean images than the last; MNIST-C's images are its own."""
    ours = [score for score in scores if not _is_of_file(score)]
    made = [score for score in ours if score.transform] or ours
    if not made:
        return []
    last = max(made, key=lambda score: score.started_at).test_hash
    return [score for score in scores if score.test_hash == last or _is_of_file(score)]


def _is_of_file(score: Score) -> bool:
    return is_of_mnist_c(score.transform.get("corruption", ""))


def _has_all(name: str, tables: list[dict[tuple[str, int], float]]) -> bool:
    strengths = CORRUPTIONS[name].strengths
    return all((name, strength) in table for table in tables for strength in strengths)


def rows_of(value: Sequence[Robustness]) -> Iterator[dict[str, Any]]:
    """Yield a row for each corruption and strength of each model.

    MNIST-C's own files have one strength and a mean of their own.
    """
    for row in value:
        yield from _records(row)


def _records(row: Robustness) -> Iterator[dict[str, Any]]:
    facts = record_of(row, columns=VIEW.columns)
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


def draw(value: Sequence[Robustness], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield a table for each test dataset: models down, corruptions across, curves below."""
    for dataset, group in groupby(value, key=lambda row: row.test_dataset):
        listed = list(group)
        made = [row for row in listed if row.curves]
        if made:
            yield plain(
                f"{dataset} · accuracy under corruptions: mean, and by strength from 1", "heading"
            )
            yield from _blocks(made, screen.width)
            yield from _legend(made, screen.width)
        from_files = [row for row in listed if row.mnist_c]
        if from_files:
            yield Text()
            yield from _mnist_c_lines(dataset, from_files, screen.width)


def _mnist_c_lines(dataset: str, rows: Sequence[Robustness], width: int) -> Iterator[Text]:
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


def _blocks(rows: Sequence[Robustness], width: int) -> Iterator[Text]:
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


def _line(row: Robustness, names: Sequence[str]) -> Line:
    # Two digits, so that more corruptions have their column on one screen.
    cells = {
        name: Text(f"{fmean(curve):.2f}".removeprefix("0") + " " + "".join(map(_bar, curve)))
        for name in names
        if (curve := row.curves.get(name))
    }
    return Line(cells=_means(row, row.mean_accuracy) | cells)


def _means(row: Robustness, mean: float | None) -> dict[str, Text]:
    return {
        "model": plain(label_of(row.model, row.variant)),
        "clean": _share(row.clean_accuracy),
        "mean": _share(mean or 0.0),
        "relative": Text(f"{100 * (row.of_clean(mean) or 0.0):.0f} %"),
    }


def _bar(accuracy: float) -> str:
    return _BARS[min(len(_BARS) - 1, int(accuracy * len(_BARS)))]


def _legend(rows: Sequence[Robustness], width: int) -> Iterator[Text]:
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


VIEW = View(
    name="robustness",
    summary="Show how accuracy holds under corruptions, as a table and as small curves.",
    about="""What it reads is computed by bench run --corruptions all.

For example:
  bench show robustness -d mnist""",
    takes=("dataset", "model"),
    compute=compute,
    columns=(
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
    ),
    rows=rows_of,
    draw=draw,
)
