"""Reports, curves, people and exports: what a person reads of predictions."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.board.rows import Board, PersonReading, Row
from bench.render.abstention import abstention_line
from bench.render.curve import curve_lines, plot
from bench.render.export import as_csv, as_json
from bench.render.people import marked, people_lines, person_lines
from bench.scoring.abstention import abstention_curve
from bench.scoring.report import classification_report, worst_confusions
from bench.spec import Epoch
from bench.views.report.classes import confusion_lines, report_lines, worst_lines

ROW = Row(test_dataset="ids", train_dataset="mnist", model="m", accuracy=0.5, seeds=1)


def plain(texts: list) -> list[str]:  # type: ignore[type-arg]  # of rich texts
    """Return what the texts say."""
    return [text.plain for text in texts]


def reading(
    truth: str, read: str, person: str = "writer-b", whole: str | None = None
) -> PersonReading:
    """Return one person's reading; the whole ID is the truth unless it is said."""
    whole_id = truth if whole is None else whole
    return PersonReading(person=person, writer=person, truth=truth, read=read, whole_id=whole_id)


@pytest.mark.parametrize(
    ("truth", "read", "text"),
    [
        pytest.param("10873482", "10873492", "108734[9]2", id="one"),
        pytest.param("1234", "1234", "1234", id="none"),
        pytest.param("1234", "5674", "[567]4", id="a-run"),
        pytest.param("12", "34", "[34]", id="all"),
    ],
)
def test_wrong_digits_are_marked(truth: str, read: str, text: str) -> None:
    assert marked(reading(truth, read)).plain == text


@given(st.text("0123456789", min_size=1, max_size=12), st.data())
def test_a_marked_id_without_its_marks_is_what_was_read(truth: str, data: st.DataObject) -> None:
    read = data.draw(st.text("0123456789", min_size=len(truth), max_size=len(truth)))
    text = marked(reading(truth, read)).plain
    assert text.replace("[", "").replace("]", "") == read
    assert ("[" in text) == (truth != read)


def test_an_id_is_right_only_when_every_digit_is() -> None:
    assert reading("12", "12", whole="12").is_right
    assert not reading("12", "13").is_right
    assert not reading("12", "12", whole="123").is_right  # a digit's photo is missing
    assert reading("123", "124").right == 2


def test_people_are_told_what_was_read_instead() -> None:
    row = Row(
        **{name: getattr(ROW, name) for name in Row.__struct_fields__} | {"evaluations": ("e",)}
    )
    board = Board(test_dataset="ids", rows=(row,), evaluation_only=True)
    people = [reading("12", "12", "a"), reading("34", "35", "[b]"), reading("56", "77", "c")]
    lines = plain(people_lines(board, {"e": people}, 120))
    assert lines[0].startswith("ids · 3 persons, 6 digits · what the models saw: ")
    assert lines[2].split() == [
        "m", "mnist", "3/6", "1/3", "[b]", "3[5]", "→", "truth", "34",
    ]  # fmt: skip
    assert lines[3].strip() == "c [77] → truth 56"
    assert lines[4].startswith("Three writers are too few")


def test_in_brief_every_model_has_one_line_for_people() -> None:
    facts = {name: getattr(ROW, name) for name in Row.__struct_fields__}
    people = [reading("12", "13", "a"), reading("34", "35", "b")]
    names = [f"m{index}" for index in range(12)]
    rows = [Row(**(facts | {"model": name, "evaluations": (name,)})) for name in names]
    again = replace_train(rows[0], "usps")
    board = Board(test_dataset="ids", rows=(*rows, again), evaluation_only=True)
    readings = dict.fromkeys(names, people)
    for width in (80, 120):
        lines = plain(people_lines(board, readings, width, brief=True))
        assert [line.split()[0] for line in lines[2:14]] == names
        assert lines[14] == " … 1 more row: --all-rows"


def replace_train(row: Row, name: str) -> Row:
    """Return a row of the same model, trained on other data."""
    facts = {field: getattr(row, field) for field in Row.__struct_fields__}
    return Row(**(facts | {"train_dataset": name}))


def test_a_brief_report_gives_each_class_a_column_where_they_fit() -> None:
    matrix = np.diag([10, 10, 10, 9])
    matrix[3, 1] = 1
    names = ("a", "b", "c", "d")
    report = classification_report(matrix, names)
    confusions = worst_confusions(matrix, names)
    lines = plain(report_lines(ROW, report, confusions, 80, brief=True))
    assert lines[0] == "m on ids · trained on mnist · accuracy .975 · macro F1 .975"
    assert lines[1].split() == ["class", *names]
    assert lines[3].split() == ["recall", "1.000", "1.000", "1.000", ".900"]
    assert lines[-1].strip() == "d most often read as b (1 of 10)"
    tall = plain(report_lines(ROW, report, confusions, 30, brief=True))
    assert tall[1].split()[:2] == ["class", "precision"]


def test_photos_of_ids_are_no_writers() -> None:
    row = Row(
        **{name: getattr(ROW, name) for name in Row.__struct_fields__} | {"evaluations": ("e",)}
    )
    board = Board(test_dataset="ids", rows=(row,), evaluation_only=True)
    photos = [replace(reading("12", "12", f"{name}.jpg"), writer="") for name in "abcdef"]
    lines = plain(people_lines(board, {"e": photos}, 120))
    assert lines[0].startswith("ids · 6 photos, 12 digits · ")
    assert lines[-1].startswith("The writers are not known")
    by_one = [replace(photo, writer="ann") for photo in photos]
    assert plain(people_lines(board, {"e": by_one}, 120))[-1].startswith("One writer is too few")
    assert plain(person_lines(photos, 80))[0].split()[0] == "photo"


def test_digits_of_a_person_without_an_id_are_no_id() -> None:
    row = Row(
        **{name: getattr(ROW, name) for name in Row.__struct_fields__} | {"evaluations": ("e",)}
    )
    board = Board(test_dataset="ids", rows=(row,), evaluation_only=True)
    people = [reading("0011", "0019", "a", whole=""), reading("34", "34", "b")]
    lines = plain(people_lines(board, {"e": people}, 120))
    assert lines[2].split() == ["m", "mnist", "5/6", "1/1"]


def test_each_person_has_a_line_of_a_report() -> None:
    people = [reading("12", "12", "a"), reading("34", "35", "[b]"), reading("56", "57", "c", "")]
    lines = [line.split() for line in plain(person_lines(people, 80))]
    assert lines[1:] == [
        ["a", "2/2", "12", "✓"],
        ["[b]", "1/2", "3[5]", "→", "truth", "34"],
        ["c", "1/2"],
    ]
    many = [reading("1", "1", f"p{i}") for i in range(40)]
    assert plain(person_lines(many, 80))[-1] == " … 10 more persons: --all"
    assert len(person_lines(many, 80, all_persons=True)) == 41


def test_long_ids_stand_below_where_there_is_no_room_beside() -> None:
    people = [reading("1" * 23, "2" * 23, "three-lines.jpg"), reading("12", "12", "b.jpg")]
    assert len(person_lines(people, 120)) == 3
    lines = plain(person_lines(people, 60))
    assert max(map(len, lines)) <= 60
    assert lines[1].split() == ["three-lines.jpg", "0/23"]
    assert lines[2].split() == [f"[{'2' * 23}]", "→", "truth", "1" * 23]


def test_rows_of_several_training_sets_say_which_at_any_width() -> None:
    facts = {name: getattr(ROW, name) for name in Row.__struct_fields__}
    rows = tuple(
        Row(**(facts | {"evaluations": (name,), "train_dataset": name, "model": "m" * 30}))
        for name in ("mnist", "synthetic-house-numbers")
    )
    people = [reading("12345678", "87654321", "a-person-of-a-long-name")]
    board = Board(test_dataset="ids", rows=rows, evaluation_only=True)
    for width in (80, 100, 120):
        lines = plain(people_lines(board, {"mnist": people, rows[1].train_dataset: people}, width))
        assert "trained on" in lines[1]
        assert any("[87654321]" in line for line in lines)


def test_a_board_without_people_has_no_such_part() -> None:
    assert people_lines(Board(test_dataset="ids", rows=(ROW,)), {}, 80) == []


def test_a_class_outside_the_test_split_is_not_called_never_predicted() -> None:
    matrix = np.array([[3, 0, 0], [4, 0, 0], [0, 0, 0]])
    report = classification_report(matrix, ["a", "b", "c"])
    lines = plain(report_lines(ROW, report, worst_confusions(matrix, ["a", "b", "c"]), 120))
    assert lines[-1].startswith("Never predicted: b. ")
    assert lines[4].endswith("neither in the test split nor predicted: not in the averages")


def test_a_class_never_predicted_is_marked_and_explained() -> None:
    matrix = np.array([[3, 1, 0], [0, 4, 0], [1, 1, 0]])
    report = classification_report(matrix, ["a", "b", "c"])
    lines = plain(report_lines(ROW, report, worst_confusions(matrix, ["a", "b", "c"]), 100))
    assert lines[4].endswith("never predicted; most often read as a (1 of 2)")
    assert lines[-1] == (
        "Never predicted: c. Precision is then undefined and counts as 0 in the averages."
    )


def test_the_worst_confusions_are_words() -> None:
    matrix = np.array([[90, 41, 0], [1, 4, 0], [0, 2, 8]])
    names = ["3", "5", "8"]
    (line,) = plain(worst_lines(worst_confusions(matrix, names)))
    assert line == (
        "Worst confusions: 3 read as 5: 41 times · 8 read as 5: 2 times · 5 read as 3: once"
    )
    assert plain(worst_lines([])) == ["No image was read wrong."]


def test_the_matrix_shows_counts_with_the_truth_in_rows() -> None:
    lines = plain(confusion_lines(np.array([[1234, 0], [7, 20]]), ["0", "1"], 80))
    assert lines == [
        " truth      0     1  read as",
        " 0      1,234     ·",
        " 1          7    20",
    ]


def test_a_matrix_too_large_for_the_screen_says_so() -> None:
    (line,) = plain(confusion_lines(np.eye(30, dtype=np.int64), list(map(str, range(30))), 300))
    assert line == "The confusion matrix of 30 classes needs a wider screen."


def test_abstention_in_words() -> None:
    found = abstention_curve(
        np.array([0.9, 0.9, 0.4, 0.95]), np.array([True, False, True, True]), thresholds=(0.8,)
    )[0]
    assert abstention_line(found, 0.8).plain.startswith(
        "Abstaining below .80: .750 of the images are answered, .667 ["
    )
    assert abstention_line("no labels", 0.8).plain == "Abstaining below .80: –, no labels"


def epochs(*values: float) -> list[Epoch]:
    """Return a history of training accuracies."""
    return [Epoch(epoch=i, epochs=len(values), accuracy=value) for i, value in enumerate(values, 1)]


def test_a_curve_has_its_scale_and_both_series() -> None:
    history = [
        Epoch(epoch=1, epochs=3, accuracy=0.5, val_accuracy=0.5, loss=2.0, val_loss=2.0),
        Epoch(epoch=2, epochs=3, accuracy=0.8, val_accuracy=0.7, loss=1.0, val_loss=1.1),
        Epoch(epoch=3, epochs=3, accuracy=0.9, val_accuracy=0.6, loss=0.5, val_loss=1.6),
    ]
    lines = plain(curve_lines(history, 80))
    assert lines[0] == "accuracy by epoch: • training · ○ validation"
    assert lines[1] == "  .90 │         •"
    assert lines[8] == "  .50 │ ◉"
    assert lines[-1].startswith("best validation in epoch 2 of 3, gap +30.0 points: ")


def test_a_single_epoch_has_no_curve() -> None:
    assert curve_lines(epochs(0.5), 80) == []


def test_a_history_of_losses_alone_is_drawn_as_such() -> None:
    history = [Epoch(epoch=i, epochs=2, loss=1.0 / i) for i in (1, 2)]
    assert curve_lines(history, 80)[0].plain == "loss by epoch: • training"


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3)), min_size=2, max_size=200).filter(
        lambda values: any(value is not None for value in values)
    ),
    st.integers(40, 200),
)
def test_a_plot_fits_and_shows_its_extremes(values: list[float | None], width: int) -> None:
    lines = plain(plot([("•", values)], width))
    assert max(map(len, lines)) <= width + 10
    assert "•" in lines[0]
    assert len(lines) == 10


def test_csv_keeps_full_precision_and_joins_lists() -> None:
    rows = [{"a": 1 / 3, "b": ("x", "y"), "c": None, "d": "two\nlines"}]
    text = as_csv(rows, ["a", "b", "c", "d"])
    (parsed,) = list(csv.DictReader(io.StringIO(text)))
    assert float(parsed["a"]) == 1 / 3
    assert parsed["b"] == "x y"
    assert parsed["c"] == ""
    assert parsed["d"] == "two\nlines"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("=1+1", id="equals"),
        pytest.param("@SUM(A1)", id="at"),
        pytest.param("+1", id="plus"),
    ],
)
def test_a_name_is_no_formula_to_a_spreadsheet(text: str) -> None:
    assert as_csv([{"a": text}], ["a"]).splitlines()[1] == f"'{text}"


def test_json_is_plain() -> None:
    assert json.loads(as_json({"a": [1, None, 0.5], "b": "é"})) == {"a": [1, None, 0.5], "b": "é"}


def test_of_many_classes_those_read_worst_come_first_and_the_rest_is_counted() -> None:
    n = 100
    matrix = np.diag(np.full(n, 10))
    matrix[7, 7], matrix[7, 8] = 2, 8
    names = [f"sign-{i:03}" for i in range(n)]
    report, confusions = classification_report(matrix, names), worst_confusions(matrix, names)
    lines = plain(report_lines(ROW, report, confusions, 100))
    assert lines[2].split()[:2] == ["sign-007", "1.000"]
    assert lines[-1] == " the 30 classes read worst; 70 more: bench show report m mnist:ids --all"
    every = plain(report_lines(ROW, report, confusions, 100, limit=None))
    assert [line.split()[0] for line in every[2:102]] == names


def test_a_matrix_too_large_says_where_it_is() -> None:
    matrix, names = np.eye(30, dtype=np.int64), list(map(str, range(30)))
    (line,) = plain(confusion_lines(matrix, names, 300, elsewhere="bench show report m ids"))
    assert line == (
        "The confusion matrix of 30 classes needs a wider screen: bench show report m ids "
        "--confusions; whole with --csv or --json."
    )
