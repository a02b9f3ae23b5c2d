"""A row from the scores of its seeds: means, medians and the interval of accuracy."""

from collections.abc import Callable, Iterable
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.board.duplicates import LeftOut
from bench.board.entries import Failure, Score, carry
from bench.board.ranking import interval_of
from bench.board.rows import Row
from bench.spec import Interval
from bench.store.fields import FIELDS
from bench.store.formats import share

__all__ = ["doubt_note", "failed_row", "row_of"]


def row_of(
    group: list[Score],
    correct: list[npt.NDArray[np.bool_]],
    writers: tuple[str, ...] | None,
    left_out: LeftOut,
) -> Row:
    """Return a row from the scores of its seeds.

    Parameters
    ----------
    group : list of Score
        One a seed.
    correct : list of ndarray of shape (n,), bool
        Which of the images that are scored each seed read right; empty without labels.
    writers : tuple of str or None
        Of all images.
    """
    first = group[0]
    accuracies = [score.metrics["accuracy"] or 0.0 for score in group] if first.labelled else []
    rest = left_out.rest(first.folder, writers)
    interval = interval_of(correct, rest, is_own=first.evaluation_only) if correct else None
    metrics = _mean_metrics(group)
    return carry(
        Row,
        first,
        seeds=len(group),
        accuracy=fmean(accuracies) if accuracies else None,
        accuracy_low=interval.low if interval else None,
        accuracy_high=interval.high if interval else None,
        accuracy_sd_seeds=stdev(accuracies) if len(accuracies) > 1 else None,
        balanced_accuracy=metrics.get("balanced_accuracy"),
        macro_f1=metrics.get("macro_f1"),
        trials=tuple(score.trial_id for score in group),
        left_out=tuple(left_out.of(first.folder).tolist()),
        interval_method=interval.method if interval else "",
        interval_note=interval.note if interval else "",
        metrics=metrics,
        intervals=_intervals(group, interval),
        evaluations=tuple(score.folder for score in group),
        machines=tuple(sorted({each.machine for each in group} - {""})),
        libraries=_libraries(group),
        instruction_sets=tuple(sorted({each.instruction_set for each in group} - {""})),
        # Another dataset's classes may be fewer than those it was trained on.
        n_classes=len(first.classes) if first.test_dataset == first.train_dataset else 0,
        **_merged(group),
    )


def _libraries(group: Iterable[Score]) -> tuple[str, ...]:
    """Return name and major.minor of all that some trials computed with."""
    found = {
        f"{name} {'.'.join(version.split('.')[:2])}"
        for score in group
        for name, version in score.versions.items()
    }
    return tuple(sorted(found))


def _intervals(
    group: list[Score], interval: Interval | None
) -> dict[str, tuple[float, float, str]]:
    """Return the metrics' intervals: of one seed all, of several that of accuracy alone."""
    found = dict(group[0].intervals) if len(group) == 1 else {}
    if interval is not None:
        found["accuracy"] = (interval.low, interval.high, interval.method)
    return found


def failed_row(failure: Failure) -> Row:
    """Return the row of a trial that did not succeed."""
    own_board = failure.train_dataset
    return carry(Row, failure, test_dataset=own_board, seeds=1, trials=(failure.trial_id,))


def doubt_note(score: Score) -> str:
    """Return how many labels of a test split are in doubt, and how far that reaches."""
    n, limit = len(score.doubtful), 1 - len(score.doubtful) / score.n_test
    which = f"{n} of the labels are" if n > 1 else "1 of the labels is"
    reach = f"above {share(limit, 4)} ranks are label noise"
    return f"{which} in doubt ({score.doubtful_source}): {reach}"


def _merged(group: list[Score]) -> dict[str, Any]:
    """Return the fields whose value over the seeds is not the first seed's."""
    speeds = sorted(group, key=lambda score: score.predict_images_per_second or 0)
    typical = speeds[len(group) // 2]
    merges: dict[str, Callable[[Iterable[Any]], Any]] = {
        "mean": _mean,
        "median": _median,
        "largest": max,
        "sum": sum,
    }
    found = {}
    for name in set(Row.__struct_fields__) & set(Score.__struct_fields__):
        how = FIELDS[name].over_seeds if name in FIELDS else "first"
        if how == "median speed":
            found[name] = getattr(typical, name)
        elif how != "first":
            found[name] = merges[how](getattr(score, name) for score in group)
    return found


def _mean_metrics(group: list[Score]) -> dict[str, float | None]:
    return {name: _mean(score.metrics.get(name) for score in group) for name in group[0].metrics}


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean, None if any value is missing: nothing is averaged over a gap."""
    listed = list(values)
    known = [value for value in listed if value is not None]
    return fmean(known) if known and len(known) == len(listed) else None


def _median(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(median(known)) if known else None
