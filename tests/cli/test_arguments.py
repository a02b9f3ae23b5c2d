"""Durations, sizes, seeds, shapes: parsed in one place, refused in one line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli.arguments import (
    parse_duration,
    parse_jobs,
    parse_seeds,
    parse_shape,
    parse_size,
)
from bench.errors import OptionError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("90s", 90, id="seconds"),
        pytest.param("30m", 1800, id="minutes"),
        pytest.param("2h", 7200, id="hours"),
        pytest.param("1h30m", 5400, id="both"),
        pytest.param("1.5 h", 5400, id="a-fraction"),
        pytest.param("45", 45, id="bare"),
        pytest.param("10MIN", 600, id="capitals"),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text, "--timeout") == seconds


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("soon", id="a-word"),
        pytest.param("0", id="nothing"),
        pytest.param("-5s", id="negative"),
        pytest.param("5 weeks", id="a-unit-unknown"),
        pytest.param("s", id="a-unit-alone"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--timeout"):
        parse_duration(text, "--timeout")


@given(st.integers(1, 10**6), st.sampled_from([("s", 1), ("m", 60), ("h", 3600)]))
def test_a_duration_of_one_part_is_its_product(number: int, unit: tuple[str, int]) -> None:
    assert parse_duration(f"{number}{unit[0]}", "--timeout") == number * unit[1]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        pytest.param("4GB", 4_000_000_000, id="decimal"),
        pytest.param("512 MB", 512_000_000, id="a-blank"),
        pytest.param("2GiB", 2 * 2**30, id="binary"),
        pytest.param("1.5g", 1.5 * 2**30, id="short"),
    ],
)
def test_a_size_is_bytes(text: str, size: int) -> None:
    assert parse_size(text, "--max-memory") == size


@pytest.mark.parametrize(
    ("parse", "text", "line"),
    [
        pytest.param(
            parse_size,
            "lots",
            "--max-memory lots: is not a size; write 4GB or 512MB",
            id="size",
        ),
        pytest.param(
            parse_size,
            "0GB",
            "--max-memory 0GB: nothing runs in no memory; leave it out",
            id="zero",
        ),
        pytest.param(
            parse_size, "4", "--max-memory 4: is not a size; write 4GB or 512MB", id="no-unit"
        ),
    ],
)
def test_what_is_no_size_is_refused_in_one_line(parse: Any, text: str, line: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse(text, "--max-memory")
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("seeds", "repeats", "expected"),
    [
        pytest.param("", 1, (42,), id="default"),
        pytest.param("", 3, (42, 43, 44), id="repeats"),
        pytest.param("7, 1,3", 1, (7, 1, 3), id="named"),
    ],
)
def test_seeds_are_named_or_counted_from_42(
    seeds: str, repeats: int, expected: tuple[int, ...]
) -> None:
    assert parse_seeds(seeds, repeats) == expected


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param("1,1", id="twice"),
        pytest.param("a", id="a-word"),
        pytest.param("-1", id="negative"),
        pytest.param("4294967296", id="too-large"),
        pytest.param("1,,2", id="empty-part"),
    ],
)
def test_what_is_no_list_of_seeds_is_refused(seeds: str) -> None:
    with pytest.raises(OptionError, match="--seeds"):
        parse_seeds(seeds, 1)


def test_seeds_and_repeats_do_not_go_together() -> None:
    with pytest.raises(OptionError, match="--repeats"):
        parse_seeds("1,2", 3)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        pytest.param("28x28", (28, 28, 1), id="grey"),
        pytest.param("32×48x3", (32, 48, 3), id="colour"),
    ],
)
def test_a_shape_is_height_width_channels(text: str, shape: tuple[int, int, int]) -> None:
    assert parse_shape(text) == shape


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("28", id="one-side"),
        pytest.param("0x28", id="zero"),
        pytest.param("28x28x2", id="two-channels"),
    ],
)
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--shape"):
        parse_shape(text)


@pytest.mark.parametrize(
    ("text", "jobs"), [pytest.param("auto", "auto", id="auto"), pytest.param("4", 4, id="four")]
)
def test_jobs_are_a_number_or_auto(text: str, jobs: object) -> None:
    assert parse_jobs(text) == jobs


@pytest.mark.parametrize(
    "text",
    [pytest.param("0", id="none"), pytest.param("-1", id="negative"), pytest.param("x", id="word")],
)
def test_what_is_no_number_of_jobs_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--jobs"):
        parse_jobs(text)
