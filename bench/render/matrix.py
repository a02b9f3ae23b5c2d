"""Train on one dataset, test on another: accuracies with the drop from home to away."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from bench.board.views import Away
from bench.render.console import clean, plain
from bench.render.leaderboard import model_label
from bench.render.table import Column, Line, lay_out
from bench.store.fields import count, points, share

__all__ = ["MATRIX_COLUMNS", "matrix_lines", "matrix_records"]

MATRIX_COLUMNS = (
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
)


def matrix_records(rows: Sequence[Away]) -> list[dict[str, Any]]:
    """Return the matrix as plain data; ``drop`` is accuracy away less accuracy at home."""
    return [
        {name: getattr(away.row, name, None) for name in MATRIX_COLUMNS}
        | {"home_accuracy": away.home_accuracy, "drop": away.drop}
        for away in rows
    ]


def matrix_lines(rows: Sequence[Away], width: int) -> list[Text]:
    """Return one line a model and training dataset, one column a test dataset.

    Where the test datasets do not fit side by side, one line a pairing.
    """
    tests = list(dict.fromkeys(sorted(away.row.test_dataset for away in rows)))
    wide = _wide(rows, tests)
    if max((text.cell_len for text in lay_out(*wide, 10_000)), default=0) <= width:
        texts = lay_out(*wide, width)
    else:
        texts = lay_out(*_long(rows), width)
    legend = "Accuracy; in brackets the difference to the model's own test split, in points."
    if any(away.row.leaked for away in rows):
        legend += " ! marks test images that are also training images."
    return [*texts, Text(), Text(legend)]


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
        key = (model_label(away.row), away.row.train_dataset)
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
        label = model_label(away.row)
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
