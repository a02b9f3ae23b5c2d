"""What ``bench results`` prints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.board.find import trials_of
from bench.board.verify import verify_store
from bench.cli.view_command import print_value
from bench.config import find_config, read_config
from bench.errors import StoreError
from bench.planning.task import TrialTask
from bench.render.console import clean, make_console
from bench.render.export import as_json as to_json
from bench.render.hints import prog
from bench.store.clean import Removable, Which, find_removable, remove
from bench.store.formats import size
from bench.store.layout import Store
from bench.store.record import TrialRecord, variant_of
from bench.views import NoOptions

if TYPE_CHECKING:
    from bench.execution.rerun import Rerun

__all__ = ["Asked", "show_cleaned", "show_verified"]

_LISTED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where to look."""

    store: Path | None
    data_dir: Path | None
    plugins: tuple[str, ...]


def _existing_store(explicit: Path | None) -> Store:
    from bench.store.layout import store_of

    store = store_of(explicit, read_config(find_config()))
    if not store.root.is_dir():
        raise StoreError(
            f"there is no store {store.root}", fix=f"make one with {prog()} run, or name another"
        )
    return store


def show_verified(asked: Asked, *, rerun: int, seed: int, as_json: bool, as_csv: bool) -> None:
    """Verify, train again if asked to, and print; ends with 1 where something is wrong."""
    from bench.views.verify import VIEW, Checked

    store = _existing_store(asked.store)
    verified = verify_store(store)
    reruns = _rerun(asked, store, rerun, seed) if rerun else []
    value = Checked(root=store.root, verified=verified, reruns=tuple(reruns))
    print_value(VIEW, value, NoOptions(), is_json=as_json, is_csv=as_csv)


def _rerun(asked: Asked, store: Store, n: int, seed: int) -> "list[Rerun]":
    from bench.execution.events import Event, TrialFinished
    from bench.execution.rerun import choose_sample, rerun_trials
    from bench.loading.cache import cache_in_use

    console = make_console(stderr=True)

    def tell(event: Event) -> None:
        if isinstance(event, TrialFinished):
            line = f"  trained {event.model} on {event.train_dataset}: {event.state}"
            console.print(Text(line))

    def plan(record: TrialRecord) -> TrialTask:
        return _task_of(asked, store, record)

    with cache_in_use():
        return list(rerun_trials(store, choose_sample(store, n, seed), plan, emit=tell))


def _task_of(asked: Asked, store: Store, record: TrialRecord) -> TrialTask:
    """Return the task that ``bench run`` would make today of a record's own options."""
    from bench.session import Request, plan

    if variant_of(record).origin:
        raise StoreError("it cannot be trained again", why="it was not trained by this program")
    settings = tuple(
        f"{record.model}.{name}={value}" for name, value in record.identity.options.items()
    )
    made = plan(
        Request(
            models=(record.model,),
            datasets=(record.train_dataset,),
            seeds=(record.seed,),
            settings=settings,
            precision=record.precision,
            fresh=True,
            store=store.root,
            data_dir=asked.data_dir,
            plugins=asked.plugins,
        )
    )
    if not made.tasks:
        reasons = [cell.reason for cell in made.cells if cell.reason] or ["nothing to train"]
        raise StoreError("it cannot be planned", why=reasons[0])
    return made.tasks[0]


def show_cleaned(
    explicit: Path | None, which: Which, models: Sequence[str], *, yes: bool, as_json: bool
) -> None:
    """List what can go, of trials those that any of `models` names; remove it if told to."""
    store = _existing_store(explicit)
    if models:
        which = replace(which, trials=trials_of(store, models))
    found = find_removable(store, which)
    freed, left = remove(store, found) if yes else (0, [])
    if as_json:
        listed = [{"what": each.what, "size_bytes": each.size_bytes} for each in found]
        print(to_json({"removed": yes, "freed_bytes": freed, "found": listed, "in_use": left}))
        return
    console = make_console()
    _print_found(console, found)
    if not found:
        console.print(Text(f"{store.root}: nothing to remove"))
    elif not yes:
        would_go = size(sum(each.size_bytes for each in found))
        console.print(Text(f"{len(found)} would go, {would_go}. Nothing was removed: add --yes"))
    else:
        n_removed = len(found) - len(left)
        console.print(Text(f"{n_removed} removed, {size(freed)} freed"))
        for what in left:
            console.print(Text(f"  left, a run is at it: {clean(what)}"))


def _print_found(console: Console, found: Sequence[Removable]) -> None:
    for each in found[:_LISTED]:
        console.print(Text(f"  {clean(each.what)}  {size(each.size_bytes)}"))
    if len(found) > _LISTED:
        console.print(Text(f"  … and {len(found) - _LISTED} more"))
