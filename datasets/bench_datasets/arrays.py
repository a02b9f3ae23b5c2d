"""``arrays``: any CSV, Parquet, NPY/NPZ, IDX, MATLAB or HDF5 of images, in a folder or zip too."""

from typing import Any

from bench import DatasetSpec, hookimpl
from bench.spec import Dataset, LoadContext
from bench_datasets._ladder.options import OPTIONS

__all__: list[str] = []


def load(context: LoadContext) -> Dataset:
    """Read the named file or folder for what it is."""
    from bench.errors import DataError
    from bench_datasets._ladder.build import load_arrays

    if not context.paths:
        raise DataError("arrays", why="no file was named", fix="use -d FILE or -d NAME=FILE")
    return load_arrays(context)


@hookimpl
def bench_register_datasets(register: Any) -> None:
    """Register ``arrays``."""
    register(
        DatasetSpec(
            name="arrays",
            summary="your own file of images and labels: CSV, Parquet, NPY/NPZ, IDX, .mat, HDF5",
            load=load,
            options=OPTIONS,
            reads_folders=True,
            source="your own file",
            licence="yours",
            how_to_get="bench run -d FILE: a table, an archive or a folder of arrays",
        )
    )
