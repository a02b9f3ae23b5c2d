"""A table of labels decides: however it names the pictures, in whatever file, with what columns."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bench.errors import DataError, OptionError, UndecidedError
from bench_datasets._folder.layout import Layout, LayoutOptions
from bench_datasets._folder.recognise import recognise

NAMES = [f"{n}.png" for n in range(10)]
LABELS = "1335555777"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of ten pictures named by a running number."""
    root = tmp_path / "digits"
    (root / "img").mkdir(parents=True)
    for name in NAMES:
        (root / "img" / name).write_bytes(b"?")
    return root


def digits(layout: Layout) -> str:
    return "".join(str(photo.label) for photo in sorted(layout.photos, key=lambda p: p.path.name))


def table(rows: list[tuple[str, str]], header: str = "file,label") -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


ROWS = list(zip(NAMES, LABELS, strict=True))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(lambda n: f"img/{n}", id="path"),
        pytest.param(lambda n: n, id="base name"),
        pytest.param(lambda n: n[:-4], id="stem"),
        pytest.param(lambda n: f"img\\{n}".upper(), id="backslash and capitals"),
        pytest.param(lambda n: f"C:\\Users\\eve\\data\\img\\{n}", id="of a Windows machine"),
        pytest.param(lambda n: f"/home/eve/data/img/{n}", id="of another machine"),
        pytest.param(lambda n: f"../digits/img/{n}", id="up and down"),
        pytest.param(lambda n: n.replace("png", "jpg"), id="another ending"),
        pytest.param(lambda n: f"000{n[:-4]}", id="zeros before the number"),
        pytest.param(lambda n: f" '{n}' ", id="quoted"),
    ],
)
def test_rows_mean_pictures_however_they_name_them(
    folder: Path, name: Callable[[str], str]
) -> None:
    (folder / "labels.csv").write_text(table([(name(n), label) for n, label in ROWS]))
    assert digits(recognise(folder)) == LABELS


def write_xlsx(path: Path, rows: list[Any]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("labels.tsv", table(ROWS).replace(",", "\t"), id="tabs"),
        pytest.param("labels.csv", table(ROWS).replace(",", ";"), id="semicolons"),
        pytest.param("labels.txt", table(ROWS).replace(",", " "), id="text, blanks"),
        pytest.param("labels.csv", "sep=;\n" + table(ROWS).replace(",", ";"), id="sep="),
        pytest.param("labels.csv", "# by Eve\n" + table(ROWS), id="a remark"),
        pytest.param("labels.csv", table(ROWS, "image_id,class"), id="image_id"),
        pytest.param("labels.csv", table(ROWS, "Bild,Ziffer"), id="German"),
        pytest.param("labels.csv", table(ROWS, "what,which"), id="unknown header"),
        pytest.param(
            "labels.csv",
            ",file,label,confidence\n"
            + "".join(f"{i},{n},{d},0.{i}\n" for i, (n, d) in enumerate(ROWS)),
            id="index and confidence",
        ),
        pytest.param("labels.csv", table([(n, f"{d}.0") for n, d in ROWS]), id="floats"),
        pytest.param("labels.csv", table([(n, f"0{d}") for n, d in ROWS]), id="padded"),
        pytest.param("labels.csv", table([(n, f"Digit {d}") for n, d in ROWS]), id="digit 3"),
    ],
)
def test_tables_of_every_kind_are_read(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    assert digits(recognise(folder)) == LABELS


def test_a_workbook_is_a_table(folder: Path) -> None:
    write_xlsx(folder / "labels.xlsx", [("file", "label"), *((n, int(d)) for n, d in ROWS)])
    assert digits(recognise(folder)) == LABELS


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", id="LFS"),
        pytest.param(b"<!DOCTYPE html><html>", "saved web page", id="web page"),
        pytest.param(b"PK\x03\x04 broken", "workbook cannot be read", id="a broken workbook"),
    ],
)
def test_a_table_that_cannot_be_read_is_never_dropped(
    folder: Path, content: bytes, why: str
) -> None:
    (folder / "labels.csv").write_bytes(content)
    with pytest.raises(UndecidedError, match=why):
        recognise(folder)


def test_a_workbook_that_unpacks_to_far_more_is_refused(folder: Path) -> None:
    with zipfile.ZipFile(folder / "labels.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 500_000_000)
    with pytest.raises(UndecidedError, match="unpacks to 500 MB"):
        recognise(folder)


def test_rows_without_a_file_and_files_without_a_row_are_counted_and_named(folder: Path) -> None:
    rows = [*ROWS[:-1], ("zz.png", "4"), ("../../etc/passwd.png", "4")]
    (folder / "labels.csv").write_text(table(rows))
    layout = recognise(folder)
    assert layout.notes[:2] == (
        "2 of 11 rows of labels.csv match no picture: zz.png, ../../etc/passwd.png",
        "labels.csv does not name 1 of 10 pictures: img/9.png",
    )
    codes = {problem.sample: problem.code for problem in layout.problems}
    assert codes == {
        "zz.png": "file-missing",
        "../../etc/passwd.png": "outside",
        "img/9.png": "no-label",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(table(ROWS[:5]), "does not name 5 of the 10 pictures", id="half"),
        pytest.param(table([("x.png", "3")]), "names none of the pictures", id="none"),
        pytest.param(
            table([(f"{n},{10 - int(d)}", d) for n, d in ROWS], "file,label,digit"),
            "which column holds the labels, label or digit",
            id="two columns",
        ),
        pytest.param(table([(n, d.replace("7", "10")) for n, d in ROWS]), "is 10 the", id="ten"),
        pytest.param(
            table([(n, f"it looks to me rather like a {d}") for n, d in ROWS]),
            "holds sentences",
            id="sentences",
        ),
        pytest.param(table([(n, "") for n in NAMES]), "none of its columns holds", id="empty"),
    ],
)
def test_what_a_table_leaves_open_is_asked(folder: Path, text: str, why: str) -> None:
    (folder / "labels.csv").write_text(text)
    with pytest.raises(UndecidedError, match=why):
        recognise(folder)


def test_a_column_is_named(folder: Path) -> None:
    text = table([(f"{n},{9 - int(d)}", d) for n, d in ROWS], "file,label,digit")
    (folder / "labels.csv").write_text(text)
    assert digits(recognise(folder, LayoutOptions(table="labels.csv:digit"))) == LABELS
    with pytest.raises(OptionError, match="it has no column 'which'"):
        recognise(folder, LayoutOptions(table="labels.csv:which"))
    with pytest.raises(OptionError, match="there is no such file; name one of labels"):
        recognise(folder, LayoutOptions(table="other.csv"))


def test_tables_of_two_splits_are_one_table_in_two_parts(folder: Path) -> None:
    (folder / "train_labels.csv").write_text(table(ROWS[:7]))
    (folder / "test_labels.csv").write_text(table(ROWS[7:]))
    layout = recognise(folder)
    assert digits(layout) == LABELS
    assert layout.rule == "labels in test_labels.csv and train_labels.csv"
    splits = {photo.path.as_posix(): photo.split for photo in layout.photos}
    assert splits == {
        f"img/{name}": "train" if i < 7 else "test" for i, (name, _) in enumerate(ROWS)
    }


def test_tables_of_parts_may_be_named_together(folder: Path) -> None:
    (folder / "first.csv").write_text(table(ROWS[:7]))
    (folder / "second.csv").write_text(table(ROWS[7:]))
    with pytest.raises(UndecidedError, match=r"or both: --table first\.csv,second\.csv") as caught:
        recognise(folder)
    assert len(caught.value.readings) >= 2
    both = LayoutOptions(table="first.csv,second.csv")
    assert digits(recognise(folder, both)) == LABELS


def test_a_train_table_is_not_matched_with_test_pictures(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in NAMES:
            (tmp_path / split).mkdir(exist_ok=True)
            (tmp_path / split / name).write_bytes(b"?")
    (tmp_path / "train.csv").write_text(table(ROWS, "id,label"))
    (tmp_path / "sample_submission.csv").write_text(table([(n, "0") for n in NAMES], "id,label"))
    layout = recognise(tmp_path)
    labelled = {p.path.as_posix(): p.label for p in layout.photos if p.label is not None}
    assert labelled == {f"train/{n}": d for n, d in ROWS}
    assert {p.split for p in layout.photos} == {"train", "test"}


def test_a_table_and_sure_folders_that_differ_are_asked_about(tmp_path: Path) -> None:
    for digit in "0123456789":
        (tmp_path / digit).mkdir()
        (tmp_path / digit / "a.png").write_bytes(b"?")
    rows = [(f"{d}/a.png", d if d != "3" else "5") for d in "0123456789"]
    (tmp_path / "labels.csv").write_text(table(rows))
    with pytest.raises(UndecidedError, match="differ on 1 of 10 pictures, such as 3/a"):
        recognise(tmp_path)
    taken = recognise(tmp_path, LayoutOptions(labels="table"))
    assert {p.path.as_posix(): p.label for p in taken.photos}["3/a.png"] == "5"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
@pytest.mark.parametrize("name", ["labels.csv", "id.txt", "a.png", "notes.md", "labels.xlsx"])
def test_a_pipe_is_named_and_never_opened(folder: Path, name: str) -> None:
    os.mkfifo(folder / name)
    code = (
        "import sys; from pathlib import Path;"
        "from bench_datasets._folder.recognise import recognise;"
        "from bench_datasets._folder.layout import LayoutOptions;"
        "recognise(Path(sys.argv[1]), LayoutOptions(labels='none'))"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, timeout=60)
    problems = recognise(folder, LayoutOptions(labels="none")).problems
    assert name == "a.png" or [p.sample for p in problems] == [name]


def test_a_table_that_is_a_link_to_a_device_is_named(folder: Path) -> None:
    (folder / "labels.csv").symlink_to("/dev/zero")
    layout = recognise(folder, LayoutOptions(labels="none"))
    assert [problem.sample for problem in layout.problems] == ["labels.csv"]


def test_labels_in_several_spellings_are_the_same_digits(folder: Path) -> None:
    spelled = [f"class-{d}" if n % 2 else d for n, d in enumerate(LABELS)]
    (folder / "labels.csv").write_text(table(list(zip(NAMES, spelled, strict=True))))
    assert digits(recognise(folder)) == LABELS
    mostly = [*(f"class-{d}" for d in LABELS[:-1]), "7"]
    (folder / "labels.csv").write_text(table(list(zip(NAMES, mostly, strict=True))))
    assert digits(recognise(folder)) == LABELS


def test_a_picture_in_a_linked_folder_that_changes_is_read_again(
    load: Callable[..., Any], tmp_path: Path
) -> None:
    from PIL import Image

    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "7").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "mine")
    for place, size in enumerate((30, 40)):
        Image.new("L", (size, size), 9).save(tmp_path / "elsewhere" / f"{place}.png")
        loaded = load("image-folder", tmp_path / "mine", preprocess="none")
        assert loaded.test.n == place + 1


def test_two_names_of_one_file_are_said(folder: Path) -> None:
    (folder / "img" / "again.png").symlink_to("3.png")
    layout = recognise(folder, LayoutOptions(labels="none"))
    assert [(p.sample, p.code) for p in layout.problems] == [("img/again.png", "same-file")]


def test_what_predict_writes_is_a_table_that_is_read(
    run_bench: Callable[..., Any], tmp_path: Path
) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    scans = load_digits()
    (tmp_path / "shots").mkdir()
    for n in range(6):
        small = Image.fromarray((235 - scans.images[n] * 12).astype("uint8"))
        small.resize((120, 120)).save(tmp_path / "shots" / f"IMG_{2040 + n}.png")
    done = run_bench("predict", "shots", "--csv")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["file"] for row in rows] == [f"IMG_{2040 + n}.png" for n in range(6)]
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)
    rows[2]["label"] = "2"  # corrected by hand
    with (tmp_path / "shots" / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    layout = recognise(tmp_path / "shots")
    assert [photo.truth for photo in layout.photos] == [row["label"] for row in rows]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        recognise(tmp_path / "nowhere")
