"""Whether a model learns what is easy, and if not, which usual mistake keeps it from that."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Final
from unittest import SkipTest

import numpy as np

from bench.spec import Classifier, ImageSet
from bench.testing.cases import RecordingOptions, draw_images
from bench.testing.model_case import N_CLASSES, N_TRAIN, ModelCase
from bench.testing.running import CouldNotRunError
from bench.testing.scale import divides, dividing_layer

if TYPE_CHECKING:
    from bench.options import OptionValue

__all__ = [
    "check_a_class_may_have_no_image",
    "check_columns_follow_the_classes",
    "check_images_are_scaled_once",
    "check_it_learns",
    "check_it_names_more_than_one_class",
    "check_predict_is_the_largest_share",
]

# In no order that sorting would give.
_CLASSES: Final = ("3", "1", "4", "0", "5", "9", "2", "6", "8", "7")
_STAGES: Final = ((1, 1), (3, 2), (5, 5), (10, 10), (20, 15))
"""Of 200 images and of one epoch so many; without epochs the products are images."""
_SECONDS_MAX: Final = 25.0
_WELL, _FAIRLY, _SOMEWHAT = 0.9, 0.5, 0.3
_N_TEST: Final = 200
_BATCH: Final = 32
_SHARE_MAX: Final = 0.02
"""Of easy images, those whose predict may be another class than the largest share's."""
_SCALE: Final = 255.0


class _Fault(StrEnum):
    NONE = auto()
    COLUMNS = auto()
    SCALE = auto()
    ONE_CLASS = auto()
    NOTHING = auto()
    TOO_SLOW = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taught:
    """A classifier taught until it reads easy images, or as long as is worth it."""

    classifier: Classifier
    options: RecordingOptions
    n_train: int
    accuracy: float
    fault: _Fault
    lines: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """What was read of images that are easy."""

    accuracy: float
    best: float
    """With the columns in the order that reads most."""
    order: tuple[int, ...]
    named: int
    """Classes that were named at all."""


def check_it_learns(case: ModelCase) -> None:
    """Read images that are easy to tell apart, once it is trained on such."""
    taught = _taught(case)
    if taught.fault in (_Fault.NOTHING, _Fault.TOO_SLOW):
        if taught.fault is _Fault.TOO_SLOW:
            raise SkipTest(taught.lines)
        raise AssertionError(taught.lines)
    _leave_to_others(taught, _Fault.NONE)


def check_columns_follow_the_classes(case: ModelCase) -> None:
    """Return a column a class, in the order of context.classes."""
    taught = _taught(case)
    if taught.fault is _Fault.COLUMNS:
        raise AssertionError(taught.lines)
    _leave_to_others(taught, _Fault.NONE)


def check_images_are_scaled_once(case: ModelCase) -> None:
    """Take images as they come, 0 to 1, in fit and predict_proba alike."""
    taught = _taught(case)
    if taught.fault is _Fault.SCALE:
        raise AssertionError(taught.lines)
    layer = dividing_layer(taught.classifier)
    if layer:
        raise AssertionError(
            f"its layer '{layer}' divides by 255, and images are 0 to 1 already\n"
            "leave the layer out: fit and predict_proba are given 0 to 1"
        )
    if divides(case, taught.classifier):
        raise AssertionError(
            "predict_proba divides by 255, and images are 0 to 1 already\n"
            "leave the division out, in fit too where it uses train.images"
        )
    _leave_to_others(taught, _Fault.NONE)


def check_it_names_more_than_one_class(case: ModelCase) -> None:
    """Name more than one class, once it is trained."""
    taught = _taught(case)
    if taught.fault is _Fault.ONE_CLASS:
        raise AssertionError(taught.lines)
    _leave_to_others(taught, _Fault.NONE)


def check_predict_is_the_largest_share(case: ModelCase) -> str | None:
    """Predict the class of the largest probability, where there is a predict of its own."""
    taught = _taught(case)
    if not callable(getattr(taught.classifier, "predict", None)):
        raise SkipTest("its classifier has no predict")
    _ = case.predicted
    images = _easy(case).images
    predicted = case.predicted_of(taught.classifier, images)
    rows = case.rows_of(taught.classifier, images)
    largest = np.isclose(rows, rows.max(axis=1, keepdims=True), atol=1e-6)
    differ = int((~largest[np.arange(len(rows)), predicted]).sum())
    if differ > _SHARE_MAX * len(images):
        raise AssertionError(
            f"predict names another class than the largest probability for {differ} of "
            f"{len(images)} images\nleave predict out, or say why in declares: "
            "{'predict-is-the-largest-share': '…'}"
        )
    return None


def check_a_class_may_have_no_image(case: ModelCase) -> None:
    """Keep the column of a class without a training image, in its place."""
    taught = _taught(case)
    train = _training(case, taught.n_train)
    rest = train.take(np.flatnonzero(np.asarray(train.labels) != 1))
    classifier = case.fit(rest, options=taught.options, classes=_CLASSES)
    easy = _easy(case)
    score = _score(case, classifier, easy.take(np.flatnonzero(np.asarray(easy.labels) != 1)))
    if taught.fault is _Fault.NONE and score.best >= _WELL and score.accuracy < score.best - 0.05:
        raise AssertionError(
            f"with no image of the class at 1, {score.accuracy:.0%} of the others are read, and "
            f"{score.best:.0%} with the columns in another order\n"
            "put each column at its class's index: columns[:, estimator.classes_] = rows"
        )


def _leave_to_others(taught: _Taught, fault: _Fault) -> None:
    """Let a check that this fault says nothing of stand aside."""
    if taught.fault is not fault:
        raise SkipTest("another check says what keeps it from learning")


def _taught(case: ModelCase) -> _Taught:
    return case.once("taught", lambda: _teach(case))


def _teach(case: ModelCase) -> _Taught:
    """Train longer and longer, until easy images are read or the last stage is done."""
    _ = case.rows
    last: tuple[Classifier, RecordingOptions, int, _Score] | None = None
    seconds, work = 0.0, 1.0
    for options, n_train, stage_work in _stages(case):
        if seconds * stage_work / work > _SECONDS_MAX:
            break
        began = time.perf_counter()
        classifier = case.fit(_training(case, n_train), options=options, classes=_CLASSES)
        seconds, work = time.perf_counter() - began, stage_work
        score = _score(case, classifier)
        last = classifier, options, n_train, score
        if score.best >= _WELL:
            break
    assert last is not None
    classifier, options, n_train, score = last
    fault, lines = _judge(case, *last, is_last=work >= _STAGES[-1][0] * _STAGES[-1][1])
    return _Taught(
        classifier=classifier,
        options=options,
        n_train=n_train,
        accuracy=score.accuracy,
        fault=fault,
        lines=lines,
    )


def _stages(case: ModelCase) -> Iterator[tuple[RecordingOptions, int, float]]:
    has_epochs = "epochs" in case.declared and "epochs" not in case.settings
    for images, epochs in _STAGES:
        more: dict[str, OptionValue] = {}
        if has_epochs:
            option = case.declared["epochs"]
            least, most = option.minimum or 1, option.maximum or epochs
            more["epochs"] = int(min(max(epochs, least), most))
        if "batch_size" in case.declared:
            option = case.declared["batch_size"]
            more["batch_size"] = int(max(min(_BATCH, int(option.default)), option.minimum or 1))
        n_train = N_TRAIN * (images if has_epochs else min(images * epochs, 30))
        yield case.small_options(**more), n_train, float(images * epochs)


def _training(case: ModelCase, n: int) -> ImageSet:
    return case.train(n)


def _easy(case: ModelCase) -> ImageSet:
    return draw_images(_N_TEST, case.shape, N_CLASSES, seed=1)


def _score(
    case: ModelCase, classifier: Classifier, easy: ImageSet | None = None, scale: float = 1.0
) -> _Score:
    from scipy.optimize import linear_sum_assignment

    easy = _easy(case) if easy is None else easy
    predicted = case.rows_of(classifier, easy.images * np.float32(scale)).argmax(axis=1)
    counts = np.zeros((N_CLASSES, N_CLASSES), dtype=np.int64)
    np.add.at(counts, (np.asarray(easy.labels), predicted), 1)
    truth, column = linear_sum_assignment(-counts)
    return _Score(
        accuracy=float(np.trace(counts) / counts.sum()),
        best=float(counts[truth, column].sum() / counts.sum()),
        order=tuple(int(c) for c in column),
        named=len(np.unique(predicted)),
    )


def _judge(
    case: ModelCase,
    classifier: Classifier,
    options: RecordingOptions,
    n_train: int,
    score: _Score,
    *,
    is_last: bool,
) -> tuple[_Fault, str]:
    """Return what keeps a model from reading easy images, and two lines about it."""
    if score.best >= _WELL and score.accuracy < score.best - 0.05:
        return _Fault.COLUMNS, _column_lines(score)
    if score.best >= _WELL or score.accuracy >= _FAIRLY:
        return _Fault.NONE, ""
    if scaled := _scale_lines(case, classifier, options, n_train):
        return _Fault.SCALE, scaled
    if not is_last:
        why = f"a fit takes too long to see whether it learns: {n_train} images were tried"
        return _Fault.TOO_SLOW, why
    read = f"after a fit on {n_train:,} easy images"
    if score.named == 1:
        return _Fault.ONE_CLASS, (
            f"it names one class for all {_N_TEST} images, {read}\n"
            "look whether fit learns, and whether predict_proba uses what it learned"
        )
    if score.accuracy >= _SOMEWHAT:
        return _Fault.NONE, ""
    return _Fault.NOTHING, (
        f"it reads {score.accuracy:.0%} of {_N_TEST} images {read}: chance is 10%\n"
        "look whether labels still belong to their images, and what predict_proba uses"
    )


def _column_lines(score: _Score) -> str:
    moved = next(i for i, column in enumerate(score.order) if i != column)
    return (
        f"it reads {score.accuracy:.0%} of easy images, and {score.best:.0%} with its columns in "
        f"another order\ncolumn {score.order[moved]} holds what belongs to column {moved}: a label "
        "is the index of its column, as in context.classes"
    )


def _scale_lines(
    case: ModelCase, classifier: Classifier, options: RecordingOptions, n_train: int
) -> str:
    """Say where images of another scale would be read; empty where they would not."""
    for factor, seen in ((_SCALE, "0 to 255"), (1 / _SCALE, "0 to 1/255")):
        if _reads(case, classifier, factor):
            return (
                f"it reads images of {seen} after a fit on 0 to 1: predict_proba and fit scale "
                "differently\nscale alike: train.images and what predict_proba is given are 0 to 1"
            )
    train = _training(case, n_train)
    large = replace(train, pixels=train.images * np.float32(_SCALE))
    try:
        again = case.fit(large, options=options, classes=_CLASSES)
    # It is no fault to refuse them.
    except Exception:  # noqa: BLE001
        return ""
    if not _reads(case, again, _SCALE):
        return ""
    return (
        "it learns from images of 0 to 255 only: those of 0 to 1 are divided by 255 once more\n"
        "leave the division out: train.images and what predict_proba is given are 0 to 1"
    )


def _reads(case: ModelCase, classifier: Classifier, scale: float) -> bool:
    try:
        return _score(case, classifier, scale=scale).accuracy >= _WELL
    # Whatever it does with images that it never gets is no fault.
    except (Exception, CouldNotRunError):  # noqa: BLE001
        return False
