"""Folders as tools export them and people name them: read right, or asked about."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import UndecidedError
from bench_datasets._folder.layout import Layout, LayoutOptions
from bench_datasets._folder.recognise import recognise

LABELS = "3141592653589793"
NAMES = [f"scan_{i + 1:03}.png" for i in range(len(LABELS))]


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """Return ``pictures(names)``: a folder of files with these names."""

    def make(names: list[str] | None = None) -> Path:
        for name in names or NAMES:
            (tmp_path / "my" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "my" / name).write_bytes(b"?")
        return tmp_path / "my"

    return make


def read(layout: Layout) -> dict[str, str | None]:
    return {photo.path.as_posix(): photo.truth for photo in layout.photos}


TRUTH = dict(zip(NAMES, LABELS, strict=True))


def test_label_studio_s_csv_has_many_numbers_and_one_choice(pictures: Callable[..., Path]) -> None:
    folder = pictures()
    rows = ["annotation_id,annotator,choice,created_at,id,image,lead_time"]
    rows += [
        f"{i + 1},1,{d},2024-03-12T10:00:00Z,{i + 101},/data/upload/1/{n},3.2"
        for i, (n, d) in enumerate(TRUTH.items())
    ]
    (folder / "project-1.csv").write_text("\n".join(rows))
    assert read(recognise(folder)) == TRUTH


def test_json_that_names_pictures_is_asked_about(pictures: Callable[..., Path]) -> None:
    folder = pictures([f"3_{name}" for name in NAMES])
    (folder / "export.json").write_text(json.dumps([{"image": f"3_{n}"} for n in NAMES]))
    with pytest.raises(UndecidedError, match=r"export\.json: it names pictures"):
        recognise(folder)


def test_an_old_workbook_is_asked_about(pictures: Callable[..., Path]) -> None:
    folder = pictures([f"{d}_{i}.png" for i, d in enumerate(LABELS)])
    (folder / "labels.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(UndecidedError, match=r"labels\.xls.*save the sheet as \.xlsx or CSV"):
        recognise(folder)


def test_roboflow_s_one_hot_columns_are_labels(pictures: Callable[..., Path]) -> None:
    folder = pictures([f"train/{name}" for name in NAMES])
    rows = ["filename, " + ", ".join(map(str, range(10)))]
    rows += [f"{n}," + ",".join(str(int(str(k) == d)) for k in range(10)) for n, d in TRUTH.items()]
    (folder / "train" / "_classes.csv").write_text("\n".join(rows))
    assert read(recognise(folder)) == {f"train/{n}": d for n, d in TRUTH.items()}


def test_via_s_attributes_are_read(pictures: Callable[..., Path]) -> None:
    folder = pictures()
    rows = ["filename,file_size,file_attributes,region_count,region_attributes"]
    rows += [f'{n},120,"{{}}",1,"{{""digit"":""{d}""}}"' for n, d in TRUTH.items()]
    (folder / "via_csv.csv").write_text("\n".join(rows))
    assert read(recognise(folder)) == TRUTH


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("{},0", id="decimal-comma"),
        pytest.param("{}.000", id="decimal-point"),
        pytest.param("'{}", id="quoted"),
    ],
)
def test_a_spreadsheet_s_notation_of_a_digit_is_the_digit(
    pictures: Callable[..., Path], label: str
) -> None:
    folder = pictures()
    rows = ["Datei;Ziffer", *(f"{n};{label.format(d)}" for n, d in TRUTH.items())]
    (folder / "labels.csv").write_bytes(("\ufeff" + "\r\n".join(rows)).encode("utf-16-le"))
    assert read(recognise(folder)) == TRUTH


def test_a_minus_is_no_digit(pictures: Callable[..., Path]) -> None:
    folder = pictures()
    rows = ["file,label", *(f"{n},{d if i else -1}" for i, (n, d) in enumerate(TRUTH.items()))]
    (folder / "labels.csv").write_text("\n".join(rows))
    layout = recognise(folder)
    assert read(layout) == {**TRUTH, NAMES[0]: None}
    assert [p.sample for p in layout.problems] == [NAMES[0]]


def test_a_column_that_numbers_the_rows_is_no_label(pictures: Callable[..., Path]) -> None:
    folder = pictures()
    (folder / "list.csv").write_text(
        "\n".join(["number,file", *(f"{i + 1},{n}" for i, n in enumerate(NAMES))])
    )
    with pytest.raises(UndecidedError, match="only numbers the rows"):
        recognise(folder)


def test_a_text_beside_each_picture_is_its_label(pictures: Callable[..., Path]) -> None:
    folder = pictures()
    for name, digit in TRUTH.items():
        (folder / name).with_suffix(".txt").write_text(f"{digit}\n")
    assert read(recognise(folder)) == TRUTH


def test_boxes_are_read_with_their_class_names_and_asked_about_without(
    pictures: Callable[..., Path],
) -> None:
    folder = pictures([f"images/{name}" for name in NAMES])
    (folder / "labels").mkdir()
    for name, digit in TRUTH.items():
        line = f"{9 - int(digit)} 0.5 0.5 0.8 0.8\n"
        (folder / "labels" / name).with_suffix(".txt").write_text(line)
    with pytest.raises(UndecidedError, match=r"no classes\.txt says what these are"):
        recognise(folder)
    (folder / "classes.txt").write_text("".join(f"{9 - n}\n" for n in range(10)))
    assert read(recognise(folder)) == {f"images/{n}": d for n, d in TRUTH.items()}


def test_a_competition_s_ids_are_those_of_its_training_pictures(
    pictures: Callable[..., Path],
) -> None:
    folder = pictures(
        [*(f"train/{i + 1}.png" for i in range(16)), *(f"test/{i + 1}.png" for i in range(5))]
    )
    rows = ["id,label", *(f"{i + 1},{d}" for i, d in enumerate(LABELS))]
    (folder / "train_labels.csv").write_text("\n".join(rows))
    labelled = {name: d for name, d in read(recognise(folder)).items() if d is not None}
    assert labelled == {f"train/{i + 1}.png": d for i, d in enumerate(LABELS)}


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("2024-03-1{}", id="dates"),
        pytest.param("page {}", id="pages"),
        pytest.param("batch_{}", id="batches"),
        pytest.param("session-{}", id="sessions"),
    ],
)
def test_a_part_of_a_collection_is_nobody(pictures: Callable[..., Path], part: str) -> None:
    folder = pictures([f"{part.format(i % 3)}/{d}/{i}.png" for i in range(40) for d in str(i % 10)])
    layout = recognise(folder)
    assert layout.is_labelled
    assert {photo.person for photo in layout.photos} == {None}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("{digit} - {word}", id="number-and-word"),
        pytest.param("{word} ({digit})", id="word-and-number"),
        pytest.param("{digit}_{word}", id="joined"),
    ],
)
def test_a_class_may_be_named_twice(pictures: Callable[..., Path], name: str) -> None:
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    folders = [name.format(digit=d, word=word) for d, word in enumerate(words)]
    layout = recognise(pictures([f"{folder}/a.png" for folder in folders]))
    assert read(layout) == {f"{folder}/a.png": str(d) for d, folder in enumerate(folders)}


def test_a_question_comes_with_the_readings_that_were_considered(
    pictures: Callable[..., Path],
) -> None:
    folder = pictures([f"w1/{d}_{i}.png" for i, d in enumerate(LABELS)])
    (folder / "labels.csv").write_text("file,label\n0_0.png,3\n")
    with pytest.raises(UndecidedError) as caught:
        recognise(folder, LayoutOptions())
    readings = " | ".join(f"{words}: {why}" for words, why in caught.value.readings)
    assert "labels.csv" in readings
    assert "labels in file names" in readings
