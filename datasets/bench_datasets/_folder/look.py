"""A look at a large folder: every file is checked, an even sample of its pictures is read."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.errors import DataError
from bench.images.decode import check_photo
from bench.images.findings import FAULTS
from bench.spec import Finding, Whole
from bench_datasets._folder.layout import Layout, Photo

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The sample, as a layout of its own, and what was counted over all files."""

    layout: Layout
    whole: Whole
    findings: tuple[Finding, ...]
    note: str


def look_at(root: Path, layout: Layout, most: int | None) -> Look | None:
    """Check every picture of a folder and choose `most` of them, evenly; None where all are read.

    A sample that saves less than half of the reading is none.
    A picture without a label is none of the sample where others have one, as it is not scored.
    """
    if most is None or len(layout.photos) <= 2 * most:
        return None
    usable, findings = [], []
    for photo in layout.photos:
        try:
            check_photo(root / photo.path)
        except DataError as error:
            findings.append(_unreadable(photo, error))
        else:
            usable.append(photo)
    kept = [photo for photo in usable if photo.truth is not None] or usable
    places = np.unique(np.linspace(0, len(kept) - 1, min(len(kept), most)).astype(int))
    note = (
        f"every file was checked, {len(places):,} of {len(kept):,} pictures were looked at closely,"
        " evenly over the folder: --all looks at all"
    )
    if len(kept) < len(usable):
        note += f"; {len(usable) - len(kept):,} pictures without a label: not scored"
    return Look(
        layout=replace(layout, photos=tuple(kept[place] for place in places)),
        whole=_count(kept),
        findings=tuple(findings),
        note=note,
    )


def _count(photos: list[Photo]) -> Whole:
    counts: Counter[str] = Counter()
    for photo in photos:
        digits = photo.digits
        counts.update(
            digits.replace("/", "") if digits else [photo.label] if photo.label is not None else []
        )
    persons = {photo.person for photo in photos}
    return Whole(
        n=sum(counts.values()) or len(photos),
        class_counts=dict(counts) or None,
        n_groups=None if None in persons else len(persons),
    )


def _unreadable(photo: Photo, error: DataError) -> Finding:
    return Finding(
        sample=photo.path.as_posix(),
        code="unreadable",
        fault=error.why or str(error),
        remedy=error.fix or FAULTS["unreadable"][1],
        is_lost=True,
    )
