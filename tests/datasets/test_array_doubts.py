"""Arrays whose names, order or spelling could be read wrong in silence: read right, or asked."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import DataError
from bench.spec import Dataset, LoadContext
from bench_datasets import arrays

Pixels = Callable[..., Any]
N = 40
LABELS = np.arange(N) % 10
PIXELS = [f"pixel{i}" for i in range(64)]


@pytest.fixture
def images(pixels: Pixels) -> Any:
    return pixels(N, 8)


def read(path: Path, **options: str) -> Dataset:
    context = LoadContext(paths=(path,), options=options, work_dir=path.parent, name="arrays")
    return arrays.load(context)


def found(dataset: Dataset) -> dict[bytes, str | None]:
    """Return what each image is said to show."""
    labelled: dict[bytes, str | None] = {}
    for part in (dataset.train, dataset.test):
        if part is None:
            continue
        for n, image in enumerate(part.pixels):
            label = None if part.labels is None else dataset.classes[part.labels[n]]
            labelled[np.asarray(image, np.uint8).tobytes()] = label
    return labelled


def truth(images: Any, labels: Sequence[object] = tuple(LABELS)) -> dict[bytes, str]:
    return {image.tobytes(): str(label) for image, label in zip(images, labels, strict=True)}


def table(header: Sequence[str], *columns: Any) -> str:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    lines = [",".join(map(str, _flat(row))) for row in rows]
    return "\n".join([",".join(header), *lines]) + "\n"


def _flat(row: Sequence[Any]) -> list[Any]:
    return [cell for part in row for cell in (part if isinstance(part, list) else [part])]


GERMAN = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
ROMAN = ["0", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(GERMAN, id="german"),
        pytest.param([f"digit_{n}" for n in range(10)], id="digit_3"),
        pytest.param(list("٠١٢٣٤٥٦٧٨٩"), id="arabic-indic"),
        pytest.param(list("零一二三四五六七八九"), id="chinese"),
        pytest.param(ROMAN, id="roman"),
    ],
)
def test_labels_in_other_words_are_digits(tmp_path: Path, images: Any, spelled: list[str]) -> None:
    text = table(["label", *PIXELS], np.array(spelled)[LABELS], images.reshape(N, -1))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert found(read(tmp_path / "a.csv")) == truth(images)


def test_one_to_ten_in_words_is_asked_about_as_in_numbers(tmp_path: Path, images: Any) -> None:
    spelled = np.array([f"class {n}" for n in range(1, 11)])[LABELS]
    text = table(["label", *PIXELS], spelled, images.reshape(N, -1))
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match="does 10 mean the digit 0"):
        read(tmp_path / "a.csv")


def names(form: str, *, down_first: bool) -> list[str]:
    places = [(a, b) for a in range(8) for b in range(8)]
    return [
        form.format(row=b if down_first else a, column=a if down_first else b) for a, b in places
    ]


@pytest.mark.parametrize("down_first", [False, True])
@pytest.mark.parametrize("form", ["row{row}_col{column}", "c{column}r{row}", "p_r{row}c{column}"])
def test_rows_and_columns_are_told_by_their_names(
    tmp_path: Path, images: Any, form: str, down_first: bool
) -> None:
    stored = images.transpose(0, 2, 1) if down_first else images
    header = ["label", *names(form, down_first=down_first)]
    (tmp_path / "a.csv").write_text(table(header, LABELS, stored.reshape(N, -1)))
    assert found(read(tmp_path / "a.csv")) == truth(images)


def test_x_is_the_column_where_it_counts_fastest_and_asked_about_else(
    tmp_path: Path, images: Any
) -> None:
    for name, down_first in (("a.csv", False), ("b.csv", True)):
        header = ["label", *names("x{column}y{row}", down_first=down_first)]
        (tmp_path / name).write_text(table(header, LABELS, images.reshape(N, -1)))
    assert found(read(tmp_path / "a.csv")) == truth(images)
    with pytest.raises(DataError, match="is x the column or the row"):
        read(tmp_path / "b.csv")


@pytest.mark.parametrize("key", ["y_pred", "predictions", "index", "id", "fold"])
def test_guesses_and_numbers_of_images_are_no_labels(tmp_path: Path, images: Any, key: str) -> None:
    path = tmp_path / "a.npz"
    parts: dict[str, Any] = {"x": images, key: (LABELS + 1) % 10}
    np.savez(path, **parts)
    assert set(found(read(path)).values()) == {None}
    np.savez(path, **parts, y=LABELS)
    assert found(read(path)) == truth(images)


@pytest.mark.parametrize("first", [0, 1, 100])
@pytest.mark.parametrize("shuffled", ["images", "labels"])
def test_labels_in_a_table_of_their_own_go_by_the_images_ids(
    tmp_path: Path, images: Any, shuffled: str, first: int
) -> None:
    order = np.random.default_rng(0).permutation(N)
    by = {name: order if name == shuffled else np.arange(N) for name in ("images", "labels")}
    rows, own = by["images"], by["labels"]
    text = table(["id", *PIXELS], rows + first, images[rows].reshape(N, -1))
    (tmp_path / "images.csv").write_text(text)
    (tmp_path / "labels.csv").write_text(table(["id", "label"], own + first, LABELS[own]))
    dataset = read(tmp_path)
    assert found(dataset) == truth(images)
    assert "labels labels.csv" in dataset.notes[0]
    assert "no label" not in dataset.notes[0]


def test_ids_that_are_not_the_images_are_refused(tmp_path: Path, images: Any) -> None:
    numbers = np.arange(N)
    text = table(["id", *PIXELS], numbers + 100, images.reshape(N, -1))
    (tmp_path / "images.csv").write_text(text)
    (tmp_path / "labels.csv").write_text(table(["id", "label"], numbers + 90, LABELS))
    with pytest.raises(DataError, match="a running number of the image, or its id"):
        read(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be-bom"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_table_in_utf_16_is_read(tmp_path: Path, images: Any, name: str, encoding: str) -> None:
    text = table(["label", *PIXELS], np.array(GERMAN)[LABELS], images.reshape(N, -1)) * 1
    is_big = encoding.endswith("bom")
    content = b"\xfe\xff" + text.encode("utf-16-be") if is_big else text.encode("utf-16")
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert found(read(tmp_path / name)) == truth(images)


def test_an_array_a_class_in_a_folder_is_labelled_by_its_file(tmp_path: Path, images: Any) -> None:
    (tmp_path / "digits").mkdir()
    for digit in range(10):
        np.save(tmp_path / "digits" / f"{digit}.npy", images[digit == LABELS])
    assert found(read(tmp_path / "digits")) == truth(images)


@pytest.mark.parametrize("first", [True, False])
def test_a_label_within_an_array_of_pixels_is_asked_about(
    tmp_path: Path, images: Any, first: bool
) -> None:
    flat = images.reshape(N, -1)
    joined = np.c_[LABELS, flat] if first else np.c_[flat, LABELS]
    np.save(tmp_path / "a.npy", joined)
    with pytest.raises(DataError, match="8×8 pixels and one more, the label"):
        read(tmp_path / "a.npy")
