"""The classification report, and the worst confusions, from one confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import BenchError
from bench.scoring.confusion import per_class, times_predicted

if TYPE_CHECKING:
    from numpy.typing import NDArray


NOT_READ = "–"
"""What stands for the class of an image that was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLine:
    """One line of the report: a class, or an average (then `name` says which)."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    is_never_predicted: bool = False
    is_absent_from_truth: bool = False

    @property
    def remark(self) -> str:
        """What the reader must know about this line, or ""."""
        if self.is_never_predicted and self.is_absent_from_truth:
            return "neither in the test split nor predicted: not in the averages"
        if self.is_never_predicted:
            return "never predicted: its precision is undefined and shown as 0"
        if self.is_absent_from_truth:
            return "not in the test split: its recall is undefined and shown as 0"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationReport:
    """Precision, recall, F1 and support per class, as scikit-learn defines them.

    `classes` lists every class of the training dataset; the averages run over those present in
    truth or in predictions, as scikit-learn's do.
    """

    classes: tuple[ClassLine, ...]
    macro: ClassLine
    weighted: ClassLine
    accuracy: float
    support: int

    def as_dict(self) -> dict[str, object]:
        """Return the shape of scikit-learn's ``classification_report(output_dict=True)``.

        Classes that are neither in truth nor predicted are left out, as there.
        """
        shown = [c for c in self.classes if not (c.is_never_predicted and c.is_absent_from_truth)]
        lines: dict[str, object] = {line.name: _line_dict(line) for line in shown}
        lines["accuracy"] = self.accuracy
        lines["macro avg"] = _line_dict(self.macro)
        lines["weighted avg"] = _line_dict(self.weighted)
        return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A class read as another: how often, and that count's share of the true class's images."""

    true: str
    predicted: str
    count: int
    share: float

    def __str__(self) -> str:
        times = "once" if self.count == 1 else f"{self.count:,} times"
        if self.predicted == NOT_READ:
            return f"{self.true} not read: {times}"
        return f"{self.true} read as {self.predicted}: {times}"


def classification_report(
    matrix: "NDArray[np.int64]", class_names: Sequence[str]
) -> ClassificationReport:
    """Make the report of a confusion matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n_classes, n_classes), int64, or one column wider
        Row = truth, column = prediction; a last column more counts what was not read.

    Raises
    ------
    BenchError
        When the matrix is empty or the names are not its classes.
    """
    _check(matrix, class_names)
    precision, recall, f1 = per_class(matrix)
    support, n_predicted = matrix.sum(1), times_predicted(matrix)
    lines = tuple(
        ClassLine(
            name=name,
            precision=float(precision[i]),
            recall=float(recall[i]),
            f1=float(f1[i]),
            support=int(support[i]),
            is_never_predicted=bool(n_predicted[i] == 0),
            is_absent_from_truth=bool(support[i] == 0),
        )
        for i, name in enumerate(class_names)
    )
    is_present = (support + n_predicted) > 0
    total = int(support.sum())
    return ClassificationReport(
        classes=lines,
        macro=_average("macro avg", (precision, recall, f1), is_present.astype(float), total),
        weighted=_average("weighted avg", (precision, recall, f1), support.astype(float), total),
        accuracy=float(np.trace(matrix)) / total,
        support=total,
    )


def worst_confusions(
    matrix: "NDArray[np.int64]", class_names: Sequence[str], *, limit: int | None = None
) -> list[Confusion]:
    """List the pairs of a true class and a wrong prediction, the most frequent first.

    Equal counts are sorted by share of the true class, then by name.
    """
    _check(matrix, class_names)
    support = matrix.sum(1)
    read_as = (*class_names, NOT_READ)
    found = [
        Confusion(
            true=class_names[i],
            predicted=read_as[j],
            count=int(matrix[i, j]),
            share=float(matrix[i, j] / support[i]),
        )
        for i, j in zip(*np.nonzero(matrix), strict=True)
        if i != j
    ]
    found.sort(key=lambda pair: (-pair.count, -pair.share, pair.true, pair.predicted))
    return found[:limit]


def _average(
    name: str, values: "tuple[NDArray[np.float64], ...]", weights: "NDArray[np.float64]", total: int
) -> ClassLine:
    precision, recall, f1 = (float(np.average(v, weights=weights)) for v in values)
    return ClassLine(name=name, precision=precision, recall=recall, f1=f1, support=total)


def _line_dict(line: ClassLine) -> dict[str, float]:
    return {
        "precision": line.precision,
        "recall": line.recall,
        "f1-score": line.f1,
        "support": float(line.support),
    }


def _check(matrix: "NDArray[np.int64]", class_names: Sequence[str]) -> None:
    n = len(class_names)
    if matrix.shape not in ((n, n), (n, n + 1)):
        raise BenchError(
            "the class names are not those of the confusion matrix",
            why=f"{len(class_names)} names, shape {matrix.shape}",
        )
    if matrix.sum() == 0:
        raise BenchError("there is nothing to report", why="no test image")
