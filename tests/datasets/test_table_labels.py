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
