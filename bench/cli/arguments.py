"""What several verbs take: options of one meaning, durations, sizes, seeds; completion."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import typer

from bench.errors import BenchError, DataMissingError, OptionError, StoreError

__all__ = [
    "AbstainOption",
    "AnyDataDirOption",
    "ClassesOption",
    "CsvOption",
    "DataDirOption",
    "ExcludeOption",
    "JsonOption",
    "LabelPatternOption",
    "LabelsOption",
    "LevelsOption",
    "ModelsOption",
    "PluginOption",
    "StoreOption",
    "TableOption",
    "TestDatasetsOption",
    "complete_datasets",
    "complete_models",
    "folder_options",
    "one_format",
    "parse_duration",
    "parse_jobs",
    "parse_seeds",
    "parse_shape",
    "parse_size",
    "parse_sizes",
]


def _folder_for_results(folder: Path | None) -> Path | None:
    if folder is not None and folder.expanduser().is_file():
        raise StoreError(f"--store {folder}", why="it is a file, not a folder")
    return folder


def _folder_of_data(folder: Path | None) -> Path | None:
    if folder is not None and not folder.expanduser().is_dir():
        is_there = folder.expanduser().exists()
        why = "it is a file, not a folder" if is_there else "there is no such folder"
        raise DataMissingError(f"--data-dir {folder}", why=why)
    return folder


def one_format(context: typer.Context, value: bool) -> bool:
    """Refuse ``--json`` beside ``--csv``; the callback of both.

    Raises
    ------
    OptionError
        If both are given.
    """
    if value and (context.params.get("as_json") or context.params.get("as_csv")):
        raise OptionError("--json and --csv", why="one table has one format", fix="leave one out")
    return value


StoreOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="The store; else BENCH_STORE, bench.toml, ./results/local.",
        show_default=False,
        callback=_folder_for_results,
    ),
]


def _data_dir(callback: Callable[[Path | None], Path | None] | None) -> Any:
    return typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Look for data files here first.",
        show_default=False,
        callback=callback,
    )


DataDirOption: TypeAlias = Annotated[Path | None, _data_dir(_folder_of_data)]
# For verbs to which a folder that is not there means something: they make it, or report it.
AnyDataDirOption: TypeAlias = Annotated[Path | None, _data_dir(None)]
PluginOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="FILE|MODULE",
        help="Load this plugin as well; may be repeated.",
        show_default=False,
    ),
]
AbstainOption: TypeAlias = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        metavar="P",
        help="Also say what is left where a model may abstain below this probability.",
        show_default=False,
    ),
]
TestDatasetsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--dataset", "-d", metavar="NAME", help="Only these test datasets."),
]
ModelsOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", metavar="NAME", help="Only these, names and globs."),
]
ExcludeOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--exclude-duplicates",
        help="Score without the test images that are, or nearly are, training images.",
    ),
]
ClassesOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--classes",
        metavar="A,B,…",
        help="Names of the classes of your own folders: zero,one,… or CLASS=NAME,…",
        show_default=False,
    ),
]
LabelsOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--labels",
        metavar="folder|table|name|none",
        help="What labels the pictures of your own folders; else what explains all of them.",
        show_default=False,
    ),
]
LevelsOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--levels",
        metavar="class/writer",
        help="What the levels of your own folders are: class, writer, split, other.",
        show_default=False,
    ),
]
TableOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--table",
        metavar="FILE[:COLUMN]",
        help="The table of labels of your own folders, and its column.",
        show_default=False,
    ),
]
LabelPatternOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--label-pattern",
        metavar="REGEX",
        help="Finds the label in the names of your own photos by its group; none: there is none.",
        show_default=False,
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON.", callback=one_format)
]
CsvOption: TypeAlias = Annotated[
    bool, typer.Option("--csv", help="Print CSV.", callback=one_format)
]

_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_BYTES: Final = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "k": 2**10,
    "m": 2**20,
    "g": 2**30,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


def folder_options(
    *, classes: str, label_pattern: str, labels: str, levels: str, table: str
) -> dict[str, str]:
    """Return what these flags set of ``image-folder``.

    Raises
    ------
    OptionError
        If no class is named.
    """
    if classes and not any(name.strip() for name in classes.split(",")):
        raise OptionError(f"--classes {classes}", why="no class is named", fix="write A,B")
    given = {"classes": classes, "label_pattern": label_pattern, "labels": labels}
    given |= {"levels": levels, "table": table}
    return {name: value for name, value in given.items() if value}


def parse_duration(text: str, option: str) -> float:
    """Return seconds of ``90s``, ``30m``, ``2h``, ``1h30m``; a bare number is seconds.

    Raises
    ------
    OptionError
        If it is something else, or nothing.
    """
    parts = _NUMBER.findall(text)
    is_whole = "".join(number + unit for number, unit in parts) == text.replace(" ", "")
    if not parts or not is_whole or any(unit.lower() not in _SECONDS for _, unit in parts):
        raise OptionError(f"{option} {text}", why="is not a duration", fix="write 90s, 30m or 2h")
    seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts)
    if seconds <= 0:
        raise OptionError(f"{option} {text}", why="a trial needs some time", fix="leave it out")
    return seconds


def parse_size(text: str, option: str) -> int:
    """Return bytes of ``4GB``, ``512MB`` (powers of 1000) or ``2GiB``, ``2g`` (of 1024).

    Raises
    ------
    OptionError
        If it is something else, or nothing.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in _BYTES:
        raise OptionError(f"{option} {text}", why="is not a size", fix="write 4GB or 512MB")
    size = round(float(match[1]) * _BYTES[match[2].lower()])
    if size <= 0:
        raise OptionError(f"{option} {text}", why="nothing runs in no memory", fix="leave it out")
    return size


def parse_sizes(text: str) -> tuple[int, ...]:
    """Return the training sizes of ``--train-sizes 100,1000,10000``.

    Raises
    ------
    OptionError
        If one is no whole number from 1.
    """
    parts = [part.strip() for part in text.split(",")]
    if any(not part.isascii() or not part.isdigit() or int(part) < 1 for part in parts):
        raise OptionError(
            f"--train-sizes {text}", why="write whole numbers from 1: --train-sizes 100,1000,10000"
        )
    return tuple(dict.fromkeys(map(int, parts)))


def parse_seeds(seeds: str, repeats: int) -> tuple[int, ...]:
    """Return the seeds of ``--seeds 1,2,3``, else of ``--repeats 3``: 42, 43, 44.

    Raises
    ------
    OptionError
        If a seed is no whole number from 0 to 2³² − 1, or named twice, or both are given.
    """
    if not seeds:
        return tuple(range(42, 42 + repeats))
    if repeats > 1:
        raise OptionError("--seeds and --repeats", why="say the same thing", fix="leave one out")
    try:
        numbers = tuple(int(part) for part in seeds.split(","))
    except ValueError:
        raise OptionError(f"--seeds {seeds}", why="write whole numbers: --seeds 1,2,3") from None
    if any(not 0 <= number < 2**32 for number in numbers):
        raise OptionError(f"--seeds {seeds}", why="a seed is from 0 to 4294967295")
    if len(set(numbers)) < len(numbers):
        raise OptionError(f"--seeds {seeds}", why="a seed is named twice")
    return numbers


def parse_shape(text: str, flag: str = "--shape") -> tuple[int, int, int]:
    """Return height, width and channels of ``28x28`` or ``32x32x3``; one channel by default.

    Raises
    ------
    OptionError
        If it is something else.
    """
    match = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})(?:[x×]([134]))?", text.strip().lower())
    if match is None or 0 in (int(match[1]), int(match[2])):
        raise OptionError(f"{flag} {text}", why="is not a shape", fix="write 28x28 or 32x32x3")
    return int(match[1]), int(match[2]), int(match[3] or 1)


def parse_jobs(text: str) -> int | Literal["auto"] | None:
    """Return how many trials may run at the same time; None where it is left to the run.

    Raises
    ------
    OptionError
        If it is neither ``auto`` nor a whole number from 1.
    """
    if text in ("", "auto"):
        return "auto" if text else None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1024:
        raise OptionError(f"--jobs {text}", why="write auto or a whole number from 1")
    return int(text)


def complete_models(incomplete: str) -> list[str]:
    """Return the models' names that begin so, for the shell."""
    return _names("models", incomplete)


def complete_datasets(incomplete: str) -> list[str]:
    """Return the datasets' names that begin so, for the shell."""
    return _names("datasets", incomplete)


def _names(kind: str, incomplete: str) -> list[str]:
    from bench.session import open_session

    try:
        names = getattr(open_session().plugins, kind)
    except BenchError:  # a shell shows nothing of it
        return []
    return sorted(name for name in names if name.startswith(incomplete))
