"""``mnist-csv``: the layouts it reads, the published split, and files that are something else."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import OptionError
from bench.loading.cache import open_split
from bench.loading.load import load_dataset
from bench.spec import DatasetSpec, ImageSet
from bench_datasets._digits import split_indices
from bench_datasets._ladder.csv_rows import _parse_any
from bench_datasets._ladder.plain_rows import parse_plain_rows

Splits = Callable[..., tuple[ImageSet, ImageSet]]
Message = Callable[..., str]
HEADER = "label," + ",".join(f"pixel{i}" for i in range(784))
LABELS = np.arange(30) % 10


def _text(pixels: Any, labels: Any = LABELS, header: str = HEADER, end: str = "\n") -> str:
    rows = pixels.reshape(len(pixels), -1)
    if labels is not None:
        rows = np.column_stack([labels, rows])
    lines = [",".join(map(str, row)) for row in rows.tolist()]
    return end.join([header, *lines] if header else lines) + end


@pytest.fixture
def write(tmp_path: Path, pixels: Callable[..., Any]) -> Callable[..., Path]:
    """Return ``write(name, **how)``: a file of thirty digits; see `_text`."""

    def write_(name: str = "train.csv", **how: Any) -> Path:
        path = tmp_path / name
        path.write_text(_text(pixels(), **how))
        return path

    return write_


def _joined(splits: tuple[ImageSet, ImageSet]) -> tuple[Any, Any]:
    """Return all pixels and labels, as a set of rows in a fixed order."""
    train, test = splits
    labels = np.concatenate([_labels(train), _labels(test)])
    images = np.concatenate([train.pixels, test.pixels]).reshape(len(labels), -1)
    rows = np.column_stack([labels, images])
    return rows[np.lexsort(rows.T)], (len(train), len(test))


def _labels(split: ImageSet) -> Any:
    assert split.labels is not None
    return split.labels


def _expected(pixels: Any) -> Any:
    rows = np.column_stack([LABELS, pixels.reshape(30, -1)])
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize(
    ("how", "name"),
    [
        pytest.param({}, "train.csv", id="kaggle"),
        pytest.param({"header": ""}, "mnist_train.csv", id="headerless"),
        pytest.param({"end": "\r\n"}, "train.csv", id="windows-line-ends"),
        pytest.param({"header": HEADER.replace("pixel", '"pixel').replace(",", '",')
                      .replace('label"', "label") + '"'}, "train.csv", id="quoted-header"),
        pytest.param({"header": "\ufeff" + HEADER}, "train.csv", id="byte-order-mark"),
        pytest.param(
            {"header": "label," + ",".join(f"{i // 28 + 1}x{i % 28 + 1}" for i in range(784))},
            "mnist_train.csv",
            id="row-by-column-names",
        ),
    ],
)  # fmt: skip
def test_a_table_is_read_and_split(
    write: Callable[..., Path],
    splits: Splits,
    pixels: Callable[..., Any],
    how: dict[str, Any],
    name: str,
) -> None:
    rows, counts = _joined(splits("mnist-csv", write(name, **how)))
    assert counts == (24, 6)
    assert np.array_equal(rows, _expected(pixels()))


def test_images_are_28_by_28_bytes_in_row_order(
    write: Callable[..., Path], splits: Splits, pixels: Callable[..., Any]
) -> None:
    train, _ = splits("mnist-csv", write())
    _, first = split_indices(LABELS, 0.8, 42)
    order, _ = split_indices(LABELS, 0.8, 42)
    assert train.pixels.dtype == np.uint8
    assert np.array_equal(train.pixels[..., 0], pixels()[order])
    assert len(first) == 6


def test_a_gzipped_table(
    write: Callable[..., Path], tmp_path: Path, splits: Splits, pixels: Callable[..., Any]
) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(write().read_bytes()))
    assert np.array_equal(_joined(splits("mnist-csv", path))[0], _expected(pixels()))


def test_kaggles_zip(
    write: Callable[..., Path], tmp_path: Path, splits: Splits, pixels: Callable[..., Any]
) -> None:
    path = tmp_path / "digit-recognizer.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sample_submission.csv", "ImageId,Label\n1,0\n")
        archive.writestr("test.csv", _text(pixels(3), None, HEADER.removeprefix("label,")))
        archive.write(write(), "train.csv")
    assert np.array_equal(_joined(splits("mnist-csv", path))[0], _expected(pixels()))


def test_a_table_without_labels_is_for_prediction(
    write: Callable[..., Path], load: Callable[..., Any], pixels: Callable[..., Any]
) -> None:
    header = HEADER.removeprefix("label,")
    loaded = load("mnist-csv", write("test.csv", labels=None, header=header))
    assert loaded.train is None
    assert not loaded.test.labelled
    assert np.array_equal(open_split(loaded.test).pixels[..., 0], pixels())


def test_a_fixed_test_file_leaves_the_first_whole(
    write: Callable[..., Path], splits: Splits, pixels: Callable[..., Any]
) -> None:
    write("held-out.csv")
    train, test = splits("mnist-csv", write(), test_file="held-out.csv")
    assert (len(train), len(test)) == (30, 30)
    assert np.array_equal(train.pixels[..., 0], pixels())


def test_two_tables_of_the_usual_names_are_the_two_splits(
    write: Callable[..., Path], specs: dict[str, DatasetSpec], tmp_path: Path
) -> None:
    write("mnist_train.csv", header="")
    write("mnist_test.csv", header="")
    loaded = load_dataset(specs["mnist-csv"], search=[tmp_path], cache_dir=tmp_path / "cache")
    assert loaded.train is not None
    assert loaded.test is not None
    assert (loaded.train.n, loaded.test.n) == (30, 30)


def test_a_test_file_without_labels_or_absent(write: Callable[..., Path], message: Message) -> None:
    write("test.csv", labels=None, header=HEADER.removeprefix("label,"))
    assert message("mnist-csv", write(), test_file="test.csv") == (
        "test.csv has no labels: a test file needs them; to read it, use bench predict test.csv"
    )
    assert message("mnist-csv", write(), test_file="absent.csv") == (
        "mnist-csv: test_file absent.csv does not exist"
    )


@given(n=st.integers(2, 300), fraction=st.floats(0.05, 0.95), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_split_is_scikit_learns(n: int, fraction: float, seed: int) -> None:
    from sklearn.model_selection import train_test_split

    if not 0 < int(fraction * n) < n:
        return
    train, test = split_indices(np.zeros(n, np.int64), fraction, seed)
    expected = train_test_split(np.arange(n), train_size=fraction, random_state=seed)
    assert [train.tolist(), test.tolist()] == [part.tolist() for part in expected]


@pytest.mark.parametrize(
    ("fraction", "sizes"),
    [
        pytest.param(0.8, (33_600, 8_400), id="80/20"),
        pytest.param(0.7, (29_399, 12_601), id="70/30"),
    ],
)
def test_the_published_splits_have_the_published_sizes(
    fraction: float, sizes: tuple[int, int]
) -> None:
    from sklearn.model_selection import train_test_split

    parts = split_indices(np.zeros(42_000, np.int64), fraction, 42)
    assert tuple(map(len, parts)) == sizes
    if fraction == 0.8:  # written test_size=.2 in the source
        expected = train_test_split(np.arange(42_000), test_size=0.2, random_state=42)
        assert all(np.array_equal(a, b) for a, b in zip(parts, expected, strict=True))


def test_a_stratified_split_keeps_the_share_of_each_class(
    write: Callable[..., Path], splits: Splits
) -> None:
    train, test = splits("mnist-csv", write(), train_fraction=2 / 3, stratify=True)
    assert np.bincount(_labels(train)).tolist() == [2] * 10
    assert np.bincount(_labels(test)).tolist() == [1] * 10


def test_a_class_too_rare_to_stratify(write: Callable[..., Path], message: Message) -> None:
    labels = LABELS.copy()
    labels[[9, 19]] = 5  # one 9 is left
    assert message("mnist-csv", write(labels=labels), stratify=True).startswith(
        "the rows cannot be split by class: "
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            "PassengerId,Survived,Pclass,Name\n1,0,3,X\n",
            "train.csv has no columns pixel0 … pixel783: its header is"
            " 'PassengerId,Survived,Pclass, …'. Is this another competition's file?; name"
            " the pixel columns"
            " pixel0, pixel1, … in the order of the image's rows",
            id="another-competition",
        ),
        pytest.param(
            "<!DOCTYPE html>\n<html><body>Please log in</body></html>",
            "train.csv is a web page, not data: the download was probably answered by a log-in"
            " page; log in on the site, then download it again",
            id="html",
        ),
        pytest.param("", "train.csv is empty; download or save it again", id="empty"),
        pytest.param(" \n\n", "train.csv is empty; download or save it again", id="blank"),
        pytest.param(HEADER + "\n", "train.csv has a header but no rows", id="header-only"),
        pytest.param(
            "5,0,0,255\n1,0,0,0\n",
            "train.csv has 4 columns: a table of digits has 784 pixels (or another square), with or"
            " without a label; name the columns in a header: label,pixel0,pixel1,…",
            id="four-columns",
        ),
        pytest.param(
            HEADER.replace("pixel7,", "") + "\n",
            "train.csv has 783 pixel columns: a table of digits has 784 of them, up to number 783:"
            " some were left out; save all pixels, those that are always 0 too",
            id="a-column-missing",
        ),
        pytest.param(
            HEADER + ",extra\n",
            "train.csv has the column 'extra': it is neither a pixel nor a label by its name; which"
            " column is the label? --set mnist-csv.labels=extra, or remove it",
            id="a-column-too-many",
        ),
        pytest.param(
            HEADER.replace(",", ";") + "\n",
            "train.csv has a header but no rows",
            id="semicolons",
        ),
        pytest.param(
            "5\0\0\0",
            "train.csv is not text: it holds zero bytes; is it the right file? save it as"
            " CSV or .npz,"
            " or download it again",
            id="binary",
        ),
    ],
)
def test_a_file_that_is_something_else_is_named_for_what_it_is(
    tmp_path: Path, message: Message, content: str, expected: str
) -> None:
    path = tmp_path / "train.csv"
    path.write_text(content)
    assert message("mnist-csv", path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("abc", "'abc' in column 101 is not a number", id="text"),
        pytest.param("nan", "'nan' in column 101 is no value of a pixel", id="nan"),
        pytest.param(
            "1e308", "'1e308' in column 101 is no value of a pixel", id="beyond-any-pixel"
        ),
        pytest.param("256", "a pixel of image 2 is 256, and in most", id="above-255"),
        pytest.param("-1", "a pixel of image 2 is -1, and in most", id="negative"),
        pytest.param("1000", "a pixel of image 2 is 1000, and in most", id="four-digits"),
    ],
)
def test_a_pixel_that_is_none_is_quoted_with_its_line(
    write: Callable[..., Path], message: Message, value: str, expected: str
) -> None:
    path = write()
    lines = path.read_text().splitlines()
    fields = lines[3].split(",")
    fields[100] = value
    lines[3] = ",".join(fields)
    path.write_text("\n".join(lines) + "\n")
    assert message("mnist-csv", path).startswith(f"train.csv, line 4: {expected}")


def test_an_empty_field_is_named(write: Callable[..., Path], message: Message) -> None:
    path = write()
    lines = path.read_text().splitlines()
    fields = lines[3].split(",")
    fields[100] = ""
    lines[3] = ",".join(fields)
    path.write_text("\n".join(lines))
    assert message("mnist-csv", path) == (
        "train.csv, line 4: the field in column pixel99 is empty; remove the row, or save"
        " the table again"
    )


def test_a_row_cut_short(write: Callable[..., Path], message: Message) -> None:
    path = write()
    path.write_text(path.read_text()[:-1200])
    line = message("mnist-csv", path)
    assert line.startswith("train.csv, line 31: a row has ")
    assert " columns where the others have 785; is it complete?" in line


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(lambda text: text, 9, id="with-a-header"),
        pytest.param(lambda text: text.partition("\n")[2], 8, id="without"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), 9, id="windows-line-ends"),
        pytest.param(lambda text: text.replace("\n", "\n\n", 3), 12, id="empty-lines-between"),
    ],
)
def test_a_label_that_is_no_digit_is_found_in_its_line(
    write: Callable[..., Path], message: Message, change: Callable[[str], str], line: int
) -> None:
    labels = LABELS.copy()
    labels[[7, 20]] = 12
    path = write(labels=labels)
    path.write_bytes(change(path.read_text()).encode())
    assert message("mnist-csv", path).startswith(
        f"train.csv, line {line}: label 12 is not a digit from 0 to 9"
    )


def test_a_wrong_label_is_found_in_its_line_of_a_packed_table(
    write: Callable[..., Path], tmp_path: Path, message: Message
) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(write(labels=np.arange(30) % 11).read_bytes()))
    assert message("mnist-csv", path).startswith("train.csv.gz, line 12: label 10 ")


def _unlabelled(first: Any, pixels: Any) -> str:
    rows = pixels.reshape(30, -1).copy()
    rows[:, 0] = first
    return _text(rows, labels=None, header="")


def test_a_label_and_783_pixels_without_a_header_are_not_taken_for_pixels(
    tmp_path: Path, message: Message, pixels: Callable[..., Any]
) -> None:
    path = tmp_path / "train.csv"
    path.write_text(_unlabelled(LABELS, pixels()))
    assert message("mnist-csv", path) == (
        "train.csv has 784 columns, no header, and only 0 to 9 in the first: that may be 784"
        " pixels, or a label and a pixel too few; add the header label,pixel0,… or, without"
        " labels, pixel0,… up to pixel783, or say --set mnist-csv.labels=none"
    )


@pytest.mark.parametrize(
    ("first", "header"),
    [
        pytest.param(0, "", id="paper-in-the-corner"),
        pytest.param(LABELS * 20, "", id="greys-in-the-corner"),
        pytest.param(LABELS, HEADER.removeprefix("label,") + "\n", id="its-header-says-pixels"),
    ],
)
def test_784_pixels_are_read_where_they_can_be_nothing_else(
    tmp_path: Path, load: Callable[..., Any], pixels: Callable[..., Any], first: Any, header: str
) -> None:
    path = tmp_path / "test.csv"
    path.write_text(header + _unlabelled(first, pixels()))
    loaded = load("mnist-csv", path)
    assert loaded.train is None
    assert (loaded.test.n, loaded.test.labelled) == (30, False)


def test_one_class_only(write: Callable[..., Path], message: Message) -> None:
    assert message("mnist-csv", write(labels=np.full(30, 3))) == (
        "train.csv, training split: it holds only one class; nothing can be learnt from it"
    )


def test_two_rows(tmp_path: Path, message: Message, pixels: Callable[..., Any]) -> None:
    path = tmp_path / "train.csv"
    path.write_text(_text(pixels(2), labels=[3, 4]))
    assert message("mnist-csv", path) == (
        "train.csv has 2 rows: too few for a training and a test split; add images, or read them"
        " with bench predict"
    )


def test_a_truncated_gzip(write: Callable[..., Path], tmp_path: Path, message: Message) -> None:
    path = tmp_path / "train.csv.gz"
    path.write_bytes(gzip.compress(write().read_bytes())[:-500])
    assert message("mnist-csv", path).startswith("train.csv.gz cannot be read as a table: ")


def test_a_zip_without_the_table(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "digit-recognizer.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert message("mnist-csv", path) == (
        "digit-recognizer.zip holds no train.csv or other table or array of images: it holds"
        " readme.txt; is it the right archive? name the file itself"
    )
    path.write_bytes(path.read_bytes()[:40])
    assert message("mnist-csv", path).startswith("digit-recognizer.zip cannot be read as ")


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_bomb_is_refused_by_what_it_unpacks_to(
    tmp_path: Path, message: Message, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("bench_datasets._ladder.limits.BYTES_MAX", 1 << 20)
    path = tmp_path / f"train.csv.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("train.csv", b"0," * (1 << 20))
    else:
        path.write_bytes(gzip.compress(b"0," * (1 << 20)))
    assert path.stat().st_size < 10_000
    assert "is refused: it unpacks to more than" in message("mnist-csv", path)


def test_a_zip_that_lies_about_its_size_is_refused(
    tmp_path: Path, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench_datasets._ladder.limits.BYTES_MAX", 1 << 20)
    path = tmp_path / "train.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", b"0," * (1 << 20))
    size = (1 << 21).to_bytes(4, "little")
    assert path.read_bytes().count(size) == 2
    path.write_bytes(path.read_bytes().replace(size, (1000).to_bytes(4, "little")))
    assert message("mnist-csv", path).startswith("train.zip, train.csv cannot be read: ")


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param({"train_fraction": 1.5}, id="fraction"),
        pytest.param({"split_seed": -1}, id="seed"),
    ],
)
def test_an_option_out_of_range(
    write: Callable[..., Path], load: Callable[..., Any], setting: dict[str, float]
) -> None:
    with pytest.raises(OptionError):
        load("mnist-csv", write(), **setting)


@given(st.lists(st.lists(st.integers(0, 255), min_size=785, max_size=785), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_both_parsers_read_the_same(rows: list[list[int]]) -> None:
    text = "\n".join(",".join(map(str, row)) for row in rows).encode()
    plain = parse_plain_rows(np.frombuffer(text, np.uint8), 785)
    assert plain is not None
    assert plain.tolist() == rows
    general = _parse_any(text, ",", 785, frozenset())
    assert general is not None
    assert general[0].dtype == np.uint8
    assert general[0].tolist() == rows


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"1,2\n3\n", id="short-row"),
        pytest.param(b"1,2\n3,4,5\n", id="long-row"),
        pytest.param(b"1,2,3\n4\n", id="same-count-in-all"),
        pytest.param(b"1,,\n", id="empty-field"),
        pytest.param(b"1,256\n", id="256"),
        pytest.param(b"1,999\n", id="999"),
        pytest.param(b"1,0001\n", id="four-digits"),
        pytest.param(b"1,-2\n", id="minus"),
        pytest.param(b"1,2.\n", id="point"),
        pytest.param(b"1, 2\n", id="blank"),
        pytest.param(b"1,a\n", id="letter"),
        pytest.param(b'1,"2"\n', id="quoted"),
        pytest.param(b"1,2\n\n", id="empty-line"),
        pytest.param(b"1,2\r\n", id="carriage-return"),
        pytest.param("1,²\n".encode(), id="unicode"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_the_quick_parser_leaves_anything_odd_to_the_other(text: bytes) -> None:
    assert parse_plain_rows(np.frombuffer(text, np.uint8), 2) is None


def test_the_quick_parser_joins_blocks_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench_datasets._ladder import plain_rows

    monkeypatch.setattr(plain_rows, "_BLOCK_BYTES", 16)
    rows = [[i % 256, 255 - i % 256] for i in range(600)]
    text = "\n".join(f"{a},{b}" for a, b in rows).encode()
    parsed = plain_rows.parse_plain_rows(np.frombuffer(text, np.uint8), 2)
    assert parsed is not None
    assert parsed.tolist() == rows


@pytest.mark.realdata
def test_kaggles_layout_of_the_real_file(real_data: Path, splits: Splits) -> None:
    train, test = splits("mnist-csv", real_data / "mnist" / "train.csv.gz")
    assert (len(train), len(test), train.shape) == (33_600, 8_400, (28, 28, 1))
    assert set(_labels(train).tolist()) == set(range(10))


@pytest.mark.realdata
def test_the_real_unlabelled_file(real_data: Path, load: Callable[..., Any]) -> None:
    loaded = load("mnist-csv", real_data / "mnist" / "test.csv.gz")
    assert (loaded.test.n, loaded.test.shape, loaded.test.labelled) == (28_000, (28, 28, 1), False)
