"""Train on one, test on another; and results over time."""

from pathlib import Path
from typing import Any

import numpy as np

from bench.board.boards import Boards
from bench.board.rows import Board, Row
from bench.scoring.changes import Change
from bench.scoring.crossed import crossed
from bench.scoring.paired import compare
from bench.store.layout import Store
from bench.views import NoOptions, Screen, history, matrix


def row(model: str, train: str, test: str, accuracy: float, **facts: Any) -> Row:
    """Return a row."""
    return Row(
        model=model,
        train_dataset=train,
        test_dataset=test,
        accuracy=accuracy,
        n_test=100,
        seeds=1,
        **facts,
    )


BOARDS = [
    Board(test_dataset="mnist", rows=(row("m", "mnist", "mnist", 0.99),)),
    Board(test_dataset="usps", rows=(row("m", "mnist", "usps", 0.85, leaked=3),)),
]


def test_the_drop_is_from_the_models_own_test_split() -> None:
    home, away = matrix_of(BOARDS)
    assert home.drop == 0.0
    assert away.drop is not None
    assert round(away.drop, 3) == -0.14


def test_a_wide_screen_has_a_column_a_test_dataset() -> None:
    lines = drawn(BOARDS, 100)
    assert lines[0].split() == ["model", "trained", "on", "mnist", "usps"]
    assert lines[1].split() == ["m", "mnist", ".990", ".850!", "(−14.0)"]
    assert lines[-1].endswith("! marks test images that are also training images.")


def test_a_narrow_screen_has_a_line_a_pairing() -> None:
    boards = [
        Board(test_dataset=f"a-long-name-{i}", rows=(row("m", "mnist", f"a-long-name-{i}", 0.5),))
        for i in range(8)
    ]
    lines = drawn(boards, 80)
    assert lines[:3] == [
        "trained on → tested on   accuracy  images",
        "m",
        "  mnist → a-long-name-0  .500         100",
    ]


def matrix_of(boards: list[Board]) -> tuple[matrix.Away, ...]:
    source = Boards(store=Store(Path()))
    vars(source)["all"] = boards
    return matrix.VIEW.compute(source, NoOptions())


def drawn(boards: list[Board], width: int) -> list[str]:
    """Return the lines of a matrix."""
    value = matrix_of(boards)
    return [str(text) for text in matrix.VIEW.draw(value, NoOptions(), Screen(width=width))]


def entry(accuracy: float, n: int, changed: tuple[str, ...], change: Change) -> history.Entry:
    """Return an entry of a history."""
    return history.Entry(
        started_at=f"2026-11-2{n}T08:00:00+00:00",
        variant="",
        train_dataset="mnist",
        seeds=1,
        accuracy=accuracy,
        changed=changed,
        change=change,
        trials=("abcdef0123",),
        versions={"numpy": "2.3"},
        code=("aa", "bb"),
    )


def test_a_history_says_what_changed_and_whether_it_could_be_luck() -> None:
    good, bad = np.ones(400, dtype=bool), np.arange(400) % 4 > 0
    comparison = compare(crossed(bad), crossed(good))
    first = Change(
        entry=0, reference=None, comparison=None, is_real=False, reason="the first entry"
    )
    second = Change(
        entry=1, reference=0, comparison=comparison, is_real=True, reason="more than luck"
    )
    entries = (entry(1.0, 0, (), first), entry(0.75, 1, ("numpy 2.3 → 2.4",), second))
    options = history.Options(model="m", dataset="mnist")
    lines = [str(text) for text in history.VIEW.draw(entries, options, Screen(width=120))]
    assert lines[0] == "m on mnist, over time"
    assert "1.0000" in lines[2]
    assert "numpy 2.3" in lines[2]
    assert "−25.0 points, changed  numpy 2.3 → 2.4  abcdef01" in lines[3]
    records = history.VIEW.records(entries)
    assert [record["is_real"] for record in records] == [False, True]
    assert records[1]["difference"] == -0.25
