"""Layouts that look like labels and may be none: asked about or left unlabelled, never guessed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench_datasets._folder.layout import Layout, LayoutOptions
from bench_datasets._folder.recognise import recognise

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
DIGITS = [(n * 7 + n // 3) % 10 for n in range(30)]
PICTURES = {f"img_{n:03}.png": digit for n, digit in enumerate(DIGITS, start=1)}
COUNTED = {f"{n}.png": (n * 3 + 1) % 10 for n in range(10)}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(names: "Mapping[str, object] | list[str]", tables: Mapping[str, str] = {}) -> Path:
        folder = tmp_path / "digits"
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"?")
        for name, text in tables.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return make


def rows(pictures: Mapping[Any, object], header: str = "file,label") -> str:
    return header + "\n" + "".join(f"{name},{label}\n" for name, label in pictures.items())


def truths(layout: Layout) -> dict[str, str | None]:
    return {photo.path.as_posix(): photo.truth for photo in layout.photos}


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"form_{WORDS[1 + n // 6]}_{n}.png" for n in range(24)], id="words-count"),
        pytest.param([f"field_{WORDS[1 + n // 6]}_{n}.png" for n in range(24)], id="of-anything"),
        pytest.param([f"s{n}_{k}.png" for n in range(10) for k in range(4)], id="subjects"),
        pytest.param([f"{n}_pred_{n % 7}.png" for n in range(40)], id="predictions"),
        pytest.param([f"guess{n % 10}_{n}.png" for n in range(40)], id="guesses"),
        pytest.param([f"not_{n % 10}_{n}.png" for n in range(40)], id="what-it-is-not"),
        pytest.param([f"predicted/{n % 10}/{n}.png" for n in range(40)], id="predicted-folder"),
        pytest.param([f"{r}/a{n}.png" for r in ("i", "ii", "iii") for n in "xy"], id="parts"),
        pytest.param(
            [f"{who}/{n}/a.png" for who in ("one", "two") for n in range(10)], id="writers-in-words"
        ),
    ],
)
def test_names_that_only_look_like_labels_are_not_scored(make: Make, names: list[str]) -> None:
    try:
        layout = recognise(make(names))
    except DataError:
        return
    assert not layout.is_labelled


def test_what_is_true_is_read_beside_what_was_predicted(make: Make) -> None:
    names = {f"{n:03}_pred_{n % 7}_true_{d}.png": str(d) for n, d in enumerate(DIGITS)}
    assert truths(recognise(make(names))) == names


def test_a_number_that_follows_a_long_one_may_be_an_order(make: Make) -> None:
    assert recognise(make([f"17000{n:05}_{n % 10}.png" for n in range(20)])).doubt


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            [
                "zeros",
                "ones",
                "twos",
                "threes",
                "fours",
                "fives",
                "sixes",
                "sevens",
                "eights",
                "nines",
            ],
            id="plurals",
        ),
        pytest.param(["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"], id="roman"),
    ],
)
def test_folders_in_other_words_are_digits(make: Make, names: list[str]) -> None:
    found = truths(recognise(make([f"{name}/a.png" for name in names])))
    first = 10 - len(names)
    assert found == {f"{name}/a.png": str(n) for n, name in enumerate(names, start=first)}


@pytest.mark.parametrize(
    "header",
    ["file,predicted", "file,pred_label", "image,fold", "image,rotation", "file,day", "file,hour"],
)
def test_a_column_of_something_else_is_no_label(make: Make, header: str) -> None:
    with pytest.raises(DataError, match="which column holds the labels"):
        recognise(make(PICTURES, {"a.csv": rows(PICTURES, header)}))


def test_a_label_is_read_beside_a_prediction(make: Make) -> None:
    text = "".join(f"{name},{(d + 1) % 10},{d}\n" for name, d in PICTURES.items())
    layout = recognise(make(PICTURES, {"a.csv": "file,prediction,label\n" + text}))
    assert truths(layout) == {name: str(d) for name, d in PICTURES.items()}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("a.csv", rows(dict(enumerate(DIGITS)), "id,label"), id="other-numbers"),
        pytest.param("labels.csv", "label\n" + "".join(f"{d}\n" for d in DIGITS), id="no-names"),
        pytest.param("labels.txt", "".join(f"{d}\n" for d in DIGITS), id="one-a-line"),
        pytest.param("labels.txt", " ".join(map(str, DIGITS)), id="in-one-line"),
        pytest.param(
            "a.csv", ",".join(PICTURES) + "\n" + ",".join(map(str, DIGITS)) + "\n", id="on-its-side"
        ),
    ],
)
def test_labels_without_the_pictures_names_are_asked_about(
    make: Make, name: str, text: str
) -> None:
    with pytest.raises(DataError, match="it may hold the labels"):
        recognise(make(PICTURES, {name: text}))


def test_a_list_of_classes_beside_class_folders_is_no_table_of_labels(make: Make) -> None:
    folder = make(
        [f"{n}/{k}.png" for n in range(10) for k in range(3)],
        {"labels.csv": "class,name\n" + "".join(f"{n},{w}\n" for n, w in enumerate(WORDS))},
    )
    assert recognise(folder).rule == "class folders 0 … 9"


@pytest.mark.parametrize("sign", ["=", ":", ": ", " -> "])
def test_labels_after_another_sign_are_read(make: Make, sign: str) -> None:
    text = "".join(f"{name}{sign}{label}\n" for name, label in PICTURES.items())
    layout = recognise(make(PICTURES, {"labels.txt": text}))
    assert truths(layout) == {name: str(label) for name, label in PICTURES.items()}


@pytest.mark.parametrize("header", ["", "what,which\n"])
def test_two_columns_that_both_name_pictures_are_asked_about(make: Make, header: str) -> None:
    text = header + "".join(f"{label},{name[:-4]}\n" for name, label in COUNTED.items())
    folder = make(COUNTED, {"labels.csv": text})
    with pytest.raises(DataError, match="number 1 or number 2"):
        recognise(folder)
    layout = recognise(folder, LayoutOptions(table="labels.csv:1"))
    assert truths(layout) == {name: str(label) for name, label in COUNTED.items()}


def test_a_column_called_number_names_pictures_beside_one_called_label(make: Make) -> None:
    text = "label,number\n" + "".join(f"{label},{name[:-4]}\n" for name, label in COUNTED.items())
    layout = recognise(make(COUNTED, {"labels.csv": text}))
    assert truths(layout) == {name: str(label) for name, label in COUNTED.items()}


@pytest.mark.parametrize("code", ["99", "4/9"])
def test_one_label_of_several_digits_among_digits_is_asked_about(make: Make, code: str) -> None:
    labels = {name: code if n % 7 == 0 else d for n, (name, d) in enumerate(PICTURES.items())}
    with pytest.raises(DataError, match="a photo of several digits, or no label"):
        recognise(make(PICTURES, {"labels.csv": rows(labels)}))


SHIFTED = [*WORDS[1:], WORDS[0]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("classes.txt", "\n".join(SHIFTED), id="by-position"),
        pytest.param(
            "label_map.csv",
            "label,name\n" + "".join(f"{n},{w}\n" for n, w in enumerate(SHIFTED)),
            id="by-number",
        ),
    ],
)
@pytest.mark.parametrize("by", ["table", "folder"])
def test_a_list_that_says_what_the_numbers_mean_is_asked_about(
    make: Make, name: str, text: str, by: str
) -> None:
    if by == "table":
        folder = make(PICTURES, {"train.csv": rows(PICTURES), name: text})
        meant = {picture: str((digit + 1) % 10) for picture, digit in PICTURES.items()}
    else:
        meant = {f"{n}/{k}.png": str((n + 1) % 10) for n in range(10) for k in "ab"}
        folder = make(meant, {name: text})
    with pytest.raises(DataError, match="class 0 is the digit 1") as asked:
        recognise(folder)
    answer = asked.value.fix.partition("--classes ")[2].split()[0].rstrip(",")
    assert truths(recognise(folder, LayoutOptions(classes=tuple(answer.split(","))))) == meant


def test_a_list_that_agrees_is_passed_by(make: Make) -> None:
    folder = make(PICTURES, {"train.csv": rows(PICTURES), "classes.txt": "\n".join(WORDS)})
    assert truths(recognise(folder)) == {name: str(d) for name, d in PICTURES.items()}


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda n: f"https://example.org/data/{n}?raw=1", id="address"),
        pytest.param(lambda n: n.replace("_", "%5F"), id="percent"),
        pytest.param(lambda n: f"file:///home/eve/{n}", id="file-address"),
    ],
)
def test_addresses_name_pictures(make: Make, written: Callable[[str], str]) -> None:
    text = rows({written(name): label for name, label in PICTURES.items()})
    layout = recognise(make(PICTURES, {"labels.csv": text}))
    assert truths(layout) == {name: str(label) for name, label in PICTURES.items()}


def test_a_name_that_may_mean_two_pictures_is_said(make: Make) -> None:
    folder = make(
        [f"{who}/{n}.png" for who in ("ann", "ben") for n in range(5)],
        {"labels.csv": rows({f"{n}.png": n for n in range(5)})},
    )
    with pytest.raises(DataError, match=r"0\.png may mean ann/0\.png and ben/0\.png"):
        recognise(folder)


def test_a_hidden_file_is_listed_and_only_what_a_system_leaves_is_silent(make: Make) -> None:
    junk = [".DS_Store", "._a.png", "Thumbs.db", "desktop.ini", "__MACOSX/a.png"]
    notebooks = [".ipynb_checkpoints/3/a.png"]
    left = [".git/c.png", "$RECYCLE.BIN/d.png", "3/@eaDir/e.png"]
    folder = make(["3/a.png", "3/.b.png", *left, *junk, *notebooks])
    layout = recognise(folder, LayoutOptions(labels="folder"))
    assert list(truths(layout)) == ["3/a.png"]
    assert {p.sample for p in layout.problems} == {"3/.b.png", ".git", "$RECYCLE.BIN", "3/@eaDir"}
    assert not any(p.is_lost for p in layout.problems)


def test_a_link_to_a_folder_never_stands_for_it(make: Make) -> None:
    folder = make([f"{word}/a.png" for word in WORDS])
    (folder / "best").symlink_to(folder / "three", target_is_directory=True)
    layout = recognise(folder)
    assert truths(layout) == {f"{word}/a.png": str(n) for n, word in enumerate(WORDS)}
    (problem,) = layout.problems
    assert problem.fault == "the same folder as three, whose pictures are read once"


def test_a_loop_of_links_ends_and_is_said(make: Make) -> None:
    folder = make(["three/a.png", "four/a.png"])
    for link, target in (("four/up", folder), ("three/across", folder / "four")):
        (folder / link).symlink_to(target, target_is_directory=True)
    layout = recognise(folder)
    assert truths(layout) == {"three/a.png": "3", "four/a.png": "4"}
    assert {p.sample: p.code for p in layout.problems} == {
        "four/up": "same-folder",
        "three/across": "same-folder",
    }


@pytest.mark.parametrize(
    ("train", "test"),
    [
        pytest.param("tr", "te", id="short"),
        pytest.param("seen", "unseen", id="seen"),
        pytest.param("Trainingsdaten", "Testdaten", id="german"),
        pytest.param("entrenamiento", "prueba", id="spanish"),
        pytest.param("Entraînement", "essai", id="french"),
        pytest.param("trainingSample", "testSample", id="samples"),
        pytest.param("训练", "测试", id="chinese"),
        pytest.param("01_train", "02_test", id="numbered"),
    ],
)
def test_splits_by_other_names_are_never_persons(make: Make, train: str, test: str) -> None:
    layout = recognise(make([f"{part}/{n}/a.png" for part in (train, test) for n in range(10)]))
    assert {(p.path.parts[0], p.split, p.person) for p in layout.photos} == {
        (train, "train", None),
        (test, "test", None),
    }


@pytest.mark.parametrize(
    "parts",
    [("original", "augmented"), ("28x28", "64x64"), ("data", "data (copy)"), ("public", "private")],
)
def test_versions_of_a_collection_are_nobody(make: Make, parts: tuple[str, str]) -> None:
    layout = recognise(make([f"{part}/{n}/a.png" for part in parts for n in range(10)]))
    assert {photo.person for photo in layout.photos} == {None}
