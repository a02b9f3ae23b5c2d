"""What a person should know of a loaded dataset: counts, shapes, values, classes."""

import msgspec
import numpy as np

from bench.loading.cache import open_split
from bench.loading.refs import LoadedDataset, SplitRef
from bench.options import OptionValue
from bench.spec import DatasetSpec, Finding

__all__ = ["DatasetSummary", "SplitSummary", "summarise"]

_FIRST = 10
_ROWS_AT_ONCE = 4096


class SplitSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One split; ``class_counts`` is None where it has no labels."""

    n: int
    shape: tuple[int, int, int]
    dtype: str
    value_min: float
    value_max: float
    value_mean: float
    class_counts: dict[str, int] | None
    first_labels: tuple[str, ...]
    fingerprint: str
    n_groups: int | None = None
    n_looked_at: int | None = None  # where only a sample was read; pixels are of it, counts of all


class DatasetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset and its splits, as ``bench data inspect --json`` prints it."""

    name: str
    summary: str
    embedded: str
    style: str
    source: str
    licence: str
    files: tuple[str, ...]
    options: dict[str, OptionValue]
    classes: tuple[str, ...]
    train: SplitSummary | None
    test: SplitSummary | None
    notes: tuple[str, ...]
    details: tuple[str, ...]
    doubt: str
    findings: tuple[Finding, ...]
    truths: dict[str, str]


def summarise(spec: DatasetSpec, loaded: LoadedDataset) -> DatasetSummary:
    """Read every pixel once and return the summary.

    Raises
    ------
    DataError
        If the data cache was damaged since.
    """
    return DatasetSummary(
        name=loaded.name,
        summary=spec.summary,
        embedded=loaded.embedded,
        style=str(loaded.style),
        source=spec.source,
        licence=spec.licence,
        files=loaded.paths,
        options=loaded.options,
        classes=loaded.classes,
        train=None if loaded.train is None else _split_summary(loaded.train, loaded.classes),
        test=None if loaded.test is None else _of_whole(loaded, loaded.test),
        notes=loaded.notes,
        details=loaded.details,
        doubt=loaded.doubt,
        findings=loaded.findings,
        truths=loaded.truths,
    )


def _of_whole(loaded: LoadedDataset, ref: SplitRef) -> SplitSummary:
    summary, whole = _split_summary(ref, loaded.classes), loaded.whole
    if whole is None:
        return summary
    counted = whole.class_counts
    return msgspec.structs.replace(
        summary,
        n=whole.n,
        class_counts=None if counted is None else {c: counted.get(c, 0) for c in loaded.classes},
        n_groups=whole.n_groups,
        n_looked_at=summary.n,
        fingerprint="",
    )


def _split_summary(ref: SplitRef, classes: tuple[str, ...]) -> SplitSummary:
    split = open_split(ref)
    blocks = [
        split.pixels[start : start + _ROWS_AT_ONCE] for start in range(0, ref.n, _ROWS_AT_ONCE)
    ]
    total = sum(float(block.sum(dtype=np.float64)) for block in blocks)
    counts, first = None, ()
    if split.labels is not None:
        per_class = np.bincount(split.labels, minlength=len(classes))
        counts = {name: int(count) for name, count in zip(classes, per_class, strict=True)}
        first = tuple(classes[label] for label in split.labels[:_FIRST])
    return SplitSummary(
        n=ref.n,
        shape=ref.shape,
        dtype=ref.dtype,
        value_min=float(min(block.min() for block in blocks)),
        value_max=float(max(block.max() for block in blocks)),
        value_mean=total / split.pixels.size,
        class_counts=counts,
        first_labels=first,
        fingerprint=ref.content_hash,
        n_groups=None if split.groups is None else len(set(split.groups)),
    )
