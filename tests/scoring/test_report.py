import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from bench.errors import BenchError
from bench.scoring.confusion import confusion_matrix
from bench.scoring.metrics import whole_ids
from bench.scoring.report import classification_report, worst_confusions
from bench.spec import UNREAD

NAMES = tuple("0123456789")
TRUTH = np.array([0, 5, 1, 2, 6, 7, 0, 7, 1, 0, 8, 7, 3, 4, 8, 2, 0, 3, 5, 1, 7, 8, 9, 6])
READ = np.array([0, 5, 1, 1, 5, 7, 5, 7, 1, 2, 9, 7, 3, 4, 5, 2, 2, 3, 5, 1, 7, 4, 9, 6])
PUBLISHED = """
0 1.00 0.25 0.40 4
1 0.75 1.00 0.86 3
2 0.33 0.50 0.40 2
3 1.00 1.00 1.00 2
4 0.50 1.00 0.67 1
5 0.40 1.00 0.57 2
6 1.00 0.50 0.67 2
7 1.00 1.00 1.00 4
8 0.00 0.00 0.00 3
9 0.50 1.00 0.67 1
"""


@pytest.fixture(name="ids_report")
def report_of_the_published_ids() -> Any:
    return classification_report(confusion_matrix(TRUTH, READ, 10), NAMES)


def test_the_published_id_table_comes_out_digit_for_digit(ids_report: Any) -> None:
    table = "\n".join(
        f"{c.name} {c.precision:.2f} {c.recall:.2f} {c.f1:.2f} {c.support}"
        for c in ids_report.classes
    )
    assert table == PUBLISHED.strip()


def test_the_published_id_averages_come_out(ids_report: Any) -> None:
    macro, weighted = ids_report.macro, ids_report.weighted
    assert f"{ids_report.accuracy:.2f} {ids_report.support}" == "0.67 24"
    assert f"{macro.precision:.2f} {macro.recall:.2f} {macro.f1:.2f}" == "0.65 0.72 0.62"
    assert f"{weighted.precision:.2f} {weighted.recall:.2f} {weighted.f1:.2f}" == "0.70 0.67 0.62"
    assert (macro.support, weighted.support) == (24, 24)


def test_none_of_the_three_published_ids_is_right() -> None:
    names, right = whole_ids(TRUTH == READ, np.repeat(["Den", "Luis", "Rivers"], 8))
    assert (len(names), int(right.sum())) == (3, 0)


def test_a_class_never_predicted_is_marked_and_explained(ids_report: Any) -> None:
    marked = [c.name for c in ids_report.classes if c.is_never_predicted]
    assert marked == ["8"]
    assert ids_report.classes[8].remark == (
        "never predicted: its precision is undefined and shown as 0"
    )
    assert ids_report.classes[0].remark == ""


@pytest.mark.parametrize(
    ("labels", "predicted"),
    [
        pytest.param(TRUTH, READ, id="published-ids"),
        pytest.param([0, 0, 1, 1], [0, 2, 1, 1], id="class-absent-from-truth"),
        pytest.param([3], [3], id="one-image"),
        pytest.param([3, 4], [4, 3], id="all-wrong"),
    ],
)
def test_as_dict_is_scikit_learns(labels: Any, predicted: Any) -> None:
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    found = classification_report(confusion_matrix(labels, predicted, 10), NAMES).as_dict()
    present = sorted(set(labels.tolist()) | set(predicted.tolist()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sk.classification_report(
            labels,
            predicted,
            target_names=[NAMES[i] for i in present],
            output_dict=True,
            zero_division=0,
        )
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-12), key


def test_a_class_that_is_nowhere_is_listed_but_not_averaged() -> None:
    report = classification_report(confusion_matrix(np.array([0, 1]), np.array([0, 1]), 3), "abc")
    assert report.macro.f1 == 1.0
    assert (
        report.classes[2].remark == "neither in the test split nor predicted: not in the averages"
    )
    assert "c" not in report.as_dict()


def test_a_class_absent_from_truth_says_so() -> None:
    report = classification_report(confusion_matrix(np.array([0, 0]), np.array([0, 1]), 2), "ab")
    assert (
        report.classes[1].remark == "not in the test split: its recall is undefined and shown as 0"
    )


def test_worst_confusions_read_as_a_sentence_and_come_sorted() -> None:
    matrix = np.array([[50, 0, 1], [0, 10, 0], [41, 0, 59]])
    found = worst_confusions(matrix, ["5", "1", "3"])
    assert [str(pair) for pair in found] == ["3 read as 5: 41 times", "5 read as 3: once"]
    assert found[0].share == pytest.approx(0.41)


def test_equal_counts_are_sorted_by_share() -> None:
    matrix = np.array([[98, 2, 0], [0, 5, 0], [2, 0, 2]])
    assert [pair.true for pair in worst_confusions(matrix, "abc")] == ["c", "a"]


def test_worst_confusions_of_a_perfect_reading_are_none() -> None:
    assert worst_confusions(np.diag([3, 4]), "ab") == []


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        pytest.param(np.zeros((2, 2), int), "there is nothing to report", id="empty"),
        pytest.param(np.eye(3, dtype=int), "the class names are not those", id="names"),
    ],
)
def test_a_matrix_that_cannot_be_reported_is_named(matrix: Any, message: Any) -> None:
    with pytest.raises(BenchError, match=message):
        classification_report(matrix, "ab")


def test_what_was_not_read_counts_against_recall_and_is_no_class_s_prediction() -> None:
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, UNREAD, 1, UNREAD])
    matrix = confusion_matrix(labels, predicted, 2)
    report = classification_report(matrix, ("a", "b"))
    assert [line.recall for line in report.classes] == [0.5, 0.5]
    assert [line.precision for line in report.classes] == [1.0, 1.0]
    assert [line.support for line in report.classes] == [2, 2]
    assert report.accuracy == 0.5
    confusions = worst_confusions(matrix, ("a", "b"))
    assert [str(each) for each in confusions] == ["a not read: once", "b not read: once"]
