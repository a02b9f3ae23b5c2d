"""What the verbs of ``bench data`` do, once they are called."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.text import Text

from bench.cli.view_command import print_value
from bench.errors import BenchError, OptionError, UndecidedError
from bench.loading.cache import cache_folder
from bench.loading.cache_contents import CacheEntry, cache_entries, clean_cache
from bench.loading.refs import LoadedDataset
from bench.options import OptionValue, parse_setting
from bench.planning.request import Session
from bench.render.console import make_console, plain
from bench.render.hints import as_typed
from bench.session import open_session
from bench.session.data import find_dataset, read_dataset
from bench.spec import DatasetSpec
from bench.store.formats import size
from bench.views.inspect import VIEW, Options, Source, question_lines

__all__ = ["Wanted", "convert_files", "fetch_files", "load_wanted", "show_cache", "show_dataset"]

_LOOK_AT = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A dataset as named on the command line."""

    text: str
    settings: tuple[str, ...] = ()
    folder_options: Mapping[str, str] = field(default_factory=dict)
    data_dir: Path | None = None
    plugins: tuple[str, ...] = ()


def load_wanted(
    wanted: Wanted, session: Session, look_at: int | None = None
) -> tuple[DatasetSpec, LoadedDataset]:
    """Return a dataset's registration, and the dataset; see `load_dataset`.

    Raises
    ------
    BenchError
        If it is none, or cannot be read.
    """

    def settings_of(owners: tuple[str, ...]) -> dict[str, OptionValue]:
        spec, _ = find_dataset(wanted.text, session)
        if wanted.folder_options.keys() - spec.options.keys():
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in wanted.folder_options)
            raise OptionError(flags, why=f"{spec.name} is no own folder")
        settings: dict[str, OptionValue] = {**wanted.folder_options}
        for text in wanted.settings:
            owner, option, value = parse_setting(text)
            if owner not in owners:
                raise OptionError(f"--set {text}", why=f"the dataset is named {spec.name}")
            settings[option] = value
        return settings

    return read_dataset(wanted.text, session, settings_of, look_at)


def show_dataset(
    wanted: Wanted,
    *,
    images: int,
    show: bool = False,
    html: Path | None,
    look_at_all: bool,
    as_json: bool,
    as_csv: bool = False,
) -> None:
    """Print what a dataset holds, or write its contact sheet, which is of all its images."""
    session = open_session(data_dir=wanted.data_dir, plugins=wanted.plugins)
    try:
        spec, loaded = load_wanted(
            wanted, session, None if look_at_all or html is not None else _LOOK_AT
        )
    except UndecidedError as error:
        if not (as_json or as_csv):
            console = make_console()
            for line in question_lines(error.readings, console.width):
                console.print(line, soft_wrap=True)
        raise
    if html is not None:
        from bench.cli.data_sheet import write_contact_sheet

        count = write_contact_sheet(spec, loaded, session, html.expanduser())
        print(f"wrote {html}: {count:,} image{'s' * (count != 1)}")
        return
    options = Options(images=images, show=show)
    value = VIEW.compute(Source(spec=spec, loaded=loaded), options)
    print_value(VIEW, value, options, is_json=as_json, is_csv=as_csv)


def fetch_files(wanted: Wanted) -> None:
    """Download a dataset's files."""
    from bench.loading.fetch import fetch_dataset

    session = open_session(data_dir=wanted.data_dir, plugins=wanted.plugins)
    spec, _ = find_dataset(wanted.text, session)
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
        print(f"{size(freed)} freed in {folder}")
        return
    console = make_console()
    for line in _cache_lines(str(folder), entries):
        console.print(line, soft_wrap=True)


def _cache_lines(folder: str, entries: Sequence[CacheEntry]) -> Iterator[Text]:
    """Yield the lines of ``bench data cache``."""
    if not entries:
        yield plain(f"the data cache {folder} is empty")
        return
    for entry in sorted(entries, key=lambda entry: -entry.size_bytes):
        if entry.kind != "index":
            shown = f"  {size(entry.size_bytes):>10}  {entry.kind:<6} "
            what = entry.used_by or ("no longer used" if entry.kind == "split" else entry.name)
            yield Text(shown) + plain(what)
    total = sum(entry.size_bytes for entry in entries)
    yield plain(f"{size(total)} in {folder}")
    yield plain("Everything in it can be made again: bench data cache --clean")
