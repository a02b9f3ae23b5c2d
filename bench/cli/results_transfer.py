"""What ``bench results merge``, ``export`` and ``import`` print."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from bench.config import find_config, read_config
from bench.errors import StoreError
from bench.render.console import clean, make_console
from bench.render.export import as_json as to_json
from bench.render.hints import prog
from bench.store.anonymous import pseudonyms_of
from bench.store.archive import export_store, opened
from bench.store.atomic import readable_failure
from bench.store.formats import size
from bench.store.inside import make_folder
from bench.store.layout import Store, chosen_store, is_address
from bench.store.merge import Keep, Merged, merge_store
from bench.store.remote import fetched, mirrored, readable_store, sending, sent, shown_place

__all__ = ["show_exported", "show_imported", "show_merged"]

_LISTED = 40


def show_merged(
    explicit: Path | None, sources: Sequence[Path], *, keep: Keep, as_json: bool
) -> int:
    """Merge, print what came of it, and return the exit code."""
    chosen = [source.expanduser() for source in sources]
    read = [(shown_place(source), _source(source)) for source in chosen]  # before any is copied
    with _target(explicit) as (target, place):
        results = [(source, merge_store(target, store, keep)) for source, store in read]
    return _show(place, results, as_json=as_json)


def _source(path: Path) -> Store:
    store = mirrored(path, with_models=True) if is_address(path) else Store(path)
    if not store.root.is_dir():
        raise StoreError(f"store {shown_place(path)}", why="there is no such folder")
    if not any((store.root / part).is_dir() for part in ("trials", "evaluations")):
        raise StoreError(f"store {shown_place(path)}", why="it holds no trials")
    return store


@contextmanager
def _target(explicit: Path | None) -> Iterator[tuple[Store, str]]:
    """Give the store to be added to, and its place for messages; one at an address is sent to."""
    path = chosen_store(explicit, read_config(find_config()))
    if is_address(path):
        with sending(path) as store:
            yield store, shown_place(path)
    else:
        yield Store(path), str(path)


def show_imported(explicit: Path | None, file: Path, *, keep: Keep, as_json: bool) -> int:
    """Import, print what came of it, and return the exit code."""
    with _target(explicit) as (target, place):
        with readable_failure(target.root):
            make_folder(target.root)
            make_folder(target.work)
        with fetched(file, target.work) as copy, opened(copy, target.work) as source:
            merged = merge_store(target, source, keep)
    return _show(place, [(shown_place(file), merged)], as_json=as_json)


def show_exported(explicit: Path | None, file: Path, *, anonymous: bool, with_models: bool) -> None:
    """Export, and say how large the file is."""
    config = read_config(find_config())
    store, place = readable_store(explicit, config, with_models=with_models)
    if not store.root.is_dir():
        raise StoreError(f"store {place}", why="there is no such folder")
    names = pseudonyms_of(store) if anonymous else None
    with TemporaryDirectory() as folder:
        written = Path(folder) / "export.zip" if is_address(file) else file
        n = export_store(store, written, with_models=with_models, names=names)
        held = size(written.stat().st_size)
        if is_address(file):
            sent(written, file)
    console = make_console()
    console.print(Text(f"{shown_place(file)}: {n:,} trials and evaluations, {held}"))
    if names is not None:
        said = f"{len(names.persons):,} persons and {len(names.photos):,} photos are numbered"
        console.print(Text(f"{said}; logs are left out"))


def _show(target: str, results: Sequence[tuple[str, Merged]], *, as_json: bool) -> int:
    is_whole = not any(merged.conflicts or merged.damaged for _, merged in results)
    if as_json:
        print(to_json({"store": target, "merged": [_facts(*each) for each in results]}))
        return 0 if is_whole else 1
    console = make_console()
    for source, merged in results:
        _print_lost(console, merged)
        line = (
            f"{source}: {merged.trials:,} trials and {merged.evaluations:,} evaluations copied"
            f" to {target}, {merged.same:,} were there"
        )
        if merged.replaced:
            line += f", {merged.replaced:,} older ones set aside"
        console.print(Text(line))
    if any(merged.conflicts for _, merged in results):
        fix = "--keep newest sets the older aside, --keep both keeps them"
        console.print(Text(f"Conflicts were left as they are here: {fix}."))
    if any(merged.damaged for _, merged in results):
        console.print(Text(f"What is damaged was left out: {prog()} results verify says more."))
    return 0 if is_whole else 1


def _print_lost(console: Console, merged: Merged) -> None:
    lines = [f"  damaged   {place}: {clean(why)}" for place, why in merged.damaged.items()]
    lines += [
        f"  conflict  {clean(each.model)} on {clean(each.train_dataset)}, seed {each.seed}: "
        f"{clean('; '.join(each.differs)) or 'another training'}"
        for each in merged.conflicts
    ]
    for line in lines[:_LISTED]:
        console.print(Text(line, style="bad"))
    if len(lines) > _LISTED:
        console.print(Text(f"  … and {len(lines) - _LISTED} more (--json lists all)"))


def _facts(source: str, merged: Merged) -> dict[str, Any]:
    return {
        "from": source,
        "trials": merged.trials,
        "evaluations": merged.evaluations,
        "same": merged.same,
        "replaced": merged.replaced,
        "conflicts": [msgspec.structs.asdict(each) for each in merged.conflicts],
        "damaged": merged.damaged,
    }
