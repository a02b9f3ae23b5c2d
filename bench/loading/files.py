"""Where data files are looked for."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import platformdirs

from bench.spec import DatasetSpec

__all__ = ["data_dirs", "find_files"]


def data_dirs(explicit: Path | None = None, toml: Path | None = None) -> tuple[Path, ...]:
    """Return the folders searched, first to last, whether they exist or not.

    Parameters
    ----------
    explicit : Path or None
        ``--data-dir``.
    toml : Path or None
        ``data_dir`` of ``bench.toml``, already made absolute.
    """
    variable = os.environ.get("BENCH_DATA_DIR", "")
    named = [explicit, Path(variable) if variable else None, toml]
    folders = [folder.expanduser() for folder in named if folder is not None]
    return (*folders, platformdirs.user_data_path("digitbench", appauthor=False))


def find_files(spec: DatasetSpec, folders: Iterable[Path]) -> tuple[Path, ...] | None:
    """Return the files of the first alternative of ``spec.files`` that is complete in one folder.

    Each folder is looked at before its direct sub-folders (by name), and those before the next
    folder; in each place the alternatives are tried in their order.

    Returns
    -------
    tuple of Path or None
        In the order of the alternative; None where no folder holds a complete one.
    """
    for folder in folders:
        for place in _places(folder):
            for alternative in spec.files:
                paths = tuple(place / name for name in alternative)
                if all(path.is_file() for path in paths):
                    return paths
    return None


def _places(folder: Path) -> Iterator[Path]:
    yield folder
    try:
        children = sorted(folder.iterdir())
    except OSError:  # absent or unreadable: there is nothing to find in it
        return
    yield from (child for child in children if child.is_dir() and not child.name.startswith("."))
