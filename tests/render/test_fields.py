"""The field registry covers every column and record field, and formats as people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.board.rows import COLUMNS, Row
from bench.render.field_table import fields_table
from bench.spec import Epoch
from bench.store.fields import FIELDS, LEADERBOARD_FIELDS, format_value
from bench.store.formats import about, duration, share, size
from bench.store.record import EvaluationRecord, TrialRecord

NOT_FIELDS = {"intervals", "not_scored", "place"}  # how a board is kept


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(set(Row.__struct_fields__) - NOT_FIELDS, id="row"),
        pytest.param(set(TrialRecord.__struct_fields__), id="trial"),
        pytest.param(set(EvaluationRecord.__struct_fields__), id="evaluation"),
        pytest.param(set(Epoch.__dataclass_fields__) - {"epochs"} | {"epochs"}, id="history"),
    ],
)
def test_every_field_is_registered_and_explained(names: set[str]) -> None:
    assert names - set(FIELDS) == set()
    assert all(FIELDS[name].summary and FIELDS[name].type for name in names)


def test_the_leaderboards_columns_are_registered_in_their_order() -> None:
    assert LEADERBOARD_FIELDS == COLUMNS


def test_a_unit_is_in_the_name_of_what_has_one() -> None:
    ends = {
        "bytes": "_bytes",
        "seconds": "seconds",
        "milliseconds": "",
        "microseconds an image": "",
    }
    for name, field in FIELDS.items():
        if ends.get(field.unit):
            assert name.endswith(ends[field.unit].lstrip("_")), name


def test_the_reference_table_has_a_line_a_field() -> None:
    lines = fields_table(LEADERBOARD_FIELDS).splitlines()
    assert len(lines) == 2 + len(COLUMNS)
    assert lines[2 + COLUMNS.index("accuracy")] == (
        "| `accuracy` | number | share of 0 to 1 | share of the test images read right, mean over "
        "seeds |"
    )


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        pytest.param("accuracy", 0.9891, ".989", id="share"),
        pytest.param("accuracy", 1.0, "1.000", id="perfect"),
        pytest.param("accuracy", 0.99999, ".999", id="nearly-perfect"),
        pytest.param("accuracy", 0.0, ".000", id="nothing-right"),
        pytest.param("parameters", 887530, "887,530", id="count"),
        pytest.param("model_bytes", 3_550_120, "3.6 MB", id="megabytes"),
        pytest.param("model_bytes", 12, "12 B", id="bytes"),
        pytest.param("model_bytes", 999_700, "1.0 MB", id="next-unit"),
        pytest.param("fit_seconds", 18.24, "18.2 s", id="seconds"),
        pytest.param("fit_seconds", 59.97, "1 min 00 s", id="a-minute"),
        pytest.param("fit_seconds", 9_640, "2 h 41 min", id="hours"),
        pytest.param("predict_us_per_image", 61.2, "61", id="microseconds"),
        pytest.param("predict_us_per_image", 0.038, "0.04", id="below-one"),
        pytest.param("multiply_adds", 12_075_328, "12.1 M", id="multiply-adds"),
        pytest.param("trials", ("a", "b"), "a, b", id="list"),
        pytest.param("resumed", False, "no", id="truth"),
        pytest.param("parameters", None, "–", id="missing"),
    ],
)
def test_a_value_as_a_person_reads_it(name: str, value: object, text: str) -> None:
    assert format_value(name, value) == text


@given(st.floats(0, 1, exclude_max=True))
def test_only_a_perfect_share_is_shown_as_perfect(value: float) -> None:
    assert share(value).startswith(".")
    assert len(share(value, 4)) == 5


@given(st.floats(0, 1e15))
def test_sizes_and_durations_stay_short(value: float) -> None:
    assert len(size(value)) <= 9
    assert "e" not in duration(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0.2, "1 s", id="at-least-one"),
        pytest.param(48.4, "48 s", id="seconds"),
        pytest.param(161, "2 min 40 s", id="tens"),
        pytest.param(540, "9 min", id="minutes"),
        pytest.param(9_600, "2 h 40", id="hours"),
    ],
)
def test_an_estimate_is_round(seconds: float, text: str) -> None:
    assert about(seconds) == text
