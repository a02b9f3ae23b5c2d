"""Every dataset that a request may name: registered ones, files and folders of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import (
    BenchError,
    DataError,
    choose,
)
from bench.loading.sniff import Own, name_of, sniff
from bench.planning.request import Request, Session
from bench.spec import DatasetSpec

__all__ = [
    "ARRAY_DATASET",
    "FOLDER_DATASET",
    "Entry",
    "catalogue_of",
    "named_folder",
    "with_own_data",
]

FOLDER_DATASET = "image-folder"
ARRAY_DATASET = "arrays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A dataset that can be asked for, and where it was named to be."""

    spec: DatasetSpec
    path: Path | None = None
    base: str = ""
    """The dataset that reads own data, whose options hold for it too; empty for a registered
    one."""
    trains: bool = False
    """An own folder that was named with ``-d``: it is split, and trained on."""


def catalogue_of(session: Session, request: Request) -> dict[str, Entry]:
    """Return every dataset by name: registered ones, paths named, own folders."""
    entries = {
        name: Entry(spec=spec)
        for name, spec in session.plugins.datasets.items()
        if name not in (FOLDER_DATASET, ARRAY_DATASET)
    }
    folders = {**{n: str(p) for n, p in session.config.folders.items()}}
    folders |= dict(map(named_folder, request.folders))
    if request.fine_tune:
        folders |= dict([named_folder(request.fine_tune)])
    for name, folder in folders.items():
        if name in entries:
            raise BenchError(
                f"--folder {folder}", why=f"'{name}' is a dataset already", fix="use NAME=DIR"
            )
        spec = session.plugins.datasets.get(FOLDER_DATASET)
        if spec is None:
            raise BenchError("--folder", why="the image-folder plugin did not load: bench doctor")
        entries[name] = Entry(spec=replace(spec, name=name), path=Path(folder), base=FOLDER_DATASET)
    for text in request.datasets:
        name, equals, path = text.partition("=")
        if name in entries and entries[name].base:
            entries[name] = replace(entries[name], trains=True)
        if equals and name in entries:
            entries[name] = replace(entries[name], path=Path(path).expanduser())
        elif equals:
            entries[name] = _own_arrays(session, name, path, list(entries))
    return entries


def _own_arrays(session: Session, name: str, path: str, known: Sequence[str]) -> Entry:
    """Return the entry of a file or folder of arrays under a name of its own."""
    spec = session.plugins.datasets.get(ARRAY_DATASET)
    place = Path(path).expanduser()
    if spec is None or not place.exists():
        choose([name], known, "dataset", where="bench list datasets")
    if spec is None or sniff(place) is not Own.ARRAYS:
        raise DataError(
            f"{path} is a picture",
            why="a dataset is a folder of them, or a file of arrays",
            fix=f"bench predict {path}, or name the folder",
        )
    return Entry(spec=replace(spec, name=name), path=place, base=ARRAY_DATASET)


def with_own_data(session: Session, request: Request) -> Request:
    """Return the request with own data named: ``-d [NAME=]DIR`` of photos as ``--folder`` too."""
    own = {*session.config.folders, *(named_folder(text)[0] for text in request.folders)}
    known = {*session.plugins.datasets, *own} - {FOLDER_DATASET, ARRAY_DATASET}
    datasets, folders = list(request.datasets), list(request.folders)
    for place, text in enumerate(datasets):
        name, _, path = text.rpartition("=")
        there = Path(path).expanduser()
        if text in known or name in known or not there.exists():
            continue
        is_named = name not in ("", FOLDER_DATASET, ARRAY_DATASET)
        if name == FOLDER_DATASET or sniff(there) is Own.PHOTOS:
            folders.append(text if is_named else path)
            datasets[place] = named_folder(folders[-1])[0]
        else:
            datasets[place] = f"{name if is_named else name_of(there)}={path}"
    return replace(request, datasets=tuple(datasets), folders=tuple(folders))


def named_folder(text: str) -> tuple[str, str]:
    """Return the name and the folder of ``[NAME=]DIR``."""
    name, equals, folder = text.partition("=")
    if not equals:
        name, folder = "", text
    return name or name_of(Path(folder)), folder
