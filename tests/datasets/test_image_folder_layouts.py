"""Each layout of a folder is recognised by itself; what does not fit is said."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError, OptionError, UndecidedError
from bench_datasets._folder.layout import LayoutOptions
from bench_datasets._folder.recognise import recognise

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return ``make(names, **texts)``: a folder of files; a layout decodes none of them."""

    def make_(*names: str, **texts: str) -> Path:
        root = tmp_path / "my_ids"
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"?")
        root.mkdir(exist_ok=True)
        for name, text in texts.items():
            (root / f"{name}.csv").write_text(text, encoding="utf-8")
        return root

    return make_


def labels(layout: Any) -> dict[str, str | None]:
    return {photo.path.as_posix(): photo.label for photo in layout.photos}


def persons(layout: Any) -> dict[str, str | None]:
    return {photo.path.as_posix(): photo.person for photo in layout.photos}


def problems(layout: Any) -> dict[str, str]:
    return {problem.sample: problem.code for problem in layout.problems}


def test_class_folders(make: Make) -> None:
    layout = recognise(make("3/a.jpg", "7/a.jpg", "7/b.PNG"))
    assert layout.rule == "class folders 3, 7"
    assert labels(layout) == {"3/a.jpg": "3", "7/a.jpg": "7", "7/b.PNG": "7"}


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        pytest.param(
            ("ann/3/a.jpg", "bo/7/a.jpg"), "class folders 3, 7; 2 writers: ann, bo", id="above"
        ),
        pytest.param(
            ("3/ann/a.jpg", "7/bo/a.jpg"), "class folders 3, 7; 2 writers: ann, bo", id="below"
        ),
    ],
)
def test_persons_above_or_below_class_folders(
    make: Make, names: tuple[str, ...], rule: str
) -> None:
    layout = recognise(make(*names))
    assert layout.rule == rule
    assert set(persons(layout).values()) == {"ann", "bo"}
    assert sorted(str(label) for label in labels(layout).values()) == ["3", "7"]


def test_persons_named_by_one_letter_are_not_classes(make: Make) -> None:
    layout = recognise(make("a/3/x.jpg", "b/7/x.jpg"))
    assert labels(layout) == {"a/3/x.jpg": "3", "b/7/x.jpg": "7"}
    assert set(persons(layout).values()) == {"a", "b"}


def test_class_folders_of_given_names(make: Make) -> None:
    folder = make("cat/a.jpg", "dog/a.jpg")
    assert recognise(folder).rule == "no labels"
    layout = recognise(folder, LayoutOptions(classes=("cat", "dog")))
    assert labels(layout) == {"cat/a.jpg": "cat", "dog/a.jpg": "dog"}


def test_a_table_of_persons_gives_ids_in_natural_order(make: Make) -> None:
    files = [f"ann/{n}.jpg" for n in range(1, 11)]
    layout = recognise(make(*files, ids="person,id\nann,0512670798\n"))
    assert layout.rule == "persons' folders with ids.csv"
    assert [photo.label for photo in layout.photos] == list("0512670798")
    assert [photo.path.name for photo in layout.photos][-2:] == ["9.jpg", "10.jpg"]
    assert layout.truths == {"ann": "0512670798"}


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("person,id\nann,126\n", id="three digits"),
        pytest.param("person;id\nann;126.0\n", id="a spreadsheet's number, semicolons"),
        pytest.param("ann\t126\n", id="tabs, no header"),
        pytest.param("\ufeffStudent,Number\nANN,'126\n", id="another header, a mark, a quote"),
    ],
)
def test_a_leading_zero_that_a_spreadsheet_dropped_is_put_back_and_said(
    make: Make, table: str
) -> None:
    layout = recognise(make(*(f"ann/{n}.jpg" for n in range(1, 5)), ids=table))
    assert list(layout.truths.values()) == ["0126"]
    assert "leading zero" in layout.notes[0]
    assert [photo.label for photo in layout.photos] == ["0", "1", "2", "6"]


def test_an_id_with_more_digits_than_files_is_placed_by_number(make: Make) -> None:
    layout = recognise(make("ann/1.jpg", "ann/3.jpg", ids="person,id\nann,5678\n"))
    assert labels(layout) == {"ann/1.jpg": "5", "ann/3.jpg": "7"}
    assert problems(layout) == {"ann": "files-missing"}
    assert layout.truths == {}


def test_an_id_with_more_digits_than_files_without_numbers_is_not_scored(make: Make) -> None:
    layout = recognise(make("ann/x.jpg", "ann/y.jpg", ids="person,id\nann,5678\n"))
    assert labels(layout) == {"ann/x.jpg": None, "ann/y.jpg": None}
    assert problems(layout) == {"ann": "id-does-not-fit"}


def test_an_id_text_in_each_persons_folder(make: Make) -> None:
    root = make("ann/1.jpg", "ann/2.jpg", "bo/strip.jpg")
    (root / "ann" / "id.txt").write_text("47\n")
    (root / "bo" / "ID.TXT").write_text("90210")
    layout = recognise(root)
    assert layout.rule == "persons' folders with id.txt"
    assert layout.truths == {"ann": "47", "bo": "90210"}
    assert [photo.digits for photo in layout.photos] == [None, None, "90210"]


def test_persons_folders_named_by_the_id(make: Make) -> None:
    layout = recognise(make("047/1.jpg", "047/2.jpg", "047/3.jpg", "12/1.jpg", "12/2.jpg"))
    assert layout.rule == "persons' folders named by their IDs"
    assert layout.truths == {"12": "12", "047": "047"}
    assert [photo.label for photo in layout.photos] == list("12047")


def test_labels_in_a_table_of_files(make: Make) -> None:
    folder = make("img/a.png", "img/b.png", dataset="image,label\nimg/a.png,3\nimg/b.png,8\n")
    layout = recognise(folder)
    assert layout.rule == "labels in dataset.csv"
    assert labels(layout) == {"img/a.png": "3", "img/b.png": "8"}
    assert set(persons(layout).values()) == {None}


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("x,y\nA.png,3\nb,8\n", id="unknown header, other case, no ending"),
        pytest.param("3,a.png\n8,b.png\n", id="no header, the other way round"),
        pytest.param("label,filename\n3,.\\a.png\n8,./b.png\n", id="paths from elsewhere"),
    ],
)
def test_columns_are_known_by_what_they_hold(make: Make, table: str) -> None:
    layout = recognise(make("a.png", "b.png", anything=table))
    found = labels(layout)
    assert found["b.png"] == "8"


def test_strips_in_a_table(make: Make) -> None:
    layout = recognise(make("a.jpg", "b.jpg", strips="file,digits\na.jpg,12/345\nb.jpg,07\n"))
    assert layout.rule == "photos of several digits with strips.csv"
    assert [photo.digits for photo in layout.photos] == ["12/345", "07"]


def test_a_label_for_a_missing_file_a_file_without_and_one_with_two(make: Make) -> None:
    table = "file,label\na.png,3\nmissing.png,4\nc.png,5\nc.png,6\n"
    layout = recognise(make("a.png", "b.png", "c.png", labels=table), LayoutOptions(labels="table"))
    assert problems(layout) == {
        "missing.png": "file-missing",
        "b.png": "no-label",
        "c.png": "two-labels",
    }
    assert labels(layout) == {"a.png": "3", "b.png": None, "c.png": None}


DIGITS = "0123456789"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(
            [f"{d}_{10 * i + n:03}.png" for i, d in enumerate(DIGITS) for n in range(2)],
            "".join(2 * d for d in DIGITS),
            id="before a running number",
        ),
        pytest.param(
            [f"img_{n:02}_{d}.png" for n, d in enumerate("31415926535897932384626433832795028841")],
            "31415926535897932384626433832795028841",
            id="after a running number",
        ),
        pytest.param(
            [f"digit-{d}-{n}.jpg" for d, n in ("3a", "3b", "7a")], "337", id="after 'digit'"
        ),
        pytest.param(["zero.png", "three_2.png", "img_SEVEN.png"], "073", id="words"),
        pytest.param(["٣_a.png", "٧_b.png", "٣_b.png"], "337", id="Arabic-Indic"),
    ],
)
def test_labels_in_file_names(make: Make, names: Sequence[str], expected: str) -> None:
    layout = recognise(make(*names))
    assert layout.rule.startswith("labels in file names")
    assert sorted(str(photo.label) for photo in layout.photos) == sorted(expected)
    assert not layout.doubt


def test_a_pattern_says_where_the_label_is(make: Make) -> None:
    folder = make("2024-x3.jpg", "2025-x4.jpg", "other.jpg")
    layout = recognise(folder, LayoutOptions(label_pattern=r"x(\d)"))
    assert labels(layout) == {"2024-x3.jpg": "3", "2025-x4.jpg": "4", "other.jpg": None}
    assert problems(layout) == {"other.jpg": "no-label"}


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        pytest.param("([", "no regular expression", id="not one"),
        pytest.param("[0-9]", "it has no group; put the part", id="no group"),
        pytest.param("q([0-9])", "it fits no file, for example a3.jpg", id="fits nothing"),
        pytest.param("q?()", "it fits no file", id="an empty group"),
    ],
)
def test_a_wrong_pattern_is_said(make: Make, pattern: str, why: str) -> None:
    with pytest.raises(OptionError, match=why):
        recognise(make("a3.jpg"), LayoutOptions(label_pattern=pattern))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{n}.png" for n in range(1, 9)], id="numbers"),
        pytest.param([f"digit-{n:02}.png" for n in range(1, 9)], id="words and zeros"),
        pytest.param([f"2024_{n}.png" for n in range(1, 9)], id="a year before them"),
        pytest.param([f"{who}/{n}.png" for who in ("ann", "bo") for n in (1, 2, 3)], id="persons"),
        pytest.param([f"{n}.png" for n in range(1, 15)], id="more than nine"),
    ],
)
def test_numbers_from_one_on_are_an_order_and_no_labels(make: Make, names: list[str]) -> None:
    layout = recognise(make(*names))
    assert layout.rule == "no labels"
    assert not layout.is_labelled
    assert layout.notes[0].startswith("predictions only; ")
    assert "an order" in layout.notes[0] or "a date" in layout.notes[0]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["7.png"], id="one file"),
        pytest.param(["1.png"], id="one file, of a one"),
        pytest.param(["2.png", "5.png", "7.png"], id="gaps"),
        pytest.param(["3_017.png", "4_018.png"], id="beside a running number"),
        pytest.param(["0_1.png", "0_2.png", "5_1.png"], id="two numbers"),
        pytest.param(["5_1.png", "5_2.png", "5_3.png"], id="one number for all"),
        pytest.param([f"{1 + n % 2}/x{n}_{n // 4}.png" for n in range(40)], id="beside folders"),
        pytest.param(["sheet2_3.png", "sheet2_8.png", "sheet4_3.png"], id="beside a sheet"),
    ],
)
def test_numbers_that_may_be_digits_or_anything_are_asked_about(
    make: Make, names: list[str]
) -> None:
    with pytest.raises(UndecidedError, match="--labels name"):
        recognise(make(*names))
    layout = recognise(make(*names), LayoutOptions(labels="name"))
    assert layout.is_labelled
    assert not recognise(make(*names), LayoutOptions(labels="none")).is_labelled


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([f"{n}.png" for n in range(10)], id="flat"),
        pytest.param([f"{w}/scan {n}.png" for w in ("ann", "bo") for n in range(10)], id="writers"),
        pytest.param([f"{s}_{n}.png" for s in (1, 2) for n in range(10)], id="sheets"),
        pytest.param([f"a{n}_{n % 10}.png" for n in range(30)], id="by a counter"),
    ],
)
def test_one_complete_set_of_names_is_taken_with_a_warning(make: Make, names: list[str]) -> None:
    layout = recognise(make(*names))
    assert {photo.label for photo in layout.photos} == set(DIGITS)
    assert "order" in layout.doubt
    assert not recognise(make(*names), LayoutOptions(labels="name")).doubt


def test_an_order_is_no_order_where_a_person_says_so(make: Make) -> None:
    folder = make("1.jpg", "2.jpg", "3.jpg")
    layout = recognise(folder, LayoutOptions(labels="name"))
    assert [photo.label for photo in layout.photos] == ["1", "2", "3"]


def test_an_id_text_beside_the_photos_of_one_person(make: Make) -> None:
    root = make("1.jpg", "2.jpg", "10.jpg")
    (root / "id.txt").write_text("907")
    layout = recognise(root)
    assert layout.truths == {"my_ids": "907"}
    assert [(p.path.name, p.label) for p in layout.photos] == [
        ("1.jpg", "9"),
        ("2.jpg", "0"),
        ("10.jpg", "7"),
    ]


def test_a_table_of_one_person_whose_folder_this_is(make: Make) -> None:
    files = [f"{n}.jpg" for n in range(1, 5)]
    layout = recognise(make(*files, ids="person,id\nme,126\n"))
    assert layout.truths == {"me": "0126"}
    assert "leading zero" in layout.notes[0]
    assert [photo.label for photo in layout.photos] == list("0126")
    assert recognise(make(ids="person,id\nme,5126707\n")).rule == "no labels"


def test_one_persons_folder_named_by_the_id(make: Make, tmp_path: Path) -> None:
    folder = make("1.jpg", "2.jpg", "3.jpg").rename(tmp_path / "047")
    layout = recognise(folder)
    assert layout.rule == "a person's folder named by the ID"
    assert layout.truths == {"047": "047"}
    (folder / "4.jpg").write_bytes(b"?")
    assert recognise(folder).rule == "no labels"


def test_classes_that_nothing_is_named_by_are_said(make: Make) -> None:
    with pytest.raises(OptionError, match="classes cat, dog: nothing in my_ids is labelled"):
        recognise(make("3/a.jpg"), LayoutOptions(classes=("cat", "dog")))


def test_the_table_that_names_pictures_is_taken_and_the_other_named(make: Make) -> None:
    layout = recognise(make("a.png", "b.png", mine="a.png,3\nb.png,4\n", other="x,y\n1,2\n"))
    assert labels(layout) == {"a.png": "3", "b.png": "4"}
    assert [each.words for each in layout.rejected] == ["other.csv"]


@pytest.mark.parametrize("name", ["labels", "ids", "strips", "dataset"])
def test_two_tables_that_differ_are_asked_about(make: Make, name: str) -> None:
    folder = make("a.png", **{name: "file,label\na.png,3\n", "another": "file,label\na.png,4\n"})
    with pytest.raises(UndecidedError, match=f"--table another.csv or --table {name}.csv"):
        recognise(folder)
    assert labels(recognise(folder, LayoutOptions(table="another.csv"))) == {"a.png": "4"}


def test_without_labels_a_person_learns_what_would_give_them(make: Make) -> None:
    layout = recognise(make("IMG_2041.jpg", "IMG_2042.jpg"))
    assert layout.rule == "no labels"
    assert not layout.is_labelled
    assert "labels.csv" in layout.notes[0]


def test_junk_and_hidden_files_are_no_pictures(make: Make) -> None:
    folder = make(
        "3/a.jpg", "3/.DS_Store", "3/Thumbs.db", ".git/4/b.jpg", "__MACOSX/3/a.jpg", "3/._a.jpg"
    )
    assert list(labels(recognise(folder))) == ["3/a.jpg"]


def test_links_that_lead_back_end(make: Make) -> None:
    folder = make("3/a.jpg")
    (folder / "3" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    assert list(labels(recognise(folder))) == ["3/a.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("[red]bold", id="markup"),
        pytest.param("<script>alert(1)</script>".replace("/", ""), id="script"),
        pytest.param("Zoë 数字 🖊", id="unicode"),
    ],
)
def test_any_name_of_a_person_is_only_a_name(make: Make, name: str) -> None:
    layout = recognise(make(f"{name}/3/a.jpg", "bo/4/a.jpg"))
    assert set(persons(layout).values()) == {name, "bo"}


def test_an_empty_folder_and_none_are_said_in_one_line(make: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="my_ids: no pictures in this folder; put photos there"):
        recognise(make())
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        recognise(tmp_path / "nowhere")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "rule", "n"),
    [
        pytest.param("drawn-by-class", "class folders 0 … 9", 200, id="drawn-by-class"),
        pytest.param("drawn-named", "labels in file names: the first number", 21, id="drawn-named"),
        pytest.param("drawn-table", "labels in dataset.csv", 1000, id="drawn-table"),
        pytest.param("photos-by-class", "class folders 0 … 9", 117, id="photos-by-class"),
        pytest.param("photos-many-writers", "class folders 0 … 9", 483, id="photos-many-writers"),
        pytest.param("student-ids", "persons' folders with ids.csv", 24, id="student-ids"),
        pytest.param("strips", "photos of several digits with strips.csv", 4, id="strips"),
    ],
)
def test_real_folders_are_recognised(real_data: Path, folder: str, rule: str, n: int) -> None:
    layout = recognise(real_data / "own_digits" / folder)
    assert layout.rule == rule
    assert len(layout.photos) == n
    assert all(photo.label or photo.digits for photo in layout.photos)
    assert layout.problems == ()
