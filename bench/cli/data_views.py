"""What the verbs of ``bench data`` do, once they are called."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import msgspec
import numpy as np
from rich.text import Text

from bench.errors import BenchError, DataError, OptionError
from bench.loading.cache import cache_entries, cache_folder, clean_cache, open_split
from bench.loading.describe import summarise
from bench.loading.load import load_dataset
from bench.loading.refs import LoadedDataset
from bench.loading.sniff import Own, name_of, sniff
from bench.options import OptionValue, parse_setting
from bench.planning.selection import ARRAY_DATASET, FOLDER_DATASET, Session
from bench.render.console import make_console
from bench.render.dataset import (
    CLASS_COLUMNS,
    cache_lines,
    class_records,
    format_bytes,
    summary_lines,
)
from bench.render.export import as_csv as csv_text
from bench.render.hints import as_typed
from bench.render.pictures import half_blocks, side_by_side
from bench.session import open_session
from bench.spec import DatasetSpec

__all__ = ["Wanted", "convert_files", "fetch_files", "show_cache", "show_dataset"]

_PICTURE_COLUMNS = 16
_LOOK_AT = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A dataset as named on the command line."""

    text: str
    settings: tuple[str, ...] = ()
    folder_options: Mapping[str, str] = field(default_factory=dict)
    data_dir: Path | None = None
    plugins: tuple[str, ...] = ()


def _resolve(wanted: Wanted, session: Session) -> tuple[DatasetSpec, Path | None]:
    """Return the registration, and the path if one is named."""
    datasets, folders = session.plugins.datasets, session.config.folders
    name, equals, path = wanted.text.partition("=")
    session.plugins.refuse_unsettled(name)
    if name in datasets and name not in (FOLDER_DATASET, ARRAY_DATASET):
        return datasets[name], Path(path) if equals else None
    place = folders.get(name) or Path(path if equals else wanted.text).expanduser()
    if place.exists():
        kind = Own.PHOTOS if name == FOLDER_DATASET and place.is_dir() else sniff(place)
        if kind is Own.PHOTO:
            raise DataError(
                f"{wanted.text} is a picture",
                why="a dataset is a folder of them, or a file of arrays",
                fix=f"bench predict {wanted.text}, or name the folder",
            )
        is_named = (equals and name not in (FOLDER_DATASET, ARRAY_DATASET)) or name in folders
        named = name if is_named else name_of(place)
        if kind is Own.ARRAYS and named in datasets:
            return datasets[named], place
        own = datasets.get(FOLDER_DATASET if kind is Own.PHOTOS else ARRAY_DATASET)
        if own is not None:
            return replace(own, name=named), place
    close = get_close_matches(name, [*datasets, *folders], n=3)
    hint = f"did you mean {', '.join(close)}? " if close else ""
    raise BenchError(
        f"unknown dataset '{name}'",
        why=f"{hint}It is no file or folder either. All names: bench list datasets",
    )


def _load(
    wanted: Wanted, session: Session, look_at: int | None
) -> tuple[DatasetSpec, LoadedDataset]:
    spec, path = _resolve(wanted, session)
    base = ARRAY_DATASET if spec.reads_folders else FOLDER_DATASET
    owners = (spec.name, base) if path is not None and not spec.files else (spec.name,)
    settings: dict[str, OptionValue] = {}
    for owner in reversed(owners):
        settings |= session.config.options.get(owner, {})
    if wanted.folder_options.keys() - spec.options.keys():
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in wanted.folder_options)
        raise OptionError(flags, why=f"{spec.name} is no own folder")
    settings |= wanted.folder_options
    for text in wanted.settings:
        owner, option, value = parse_setting(text)
        if owner not in owners:
            raise OptionError(f"--set {text}", why=f"the dataset is named {spec.name}")
        settings[option] = value
    return spec, load_dataset(
        spec, settings=settings, path=path, search=session.search, look_at=look_at
    )


def show_dataset(
    wanted: Wanted,
    *,
    images: int,
    html: Path | None,
    look_at_all: bool,
    as_json: bool,
    as_csv: bool = False,
) -> None:
    """Print what a dataset holds, or write its contact sheet, which is of all its images."""
    session = open_session(data_dir=wanted.data_dir, plugins=wanted.plugins)
    spec, loaded = _load(wanted, session, None if look_at_all or html is not None else _LOOK_AT)
    if html is not None:
        from bench.cli.data_sheet import write_contact_sheet

        count = write_contact_sheet(spec, loaded, session, html.expanduser())
        print(f"wrote {html}: {count:,} image{'s' * (count != 1)}")
        return
    summary = summarise(spec, loaded)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(summary)).decode() + "\n")
        return
    if as_csv:
        print(csv_text(class_records(summary), CLASS_COLUMNS), end="")
        return
    console = make_console()
    for line in summary_lines(summary, console.width):
        console.print(line, soft_wrap=True)
    for line in _pictures(loaded, images, console.width, colour=console.color_system is not None):
        console.print(line, no_wrap=True, crop=False)


def _pictures(loaded: LoadedDataset, count: int, width: int, *, colour: bool) -> Iterator[Text]:
    ref = loaded.train or loaded.test
    if ref is None or not count:
        return
    first = open_split(ref)
    shown = min(count, len(first))
    pictures, captions = [], []
    for i in range(shown):
        image = first.take(np.array([i])).images[0]
        pictures.append(half_blocks(image, _PICTURE_COLUMNS, colour=colour))
        label = "?" if first.labels is None else loaded.classes[first.labels[i]]
        captions.append(_caption(label, first.names[i] if first.names else ""))
    which = "training" if loaded.train is not None else "test"
    yield Text()
    yield Text(f"  first {shown} {which} images", style="heading")
    yield from side_by_side(pictures, captions, _PICTURE_COLUMNS, width)


def _caption(label: str, name: str) -> str:
    """Return the label and as much of the end of a file's name as fits under a picture."""
    room = max(2, _PICTURE_COLUMNS - len(label) - 2)
    shown = name if len(name) <= room else f"…{name[1 - room :]}"
    return f"{label}  {shown}".rstrip()


def fetch_files(wanted: Wanted) -> None:
    """Download a dataset's files."""
    from bench.loading.fetch import fetch_dataset

    session = open_session(data_dir=wanted.data_dir, plugins=wanted.plugins)
    spec, _ = _resolve(wanted, session)
    if spec.embedded:
        print(f"{spec.name}: {spec.how_to_get or 'nothing to fetch'}")
        return
    folder = session.search[0]
    for path in fetch_dataset(spec, folder, progress=sys.stderr.isatty()):
        print(f"ready: {path}")


def convert_files(sources: tuple[Path, ...], target: Path) -> None:
    """Convert SVHN's official files."""
    from bench.loading.house_numbers import convert_svhn

    if len(sources) > 2:
        raise BenchError("data convert takes one or two .mat files", why=f"{len(sources)} given")
    counts = convert_svhn(tuple(source.expanduser() for source in sources), target.expanduser())
    print(f"wrote {target}: {counts['train']:,} training and {counts['test']:,} test images")
    if len(sources) == 1:
        print(f"the splits are the first 70 % and the rest of {sources[0].name}")
    print("SVHN is for non-commercial use only.")
    print(as_typed(f"Train on it: bench run -m 'cnn-svhn-*' -d svhn-h5={target}"))


def show_cache(*, clean: bool, as_json: bool) -> None:
    """List the data cache, or empty it."""
    folder = cache_folder()
    freed = clean_cache() if clean else None
    entries = cache_entries()
    if as_json:
        total = sum(entry.size_bytes for entry in entries)
        content = {"folder": str(folder), "size_bytes": total, "entries": entries}
        content |= {} if freed is None else {"freed_bytes": freed}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(content)).decode() + "\n")
        return
    if freed is not None:
        print(f"{format_bytes(freed)} freed in {folder}")
        return
    console = make_console()
    for line in cache_lines(str(folder), entries):
        console.print(line, soft_wrap=True)
