"""From paths to raw arrays: which files of a folder belong together, each read by its kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.errors import DataError
from bench.images.kinds import Kind
from bench_datasets._ladder.csv_table import read_csv, read_submission
from bench_datasets._ladder.hdf5 import read_hdf5
from bench_datasets._ladder.idx import read_idx
from bench_datasets._ladder.mat import read_mat
from bench_datasets._ladder.npy import read_npy
from bench_datasets._ladder.parquet import read_parquet
from bench_datasets._ladder.raw import Raw, Submission
from bench_datasets._ladder.roles import is_submission, set_of
from bench_datasets._ladder.sources import Source, expand

__all__ = ["read_files"]

# A file of these holds whole splits by itself; the others come several to a dataset.
_WHOLE: Final = frozenset({Kind.HDF5, Kind.MAT})


def read_files(
    paths: Sequence[Path], *, labels: str = "", skip: tuple[str, ...] = ()
) -> tuple[list[Raw], Submission | None]:
    """Return the arrays of all files, and a competition's sample submission.

    Raises
    ------
    DataError
        If a file cannot be read, or a folder holds several datasets.
    """
    sources = [source for path in paths for source in expand(path)]
    samples = [source for source in sources if is_submission(source.stem)]
    data = [source for source in sources if not is_submission(source.stem)] or sources
    if len(paths) == 1 and paths[0].is_dir():
        data = _one_set(data, paths[0].name)
    submission = read_submission(samples[0]) if len(samples) == 1 and data != samples else None
    column = "" if "/" in labels or labels.endswith((".csv", ".npy")) else labels
    return [raw for source in data for raw in _read(source, column, skip)], submission


def _read(source: Source, labels: str, skip: tuple[str, ...]) -> list[Raw]:
    if source.kind is Kind.TEXT:
        return read_csv(source, labels)
    if source.kind is Kind.PARQUET:
        return read_parquet(source, labels)
    if source.kind is Kind.HDF5:
        return read_hdf5(source, skip)
    readers = {Kind.NPY: read_npy, Kind.IDX: read_idx, Kind.MAT: read_mat}
    return readers[source.kind](source)


def _one_set(sources: list[Source], folder: str) -> list[Source]:
    """Return the files of the one dataset a folder holds."""
    sets: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        family = str(source.kind)
        if source.kind is Kind.NPY and source.member:
            key = (family, source.path.name)
        elif source.kind in _WHOLE:
            key = (family, set_of(source.path.name) or source.path.name)
        elif source.kind is Kind.TEXT and source.member:
            key = (family, source.path.name)
        else:
            key = ("IDX" if source.kind is Kind.IDX else family, set_of(source.stem))
        sets.setdefault(key, []).append(source)
    merged = _with_loose(sets)
    if len(merged) > 1:
        names = [each[0].name for each in merged.values()]
        raise DataError(
            f"{folder} holds {len(merged)} datasets",
            why=f"one in {', one in '.join(names[:4])}: which one?",
            fix="name the file, or a folder that holds one",
        )
    return next(iter(merged.values()))


def _with_loose(sets: dict[tuple[str, str], list[Source]]) -> dict[tuple[str, str], list[Source]]:
    """Put labels in a table beside the only array of images (``images.npy`` and ``labels.csv``)."""
    if len(sets) != 2:
        return sets
    (key, first), (_, second) = sets.items()
    kinds = {first[0].kind, second[0].kind}
    loose = {Kind.NPY, Kind.IDX, Kind.TEXT}
    alone = not any(source.member for source in (*first, *second))
    if len(kinds) == 2 and kinds <= loose and alone and len(first) == len(second) == 1:
        names = " ".join(source.stem.casefold() for source in (*first, *second))
        if "label" in names or "target" in names or "y." in names:
            return {key: [*first, *second]}
    return sets
