"""A row from the scores of its seeds: means, medians and the interval of accuracy."""

from collections.abc import Iterable
from statistics import fmean, median, stdev

import numpy as np
import numpy.typing as npt

from bench.board.duplicates import LeftOut
from bench.board.index import Failure, Score
from bench.board.ranking import interval_of
from bench.board.rows import Row
from bench.scoring.intervals import Interval
from bench.store.fields import share

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
    typical = _of_median_speed(group)
    return Row(
        test_dataset=first.test_dataset,
        train_dataset=first.train_dataset,
        model=first.model,
        variant=first.variant,
        seeds=len(group),
        accuracy=fmean(accuracies) if accuracies else None,
        accuracy_low=interval.low if interval else None,
        accuracy_high=interval.high if interval else None,
        accuracy_sd_seeds=stdev(accuracies) if len(accuracies) > 1 else None,
        balanced_accuracy=metrics.get("balanced_accuracy"),
        macro_f1=metrics.get("macro_f1"),
        train_accuracy=_mean(score.train_accuracy for score in group),
        n_test=first.n_test,
        parameters=first.parameters,
        model_bytes=_median(score.model_bytes for score in group),
        fit_seconds=_mean(score.fit_seconds for score in group),
        predict_us_per_image=_mean(score.predict_us_per_image for score in group),
        precision=first.precision,
        threads=first.threads,
        trials=tuple(score.trial_id for score in group),
        budget=first.budget,
        train_embedded=first.train_embedded,
        test_embedded=first.test_embedded,
        evaluation_only=first.evaluation_only,
        labelled=first.labelled,
        leaked=max(score.leaked for score in group),
        near_duplicates=max(score.near_duplicates for score in group),
        left_out=tuple(left_out.of(first.folder).tolist()),
        interval_method=interval.method if interval else "",
        interval_note=interval.note if interval else "",
        metrics=metrics,
        intervals=_intervals(group, interval),
        not_scored=first.not_scored,
        file_bytes=_median(score.file_bytes for score in group),
        multiply_adds=first.multiply_adds,
        latency_ms_p50=_mean(score.latency_ms_p50 for score in group),
        latency_ms_p95=_mean(score.latency_ms_p95 for score in group),
        best_batch=typical.best_batch,
        latency_ms_best_batch=typical.latency_ms_best_batch,
        predict_images_per_second=typical.predict_images_per_second,
        fit_cpu_seconds=_mean(score.fit_cpu_seconds for score in group),
        fit_images_per_second=_mean(score.fit_images_per_second for score in group),
        peak_memory_bytes=_median(score.peak_memory_bytes for score in group),
        retries=sum(score.retries for score in group),
        deterministic=first.deterministic,
        evaluations=tuple(score.folder for score in group),
        split_hash=first.split_hash,
        machine=first.machine,
        instruction_sets=tuple(sorted({each.instruction_set for each in group} - {""})),
        summary=first.summary,
        # Another dataset's classes may be fewer than those it was trained on.
        n_classes=len(first.classes) if first.test_dataset == first.train_dataset else 0,
    )


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
    return Row(
        test_dataset=failure.train_dataset,
        train_dataset=failure.train_dataset,
        model=failure.model,
        variant=failure.variant,
        state=failure.state,
        reason=failure.reason,
        seeds=1,
        precision=failure.precision,
        threads=failure.threads,
        trials=(failure.trial_id,),
        budget=failure.budget,
        train_embedded=failure.train_embedded,
        summary=failure.summary,
    )


def doubt_note(score: Score) -> str:
    """Return how many labels of a test split are in doubt, and how far that reaches."""
    n, limit = len(score.doubtful), 1 - len(score.doubtful) / score.n_test
    which = f"{n} of the labels are" if n > 1 else "1 of the labels is"
    reach = f"above {share(limit, 4)} ranks are label noise"
    return f"{which} in doubt ({score.doubtful_source}): {reach}"


def _of_median_speed(group: list[Score]) -> Score:
    """Return the seed of the median throughput: a mean over unlike batches says nothing."""
    return sorted(group, key=lambda score: score.predict_images_per_second or 0)[len(group) // 2]


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
