"""Files of predictions: what is read, and what does not fit."""

import csv
import gzip
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.adapters.predictions_file import External, read_predictions_file
from bench.errors import DataError
from bench.spec import ImageSet, Labels

CLASSES = tuple("0123456789")
N = 40
LABELS = np.arange(N, dtype=np.int64) % 10
PIXELS = np.zeros((N, 8, 8, 1), np.uint8)
TEST = ImageSet(pixels=PIXELS, labels=LABELS)
PHOTOS = ImageSet(pixels=PIXELS, labels=LABELS, names=tuple(f"ann/{i}.png" for i in range(N)))


def write(path: Path, header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows] if header else rows)


def read(path: Path, test: ImageSet = TEST) -> External:
    trained = frozenset({"bob/1.png", "bob/2.png"})
    return read_predictions_file(
        path, CLASSES, test, dataset="mine", train_names=trained, n_train=90
    )


def rows_of(predicted: Labels) -> list[list[float]]:
    return [[0.91 if k == each else 0.01 for k in range(10)] for each in predicted]


@pytest.mark.parametrize("first", [pytest.param(0, id="from-0"), pytest.param(1, id="from-1")])
def test_lines_in_any_order_are_placed_by_their_numbers(tmp_path: Path, first: int) -> None:
    lines = [[i + first, LABELS[i]] for i in np.random.default_rng(0).permutation(N)]
    write(tmp_path / "p.csv", ["ImageId", "Label"], lines)

    found = read(tmp_path / "p.csv")

    assert found.placed_by == f"numbers from {first}"
    np.testing.assert_array_equal(found.predicted, LABELS)


def test_lines_in_any_order_are_placed_by_the_names_of_photos(tmp_path: Path) -> None:
    lines = list(zip(PHOTOS.names, LABELS, strict=True))
    write(tmp_path / "p.csv", ["file", "prediction"], lines[::-1])

    np.testing.assert_array_equal(read(tmp_path / "p.csv", PHOTOS).predicted, LABELS)


def test_names_of_the_training_split_are_told_as_such(tmp_path: Path) -> None:
    lines = [[name, 1] for name in PHOTOS.names[:-1]]
    write(tmp_path / "p.csv", ["file", "prediction"], [["bob/1.png", 1], *lines])

    with pytest.raises(DataError, match="its training split has 1 of them"):
        read(tmp_path / "p.csv", PHOTOS)


def test_a_packed_file_without_a_header_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(gzip.compress("\n".join(map(str, LABELS)).encode()))

    np.testing.assert_array_equal(read(tmp_path / "p.csv").predicted, LABELS)


@pytest.mark.parametrize(
    "header",
    [pytest.param(CLASSES, id="bare"), pytest.param([f"p_{k}" for k in CLASSES], id="prefixed")],
)
def test_probabilities_alone_are_enough(tmp_path: Path, header: Sequence[str]) -> None:
    write(tmp_path / "p.csv", header, rows_of(LABELS))

    found = read(tmp_path / "p.csv")

    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, np.array(rows_of(LABELS)) / 1.0, atol=1e-6)
    np.testing.assert_array_equal(found.predicted, LABELS)


def test_what_was_predicted_need_not_be_the_largest_probability(tmp_path: Path) -> None:
    lines = [[9, *row] for row in rows_of(LABELS)]
    write(
        tmp_path / "p.csv",
        ["id", "truth", "predicted", *CLASSES],
        [[i, LABELS[i], *line] for i, line in enumerate(lines)],
    )

    assert set(read(tmp_path / "p.csv").predicted) == {9}


def test_one_class_for_all_needs_no_proof_of_its_order(tmp_path: Path) -> None:
    write(tmp_path / "p.csv", ["predicted"], [["7.0"]] * N)

    assert set(read(tmp_path / "p.csv").predicted) == {7}


def _with(labels: Labels, **cells: object) -> list[list[object]]:
    """Lines of number and prediction, some of them changed: ``_7="5"``; None leaves one out."""
    told: list[object] = [cells.get(f"_{i}", label) for i, label in enumerate(labels)]
    return [[i, each] for i, each in enumerate(told) if each is not None]


NAMED = ["name", "predicted"]
MISFITS = [
    pytest.param(
        NAMED,
        lambda y: _with(y, _7=None),
        "39 predictions, the test split of mine has 40 images",
        id="missing",
    ),
    pytest.param(
        NAMED,
        lambda y: [*_with(y, _7=None), [6, 1]],
        "lines 8 and 41: both are of '6'",
        id="double",
    ),
    pytest.param(
        NAMED,
        lambda y: [*_with(y, _7=None), ["seven", 1]],
        "'seven': no image of the test split of mine is called so; as '0'",
        id="unknown-name",
    ),
    pytest.param(NAMED, lambda y: _with(y, _7="nan"), "line 9: 'nan' is no class", id="nan"),
    pytest.param(NAMED, lambda y: _with(y, _7="A"), "line 9: 'A' is no class", id="foreign-class"),
    pytest.param(NAMED, lambda y: _with(y, _7=" "), "line 9: a class is missing", id="empty-class"),
    pytest.param(
        ["predicted"],
        lambda y: [[each] for each in np.resize(y, 90)],
        "as many lines as the training split has images (90)",
        id="the-training-split",
    ),
    pytest.param(
        ["truth", "predicted"],
        lambda y: [[each, each] for each in y[::-1]],
        "its truths are not the labels of",
        id="another-order",
    ),
    pytest.param(
        ["predicted"],
        lambda y: [[each] for each in (y + 1) % 10],
        "are its lines in the order of the test images?",
        id="no-better-than-chance",
    ),
    pytest.param(
        CLASSES,
        lambda y: [[*row[:9], "nan"] for row in rows_of(y)],
        "line 2: nan is no probability",
        id="nan-probability",
    ),
    pytest.param(
        CLASSES,
        lambda y: [[10 * each for each in row] for row in rows_of(y)],
        "line 2: its probabilities sum to 10, not 1",
        id="scores",
    ),
    pytest.param(
        CLASSES[:9],
        lambda y: [row[:9] for row in rows_of(y)],
        "has no column of probabilities for class 9",
        id="a-class-without-a-column",
    ),
    pytest.param(
        [*CLASSES, "A"],
        lambda y: [[*row, 0] for row in rows_of(y)],
        "column 'A': is unknown",
        id="a-column-of-a-foreign-class",
    ),
    pytest.param(
        [], lambda y: [[each, each] for each in y], "what are its 2 columns?", id="no-header"
    ),
    pytest.param(NAMED, lambda y: [*_with(y)[:-1], [39]], "has 1 cells", id="torn-line"),
    pytest.param(["name"], lambda y: [[i] for i in range(N)], "predicts nothing", id="only-names"),
]


@pytest.mark.parametrize(("header", "lines", "said"), MISFITS)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, header: Sequence[str], lines: Callable[[Labels], list[list[object]]], said: str
) -> None:
    write(tmp_path / "p.csv", header, lines(LABELS))

    with pytest.raises(DataError) as raised:
        read(tmp_path / "p.csv")

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00", "cannot be read", id="a-picture"),
        pytest.param(b"\x1f\x8b\x08torn", "cannot be read", id="torn-gzip"),
        pytest.param(b'"' + b"x" * 200_000 + b'",1\n', "field larger than", id="endless-cell"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "p.csv").write_bytes(content)

    with pytest.raises(DataError, match=said):
        read(tmp_path / "p.csv")


def test_a_pipe_is_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")

    with pytest.raises(DataError, match="is a pipe"):
        read(tmp_path / "p.csv")
