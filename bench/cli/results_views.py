"""What ``bench results`` prints."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.board.verify import Verified, verify_store
from bench.config import find_config, read_config
from bench.errors import StoreError
from bench.planning.task import TrialTask
from bench.render.console import clean, make_console
from bench.render.dataset import format_bytes
from bench.render.export import as_json as to_json
from bench.render.hints import prog
from bench.store.clean import Removable, Which, find_removable, remove
from bench.store.layout import Store
from bench.store.record import TrialRecord

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


def show_verified(asked: Asked, *, rerun: int, seed: int, as_json: bool) -> int:
    """Verify, train again if asked to, print, and return the exit code."""
    store = _existing_store(asked.store)
    verified = verify_store(store)
    reruns = _rerun(asked, store, rerun, seed) if rerun else []
    is_fine = not verified.problems and all(each["is_fine"] for each in reruns)
    if as_json:
        facts = {
            "trials": verified.trials,
            "evaluations": verified.evaluations,
            "files": verified.files,
            "scores": verified.scores,
            "unsealed": verified.unsealed,
            "earlier_version": verified.earlier,
            "problems": [{"folder": p.folder, "what": p.what} for p in verified.problems],
            "reruns": reruns,
        }
        print(to_json(facts))
        return 0 if is_fine else 1
    console = make_console()
    _print_verified(console, store, verified)
    for each in reruns:
        figures = (
            f" · largest difference {each['largest_difference']:.2g}"
            if (each["largest_difference"])
            else ""
        )
        style = "" if each["is_fine"] else "bad"
        reason = f": {clean(each['reason'])}" if each["reason"] else ""
        line = f"  trained again  {each['model']}  {each['verdict']}{reason}{figures}"
        console.print(Text(line, style=style))
    return 0 if is_fine else 1


def _print_verified(console: Console, store: Store, verified: Verified) -> None:
    for problem in verified.problems[:_LISTED]:
        console.print(Text(f"  {problem.folder}: {clean(problem.what)}", style="bad"))
    if len(verified.problems) > _LISTED:
        console.print(Text(f"  … and {len(verified.problems) - _LISTED} more (--json lists all)"))
    looked = (
        f"{verified.trials:,} trials, {verified.evaluations:,} evaluations, {verified.files:,} "
        f"file hashes, {verified.scores:,} scores"
    )
    if verified.unsealed:
        n = verified.unsealed
        records = "1 record has" if n == 1 else f"{n:,} records have"
        console.print(Text(f"{records} no self-hash (an earlier version): the rest was checked"))
    if verified.earlier:
        says = (
            f"{verified.earlier:,} trials are an earlier version's: they are read and shown as "
            f"they are, and {prog()} run would train them anew"
        )
        console.print(Text(says))
    if not verified.problems:
        console.print(Text(f"{store.root}: as it was written ({looked})"))
        return
    folders = len({problem.folder for problem in verified.problems})
    console.print(Text(f"{store.root}: {folders} folders are not as written ({looked})"))
    console.print(Text(f"Remove such a folder and {prog()} run makes it again."))


def _rerun(asked: Asked, store: Store, n: int, seed: int) -> list[dict[str, Any]]:
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
        found = rerun_trials(store, choose_sample(store, n, seed), plan, emit=tell)
    return [{**asdict(each), "is_fine": each.is_fine} for each in found]


def _task_of(asked: Asked, store: Store, record: TrialRecord) -> TrialTask:
    """Return the task that ``bench run`` would make today of a record's own options."""
    from bench.session import Request, plan

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


def show_cleaned(explicit: Path | None, which: Which, *, yes: bool, as_json: bool) -> None:
    """List what can go; remove it if told to."""
    store = _existing_store(explicit)
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
        size = format_bytes(sum(each.size_bytes for each in found))
        console.print(Text(f"{len(found)} would go, {size}. Nothing was removed: add --yes"))
    else:
        n_removed = len(found) - len(left)
        console.print(Text(f"{n_removed} removed, {format_bytes(freed)} freed"))
        for what in left:
            console.print(Text(f"  left, a run is at it: {clean(what)}"))


def _print_found(console: Console, found: Sequence[Removable]) -> None:
    for each in found[:_LISTED]:
        console.print(Text(f"  {clean(each.what)}  {format_bytes(each.size_bytes)}"))
    if len(found) > _LISTED:
        console.print(Text(f"  … and {len(found) - _LISTED} more"))
