"""Published classification reports: as printed, un-swapped, un-swapped and scaled; and the IDs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.errors import BenchError
from bench.loading.cache import open_split
from bench.reproduction.data import Experiment, Ids, Table
from bench.reproduction.trials import SeedRun
from bench.reproduction.verdicts import Verdict
from bench.scoring.confusion import confusion_matrix
from bench.scoring.intervals import wilson_limits
from bench.scoring.report import ClassificationReport, classification_report
from bench.spec import BuildContext, ModelSpec
from bench.store.layout import MODEL

__all__ = ["Reading", "check_ids", "compare_table", "ids_report", "raw_predictions", "readings"]

_LEVEL = 0.995  # of each of ten classes: 95 % of all together (Bonferroni)
_BATCH = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a trial's predictions as a table."""

    name: str
    report: ClassificationReport


def raw_predictions(spec: ModelSpec, run: SeedRun) -> npt.NDArray[np.int64]:
    """Return what a stored network reads in its test images when given pixels of 0 to 255, (n,).

    Raises
    ------
    BenchError
        If its model is not stored or cannot be read.
    """
    if spec.load is None or not (run.folder / MODEL).is_dir():
        raise BenchError(f"{spec.name} has no stored model", fix="run it again with --fresh")
    record = run.record
    classifier = spec.load(
        run.folder / MODEL,
        BuildContext(
            image_shape=record.image_shape,
            classes=record.classes,
            options=record.identity.options,
            seed=record.seed,
        ),
    )
    own = next(each for each in run.task.evaluations if each.own and not each.transform)
    images = open_split(own.split).images
    parts = [
        np.asarray(classifier.predict_proba(images[start : start + _BATCH] * np.float32(255)))
        for start in range(0, len(images), _BATCH)
    ]
    read: npt.NDArray[np.int64] = np.concatenate(parts).argmax(axis=1).astype(np.int64)
    return read


def readings(
    experiment: Experiment, run: SeedRun, raw: npt.NDArray[np.int64] | None
) -> list[Reading]:
    """Return the ways to read a trial's predictions: one, or three where the source erred.

    Parameters
    ----------
    raw : ndarray of shape (n,), int64, or None
        What the network read in unscaled pixels.
    """
    classes, labels = run.record.classes, run.labels
    scaled = confusion_matrix(labels, run.predicted, len(classes))
    if not experiment.swapped or raw is None:
        return [Reading(name="as printed", report=classification_report(scaled, classes))]
    unscaled = confusion_matrix(labels, raw, len(classes))
    return [
        Reading(name="as printed", report=classification_report(unscaled.T, classes)),
        Reading(name="un-swapped", report=classification_report(unscaled, classes)),
        Reading(name="un-swapped and scaled", report=classification_report(scaled, classes)),
    ]


def compare_table(
    table: Table, report: ClassificationReport, *, is_swapped: bool
) -> tuple[Verdict, str, str]:
    """Hold the recalls of a printed table against a report that is read the same way.

    Parameters
    ----------
    report : ClassificationReport
        Of our own predictions, as printed: of a swapped table, its "precision" is the recall.

    Returns
    -------
    tuple of Verdict, str, str
        The verdict, our figures in words, and the reason.
    """
    gaps, differing = [], []
    supports = _true_supports(report) if is_swapped else [line.support for line in report.classes]
    for row, line, n in zip(table.rows, report.classes, supports, strict=True):
        published, ours = (row[1], line.precision) if is_swapped else (row[2], line.recall)
        gaps.append((abs(ours - published), line.name))
        low, high = _difference(ours, published, n)
        if not low <= 0 <= high:
            differing.append(f"{line.name} ({published:.2f}, here {ours:.3f})")
    largest, where = max(gaps)
    measured = f"recall within {100 * largest:.1f} points ({where})"
    if differing:
        return Verdict.NOT_REPRODUCED, measured, f"the recall differs of {', '.join(differing)}"
    return Verdict.REPRODUCED, measured, ""


def _true_supports(report: ClassificationReport) -> list[int]:
    """Return the images of each class from a report with truth and prediction swapped."""
    right = [line.recall * line.support for line in report.classes]
    return [
        round(count / line.precision) if line.precision else 0
        for count, line in zip(right, report.classes, strict=True)
    ]


def _difference(ours: float, published: float, n: int) -> tuple[float, float]:
    """Return the interval of ours − published, both of `n` images, the printed one rounded."""
    if n < 1:
        return -1.0, 1.0
    a, b = (wilson_limits(round(value * n), n, level=_LEVEL) for value in (ours, published))
    gap = ours - published
    low = gap - float(np.hypot(ours - a[0], b[1] - published)) - 0.005
    return low, gap + float(np.hypot(a[1] - ours, published - b[0])) + 0.005


def ids_report(ids: Ids) -> ClassificationReport:
    """Return the report of the published pairs."""
    truth, predicted = (np.array(list(map(int, text))) for text in (ids.truth, ids.predicted))
    return classification_report(confusion_matrix(truth, predicted, 10), tuple("0123456789"))


def check_ids(ids: Ids) -> tuple[int, list[str]]:
    """Recompute every figure of the IDs' table; return how many there are, and which differ."""
    report = ids_report(ids)
    differing = []
    count = 0
    for name, printed, ours in _cells(ids, report):
        count += 1
        if f"{ours:.2f}" != f"{printed:.2f}":
            differing.append(f"{name} ({printed:.2f}, recomputed {ours:.2f})")
    return count, differing


def _cells(ids: Ids, report: ClassificationReport) -> Iterator[tuple[str, float, float]]:
    words = ("precision", "recall", "F1")
    for row, line in zip(ids.rows, report.classes, strict=True):
        yield from _triple(f"{row[0]} ", words, row[1:4], (line.precision, line.recall, line.f1))
        yield f"{row[0]} support", row[4], line.support
    for name, printed, line in (
        ("macro ", ids.macro, report.macro),
        ("weighted ", ids.weighted, report.weighted),
    ):
        yield from _triple(name, words, printed, (line.precision, line.recall, line.f1))
    yield "accuracy", ids.accuracy, report.accuracy


def _triple(
    prefix: str, words: Sequence[str], printed: Sequence[float], ours: Sequence[float]
) -> Iterator[tuple[str, float, float]]:
    for word, a, b in zip(words, printed, ours, strict=True):
        yield prefix + word, a, b
