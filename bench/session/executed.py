"""Doing what a plan holds: the trials that are missing, and the boards they belong to."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from bench.board.leaderboard import Board, forget_gone, leaderboards
from bench.errors import BenchError
from bench.execution.events import Event, RunFinished, RunStarted, TrialFinished, Warned
from bench.execution.observers import observed
from bench.planning.grid import CellState, Plan
from bench.planning.request import Request
from bench.planning.shipped import import_shipped
from bench.planning.task import Limits, TrialTask
from bench.plugins.discovery import Plugins
from bench.session.planned import open_session, plan
from bench.spec import Style
from bench.store.layout import Store
from bench.store.read import read_trial
from bench.store.record import State
from bench.store.write import set_aside, supersede

__all__ = ["RunResult", "execute"]


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
    from bench.execution.backends import backend_of
    from bench.execution.client import run_tasks

    return run_tasks(
        tasks,
        store=store,
        backend=backend_of(tasks, request),
        limits=Limits(
            timeout_seconds=request.timeout_seconds,
            memory_bytes=request.memory_bytes,
            retries=request.retries,
        ),
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
    if not bases and request.shard is not None:
        return RunFinished(counts={}, seconds=0.0)
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
