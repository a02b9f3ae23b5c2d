"""``bench predict`` as it is typed: photos, strips, folders, tables, and what is none of these."""

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from bench.session import Request, execute
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.variant import Variant
from bench.store.write import write_record

Run = Callable[..., Any]
SAMPLES = Path(__file__).parents[2] / "datasets" / "bench_datasets" / "samples" / "ids"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a trained svm-ovo and a trained baseline."""
    root = tmp_path_factory.mktemp("trained") / "store"
    models = ("svm-ovo", "baseline-majority")
    execute(
        Request(models=models, datasets=("digits-uci",), store=root, isolate=False),
        lambda event: None,
    )
    return root


@pytest.fixture
def predict(run_bench: Run, trained: Path) -> Run:
    """Return ``predict(*arguments)``: ``bench predict`` with the trained svm-ovo."""

    def run(*arguments: str | Path, **how: Any) -> Any:
        return run_bench("predict", *arguments, "--model", "svm-ovo", "--store", trained, **how)

    return run


@pytest.fixture
def strip(tmp_path: Path) -> Path:
    """A photo of an ID on two lines: person-a's first five digits above the other three."""
    digits = [Image.open(SAMPLES / f"person-a/{i}.png").convert("L") for i in range(1, 9)]
    paper = int(np.median(np.asarray(digits[0])))
    page = Image.new("L", (700, 320), paper)
    for number, digit in enumerate(digits):
        line, place = divmod(number, 5)
        page.paste(digit.resize((100, 100)), (30 + 130 * place, 30 + 150 * line))
    page.save(tmp_path / "my_id.jpg", quality=95)
    return tmp_path / "my_id.jpg"


def write_table(path: Path, n: int = 3) -> None:
    header = ",".join(f"pixel{i}" for i in range(784))
    image = np.zeros((28, 28), int)
    image[4:24, 13:16] = 255
    row = ",".join(map(str, image.ravel()))
    with gzip.open(path, "wt") as file:
        file.write("\n".join([header, *[row] * n]) + "\n")


def test_a_photo_of_one_digit(predict: Run) -> None:
    done = predict(SAMPLES / "person-a/1.png")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1.png   0   (1 digit, svm-ovo trained on digits-uci, ")
    assert "█" in done.out


def test_an_id_on_two_lines(predict: Run, strip: Path) -> None:
    done = predict(strip)
    assert "(8 digits in 2 lines, svm-ovo trained on digits-uci, " in done.out
    read = done.out.split()[1]
    assert [len(line) for line in read.split("/")] == [5, 3]
    assert sum(a == b for a, b in zip(read, "05126/707", strict=True)) >= 7
    (strip.parent / "ids").mkdir()
    shutil.copy(strip, strip.parent / "ids")
    assert read in predict(strip.parent / "ids").out.split()  # a folder keeps the lines apart


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_folder_of_persons(predict: Run, columns: int) -> None:
    done = predict(SAMPLES, columns=columns)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= columns
    words = " ".join(done.out.split())
    assert "layout: persons' folders with ids.csv" in words
    assert "of 32 digits right · " in words
    assert "of 4 whole IDs right" in words
    assert "person-d" in words


def test_a_folder_with_a_file_that_is_no_picture_reads_the_rest(
    predict: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(SAMPLES / "person-a/2.png", folder / "first.png")
    shutil.copy(SAMPLES / "person-b/2.png", folder / "second.png")
    (folder / "[red]<b>third.jpg").write_text("no picture")
    done = predict(folder)
    assert done.code == 0, done.err
    assert "first.png" in done.out
    assert "unreadable: " in done.out
    assert "[red]<b>third.jpg" in done.out
    records = json.loads(predict(folder, "--json").out)
    assert [len(record["lines"]) for record in records] == [1, 1, 0]


def test_a_table_in_kaggles_layout(predict: Run, tmp_path: Path) -> None:
    write_table(tmp_path / "test.csv.gz", n=12)
    done = predict("test.csv.gz", "--csv")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert list(rows[0]) == ["ImageId", "Label"]
    assert [row["ImageId"] for row in rows] == [str(i) for i in range(1, 13)]
    assert {row["Label"] for row in rows} <= set("0123456789")
    shown = predict("test.csv.gz").out
    assert "12 images read (svm-ovo trained on digits-uci, " in shown
    assert "2 more; all of them: --csv" in shown


def test_a_labelled_table_says_how_to_score_it(predict: Run, tmp_path: Path) -> None:
    header = "label," + ",".join(f"pixel{i}" for i in range(784))
    rows = [f"{i % 10}," + ",".join([str(i)] * 784) for i in range(40)]
    (tmp_path / "train.csv").write_text("\n".join([header, *rows]))
    done = predict("train.csv")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("bench: train.csv is labelled: ")
    assert "bench run -d train.csv" in done.err


def test_a_photo_of_nothing(predict: Run, tmp_path: Path) -> None:
    Image.new("L", (300, 200), 240).save(tmp_path / "paper.png")
    done = predict("paper.png")
    assert done.code == 0
    assert done.out.startswith("paper.png   –   (no digit found, svm-ovo")
    assert "blank: no digit was found on the page; write larger" in done.out
    (record,) = json.loads(predict("paper.png", "--json").out)
    assert (record["text"], record["lines"]) == ("", [])
    assert record["findings"][0]["code"] == "blank"


def test_json_is_one_list_with_every_digit(predict: Run, strip: Path) -> None:
    done = predict(strip, SAMPLES / "person-a/1.png", "--json")
    first, second = json.loads(done.out)
    assert [len(line) for line in first["lines"]] == [5, 3]
    assert second["text"] == "0"
    digit = second["lines"][0][0]
    assert digit["probability"] is None  # a support vector machine ranks the classes
    assert digit["second"] in set("123456789")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("gone.jpg", None, "gone.jpg does not exist", id="missing"),
        pytest.param(
            "text.jpg", b"not a picture", "text.jpg: it is not a picture", id="no-picture"
        ),
        pytest.param("empty.png", b"", "empty.png: the file is empty", id="empty"),
        pytest.param("notes.txt", b"hello", "notes.txt has no columns pixel0", id="other"),
        pytest.param("x\x1b[2J\n.jpg", b"hello", "x[2J .jpg: it is not a picture", id="hostile"),
        pytest.param("a.csv", b"a,b\n1,2\n", "a.csv", id="other-table"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_costs_only_itself(
    predict: Run, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = predict(name, SAMPLES / "person-a/1.png")
    assert done.code == 2
    assert done.out.startswith("1.png   0")
    assert done.err.startswith(f"bench: {message}")
    assert done.err.count("\n") == 1
    assert "\x1b" not in done.err


def test_a_name_that_is_no_text_costs_no_other_file(predict: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    odd = os.fsdecode(b"caf\xe9.png")
    shutil.copy(SAMPLES / "person-a/2.png", folder / "first.png")
    try:
        shutil.copy(SAMPLES / "person-a/2.png", folder / odd)
    except OSError:
        pytest.skip("this file system takes no such name")
    words = " ".join(predict(folder).out.split())
    assert "first.png" in words
    assert "misnamed: its name is not in this system's encoding" in words
    (record,) = json.loads(predict(folder / odd, "--json").out)
    assert record["source"] == "caf\\xe9.png"


def test_an_empty_folder_is_one_line(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = predict("empty")
    assert done.code == 2
    assert done.err.startswith("bench: empty")
    assert done.err.count("\n") == 1


def test_a_model_that_was_not_trained_is_one_line(run_bench: Run, trained: Path) -> None:
    done = run_bench("predict", SAMPLES, "--model", "mlp", "--store", trained)
    assert done.code == 2
    assert "mlp has not been trained" in done.err
    assert "bench run -m mlp" in done.err


def test_a_setting_of_no_option_is_one_line(predict: Run) -> None:
    done = predict(SAMPLES / "person-a/1.png", "--set", "colour=red")
    assert done.code == 2
    assert "unknown option 'colour' of image-folder" in done.err
    assert predict(SAMPLES / "person-a/1.png", "--set", "colour").code == 2


def test_photos_may_be_prepared_otherwise(predict: Run) -> None:
    done = predict(SAMPLES / "person-a/1.png", "--set", "preprocess=resize")
    assert done.code == 0
    assert "1 digit" in done.out


SHIPPED = """
from dataclasses import replace
from pathlib import Path

from bench import hookimpl
from bench_plugins import svm_ovo

specs = []
svm_ovo.bench_register_models(specs.append)


@hookimpl
def bench_register_models(register):
    register(replace(specs[0], name="ready", shipped=Path(__file__).parent / "shipped"))
"""


def test_a_model_that_ships_reads_without_any_store(
    run_bench: Run, trained: Path, tmp_path: Path
) -> None:
    folders = Store(trained).trials.iterdir()
    folder = next(each for each in folders if read_trial(each).model == "svm-ovo")
    shutil.copytree(folder, tmp_path / "shipped")
    record = msgspec.structs.replace(
        read_trial(folder),
        trial_id="0123456789abcdef",
        model="ready",
        differs=Variant(is_shipped=True),
    )
    write_record(tmp_path / "shipped", record)
    (tmp_path / "ready.py").write_text(SHIPPED)
    done = run_bench("predict", SAMPLES / "person-a/1.png", "-m", "ready", "--plugin", "ready.py")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("1.png   0   (1 digit, ready shipped, ")
    assert not (tmp_path / "results").exists()


def test_in_a_pipe_without_unicode_it_is_all_ascii(trained: Path, strip: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "predict", strip, "-m", "svm-ovo", "--store", trained],
        env={"PYTHONIOENCODING": "ascii", "TERM": "dumb", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
        cwd=strip.parent,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"\x1b" not in done.stdout
    assert b"#" in done.stdout  # the pictures


def test_a_reader_that_goes_away_is_no_error(trained: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "test.csv.gz", n=1_000)
    command = (
        f"{sys.executable} -m bench predict test.csv.gz -m baseline-majority --json "
        f"--store {trained} | head -n 1"
    )
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_show_draws_the_photo_beside_what_the_model_saw(predict: Run, strip: Path) -> None:
    plain = predict(strip).out
    shown = predict(strip, "--show").out
    assert shown.startswith(plain[: plain.index("(")])
    assert shown.count(strip.name) == 2
    assert len(shown.splitlines()) > len(plain.splitlines()) + 5


def test_what_the_model_saw_is_written_as_png(predict: Run, strip: Path, tmp_path: Path) -> None:
    done = predict(strip, "--json", "--png", tmp_path / "seen.png")
    assert len(json.loads(done.out)) == 1
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.format == "PNG"
        # the photo, and two pictures of each of the five digits of a line
        assert picture.width > 5 * 112
        assert np.asarray(picture.convert("L")).std() > 20


def test_a_folder_s_photos_are_drawn_and_a_damaged_one_is_left_out(
    predict: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    (folder / "5").mkdir(parents=True)
    shutil.copy(SAMPLES / "person-a/1.png", folder / "5" / "[red]a.png")
    (folder / "5" / "b.png").write_bytes(b"none")
    done = predict(folder, "--show", "--png", tmp_path / "seen.png")
    assert "5/[red]a.png" in done.out
    assert "1 photo" in done.out


def test_a_png_that_cannot_be_written_is_an_error_of_one_line(
    predict: Run, strip: Path, tmp_path: Path
) -> None:
    done = predict(strip, "--png", tmp_path / "none" / "seen.png")
    assert done.code == 2
    assert "cannot write" in done.err


@pytest.mark.parametrize("n_classes", [1, 9])
def test_a_record_that_names_other_classes_than_its_model_is_one_line(
    run_bench: Run, trained: Path, strip: Path, tmp_path: Path, n_classes: int
) -> None:
    store = tmp_path / "edited"
    shutil.copytree(trained, store)
    for path in store.glob("trials/*/record.json"):
        record = json.loads(path.read_text())
        record["classes"] = [str(number) for number in range(n_classes)]
        path.write_text(json.dumps(record))

    code, _, err = run_bench("predict", strip, "--store", store, "-m", "svm-ovo")

    assert (code, err.count("\n")) == (2, 1), err
    assert "cannot read this" in err
