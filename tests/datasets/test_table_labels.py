"""Labels of a table that are written in two ways are asked about."""

import pytest

from bench_datasets._folder.table_labels import read_truths


@pytest.mark.parametrize(
    ("cells", "asks"),
    [
        pytest.param(["00", "01", "7"], True, id="padded-and-bare"),
        pytest.param(["007", "001", "7"], True, id="padded-to-three"),
        pytest.param(["00", "01", "07"], False, id="all-padded"),
        pytest.param(["0", "1", "7"], False, id="all-bare"),
        pytest.param(["05126707", "7", "01"], False, id="whole-ids-among-them"),
    ],
)
def test_zeros_before_some_of_the_digits_are_asked_about(cells: list[str], asks: bool) -> None:
    assert bool(read_truths(cells, {}, "label").doubt) is asks


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["null"], id="one-word-of-german"),
        pytest.param(["tre", "sei"], id="two-languages-agree"),
        pytest.param(["six", "six"], id="english-needs-no-company"),
    ],
)
def test_words_that_are_digits_somewhere_are_never_names_of_classes(cells: list[str]) -> None:
    truths = read_truths(cells, {}, "label")
    assert truths.doubt or set(truths.classes.values()) <= set("0123456789")


def test_a_cell_that_says_nothing_is_no_class() -> None:
    truths = read_truths(["cat", "dog", "nan", "N/A", "null", "?"], {}, "label")
    assert truths.classes == {"cat": "cat", "dog": "dog"}


def test_null_beside_german_words_is_zero() -> None:
    truths = read_truths(["null", "vier", "nan"], {}, "label")
    assert truths.classes == {"null": "0", "vier": "4"}


def test_a_column_that_only_says_nothing_gives_no_labels() -> None:
    truths = read_truths(["nan", "nan"], {}, "label")
    assert not truths.classes
    assert not truths.digits
