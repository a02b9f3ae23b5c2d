"""Train on one dataset, test on another: accuracies with the drop from home to away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from bench.board.boards import Boards
from bench.board.rows import Row
from bench.errors import StoreError
from bench.render.console import clean, plain
from bench.render.table import Column, Line, lay_out
from bench.store.formats import count, points, share
from bench.views import NoOptions, Screen, View

__all__ = ["VIEW", "Away"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A model trained on one dataset and tested on another, beside its own test split."""

    row: Row
    home_accuracy: float | None

    @property
    def drop(self) -> float | None:
        """Accuracy away less accuracy at home; None where either is missing."""
        if self.home_accuracy is None or self.row.accuracy is None:
            return None
        return self.row.accuracy - self.home_accuracy


def compute(boards: Boards, options: NoOptions) -> tuple[Away, ...]:
    """Return every successful row, by model and training dataset, with its accuracy at home."""
    rows = boards.rows
    if not rows:
        raise StoreError("nothing to show", why="no trial fits", fix="see bench show")
    home = {
        (row.model, row.variant, row.train_dataset): row.accuracy
        for row in rows
        if row.train_dataset == row.test_dataset
    }
    return tuple(
        Away(row=row, home_accuracy=home.get((row.model, row.variant, row.train_dataset)))
        for row in sorted(rows, key=_place)
    )


def _place(row: Row) -> tuple[str, str, str, bool, str]:
    is_away = row.test_dataset != row.train_dataset
    return row.model, row.variant, row.train_dataset, is_away, row.test_dataset


def draw(value: Sequence[Away], options: NoOptions, screen: Screen) -> Iterator[Text]:
    """Yield one line a model and training dataset, one column a test dataset.

    Where the test datasets do not fit side by side, one line a pairing.
    """
    tests = list(dict.fromkeys(sorted(away.row.test_dataset for away in value)))
    wide = _wide(value, tests)
    if max((text.cell_len for text in lay_out(*wide, 10_000)), default=0) <= screen.width:
        yield from lay_out(*wide, screen.width)
    else:
        yield from lay_out(*_long(value), screen.width)
    legend = "Accuracy; in brackets the difference to the model's own test split, in points."
    if any(away.row.leaked for away in value):
        legend += " ! marks test images that are also training images."
    yield Text()
    yield Text(legend)


def _figures(away: Away) -> Text:
    if away.row.accuracy is None:
        return Text("no labels")
    is_home = away.row.train_dataset == away.row.test_dataset
    text = Text(share(away.row.accuracy), style="bold" if is_home else "")
    if away.row.leaked:
        text.append("!", style="warn")
    if not is_home and away.drop is not None:
        text.append(f" ({points(away.drop)})", style="bad" if away.drop < -0.1 else "")
    return text


def _wide(rows: Sequence[Away], tests: Sequence[str]) -> tuple[list[Column], list[Line]]:
    columns = [
        Column(name="model", heading="model", align="left"),
        Column(name="train", heading="trained on", align="left"),
        *(Column(name=f"test {name}", heading=clean(name), align="left") for name in tests),
    ]
    grouped: dict[tuple[str, str], dict[str, Text]] = {}
    for away in rows:
        key = (away.row.label, away.row.train_dataset)
        grouped.setdefault(key, {})[f"test {away.row.test_dataset}"] = _figures(away)
    lines = []
    last = ""
    for (model, train), figures in grouped.items():
        label = plain("" if model == last else model)
        lines.append(Line(cells={"model": label, "train": plain(train), **figures}))
        last = model
    return columns, lines


def _long(rows: Sequence[Away]) -> tuple[list[Column], list[Line]]:
    """Return a heading a model with its pairings below it, for a narrow screen."""
    columns = [
        Column(name="pair", heading="trained on → tested on", align="left", wraps_at=30),
        Column(name="accuracy", heading="accuracy", align="left"),
        Column(name="n", heading="images", keep=1),
    ]
    lines = []
    last = ""
    for away in rows:
        label = away.row.label
        if label != last:
            lines.append(Line(tail=plain(label, "bold"), tail_at="pair"))
        last = label
        pair = f"{away.row.train_dataset} → {away.row.test_dataset}"
        cells: Mapping[str, Text] = {
            "pair": Text("  ") + plain(pair),
            "accuracy": _figures(away),
            "n": Text(count(away.row.n_test or 0)),
        }
        lines.append(Line(cells=cells))
    return columns, lines


VIEW = View(
    name="matrix",
    summary="Show every model trained on one dataset and tested on another.",
    about="For example:\n  bench show matrix -m 'cnn-*'",
    takes=("model", "exclude_duplicates"),
    compute=compute,
    columns=(
        "model",
        "variant",
        "train_dataset",
        "test_dataset",
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "home_accuracy",
        "drop",
        "n_test",
        "leaked",
        "near_duplicates",
        "seeds",
    ),
    draw=draw,
)
