"""Where data files are looked for."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

from bench.options import OptionValue, as_options
from bench.spec import DatasetSpec

__all__ = ["data_dirs", "find_files", "named_files"]


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
    with suppress(RuntimeError):  # a user without a home has no folder for data either
        folders.append(platformdirs.user_data_path("digitbench", appauthor=False))
    return tuple(folders)


def named_files(
    spec: DatasetSpec, options: Mapping[str, OptionValue] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Return the alternatives of ``spec.files`` for these options, by default for none set."""
    values = {name: option.default for name, option in as_options(spec.options).items()}
    values |= options or {}
    return tuple(tuple(_filled(name, values) for name in alternative) for alternative in spec.files)


def _filled(name: str, values: Mapping[str, OptionValue]) -> str:
    for option, value in values.items():
        name = name.replace(f"{{{option}}}", str(value))
    return name


def find_files(
    spec: DatasetSpec,
    folders: Iterable[Path],
    options: Mapping[str, OptionValue] | None = None,
) -> tuple[Path, ...] | None:
    """Return the files of the first alternative of ``spec.files`` that is complete in one folder.

    Each folder is looked at before its direct sub-folders (by name), and those before the next
    folder; in each place the alternatives are tried in their order.

    Returns
    -------
    tuple of Path or None
        In the order of the alternative; None where no folder holds a complete one.
    """
    alternatives = named_files(spec, options)
    for folder in folders:
        for place in _places(folder):
            if place != folder and any(part in place.name.casefold() for part in spec.not_in):
                continue
            for alternative in alternatives:
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
