"""One resolver: what a person types to name rows, and what is said where it names none or many."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.board.boards import Boards
from bench.board.find import chosen, find_row, find_rows, named, on_datasets, trial_folder
from bench.board.rows import Row
from bench.errors import BenchError
from bench.store.layout import Store

Run = Callable[..., Any]


def row(model: str, variant: str = "", on: str = "home:home", trial: str = "") -> Row:
    train, _, test = on.partition(":")
    return Row(
        model=model,
        variant=variant,
        train_dataset=train,
        test_dataset=test,
        trials=(trial or f"{model}{variant}{train}",),
    )


ROWS = [
    row("cnn-a", trial="3f9c01"),
    row("cnn-a", on="home:away", trial="3f9c01"),
    row("cnn-a", "quick", trial="3f00aa"),
    row("cnn-b", "epochs=2", trial="beef02"),
    row("cnn-b", "epochs=3", trial="beef03"),
    row("svm", on="away:away", trial="aa0001"),
    row("svm", on="away:people", trial="aa0001"),
]


def places(found: list[Row]) -> list[int]:
    return [index for index, each in enumerate(ROWS) if any(each is one for one in found)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("cnn-a", [0, 1, 2], id="a model"),
        pytest.param("cnn-a (quick)", [2], id="a row as shown"),
        pytest.param("cnn-*", [0, 1, 2, 3, 4], id="a glob"),
        pytest.param("* (epochs=*)", [3, 4], id="a glob of variants"),
        pytest.param("3f9c", [0, 1], id="how a trial's id begins"),
    ],
)
def test_rows_are_named_by_model_row_glob_or_trial(text: str, expected: list[int]) -> None:
    assert places(named(ROWS, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("away", [1, 5], id="a test dataset"),
        pytest.param("home:away", [1], id="a pairing"),
        pytest.param("away:", [5, 6], id="an open test side"),
        pytest.param(":home", [0, 2, 3, 4], id="an open training side"),
        pytest.param("p*", [6], id="a glob"),
    ],
)
def test_rows_are_named_by_their_datasets(text: str, expected: list[int]) -> None:
    assert places(on_datasets(ROWS, text)) == expected


@pytest.mark.parametrize(
    ("find", "says"),
    [
        pytest.param(
            lambda: named(ROWS, "cnn-c"),
            "no results of 'cnn-c': did you mean cnn-b or cnn-a?",
            id="a model that is not there",
        ),
        pytest.param(
            lambda: named(ROWS, "xyz"),
            "no results of 'xyz': the store holds cnn-a, cnn-a (quick), cnn-b, "
            "cnn-b (epochs=2), cnn-b (epochs=3), svm",
            id="nothing close",
        ),
        pytest.param(
            lambda: named(ROWS, "3f"),
            "'3f' is ambiguous: it begins 3f00aa, 3f9c01",
            id="a beginning of several ids",
        ),
        pytest.param(
            lambda: on_datasets(ROWS, "awya"),
            "no results on 'awya': did you mean away?",
            id="a dataset that is not there",
        ),
        pytest.param(
            lambda: find_rows(ROWS, "cnn-b"),
            "'cnn-b' has several variants: name one of 'cnn-b (epochs=2)', 'cnn-b (epochs=3)'",
            id="a model with several variants",
        ),
        pytest.param(
            lambda: find_rows(ROWS, "cnn-b", variant="epochs"),
            "'cnn-b' has several variants: name one of 'cnn-b (epochs=2)', 'cnn-b (epochs=3)'",
            id="a variant that fits several rows",
        ),
        pytest.param(
            lambda: find_rows(ROWS, "cnn-a", variant="slow"),
            "no results of cnn-a with 'slow': its variants are '', 'quick'",
            id="a variant that is not there",
        ),
        pytest.param(
            lambda: find_rows(ROWS, "cnn-a", pairing="people"),
            "no results of cnn-a on 'people': it has home:home, home:away",
            id="a pairing that is not there",
        ),
        pytest.param(
            lambda: find_rows(ROWS, "*"),
            "'*' has several models: name one of 'cnn-a', 'svm'",
            id="a glob of several models where one row is meant",
        ),
        pytest.param(
            lambda: find_row(ROWS, "cnn-a"),
            "cnn-a has several rows: name one of home:home, home:away; for example: bench show "
            "report cnn-a home:home",
            id="a row on several test splits",
        ),
    ],
)
def test_what_names_nothing_or_too_much_is_one_line_with_the_names(
    find: Callable[[], object], says: str
) -> None:
    with pytest.raises(BenchError) as raised:
        find()
    assert str(raised.value) == says


def test_the_default_is_meant_where_a_name_fits_several_variants() -> None:
    assert find_row(ROWS, "cnn-a", "home") is ROWS[0]
    assert find_row(ROWS, "cnn-a", "home", "quick") is ROWS[2]


def test_one_dataset_is_first_its_own_test_split_and_else_where_it_was_tested() -> None:
    assert find_row(ROWS, "svm", "away") is ROWS[5]
    assert find_row(ROWS, "svm", "people") is ROWS[6]


def test_several_texts_choose_rows_together_in_their_order() -> None:
    found = chosen(ROWS, models=["svm", "cnn-b"], datasets=["away", "home"])
    assert places(found) == [3, 4, 5]


def test_a_trial_is_found_by_its_model_where_it_has_one(sample_store: Path) -> None:
    boards = Boards(store=Store(sample_store))
    folder = trial_folder(boards.store, "beta", lambda: boards.rows)
    assert folder.parent == boards.store.trials
    with pytest.raises(BenchError, match="'alpha' has several trials: name one of "):
        trial_folder(boards.store, "alpha", lambda: boards.rows)


@pytest.mark.parametrize(
    "command",
    [
        ("show", "leaderboard", "-m", "alhpa"),
        ("show", "matrix", "-m", "alhpa"),
        ("show", "cost", "-m", "alhpa"),
        ("show", "errors", "-m", "alhpa"),
        ("show", "report", "alhpa"),
        ("show", "history", "alhpa", "home"),
        ("compare", "alhpa", "beta"),
        ("results", "clean", "-m", "alhpa"),
    ],
    ids=" ".join,
)
def test_every_verb_says_the_same_of_a_name_that_is_none(
    run_bench: Run, sample_store: Path, command: tuple[str, ...]
) -> None:
    ended = run_bench(*command, "--store", sample_store)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "bench: no results of 'alhpa': did you mean alpha?\n"


def test_a_view_takes_a_pairing_a_glob_and_a_row_as_shown(
    run_bench: Run, sample_store: Path
) -> None:
    ended = run_bench(
        "show", "-d", "home:aw*", "-m", "beta (epochs=3)", "--csv", "--store", sample_store
    )
    lines = ended.out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("away,home,beta,epochs=3,")
