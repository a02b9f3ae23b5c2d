"""The engine behind the command line and Python: select, plan, run, read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.board.leaderboard import Board, forget_gone, leaderboards, per_seed, row_as_dict
from bench.board.metrics_in_use import use_metrics
from bench.config import find_config, read_config
from bench.errors import BenchError, StoreError
from bench.execution.events import Event, RunFinished, RunStarted, TrialFinished, Warned
from bench.execution.observers import observed
from bench.loading.cache import cache_folder, cache_in_use
from bench.loading.files import data_dirs
from bench.loading.refs import LoadedDataset
from bench.planning.estimate import Pace, run_seconds, with_estimates
from bench.planning.grid import Cell, CellState, Plan, TrainedOn, plan_trials
from bench.planning.selection import Request, Session, select
from bench.planning.shipped import import_shipped, shipped_cells
from bench.planning.task import Limits, TrialTask
from bench.plugins.discovery import Plugins, load_plugins
from bench.plugins.finding import named_plugins
from bench.render.notices import tell_once
from bench.spec import DatasetSpec, ModelSpec, Style
from bench.store.layout import Store, store_of
from bench.store.read import read_trial
from bench.store.record import State
from bench.store.write import set_aside, supersede

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Request",
    "RunResult",
    "execute",
    "load_results",
    "open_session",
    "plan",
    "run",
]

FOLDER_DATASET = "image-folder"
_LOSSES_SAID = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run gives back: the boards it added to, and how its trials ended."""

    plan: Plan
    boards: tuple[Board, ...]
    counts: Mapping[State, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 done, 1 some trial failed, 130 interrupted."""
        if self.interrupted:
            return 130
        failed = sum(n for state, n in self.counts.items() if state is not State.OK)
        return int(bool(failed or self.plan.count(CellState.FAILED)))


def open_session(
    *,
    store: Path | None = None,
    data_dir: Path | None = None,
    plugins: Iterable[str] = (),
) -> Session:
    """Read ``bench.toml`` and load every plugin.

    Raises
    ------
    BenchError
        If ``bench.toml`` is wrong.
    """
    config = read_config(find_config())
    loaded = load_plugins([*config.plugins, *plugins], config.disable, config.prefer)
    for name in plugins:
        broken = [each for each in loaded.broken if each.candidate in named_plugins([name])]
        if broken:
            raise BenchError(f"plugin {name}", why=broken[0].reason)
    tell_once(loaded.warnings())
    use_metrics(loaded.metrics.values())
    return Session(
        config=config,
        plugins=loaded,
        store=store_of(store, config),
        search=data_dirs(data_dir, config.data_dir),
    )


def plan(request: Request) -> Plan:
    """Return what `request` would do, without training anything.

    Raises
    ------
    BenchError
        If nothing matches, a named dataset is missing or wrong, or an option does not exist.
    """
    session = open_session(store=request.store, data_dir=request.data_dir, plugins=request.plugins)
    chosen = select(session, request)
    cells = plan_trials(
        session.plugins,
        chosen.models,
        chosen.pairings,
        request.seeds,
        chosen.settings,
        session.store,
    )
    cells += shipped_cells(session.plugins, chosen.models, chosen.evaluation_only, session.store)
    jobs = _jobs(request, cells)
    cells = with_estimates(
        [*cells, *chosen.failed],
        session.plugins.models,
        session.store,
        lambda: _pace(session.plugins, jobs, request.cache_dir),
    )
    return Plan(
        cells=tuple(cells),
        store=session.store.root,
        fine_tune=chosen.fine_tune,
        evaluated=tuple(dict.fromkeys(t.name for p in chosen.pairings for t in p.tests)),
        notes=_notes(chosen.pairings),
        jobs=jobs,
        estimated_seconds=run_seconds(cells, jobs),
    )


def _jobs(request: Request, cells: Sequence[Cell]) -> int:
    tasks = [cell.task for cell in cells if cell.task is not None]
    if not tasks:
        return 1
    # Imported here, as in `_run`.
    from bench.execution.scheduling import choose_jobs

    return choose_jobs(request.jobs, tasks) if request.isolate else 1


def _pace(plugins: Plugins, jobs: int, cache_dir: Path | None) -> Pace:
    from bench.execution.machine import machine_facts
    from bench.planning.probe import machine_speed

    facts = machine_facts()
    processor = f"{facts.processor} {facts.instruction_set}"
    speed = machine_speed(plugins.models.values(), processor, cache_folder(cache_dir))
    return Pace(speed=speed, threads=max(1, facts.cores // jobs))


def _notes(trained_on: Sequence[TrainedOn]) -> tuple[str, ...]:
    tests = {test.name: test for pairing in trained_on for test in pairing.tests}
    return tuple(
        f"{name}: {note}" for name, test in tests.items() for note in (*test.notes, *_losses(test))
    )


def _losses(test: LoadedDataset) -> list[str]:
    """Say which samples are not scored or count as wrong; of many, the first."""
    lost = [f"{found.sample}: {found.fault}" for found in test.findings if found.is_lost]
    more = len(lost) - _LOSSES_SAID
    said = lost[:_LOSSES_SAID] if more > 1 else lost
    return [*said, *([f"… and {more} more: bench data inspect"] if more > 1 else [])]


def execute(
    request: Request,
    on_event: Callable[[Event], None],
    planned: Plan | None = None,
    *,
    replan: bool = True,
) -> RunResult:
    """Run what is missing and return the boards it belongs to.

    Parameters
    ----------
    request : Request
    on_event : callable
        Told every event, in this process.
    planned : Plan or None
        The plan of this request, if it has been made already.
    replan : bool
        Whether trials whose plugin was edited meanwhile are planned again, once.

    Raises
    ------
    BenchError
        As `plan`, or if the store cannot be written.
    """
    made = plan(request) if planned is None else planned
    store = Store(made.store)
    tasks = made.tasks
    on_event(
        RunStarted(
            trials=len(tasks),
            cached=made.count(CellState.CACHED),
            estimated_seconds=made.estimated_seconds,
        )
    )
    outcome = RunFinished(counts={}, seconds=0.0)
    if tasks or made.fine_tune:
        session = open_session(
            store=request.store, data_dir=request.data_dir, plugins=request.plugins
        )
        changed: set[str] = set()

        def hear(event: Event) -> None:
            if isinstance(event, TrialFinished) and event.state is State.CODE_CHANGED:
                changed.add(event.trial_id)
            on_event(event)

        emit = observed(hear, session.plugins.observers())
        for cell in made.cells:
            for folder in cell.damaged:
                set_aside(store, folder)
        for task in tasks:
            if task.train is None:
                import_shipped(store, task)
            elif not task.stored and store.trial(task.trial_id).is_dir():
                supersede(store, task.trial_id)  # fresh, outgrown, or its notes hold no more
        forget_gone(store)
        outcome = _run(tasks, store, request, emit)
        if changed and not outcome.interrupted and replan:
            return _planned_again(request, on_event, made, outcome, changed)
        if made.fine_tune and not outcome.interrupted:
            outcome = _merged(outcome, _fine_tune(made, session.plugins, store, request, emit))
    on_event(outcome)
    boards = leaderboards(
        store, test_datasets=_board_names(made), exclude_duplicates=request.exclude_duplicates
    )
    return RunResult(
        plan=made,
        boards=tuple(boards),
        counts={State(state): n for state, n in outcome.counts.items()},
        interrupted=outcome.interrupted,
    )


def _planned_again(
    request: Request,
    on_event: Callable[[Event], None],
    first: Plan,
    outcome: RunFinished,
    changed: Set[str],
) -> RunResult:
    """Run once more what was planned on code that changed meanwhile; nothing else of the plan."""
    n_changed = len(changed)
    trials = "1 trial is" if n_changed == 1 else f"{n_changed} trials are"
    on_event(Warned(message=f"the plugin was changed meanwhile: {trials} planned again"))
    again = plan(replace(request, fresh=False))
    known = {cell.trial_id for cell in first.cells} - changed
    cells = tuple(
        replace(cell, task=None) if cell.task and cell.trial_id in known else cell
        for cell in again.cells
    )
    result = execute(request, on_event, replace(again, cells=cells), replan=False)
    counts = Counter(outcome.counts) + Counter(result.counts)
    counts[State.CODE_CHANGED] -= n_changed
    return replace(
        result,
        counts={State(state): n for state, n in counts.items() if n},
    )


def _run(
    tasks: Sequence[TrialTask], store: Store, request: Request, on_event: Callable[[Event], None]
) -> RunFinished:
    if not tasks:
        return RunFinished(counts={}, seconds=0.0)
    # Imported here: a run with nothing to do needs no part of it.
    from bench.execution.local import run_tasks

    return run_tasks(
        tasks,
        store=store,
        jobs=request.jobs,
        limits=Limits(
            timeout_seconds=request.timeout_seconds,
            memory_bytes=request.memory_bytes,
            retries=request.retries,
        ),
        isolate=request.isolate,
        emit=on_event,
    )


def _merged(first: RunFinished, second: RunFinished) -> RunFinished:
    states = first.counts.keys() | second.counts.keys()
    return RunFinished(
        counts={
            state: first.counts.get(state, 0) + second.counts.get(state, 0) for state in states
        },
        seconds=first.seconds + second.seconds,
        interrupted=first.interrupted or second.interrupted,
    )


def _fine_tune(
    made: Plan,
    plugins: Plugins,
    store: Store,
    request: Request,
    on_event: Callable[[Event], None],
) -> RunFinished:
    """Continue each stored trial that takes initial weights, in folds, and pool them."""
    from bench.planning.fine_tune import folded_trial, pool_folds

    bases = [
        read_trial(store.trial(cell.trial_id))
        for cell in made.cells
        if cell.trial_id and store.trial(cell.trial_id).is_dir()
    ]
    bases = [base for base in bases if "initial_weights" in base.identity.options]
    if not bases:
        raise BenchError(
            "--fine-tune", why="no model of this run takes initial weights", fix="add -m cnn-robust"
        )
    folded = [
        folded_trial(
            plugins,
            base,
            made.fine_tune[Style(base.train_style)],
            store,
            request.cache_dir,
        )
        for base in bases
    ]
    tasks = [task for each in folded for task in each.tasks if task.evaluations or not task.stored]
    outcome = _run(tasks, store, request, on_event)
    for each in folded:
        pool_folds(store, each)
    return outcome


def _board_names(made: Plan) -> set[str]:
    names = set(made.test_datasets)
    for task in made.tasks:
        names.update(evaluation.test_dataset for evaluation in task.evaluations)
    return names | set(made.evaluated)


def run(
    models: str | ModelSpec | Sequence[str | ModelSpec] = (),
    datasets: str | DatasetSpec | Sequence[str | DatasetSpec] = (),
    *,
    on_event: Callable[[Event], None] | None = None,
    **options: Any,
) -> "pd.DataFrame":
    """Train and evaluate what is missing; return the leaderboards as a DataFrame.

    Parameters
    ----------
    models, datasets : str, spec, or a sequence of them
        Names and globs; none means all that are there. A `ModelSpec` or `DatasetSpec`, as a
        notebook makes it, travels to the workers as the source of its functions.
    on_event : callable
        Told every event while it runs; left out, progress is written to standard error.
    **options
        The other fields of `Request`, for example ``seeds=(1, 2, 3)`` or ``store="results/mine"``.

    Returns
    -------
    DataFrame
        The machine-readable leaderboard, a line a row.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, once what is finished is stored: the same call goes on.
    """
    for name in ("store", "data_dir", "cache_dir"):
        if options.get(name) is not None:
            options[name] = Path(options[name])
    for name in ("seeds", "folders", "settings", "plugins"):
        if name in options:
            options[name] = _as_tuple(options[name])
    written = _written([*_as_tuple(models), *_as_tuple(datasets)], options.get("cache_dir"))
    options["plugins"] = (*options.get("plugins", ()), *written)
    request = Request(models=_names(models), datasets=_names(datasets), **options)
    with cache_in_use(request.cache_dir), _progress(request, on_event) as tell:
        result = execute(request, tell)
    if result.interrupted:
        done = result.counts.get(State.OK, 0)
        raise KeyboardInterrupt(f"{done} trials are finished and kept; the same call goes on")
    return _frame(row_as_dict(row) for board in result.boards for row in board.rows)


@contextmanager
def _progress(
    request: Request, on_event: Callable[[Event], None] | None
) -> Iterator[Callable[[Event], None]]:
    """Give what is told the events: the caller's own, or a display beside the output."""
    if on_event is not None:
        yield on_event
        return
    from bench.render.console import make_console
    from bench.render.live import make_view

    console = make_console(stderr=True)
    with make_view(console, several_seeds=len(request.seeds) > 1) as view:
        yield view


def _as_tuple(value: Any) -> tuple[Any, ...]:
    is_one = isinstance(value, str | int | Path | ModelSpec | DatasetSpec)
    return (value,) if is_one else tuple(value)


def _names(given: Any) -> tuple[str, ...]:
    return tuple(each if isinstance(each, str) else each.name for each in _as_tuple(given))


def _written(given: Iterable[Any], cache_dir: Path | None) -> list[str]:
    """Write a plugin file for each spec among what was given, and return their names."""
    specs = [each for each in given if isinstance(each, ModelSpec | DatasetSpec)]
    if not specs:
        return []
    from bench.plugins.written import write_plugin

    folder = cache_folder(cache_dir) / "plugins"
    return [str(write_plugin(spec, folder)) for spec in specs]


def load_results(
    store: str | Path | None = None, *, each_seed: bool = False, exclude_duplicates: bool = False
) -> "pd.DataFrame":
    """Return a store's leaderboards as a DataFrame with the documented columns.

    Parameters
    ----------
    store : str, Path or None
        Its folder (default: ``BENCH_STORE``, ``bench.toml``, ``./results/local``).
    each_seed : bool
        A line for each evaluation instead of one over the seeds; of all its images.
    exclude_duplicates : bool
        Score without the test images that are, or nearly are, training images of a row.
    """
    place = store_of(Path(store) if store else None, read_config(find_config()))
    if not place.root.is_dir():
        raise StoreError(f"store {place.root}", why="there is no such folder")
    if each_seed:
        return _frame(map(row_as_dict, per_seed(place)))
    boards = leaderboards(place, exclude_duplicates=exclude_duplicates)
    return _frame(row_as_dict(row) for board in boards for row in board.rows)


def _frame(rows: Iterable[dict[str, Any]]) -> "pd.DataFrame":
    import pandas as pd

    from bench.board.leaderboard import COLUMNS

    return pd.DataFrame(list(rows), columns=list(COLUMNS))
